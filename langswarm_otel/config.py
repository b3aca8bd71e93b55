"""The settings of one handle, frozen.

A configuration is a value: two equal ones compare and hash equal, and it can be copied, pickled and changed with ``dataclasses.replace``.
Each field is checked when it is made. Where the environment has its say, and whether the settings fit together, is seen in
``langswarm_otel.environment.resolve``. Times are in seconds and their fields end in ``_s``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal

from langswarm_otel import endpoints
from langswarm_otel.endpoints import SIGNALS, Protocol, SignalName
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.settings import plugins, preset_values
from langswarm_otel.settings.fields import RULES
from langswarm_otel.settings.frozen import FrozenMapping
from langswarm_otel.settings.masking import shown
from langswarm_otel.settings.preset_values import MEBIBYTE
from langswarm_otel.settings.signal import Compression, OtlpTarget, SignalConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.pricing import Price
    from langswarm_otel.semconv import Profile

__all__ = ["SIGNALS", "FrozenMapping", "ObservabilityConfig", "OtlpTarget", "SignalConfig", "SignalName"]

PresetName = Literal["development", "testing", "production", "serverless"]
Temporality = Literal["cumulative", "delta", "lowmemory"]
HistogramAggregation = Literal["explicit_bucket_histogram", "base2_exponential_bucket_histogram"]
ExemplarFilter = Literal["trace_based", "always_on", "always_off"]

LONGEST_REQUEST_S: Final = 10.0
"""How long one OTLP request may take by default, in seconds, as OpenTelemetry defines it."""

_AS_THE_OTHERS: Final = SignalConfig()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ObservabilityConfig:
    """All settings of one handle; the defaults are those of the preset ``production``.

    Make one with ``presets.production(...)`` and its like, which also know what the preset itself changes.

    Raises:
        ConfigurationError: a value is of the wrong type, out of bounds or unknown; the message names field, value and mend.
    """

    preset: PresetName = "production"
    """The preset that it started from."""

    service_name: str | None = None
    """``service.name`` of the resource; None is OpenTelemetry's ``unknown_service``."""
    service_version: str | None = None
    """``service.version`` of the resource."""
    service_namespace: str | None = None
    """``service.namespace`` of the resource."""
    environment: str | None = None
    """``deployment.environment.name`` of the resource, such as ``staging``."""
    resource_attributes: Mapping[str, Any] = FrozenMapping()
    """Further attributes of the resource; added, name by name, to those of ``OTEL_RESOURCE_ATTRIBUTES``."""
    resource_detectors: tuple[str, ...] = ()
    """Detectors that add to the resource: ``process``, ``os``, ``host``, an installed one's name, or ``*`` for all."""

    endpoint: str | None = None
    """Base endpoint of OTLP for all signals, like ``http://collector:4318``; None is a Collector on this machine."""
    protocol: Protocol = "http/protobuf"
    """How OTLP travels; ``grpc`` needs the extra ``grpc``."""
    headers: Mapping[str, str] = FrozenMapping()
    """Headers of OTLP requests; added, name by name, to those of ``OTEL_EXPORTER_OTLP_HEADERS``. Values are secret and never shown."""
    timeout_s: float | None = LONGEST_REQUEST_S
    """Longest time of one OTLP request with its retries, in seconds. None is 10, but not above ``shutdown_timeout_s``."""
    compression: Compression = "none"
    """How OTLP requests are compressed; gRPC has no ``deflate``."""
    certificate_file: str | None = None
    """PEM file of the authorities that the server's certificate is checked against; None for those of the system."""
    client_certificate_file: str | None = None
    """PEM file of the certificate that we show the server."""
    client_key_file: str | None = None
    """PEM file of its private key."""
    insecure: bool | None = None
    """Whether an endpoint without a scheme is not encrypted; where a scheme is written, the scheme decides."""
    otlp_exporter: Literal["langswarm", "official"] = "langswarm"
    """Who makes and sends OTLP over HTTP: we, or OpenTelemetry's own exporters, which take longer; gRPC is always theirs."""
    traces: SignalConfig = _AS_THE_OTHERS
    """What is different for traces."""
    metrics: SignalConfig = _AS_THE_OTHERS
    """What is different for metrics."""
    logs: SignalConfig = _AS_THE_OTHERS
    """What is different for logs."""

    sampler: str | None = None
    """Name of a sampler as in ``OTEL_TRACES_SAMPLER``; None is parent-based with ``sample_ratio``."""
    sampler_argument: str | None = None
    """Text handed to an installed sampler, as in ``OTEL_TRACES_SAMPLER_ARG``; the built-in ones take ``sample_ratio``."""
    sample_ratio: float = 1.0
    """Share of new traces that are sampled, from 0.0 to 1.0; those under a parent follow it."""
    keep_errors: bool = False
    """Whether traces that are not sampled are exported all the same, this process's part of them, if a span has an error."""
    keep_slower_than_s: float | None = None
    """As ``keep_errors``, for traces that take longer than this, in seconds; None for no matter how long."""
    keep_costlier_than: float | None = None
    """As ``keep_errors``, for traces whose runs cost more than this, in US dollars; None for no matter how much."""
    keep_max_bytes: int = 16 * MEBIBYTE
    """Most bytes of unsampled traces that wait for their end to be judged; beyond it the oldest is given up and counted."""
    keep_for_s: float = 900.0
    """How long such a trace may wait, in seconds."""
    id_generator: str = "random"
    """Name of an installed generator of trace and span ids."""
    tracer_configurator: str | None = None
    """Name of an installed configurator of tracers (experimental in OpenTelemetry)."""

    export_interval_s: float | None = 60.0
    """Time between two exports of metrics, in seconds; None exports them at ``flush`` and at the end of a unit of work only."""
    export_timeout_s: float = 30.0
    """Longest time of one collection and export of metrics, in seconds."""
    metrics_temporality: Temporality = "cumulative"
    """Whether OTLP carries running totals or what came since the last export; ``lowmemory`` as OpenTelemetry defines it."""
    histogram_aggregation: HistogramAggregation = "explicit_bucket_histogram"
    """How OTLP carries histograms; a Prometheus endpoint always has explicit buckets."""
    exemplar_filter: ExemplarFilter = "trace_based"
    """Which measurements may become exemplars."""
    cardinality_limit: int = 2000
    """Most attribute sets of one metric; what is beyond is summed up under ``otel.metric.overflow``."""
    pipeline_metrics: bool = True
    """Whether each export of metrics carries those of our own pipeline, ``otel.sdk.*``: what was exported, lost, queued, spooled."""
    meter_configurator: str | None = None
    """Name of an installed configurator of meters (experimental in OpenTelemetry)."""
    prometheus_host: str = "127.0.0.1"
    """Address that the Prometheus endpoint listens on; only this machine by default."""
    prometheus_port: int | None = None
    """Port of the Prometheus endpoint, 0 for any free one; None for no endpoint. Needs the extra ``prometheus``."""

    schedule_delay_s: float = 1.0
    """How long spans and log records may wait for a batch to fill, in seconds."""
    max_export_batch_size: int = 2048
    """Most spans or log records in one request."""
    queue_max_bytes: int = 64 * MEBIBYTE
    """Most bytes that wait for one destination; what does not fit is dropped and counted."""
    max_queued_spans: int | None = None
    """Most spans that wait for one destination, beside the bound in bytes; None for no such bound."""
    max_queued_logs: int | None = None
    """Most log records that wait for one destination, beside the bound in bytes; None for no such bound."""
    spool_directory: str | None = None
    """Directory that keeps what no OTLP endpoint takes, until it does; None keeps that in memory only. Processes may share it."""
    spool_max_bytes: int = 256 * MEBIBYTE
    """Most bytes of the disk that the spool directory takes; the oldest goes first, and is counted."""
    shutdown_timeout_s: float = 5.0
    """Longest time that the end of the process may take for all signals together, in seconds."""

    max_attribute_length: int | None = 8192
    """Most characters of an attribute's text; None for no limit, here and below. The limits that follow keep to it until set themselves."""
    max_span_attribute_length: int | None = 8192
    """Most characters of an attribute's text on a span."""
    max_log_record_attribute_length: int | None = 8192
    """Most characters of an attribute's text on a log record."""
    max_attributes: int | None = 128
    """Most attributes of a span, event, link or log record. The limits that follow keep to it until set themselves."""
    max_span_attributes: int | None = 128
    """Most attributes of a span."""
    max_event_attributes: int | None = 128
    """Most attributes of an event of a span."""
    max_link_attributes: int | None = 128
    """Most attributes of a link of a span."""
    max_log_record_attributes: int | None = 128
    """Most attributes of a log record."""
    max_span_events: int | None = 128
    """Most events of a span."""
    max_span_links: int | None = 128
    """Most links of a span."""

    configure_structlog: bool = True
    """Whether structlog is set up, or, where the application has done so, our processors are put into its chain."""
    log_level: str = "INFO"
    """Least level of log lines: DEBUG, INFO, WARNING, ERROR or CRITICAL."""
    log_format: Literal["console", "json"] = "json"
    """Whether log lines are for people or for machines."""
    log_output: Literal["console", "file", "both", "none"] = "console"
    """Where log lines are written; they reach OTLP in any case."""
    log_file: str | None = None
    """File that log lines are written to, for ``log_output`` ``file`` or ``both``."""
    logger_configurator: str | None = None
    """Name of an installed configurator of OpenTelemetry loggers (experimental in OpenTelemetry)."""

    capture_content: bool = False
    """Whether messages, tool arguments and results, and the text of errors are recorded."""
    scrub_patterns: Mapping[str, str] = FrozenMapping()
    """Further secrets to replace in all that leaves, beside the common forms of credentials: regular expressions by name of the rule."""
    scrub_exempt_keys: tuple[str, ...] = ()
    """Keys of attributes that are never scrubbed, beside ``session.id`` and the like."""
    max_record_bytes: int = MEBIBYTE
    """Most bytes that the texts of one span or log record may take; the largest values are cut, with a digest."""
    capture_user_id: bool = False
    """Whether ``user.id`` is recorded as it is, beside its salted hash."""
    user_hash_salt: str = ""
    """Salt of ``user.hash``; secret and never shown."""
    semconv: Profile = "g1"
    """Which generation of GenAI client metrics is emitted."""
    price_table: Mapping[str, Price | Mapping[str, float] | str] | None = None
    """Own prices by model, ``provider/model`` or pattern, in US dollars for a million tokens; they win over those of ``genai-prices``."""

    propagators: tuple[str, ...] = plugins.PROPAGATORS
    """How the trace travels in headers: names as in ``OTEL_PROPAGATORS``; ``()`` for not at all."""
    instrument: bool | tuple[str, ...] = True
    """Whether LangSwarm is instrumented: True, False, or the names of the instrumentations wanted."""
    lookup_spans: bool = False
    """Whether look-ups of LangSwarm's memory and sessions are spans, one before each message; else they are in the metric only."""
    on_foreign: Literal["join", "private", "error"] = "join"
    """What to do where someone else has set a global provider: add ours to it, keep ours apart, or raise."""
    handle_signals: bool = False
    """Whether SIGTERM sends what is left before the previous handler runs."""
    disabled: bool = False
    """Whether nothing is recorded or sent, and nothing runs."""
    config_file: str | None = None
    """File of OpenTelemetry's declarative configuration, which then decides the pipelines alone. Needs the extra ``file``."""

    explicit: frozenset[str] = field(default=frozenset(), compare=False)
    """Names of the fields that the caller chose; they win over the environment. Not part of equality."""

    def __post_init__(self) -> None:
        """Check each field, keep its canonical form, and note what the caller chose."""
        if self.preset != "production" and not self.explicit:
            raise ConfigurationError("preset", self.preset, "a preset is more than its name; write presets.development(...) or the like")
        for name, rule in RULES.items():
            object.__setattr__(self, name, rule(name, getattr(self, name)))
        for signal in SIGNALS:
            self._check_signal(signal)
        changed = {name for name, value in preset_defaults(self.preset).items() if getattr(self, name) != value}
        object.__setattr__(self, "explicit", self.explicit | changed)

    def _check_signal(self, signal: SignalName) -> None:
        own = getattr(self, signal)
        if not isinstance(own, SignalConfig):
            raise ConfigurationError(signal, own, "write SignalConfig(exporters=('console',)) or the like")
        for name in own.exporters or ():
            plugins.check_plugin(f"{signal}.exporters", name, f"opentelemetry_{signal}_exporter", plugins.EXPORTERS[signal])

    def signal(self, signal: SignalName) -> SignalConfig:
        """Return what is different for one signal."""
        own: SignalConfig = getattr(self, signal)
        return own

    @property
    def keeps_unsampled(self) -> bool:
        """Whether traces that are not sampled may be exported all the same."""
        return self.keep_errors or self.keep_slower_than_s is not None or self.keep_costlier_than is not None

    def exporters(self, signal: SignalName) -> tuple[str, ...]:
        """Return the names of the exporters of one signal: its own, or the preset's; empty for none."""
        own = self.signal(signal)
        names = own.exporters
        if names is None:
            names = preset_values.EXPORTERS[self.preset][signal]
            if self.preset == "development" and (self.endpoint or own.endpoint):
                names = (*names, "otlp")
        if signal == "metrics" and self.prometheus_port is not None and "prometheus" not in names:
            names = (*names, "prometheus")
        return names

    def base(self, signal: SignalName) -> endpoints.Endpoint:
        """Return the base endpoint as it is for one signal, with scheme and port; the default one if none is set."""
        own = self.signal(signal)
        protocol: Protocol = own.protocol or self.protocol
        insecure = self.insecure if own.insecure is None else own.insecure
        if self.endpoint is None:
            return endpoints.default_endpoint(protocol, insecure=insecure)
        return endpoints.complete(endpoints.parse_base("endpoint", self.endpoint), protocol, insecure=insecure)

    @property
    def request_timeout_s(self) -> float:
        """Longest time of one OTLP request that does not say otherwise, in seconds."""
        return self.timeout_s or min(LONGEST_REQUEST_S, self.shutdown_timeout_s or LONGEST_REQUEST_S)

    def otlp(self, signal: SignalName) -> OtlpTarget:
        """Return where and how OTLP of one signal goes, with everything inherited filled in.

        Raises:
            ConfigurationError: the signal's own endpoint has no scheme, or the endpoint does not fit the protocol.
        """
        own = self.signal(signal)
        protocol: Protocol = own.protocol or self.protocol
        insecure = self.insecure if own.insecure is None else own.insecure
        if own.endpoint is not None:
            source = f"{signal}.endpoint"
            url = endpoints.exact_url(source, own.endpoint, protocol, insecure=insecure)
            endpoints.check_protocol(source, url, protocol, insecure=insecure)
        else:
            base = self.base(signal)
            endpoints.check_protocol("endpoint", str(base), protocol, insecure=insecure)
            url = endpoints.signal_url(base, signal, protocol)
        return OtlpTarget(
            url=url,
            protocol=protocol,
            headers=self.headers if own.headers is None else own.headers,
            timeout_s=own.timeout_s or self.request_timeout_s,
            compression=own.compression or self.compression,
            certificate_file=own.certificate_file or self.certificate_file,
            client_certificate_file=own.client_certificate_file or self.client_certificate_file,
            client_key_file=own.client_key_file or self.client_key_file,
            insecure=url.lower().startswith("http:"),
        )

    def __repr__(self) -> str:
        """Show the preset and what differs from it, with secrets masked."""
        values = preset_defaults(self.preset)
        changed = [name for name, value in values.items() if name != "preset" and getattr(self, name) != value]
        parts = [f"preset={self.preset!r}", *(f"{name}={shown(name, getattr(self, name))!r}" for name in changed)]
        return f"ObservabilityConfig({', '.join(parts)})"


FIELD_NAMES: Final = tuple(item.name for item in fields(ObservabilityConfig) if item.name != "explicit")
"""Every setting, in the order in which it is explained."""

_PRODUCTION: Final[dict[str, Any]] = {item.name: item.default for item in fields(ObservabilityConfig) if item.name != "explicit"}


def preset_defaults(preset: str) -> dict[str, Any]:
    """Return the value of every setting in a preset."""
    return {**_PRODUCTION, **preset_values.DIFFERENCES[preset], "preset": preset}
