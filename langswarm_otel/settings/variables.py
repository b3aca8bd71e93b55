"""Which environment variable sets which field, and how its text is read.

Names are literals, so that reading a configuration does not import the SDK; a test compares them with the SDK's own lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import environment_variables as ours
from langswarm_otel.endpoints import SIGNALS
from langswarm_otel.settings import reading

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Variable:
    """One environment variable."""

    name: str
    """Its name."""

    field: str
    """The field that it sets; of a signal's own settings with the signal before a dot."""

    read: Callable[[str], Any] = reading.plain
    """From its text to what the field takes."""

    takes_empty: bool = False
    """Whether an empty text is a value; for all others it is the same as unset, as OpenTelemetry defines it."""


_OTLP: Final[tuple[tuple[str, str, Callable[[str], Any]], ...]] = (
    ("ENDPOINT", "endpoint", reading.plain),
    ("PROTOCOL", "protocol", reading.lower),
    ("HEADERS", "headers", reading.headers),
    ("TIMEOUT", "timeout_s", reading.seconds),  # Seconds in Python, though milliseconds in the specification.
    ("COMPRESSION", "compression", reading.lower),
    ("CERTIFICATE", "certificate_file", reading.plain),
    ("CLIENT_CERTIFICATE", "client_certificate_file", reading.plain),
    ("CLIENT_KEY", "client_key_file", reading.plain),
    ("INSECURE", "insecure", reading.flag),
)

_LIMITS: Final = (
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "max_attribute_length"),
    ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "max_span_attribute_length"),
    ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "max_log_record_attribute_length"),
    ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "max_span_attributes"),
    ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "max_event_attributes"),
    ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "max_link_attributes"),
    ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "max_log_record_attributes"),
    ("OTEL_SPAN_EVENT_COUNT_LIMIT", "max_span_events"),
    ("OTEL_SPAN_LINK_COUNT_LIMIT", "max_span_links"),
)

VARIABLES: Final[tuple[Variable, ...]] = (
    Variable(ours.LANGSWARM_OTEL_PRESET, "preset", reading.lower),
    Variable(ours.LANGSWARM_OTEL_DISABLED, "disabled", reading.flag),
    Variable("OTEL_CONFIG_FILE", "config_file"),
    # Resource.
    Variable("OTEL_SERVICE_NAME", "service_name"),
    Variable("OTEL_RESOURCE_ATTRIBUTES", "resource_attributes", reading.attributes),
    Variable("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "resource_detectors", reading.names),
    # Destinations.
    *(Variable(f"OTEL_EXPORTER_OTLP_{suffix}", field, read) for suffix, field, read in _OTLP),
    Variable(ours.LANGSWARM_OTEL_OTLP_EXPORTER, "otlp_exporter", reading.lower),
    *(Variable(f"OTEL_{signal.upper()}_EXPORTER", f"{signal}.exporters", reading.names) for signal in SIGNALS),
    *(
        Variable(f"OTEL_EXPORTER_OTLP_{signal.upper()}_{suffix}", f"{signal}.{field}", read)
        for signal in SIGNALS
        for suffix, field, read in _OTLP
    ),
    # Traces.
    Variable("OTEL_TRACES_SAMPLER", "sampler"),
    Variable("OTEL_TRACES_SAMPLER_ARG", "sampler_argument"),
    Variable(ours.LANGSWARM_OTEL_KEEP_ERRORS, "keep_errors", reading.flag),
    Variable(ours.LANGSWARM_OTEL_KEEP_SLOWER_THAN_S, "keep_slower_than_s", reading.seconds),
    Variable(ours.LANGSWARM_OTEL_KEEP_COSTLIER_THAN, "keep_costlier_than", reading.dollars),
    Variable(ours.LANGSWARM_OTEL_KEEP_MAX_BYTES, "keep_max_bytes", reading.whole),
    Variable(ours.LANGSWARM_OTEL_KEEP_FOR_S, "keep_for_s", reading.seconds),
    Variable("OTEL_PYTHON_ID_GENERATOR", "id_generator"),
    Variable("OTEL_PYTHON_TRACER_CONFIGURATOR", "tracer_configurator"),
    # Metrics.
    Variable("OTEL_METRIC_EXPORT_INTERVAL", "export_interval_s", reading.milliseconds_or_never),
    Variable("OTEL_METRIC_EXPORT_TIMEOUT", "export_timeout_s", reading.milliseconds),
    Variable("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "metrics_temporality", reading.lower),
    Variable("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "histogram_aggregation", reading.lower),
    Variable("OTEL_METRICS_EXEMPLAR_FILTER", "exemplar_filter", reading.lower),
    Variable("OTEL_PYTHON_METER_CONFIGURATOR", "meter_configurator"),
    Variable("OTEL_EXPORTER_PROMETHEUS_HOST", "prometheus_host"),
    Variable("OTEL_EXPORTER_PROMETHEUS_PORT", "prometheus_port", reading.whole),
    Variable(ours.LANGSWARM_OTEL_PIPELINE_METRICS, "pipeline_metrics", reading.flag),
    Variable(ours.LANGSWARM_OTEL_CARDINALITY_LIMIT, "cardinality_limit", reading.whole),
    # Queue. Spans and log records share a worker: of two delays or batch sizes the smaller satisfies both.
    Variable("OTEL_BSP_SCHEDULE_DELAY", "schedule_delay_s", reading.milliseconds),
    Variable("OTEL_BLRP_SCHEDULE_DELAY", "schedule_delay_s", reading.milliseconds),
    Variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "max_export_batch_size", reading.whole),
    Variable("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "max_export_batch_size", reading.whole),
    Variable("OTEL_BSP_MAX_QUEUE_SIZE", "max_queued_spans", reading.whole),
    Variable("OTEL_BLRP_MAX_QUEUE_SIZE", "max_queued_logs", reading.whole),
    Variable(ours.LANGSWARM_OTEL_QUEUE_MAX_BYTES, "queue_max_bytes", reading.whole),
    Variable(ours.LANGSWARM_OTEL_SPOOL_DIRECTORY, "spool_directory"),
    Variable(ours.LANGSWARM_OTEL_SPOOL_MAX_BYTES, "spool_max_bytes", reading.whole),
    Variable(ours.LANGSWARM_OTEL_SHUTDOWN_TIMEOUT_S, "shutdown_timeout_s", reading.seconds_or_zero),
    Variable("OTEL_ATTRIBUTE_COUNT_LIMIT", "max_attributes", reading.whole),  # Empty is unset here, in the SDK too.
    *(Variable(name, field, reading.limit, takes_empty=True) for name, field in _LIMITS),
    # Logs.
    Variable(ours.LANGSWARM_OTEL_CONFIGURE_STRUCTLOG, "configure_structlog", reading.flag),
    Variable(ours.LANGSWARM_OTEL_LOG_LEVEL, "log_level"),
    Variable(ours.LANGSWARM_OTEL_LOG_FORMAT, "log_format"),
    Variable(ours.LANGSWARM_OTEL_LOG_OUTPUT, "log_output"),
    Variable(ours.LANGSWARM_OTEL_LOG_FILE, "log_file"),
    Variable("OTEL_PYTHON_LOGGER_CONFIGURATOR", "logger_configurator"),
    # Content and names.
    Variable("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "capture_content", reading.capture_mode),
    Variable(ours.LANGSWARM_OTEL_CAPTURE_USER_ID, "capture_user_id", reading.flag),
    Variable(ours.LANGSWARM_OTEL_SCRUB_EXEMPT_KEYS, "scrub_exempt_keys", reading.names),
    Variable(ours.LANGSWARM_OTEL_MAX_RECORD_BYTES, "max_record_bytes", reading.whole),
    Variable(ours.LANGSWARM_OTEL_USER_HASH_SALT, "user_hash_salt"),
    Variable(ours.LANGSWARM_OTEL_SEMCONV, "semconv"),
    # Process.
    Variable("OTEL_PROPAGATORS", "propagators", reading.names),
    Variable(ours.LANGSWARM_OTEL_INSTRUMENT, "instrument", reading.flag_or_names),
    Variable(ours.LANGSWARM_OTEL_LOOKUP_SPANS, "lookup_spans", reading.flag),
    Variable("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "instrument", reading.instrumented),
    Variable(ours.LANGSWARM_OTEL_ON_FOREIGN, "on_foreign"),
    Variable(ours.LANGSWARM_OTEL_HANDLE_SIGNALS, "handle_signals", reading.flag),
)

SDK_DISABLED: Final = Variable("OTEL_SDK_DISABLED", "disabled", reading.flag)
"""Apart from the others, because no argument can win over it: the SDK reads it itself."""

LEFT_ALONE: Final[dict[str, str]] = {
    "OTEL_LOG_LEVEL": "nothing in OpenTelemetry for Python reads it",
    "OTEL_BSP_EXPORT_TIMEOUT": "the SDK ignores it too (open-telemetry/opentelemetry-python#4555)",
    "OTEL_BLRP_EXPORT_TIMEOUT": "as OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "deprecated; it is read by OpenTelemetry's configurator, which ours stands in for",
    "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "the SDK reads it where it is used",
    "OTEL_PYTHON_CONTEXT": "the API reads it at import",
    "OTEL_PYTHON_TRACER_PROVIDER": "the API reads it where nobody has set a provider",
    "OTEL_PYTHON_METER_PROVIDER": "the API reads it where nobody has set a provider",
    "OTEL_PYTHON_LOGGER_PROVIDER": "the API reads it where nobody has set a provider",
    "OTEL_EXPORTER_ZIPKIN_ENDPOINT": "the Zipkin exporter reads it",
    "OTEL_EXPORTER_ZIPKIN_TIMEOUT": "the Zipkin exporter reads it",
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES": "the OTLP exporter reads it",
    **{
        f"OTEL_PYTHON_EXPORTER_OTLP_{transport}_{signal}CREDENTIAL_PROVIDER": "the OTLP exporter reads it"
        for transport in ("HTTP", "GRPC")
        for signal in ("", "TRACES_", "METRICS_", "LOGS_")
    },
}
"""Variables of the SDK and its exporters that set no field of ours, and why."""


def variables_of(field: str) -> tuple[Variable, ...]:
    """Return the variables that set a field, the first that is set wins."""
    return tuple(variable for variable in VARIABLES if variable.field == field)
