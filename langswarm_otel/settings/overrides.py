"""The keywords that a preset takes, for type checkers and editors; a test keeps them equal to the fields of the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.config import ExemplarFilter, HistogramAggregation, Temporality
    from langswarm_otel.endpoints import Protocol
    from langswarm_otel.pricing import Price
    from langswarm_otel.semconv import Profile
    from langswarm_otel.settings.signal import Compression, SignalConfig


class Overrides(TypedDict, total=False):
    """Settings by name; ``ObservabilityConfig`` says what each means."""

    service_name: str | None
    service_version: str | None
    service_namespace: str | None
    environment: str | None
    resource_attributes: Mapping[str, Any]
    resource_detectors: tuple[str, ...]
    endpoint: str | None
    protocol: Protocol
    headers: Mapping[str, str]
    timeout_s: float | None
    compression: Compression
    certificate_file: str | None
    client_certificate_file: str | None
    client_key_file: str | None
    insecure: bool | None
    otlp_exporter: Literal["langswarm", "official"]
    traces: SignalConfig
    metrics: SignalConfig
    logs: SignalConfig
    sampler: str | None
    sampler_argument: str | None
    sample_ratio: float
    keep_errors: bool
    keep_slower_than_s: float | None
    keep_costlier_than: float | None
    keep_max_bytes: int
    keep_for_s: float
    id_generator: str
    tracer_configurator: str | None
    export_interval_s: float | None
    export_timeout_s: float
    metrics_temporality: Temporality
    histogram_aggregation: HistogramAggregation
    exemplar_filter: ExemplarFilter
    cardinality_limit: int
    pipeline_metrics: bool
    meter_configurator: str | None
    prometheus_host: str
    prometheus_port: int | None
    schedule_delay_s: float
    max_export_batch_size: int
    queue_max_bytes: int
    max_queued_spans: int | None
    max_queued_logs: int | None
    spool_directory: str | None
    spool_max_bytes: int
    shutdown_timeout_s: float
    max_attribute_length: int | None
    max_span_attribute_length: int | None
    max_log_record_attribute_length: int | None
    max_attributes: int | None
    max_span_attributes: int | None
    max_event_attributes: int | None
    max_link_attributes: int | None
    max_log_record_attributes: int | None
    max_span_events: int | None
    max_span_links: int | None
    configure_structlog: bool
    log_level: str
    log_format: Literal["console", "json"]
    log_output: Literal["console", "file", "both", "none"]
    log_file: str | None
    logger_configurator: str | None
    capture_content: bool
    scrub_patterns: Mapping[str, str]
    scrub_exempt_keys: tuple[str, ...]
    max_record_bytes: int
    capture_user_id: bool
    user_hash_salt: str
    semconv: Profile
    price_table: Mapping[str, Price | Mapping[str, float] | str] | None
    propagators: tuple[str, ...]
    instrument: bool | tuple[str, ...]
    lookup_spans: bool
    on_foreign: Literal["join", "private", "error"]
    handle_signals: bool
    disabled: bool
    config_file: str | None
