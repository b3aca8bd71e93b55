"""One rule for each field of the configuration, and which fields belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import endpoints
from langswarm_otel.settings import plugins, rules
from langswarm_otel.settings.preset_values import PRESET_NAMES
from langswarm_otel.settings.rules import choice, count, flag, optional, text

if TYPE_CHECKING:
    from langswarm_otel.settings.rules import Rule


def _base_endpoint(field: str, value: Any) -> str:
    return str(endpoints.parse_base(field, value))


def _plugin(group: str, built_in: tuple[str, ...] = ()) -> Rule:
    def check(field: str, value: Any) -> str:
        return plugins.check_plugin(field, text(field, value), group, built_in)

    return check


def _plugins(group: str, built_in: tuple[str, ...]) -> Rule:
    def check(field: str, value: Any) -> tuple[str, ...]:
        return tuple(plugins.check_plugin(field, name, group, built_in) for name in rules.names_or_none(field, value))

    return check


def _sampler(field: str, value: Any) -> str:
    name = text(field, value)
    known = name.lower() if name.lower() in plugins.SAMPLERS else name
    return plugins.check_plugin(field, known, "opentelemetry_traces_sampler", plugins.SAMPLERS)


def _explicit(field: str, value: Any) -> frozenset[str]:
    return frozenset(rules.names(field, value))


PROTOCOL: Final = choice("http/protobuf", "grpc")
COMPRESSION: Final = choice("none", "gzip", "deflate")

RULES: Final[dict[str, Rule]] = {
    "preset": choice(*PRESET_NAMES),
    "service_name": optional(text),
    "service_version": optional(text),
    "service_namespace": optional(text),
    "environment": optional(text),
    "resource_attributes": rules.attributes,
    "resource_detectors": _plugins("opentelemetry_resource_detector", plugins.RESOURCE_DETECTORS),
    "endpoint": optional(_base_endpoint),
    "protocol": PROTOCOL,
    "headers": rules.headers,
    "timeout_s": optional(rules.duration),
    "compression": COMPRESSION,
    "certificate_file": optional(rules.path),
    "client_certificate_file": optional(rules.path),
    "client_key_file": optional(rules.path),
    "insecure": optional(flag),
    "otlp_exporter": choice("langswarm", "official"),
    "sampler": optional(_sampler),
    "sampler_argument": optional(text),
    "sample_ratio": rules.ratio,
    "keep_errors": flag,
    "keep_slower_than_s": optional(rules.duration),
    "keep_costlier_than": optional(rules.dollars),
    "keep_max_bytes": count,
    "keep_for_s": rules.duration,
    "id_generator": _plugin("opentelemetry_id_generator", plugins.ID_GENERATORS),
    "tracer_configurator": optional(_plugin("_opentelemetry_tracer_configurator")),
    "meter_configurator": optional(_plugin("_opentelemetry_meter_configurator")),
    "logger_configurator": optional(_plugin("_opentelemetry_logger_configurator")),
    "export_interval_s": optional(rules.duration),
    "export_timeout_s": rules.duration,
    "metrics_temporality": choice("cumulative", "delta", "lowmemory"),
    "histogram_aggregation": choice("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
    "exemplar_filter": choice("trace_based", "always_on", "always_off"),
    "cardinality_limit": count,
    "pipeline_metrics": flag,
    "prometheus_host": text,
    "prometheus_port": rules.port,
    "schedule_delay_s": rules.duration,
    "max_export_batch_size": count,
    "queue_max_bytes": count,
    "max_queued_spans": optional(count),
    "max_queued_logs": optional(count),
    "spool_directory": optional(rules.path),
    "spool_max_bytes": count,
    "shutdown_timeout_s": rules.duration_or_zero,
    "max_attribute_length": rules.limit,
    "max_span_attribute_length": rules.limit,
    "max_log_record_attribute_length": rules.limit,
    "max_attributes": rules.limit,
    "max_span_attributes": rules.limit,
    "max_event_attributes": rules.limit,
    "max_link_attributes": rules.limit,
    "max_log_record_attributes": rules.limit,
    "max_span_events": rules.limit,
    "max_span_links": rules.limit,
    "configure_structlog": flag,
    "log_level": rules.log_level,
    "log_format": choice("console", "json"),
    "log_output": choice("console", "file", "both", "none"),
    "log_file": optional(rules.path),
    "capture_content": flag,
    "scrub_patterns": rules.patterns,
    "scrub_exempt_keys": rules.names,
    "max_record_bytes": count,
    "capture_user_id": flag,
    "lookup_spans": flag,
    "user_hash_salt": rules.secret,
    "semconv": choice("g1", "g2", "both"),
    "price_table": optional(rules.prices),
    "propagators": _plugins("opentelemetry_propagator", plugins.PROPAGATORS),
    "instrument": rules.flag_or_names,
    "on_foreign": choice("join", "private", "error"),
    "handle_signals": flag,
    "disabled": flag,
    "config_file": optional(rules.path),
    "explicit": _explicit,
}
"""The rule of each plain field; the three signals are checked by their own class."""

SIGNAL_RULES: Final[dict[str, Rule]] = {
    "exporters": optional(rules.names_or_none),
    "endpoint": optional(endpoints.check_exact),
    "protocol": optional(PROTOCOL),
    "headers": optional(rules.headers),
    "timeout_s": optional(rules.duration),
    "compression": optional(COMPRESSION),
    "certificate_file": optional(rules.path),
    "client_certificate_file": optional(rules.path),
    "client_key_file": optional(rules.path),
    "insecure": optional(flag),
}
"""The rule of each field of one signal."""

LIMITS: Final[dict[str, str]] = {
    "max_span_attribute_length": "max_attribute_length",
    "max_log_record_attribute_length": "max_attribute_length",
    "max_span_attributes": "max_attributes",
    "max_event_attributes": "max_attributes",
    "max_link_attributes": "max_attributes",
    "max_log_record_attributes": "max_attributes",
}
"""Limits that follow a general one until they are set themselves."""

OUTSIDE_FILE: Final = frozenset(
    {
        "preset",
        "shutdown_timeout_s",
        "configure_structlog",
        "log_level",
        "log_format",
        "log_output",
        "log_file",
        "capture_content",
        "scrub_patterns",
        "scrub_exempt_keys",
        "max_record_bytes",
        "capture_user_id",
        "user_hash_salt",
        "semconv",
        "price_table",
        "instrument",
        "lookup_spans",
        "on_foreign",
        "handle_signals",
        "disabled",
        "config_file",
        "explicit",
    }
)
"""Settings that OpenTelemetry's configuration file has no say in; all others are the pipelines, which it decides alone."""
