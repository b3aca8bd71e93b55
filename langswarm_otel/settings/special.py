"""The fields whose value depends on more than one variable or on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import semconv
from langswarm_otel.config import SignalConfig
from langswarm_otel.endpoints import SIGNALS, SignalName
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.explain import INHERITED
from langswarm_otel.settings.draft import ARGUMENT, Draft, source_of
from langswarm_otel.settings.fields import LIMITS, SIGNAL_RULES
from langswarm_otel.settings.frozen import FrozenMapping
from langswarm_otel.settings.plugins import OTLP_BY_NAME, RATIO_SAMPLERS, SAMPLERS
from langswarm_otel.settings.reading import NOTHING, ratio
from langswarm_otel.settings.rules import text
from langswarm_otel.settings.variables import SDK_DISABLED, Variable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.endpoints import Protocol

IDENTITY: Final = {
    "service_name": semconv.SERVICE_NAME,
    "service_version": semconv.SERVICE_VERSION,
    "service_namespace": semconv.SERVICE_NAMESPACE,
    "environment": semconv.DEPLOYMENT_ENVIRONMENT_NAME,
}
"""Fields that are attributes of the resource."""

SHARED: Final = ("schedule_delay_s", "max_export_batch_size")
"""Fields that the spans' and the log records' variables both set, because these share a worker; the smaller value satisfies both."""

FIELDS: Final = frozenset(
    {
        *IDENTITY,
        *LIMITS,
        *SHARED,
        *SIGNALS,
        "disabled",
        "headers",
        "prometheus_port",
        "resource_attributes",
        "sample_ratio",
        "sampler",
        "sampler_argument",
    }
)
"""What is settled here and not by the usual order alone."""

PROMETHEUS_PORT: Final = 9464
"""OpenTelemetry's default."""

_SAMPLE_RATIO: Final = Variable("OTEL_TRACES_SAMPLER_ARG", "sample_ratio", ratio)


def settle(draft: Draft) -> None:
    """Settle all of them.

    Raises:
        ConfigurationError: a variable is malformed, or two arguments contradict each other.
    """
    _settle_resource(draft)
    _settle_headers(draft)
    for signal in SIGNALS:
        _settle_signal(draft, signal)
    _settle_prometheus(draft)
    _settle_sampler(draft)
    _settle_limits(draft)
    for field in SHARED:
        draft.take(field)
        if not draft.is_argument(field) and (found := draft.found(field)):
            draft.settle(field, *min(found, key=lambda pair: pair[0]))


def settle_disabled(draft: Draft) -> None:
    """Settle whether anything runs; ``OTEL_SDK_DISABLED`` wins over an argument too, because the SDK obeys it whatever we say."""
    draft.take("disabled")
    if draft.read(SDK_DISABLED) is True:
        draft.settle("disabled", value=True, source=source_of(SDK_DISABLED))


def _merged(argument: Mapping[str, Any], environment: Mapping[str, Any], source: str) -> tuple[FrozenMapping[str, Any], str]:
    """Put two mappings together, name by name; the argument wins."""
    theirs = sorted(set(environment) - set(argument))
    both = f"{ARGUMENT} ({', '.join(sorted(argument))}) + {source} ({', '.join(theirs)})"
    return FrozenMapping({**environment, **argument}), both if argument and theirs else source if theirs else ARGUMENT


def _settle_resource(draft: Draft) -> None:
    """Settle the resource's attributes, those with a field of their own apart, so that each stands in one place only."""
    given = draft.given.resource_attributes
    found = draft.found("resource_attributes")
    attributes, source = found[0] if found else (FrozenMapping(), draft.preset_source)
    for field, key in IDENTITY.items():
        own = draft.found(field)
        if draft.is_argument(field):
            value = getattr(draft.given, field)
            if given.get(key, value) != value:
                raise ConfigurationError(field, value, f"resource_attributes has {key}={given[key]!r} beside it; keep one of the two")
            draft.settle(field, value, ARGUMENT)
        elif key in given:
            draft.settle(field, text(f"resource_attributes[{key!r}]", given[key]), f"{ARGUMENT} resource_attributes")
        elif own:
            draft.settle(field, *own[0])
        elif key in attributes:
            draft.settle(field, attributes[key] or None, source)
        else:
            draft.settle(field, getattr(draft.given, field), draft.preset_source)
    named = set(IDENTITY.values())
    rest = {key: value for key, value in given.items() if key not in named}
    theirs = {key: value for key, value in attributes.items() if key not in named}
    if rest or theirs or draft.is_argument("resource_attributes"):
        draft.settle("resource_attributes", *_merged(rest, theirs, source))
    else:
        draft.settle("resource_attributes", FrozenMapping(), draft.preset_source)


def _settle_headers(draft: Draft) -> None:
    draft.take("headers")
    found = draft.found("headers")
    if draft.is_argument("headers") and found:
        draft.settle("headers", *_merged(draft.given.headers, *found[0]))


def _settle_signal(draft: Draft, signal: SignalName) -> None:
    """Settle a signal's own settings; a general argument wins over a signal's variable, as every argument does."""
    own = draft.given.signal(signal)
    values: dict[str, Any] = {}
    for name in SIGNAL_RULES:
        field = f"{signal}.{name}"
        values[name] = getattr(own, name)
        if values[name] is not None:
            draft.sources[field] = ARGUMENT
        elif not draft.is_argument(name) and (found := draft.found(field)):
            values[name], draft.sources[field] = found[0]
        else:
            draft.sources[field] = INHERITED
    _settle_signal_headers(draft, signal, values)
    _settle_exporters(draft, signal, values)
    draft.values[signal] = SignalConfig(**values)


def _settle_signal_headers(draft: Draft, signal: SignalName, values: dict[str, Any]) -> None:
    """Settle a signal's own headers: its variable stands in place of the general one, and arguments are added, as the exporter does."""
    field = f"{signal}.headers"
    own, theirs = draft.given.signal(signal).headers, draft.found(field)
    if own is None and not theirs:
        return
    environment, source = (theirs or draft.found("headers") or [(FrozenMapping(), "")])[0]
    argument = own if own is not None else draft.given.headers if draft.is_argument("headers") else {}
    values["headers"], draft.sources[field] = _merged(argument, environment, source)


def _settle_exporters(draft: Draft, signal: SignalName, values: dict[str, Any]) -> None:
    """Settle a signal's exporters; OpenTelemetry's names for OTLP over one protocol also set the protocol."""
    field = f"{signal}.exporters"
    names = values["exporters"]
    if names is None:
        draft.sources[field] = draft.preset_source
        return
    protocols: set[Protocol] = {OTLP_BY_NAME[name] for name in names if name in OTLP_BY_NAME}
    values["exporters"] = tuple("otlp" if name in OTLP_BY_NAME else name for name in names)
    is_argument = draft.sources[field] == ARGUMENT
    chosen = draft.given.signal(signal).protocol
    if len(protocols) > 1 or (is_argument and chosen and protocols - {chosen}):
        raise ConfigurationError(
            field, names, "OTLP of one signal goes over one protocol; name one exporter, and no other protocol beside it"
        )
    if protocols and chosen is None and (is_argument or not draft.is_argument("protocol")):
        values["protocol"], draft.sources[f"{signal}.protocol"] = protocols.pop(), draft.sources[field]


def _settle_prometheus(draft: Draft) -> None:
    """Settle the port, which is also the switch: ``OTEL_EXPORTER_PROMETHEUS_PORT`` alone opens nothing, as in OpenTelemetry."""
    metrics: SignalConfig = draft.values["metrics"]
    found = draft.found("prometheus_port")
    if draft.is_argument("prometheus_port"):
        draft.settle("prometheus_port", draft.given.prometheus_port, ARGUMENT)
    elif "prometheus" not in (metrics.exporters or ()):
        draft.settle("prometheus_port", None, draft.preset_source)
    elif found:
        draft.settle("prometheus_port", *found[0])
    else:
        draft.settle("prometheus_port", PROMETHEUS_PORT, draft.sources["metrics.exporters"])


def _settle_sampler(draft: Draft) -> None:
    """Settle the sampler; its argument in the environment belongs to the sampler in the environment, as OpenTelemetry defines it."""
    for field in ("sampler", "sample_ratio"):
        draft.take(field)
    sampler = draft.values["sampler"]
    from_environment = draft.sources["sampler"] not in (ARGUMENT, draft.preset_source)
    if from_environment and draft.is_argument("sample_ratio") and sampler not in RATIO_SAMPLERS:
        draft.settle("sampler", None, f"{ARGUMENT} sample_ratio")
        from_environment = False
    if from_environment and sampler in RATIO_SAMPLERS and not draft.is_argument("sample_ratio"):
        value = draft.read(_SAMPLE_RATIO)
        if value is not NOTHING:
            draft.settle("sample_ratio", value, source_of(_SAMPLE_RATIO))
    if draft.is_argument("sampler_argument") or (from_environment and sampler not in SAMPLERS):
        draft.take("sampler_argument")
    else:
        draft.settle("sampler_argument", draft.given.sampler_argument, draft.preset_source)


def _settle_limits(draft: Draft) -> None:
    """Settle the limits that follow a general one until they are set themselves."""
    for field, general in LIMITS.items():
        draft.take(field)
        if draft.is_argument(field):
            continue
        if draft.is_argument(general):
            draft.settle(field, getattr(draft.given, general), f"{ARGUMENT} {general}")
        elif not draft.found(field) and (found := draft.found(general)):
            draft.settle(field, *found[0])
