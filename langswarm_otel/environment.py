"""From what the caller gave and what the environment says to the settings in effect: argument over environment over preset.

This is the only reader of ``os.environ``. Every ``OTEL_*`` variable of the SDK and its exporters keeps its meaning and its units; a
malformed one is an error that names it, never a silent fall back. A general argument (``endpoint=``) also wins over the variable of one
signal (``OTEL_EXPORTER_OTLP_TRACES_ENDPOINT``). ``OTEL_SDK_DISABLED`` is the one variable that no argument overrides.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import environment_variables, presets
from langswarm_otel.config import FIELD_NAMES, ObservabilityConfig
from langswarm_otel.endpoints import SIGNALS
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.explain import INHERITED, Explanation, Setting
from langswarm_otel.guard import logger
from langswarm_otel.settings import special
from langswarm_otel.settings.draft import ARGUMENT, Draft, source_of
from langswarm_otel.settings.fields import OUTSIDE_FILE, SIGNAL_RULES
from langswarm_otel.settings.masking import shown
from langswarm_otel.settings.rules import near
from langswarm_otel.settings.together import check_together
from langswarm_otel.settings.variables import variables_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.endpoints import SignalName

LONG_TIMEOUT_S: Final = 300.0
"""A request timeout above this was probably meant in milliseconds, as in the other languages of OpenTelemetry."""

IN_FILE: Final = "(the file decides)"
"""Value of the settings that a configuration file decides."""

_OWN_NAMES: Final = tuple(f"{signal}.{name}" for signal in SIGNALS for name in SIGNAL_RULES)

_EVERYTHING: Final = frozenset({*FIELD_NAMES, *_OWN_NAMES})
"""What a resolved configuration has settled."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A configuration that leaves nothing open, and where each of its settings came from."""

    config: ObservabilityConfig
    """The settings in effect; resolving it again changes nothing."""

    settings: tuple[Setting, ...]
    """Every setting with its source, secrets masked."""

    def explain(self) -> Explanation:
        """Return the settings as a sequence that prints as a table."""
        return Explanation(self.settings)


def resolve(config: ObservabilityConfig, environ: Mapping[str, str] | None = None) -> Resolved:
    """Settle what the caller left open from the environment, and check that it all fits together.

    Args:
        config: what the caller chose.
        environ: the environment; ``os.environ`` if None.

    Raises:
        ConfigurationError: a variable is malformed, settings do not fit together, or an argument is for what a configuration file decides.
    """
    draft = Draft(config, os.environ if environ is None else environ)
    special.settle_disabled(draft)
    if config.explicit >= _EVERYTHING:
        _keep(draft)
        return _resolved(draft)
    try:
        _settle_preset(draft)
        _settle(draft)
        _warn_of_misspelt(draft.environ)
        return _resolved(draft)
    except ConfigurationError as error:
        if not draft.values["disabled"]:
            raise _named_by_source(error, draft) from None
    # What is wrong has no effect while all is off, and who turns telemetry off to get a program going must not meet it again.
    draft = Draft(config, draft.environ)
    special.settle_disabled(draft)
    _keep(draft)
    return _resolved(draft)


def _resolved(draft: Draft) -> Resolved:
    """Make the configuration of what is settled."""
    settled = _complete(replace(draft.given, **draft.values, explicit=_EVERYTHING))
    if not settled.disabled:
        check_together(settled)
    return Resolved(config=settled, settings=tuple(_settings(settled, draft)))


def names_credential_provider(signal: SignalName) -> bool:
    """Whether the environment names a credential provider for OTLP over HTTP, whose session the official exporter then makes itself."""
    names = (f"OTEL_PYTHON_EXPORTER_OTLP_HTTP_{part}CREDENTIAL_PROVIDER" for part in ("", f"{signal.upper()}_"))
    return any(os.environ.get(name) for name in names)


def trusted_bundle() -> str | None:
    """Return the file of trusted certificates that the environment names for HTTP clients, as ``requests`` and curl read it."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or None


def _settle_preset(draft: Draft) -> None:
    """Settle the preset first: where the environment names it, what the caller chose is put on that preset's values."""
    found = draft.found("preset")
    if draft.is_argument("preset"):
        draft.settle("preset", draft.given.preset, ARGUMENT)
    elif not found:
        draft.settle("preset", draft.given.preset, "default")
    else:
        name, source = found[0]
        chosen: Any = {field: getattr(draft.given, field) for field in draft.given.explicit if field in FIELD_NAMES}
        based = presets.by_name(name, **chosen)
        draft.given = replace(based, explicit=draft.given.explicit | {"preset"})
        draft.settle("preset", name, source)


def _settle(draft: Draft) -> None:
    draft.take("config_file")
    path = draft.values["config_file"]
    if path is not None:
        _settle_beside_file(draft, path)
        return
    for field in FIELD_NAMES:
        if field not in special.FIELDS and field not in draft.sources:
            draft.take(field)
    special.settle(draft)
    _warn_of_long_timeouts(draft)


def _settle_beside_file(draft: Draft, path: str) -> None:
    """Leave the pipelines to the file, which takes no other variable into account, as OpenTelemetry defines it."""
    for field in FIELD_NAMES:
        if field in draft.sources:
            continue
        if field in OUTSIDE_FILE:
            draft.take(field)
        elif draft.is_argument(field):
            mend = f"the pipelines come from {path} (OTEL_CONFIG_FILE); write it there, or do without the file"
            raise ConfigurationError(field, shown(field, getattr(draft.given, field)), mend)
        else:
            draft.settle(field, getattr(draft.given, field), f"file {path}")
    draft.sources.update(dict.fromkeys(_OWN_NAMES, f"file {path}"))


def _keep(draft: Draft) -> None:
    """Take the configuration as it is, without the environment."""
    for field in FIELD_NAMES:
        if field not in draft.sources:
            draft.settle(field, getattr(draft.given, field), ARGUMENT if draft.is_argument(field) else draft.preset_source)
    for signal in SIGNALS:
        for name in SIGNAL_RULES:
            given = getattr(draft.given.signal(signal), name) is not None
            draft.sources[f"{signal}.{name}"] = ARGUMENT if given else INHERITED


def _complete(config: ObservabilityConfig) -> ObservabilityConfig:
    """Write down what follows from the other settings, so that nothing is left to be inferred."""
    if config.config_file is not None:
        return config
    signals: dict[str, Any] = {}
    for signal in SIGNALS:
        names = config.exporters(signal)
        if config.prometheus_port is None:
            names = tuple(name for name in names if name != "prometheus")
        signals[signal] = replace(config.signal(signal), exporters=names)
    based = {str(config.base(name)) for name in SIGNALS if "otlp" in signals[name].exporters and signals[name].endpoint is None}
    endpoint = based.pop() if len(based) == 1 else config.endpoint
    return replace(config, **signals, endpoint=endpoint, timeout_s=config.request_timeout_s)


def _named_by_source(error: ConfigurationError, draft: Draft) -> ConfigurationError:
    """Name the variable that the user wrote, where it was one."""
    kind, _, name = draft.sources.get(error.field, "").partition(" ")
    return ConfigurationError(name if kind == "environment" else error.field, error.value, error.mend)


def _settings(config: ObservabilityConfig, draft: Draft) -> list[Setting]:
    found: list[Setting] = []
    for field in FIELD_NAMES:
        value = getattr(config, field)
        values = {f"{field}.{name}": getattr(value, name) for name in SIGNAL_RULES} if field in SIGNALS else {field: value}
        for name, part in values.items():
            source = draft.sources[name]
            found.append(Setting(name, IN_FILE if source.startswith("file ") else shown(name, part), source))
    return found


def _warn_of_long_timeouts(draft: Draft) -> None:
    for field in ("timeout_s", *(f"{signal}.timeout_s" for signal in SIGNALS)):
        for variable in variables_of(field):
            if draft.sources.get(field) == source_of(variable) and float(draft.environ[variable.name]) > LONG_TIMEOUT_S:
                logger.warning("%s=%s is in seconds in Python, and in milliseconds elsewhere", variable.name, draft.environ[variable.name])


def _warn_of_misspelt(environ: Mapping[str, str]) -> None:
    prefix = "LANGSWARM_OTEL_"
    known = [name.removeprefix(prefix) for name in vars(environment_variables) if name.startswith(prefix)]
    for name in environ:
        word = name.removeprefix(prefix)
        hint = near(word, known) if name.startswith(prefix) and word not in known else ""
        if hint:
            logger.warning("nothing reads the variable %s%s%s", prefix, word, hint)
