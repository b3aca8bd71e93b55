"""The pipelines of one handle: providers, processors, reader and export hub, put together once and re-configured alive."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk._logs import LogRecordLimits
from opentelemetry.sdk.trace import SpanLimits

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.hub import ExportHub
from langswarm_otel.export.memory import MemoryStore
from langswarm_otel.export.processors import QueueSpanProcessor
from langswarm_otel.export.sdk_private import (
    merge_resource_in_child,
    renew_metric_storage,
    replace_resource,
    resource_of,
    set_configurator,
)
from langswarm_otel.guard import guarded
from langswarm_otel.pipelines import declarative
from langswarm_otel.pipelines.exporters import build_targets
from langswarm_otel.pipelines.foreign import ForeignProviders
from langswarm_otel.pipelines.installed import build_id_generator, load_installed
from langswarm_otel.pipelines.own_metrics import OwnMetrics
from langswarm_otel.pipelines.preparation import Preparation, scrubber_of
from langswarm_otel.pipelines.processors import FilteringLogProcessor, OpenSpans, OwnSpans, ScopeSpanProcessor
from langswarm_otel.pipelines.pull import PullEndpoint
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.resource import build_child_resource, build_resource
from langswarm_otel.pipelines.sampling import SwitchSampler, build_sampler
from langswarm_otel.pipelines.switch_logs import SwitchLoggerProvider
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider
from langswarm_otel.pipelines.switch_trace import SwitchTracerProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace.sampling import Sampler

    from langswarm_otel.config import ObservabilityConfig
    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.exporter_health import ExporterHealth
    from langswarm_otel.pipelines.keep import Keep
    from langswarm_otel.pipelines.keep_health import KeepHealth
    from langswarm_otel.pipelines.statistics import Statistics

RESOURCE_FIELDS = ("service_name", "service_version", "service_namespace", "environment", "resource_detectors", "resource_attributes")
"""What makes up the resource, which providers take when they are made; it can only change while nothing is sent."""

FIXED = ("exemplar_filter", "histogram_aggregation", "cardinality_limit", "id_generator")
"""What the SDK takes when a provider is made and keeps for its life."""


class Pipelines:
    """Everything between an operation and the wire, for one handle."""

    def __init__(self, config: ObservabilityConfig, foreign: ForeignProviders | None = None) -> None:
        """Build the pipelines; nothing is exported and no thread runs before ``apply``.

        Args:
            config: the resolved configuration.
            foreign: providers of others to join, signal by signal; providers of our own are made for the rest.
        """
        self.foreign = foreign or ForeignProviders()
        self.preparation = Preparation(capture_content=config.capture_content)
        self.memory = MemoryStore()
        self.hub = ExportHub(prepare_span=self.preparation.span, prepare_log=self.preparation.log_record)
        self.scope = ScopeSpanProcessor()
        self.open_spans = OpenSpans()
        self.sampler = SwitchSampler(_sampler_of(config))
        self.keep: Keep | None = None
        self.span_limits = SpanLimits()
        self.log_limits = LogRecordLimits()
        self.reader = SwitchReader(
            temporality=config.metrics_temporality,
            histogram_aggregation=config.histogram_aggregation,
            cardinality_limit=config.cardinality_limit,
        )
        self.reader.on_flush = self.flush
        self.pull = PullEndpoint(self._pulled)
        self.exit_deadline_s = config.shutdown_timeout_s
        self.alive = False
        self._provisional = False
        self._exports_metrics = False
        self._own_metrics, self._own_pulled = OwnMetrics(), OwnMetrics()
        self._fixed = _fixed_part(config)
        self._config = config
        self._make_providers(config)

    def _make_providers(self, config: ObservabilityConfig) -> None:
        resource = build_resource(config)
        # The pipelines of a configuration file export by themselves: ours only stamp what passes.
        exporting = config.config_file is None
        queue = QueueSpanProcessor(self.hub) if exporting else None
        log_processors = (FilteringLogProcessor(self.hub),) if exporting else ()
        self.tracer_provider: Any = self.foreign.tracer
        if self.tracer_provider is None:
            self.tracer_provider = SwitchTracerProvider(
                resource=resource,
                sampler=self.sampler,
                span_limits=self.span_limits,
                processors=(OwnSpans(self.scope, self.open_spans, queue),),
                id_generator=build_id_generator(config.id_generator),
                enabled=False,
            )
        else:
            for processor in (self.scope, self.open_spans, queue):
                if processor is not None:
                    self.tracer_provider.add_span_processor(processor)
        self.meter_provider: Any = self.foreign.meter
        if self.meter_provider is None:
            self.meter_provider = SwitchMeterProvider(
                resource=resource, reader=self.reader, exemplar_filter=config.exemplar_filter, enabled=False
            )
        else:
            self.meter_provider.add_metric_reader(self.reader)
        self.logger_provider: Any = self.foreign.logger
        if self.logger_provider is None:
            self.logger_provider = SwitchLoggerProvider(resource=resource, limits=self.log_limits, processors=log_processors, enabled=False)
        else:
            for log_processor in log_processors:
                self.logger_provider.add_log_record_processor(log_processor)

    def apply(self, config: ObservabilityConfig) -> bool:
        """Configure or re-configure; nothing queued is lost or sent twice, and the old exporters are shut down, within the deadline.

        Args:
            config: the resolved configuration.

        Returns:
            Whether what was queued for the old exporters got out in time.

        Raises:
            ConfigurationError: a setting cannot change while the providers live, or an exporter cannot be built.
        """
        if self.alive and not self._provisional:
            self._refuse_fixed_changes(config)
        else:
            self._replace_fixed(config)
            self._forget_former()
        targets = build_targets(config, self.memory) if config.config_file is None else []
        self.pull.apply(config, self.meter_provider)
        self.preparation.capture_content = config.capture_content
        self.preparation.scrubber = scrubber_of(config)
        self.preparation.max_record_bytes = config.max_record_bytes
        self.scope.capture_user_id = config.capture_user_id
        self.sampler.target = _sampler_of(config)
        self._apply_keep(config)
        self.reader.set_temporality(config.metrics_temporality)
        self._set_configurators(config)
        _set_limits(self.span_limits, self.log_limits, config)
        drained = self.hub.switch(
            targets,
            max_bytes=config.queue_max_bytes,
            schedule_delay_s=config.schedule_delay_s,
            max_batch=config.max_export_batch_size,
            timeout_s=config.shutdown_timeout_s,
            max_queued=_max_queued(config),
        )
        self._exports_metrics = any(target.metrics is not None for target in targets)
        self.hub.collect_every(config.export_interval_s if self._exports_metrics else None, self.collect)
        self._config = config
        self.exit_deadline_s = config.shutdown_timeout_s
        self._set_enabled(enabled=True)
        self._provisional = False
        return drained

    def _apply_keep(self, config: ObservabilityConfig) -> None:
        """Keep some of the traces that are not sampled, or none; what is not asked for is not even imported."""
        if self.keep is None and config.keeps_unsampled and self.foreign.tracer is None:
            from langswarm_otel.pipelines.keep import Keep  # noqa: PLC0415 - few ask for it

            self.keep = Keep(self.hub.offer_span, lambda: self.sampler.ratio)
            self.tracer_provider.add_span_processor(self.keep)
        if self.keep is not None:
            self.keep.apply(config)
            self.sampler.records_all = config.keeps_unsampled

    def _set_configurators(self, config: ObservabilityConfig) -> None:
        """Load what ``OTEL_PYTHON_{TRACER,METER,LOGGER}_CONFIGURATOR`` names; an installed factory of one for each scope."""
        for signal, name, provider in (
            ("tracer", config.tracer_configurator, self.tracer_provider),
            ("meter", config.meter_configurator, self.meter_provider),
            ("logger", config.logger_configurator, self.logger_provider),
        ):
            if name is not None:
                group = f"_opentelemetry_{signal}_configurator"
                set_configurator(provider, load_installed(f"{signal}_configurator", name, group=group))
                if isinstance(provider, SwitchMeterProvider):
                    provider.leave_to_sdk()

    def _forget_former(self) -> None:
        """Start without what an earlier configuration, shut down by now, has measured or kept."""
        # The SDK holds what was measured and never collected, where metrics were not exported.
        with contextlib.suppress(Exception):
            self.reader.take()
        self.reader.start_anew()
        self.memory.clear()

    def let_change(self) -> None:
        """Let the next configuration change what is otherwise fixed while telemetry runs."""
        self._provisional = True

    def _refuse_fixed_changes(self, config: ObservabilityConfig) -> None:
        for name, after in _fixed_part(config).items():
            if self._fixed[name] != after:
                mend = f"this cannot change while telemetry runs (it is {self._fixed[name]!r}); shut the handle down first, or restart"
                raise ConfigurationError(name, after, mend)

    def _replace_fixed(self, config: ObservabilityConfig) -> None:
        """Take a new resource while nothing is alive; what the SDK binds for the life of a provider stays an error."""
        after = _fixed_part(config)
        if self._fixed == after:
            return
        for name in FIXED:
            if self._fixed[name] != after[name]:
                mend = f"this is fixed for the life of the process (it is {self._fixed[name]!r}); restart the process"
                raise ConfigurationError(name, after[name], mend)
        resource = build_resource(config)
        for provider in self._own_providers():
            replace_resource(provider, resource)
        self._fixed = after

    def _set_enabled(self, enabled: bool) -> None:
        self.alive = enabled
        self.scope.active = self.open_spans.active = enabled
        for provider, foreign in (
            (self.tracer_provider, self.foreign.tracer),
            (self.meter_provider, self.foreign.meter),
            (self.logger_provider, self.foreign.logger),
        ):
            if foreign is None:
                provider.enabled = enabled

    @guarded("Pipelines.collect", None)
    def collect(self) -> None:
        """Collect the metrics and hand them to the hub, if they are exported; ``statistics`` reads them in any case."""
        data = self.reader.take(timeout_s=self._config.export_timeout_s) if self._exports_metrics else None
        if self._exports_metrics and self._config.pipeline_metrics:
            data = self._with_own(data, is_delta=self._config.metrics_temporality != "cumulative")
        if data is not None:
            self.hub.offer_metrics(self.preparation.metrics(data))

    def _pulled(self, data: MetricsData) -> MetricsData:
        """Return totals as the Prometheus page shows them."""
        if self._config.pipeline_metrics:
            data = self._own_pulled.added_to(data, self.hub.counts(), resource_of(self.meter_provider)) or data
        return self.preparation.metrics(data)

    def _with_own(self, data: MetricsData | None, *, is_delta: bool = False) -> MetricsData | None:
        return self._own_metrics.added_to(data, self.hub.counts(), resource_of(self.meter_provider), is_delta=is_delta)

    def flush(self, timeout_s: float) -> bool:
        """Collect and send everything made so far; True only if all of it was delivered within the time."""
        if self.keep is not None:
            self.keep.settle()
        return self.hub.flush(timeout_s, before=self.collect)

    def shutdown(self, timeout_s: float) -> bool:
        """End open spans, send everything, stop the workers; the providers stay and pass through. True if nothing was lost."""
        if not self.alive:
            return True
        deadline = time.monotonic() + timeout_s
        # In a thread: code that a signal has interrupted may hold the lock of a span, and must not keep the rest from being sent.
        declarative.within(timeout_s / 4, [self.open_spans.interrupt])
        if self.keep is not None:
            self.keep.shutdown()
        self.alive = False
        # In a thread: a callback of an observable instrument, which is the user's code, may block.
        collected = declarative.within(max(0.0, deadline - time.monotonic()) / 2, [self.collect])
        self._set_enabled(enabled=False)
        self.pull.close(self.meter_provider)
        return self.hub.shutdown(max(0.0, deadline - time.monotonic())) and collected

    def shutdown_foreign(self, timeout_s: float) -> bool:
        """Shut down the providers of a configuration file, in parallel and within the time."""
        providers = [p for p in (self.foreign.tracer, self.foreign.meter, self.foreign.logger) if p is not None]
        calls: list[Callable[[], Any]] = [provider.shutdown for provider in providers]
        return declarative.within(timeout_s, calls)

    def flush_foreign(self, timeout_s: float) -> bool:
        """Flush the providers of a configuration file, in parallel and within the time."""
        providers = [p for p in (self.foreign.tracer, self.foreign.meter, self.foreign.logger) if p is not None]
        calls: list[Callable[[], Any]] = [provider.force_flush for provider in providers]
        return declarative.within(timeout_s, calls)

    def statistics(self) -> Statistics:
        """Return count, extremes and percentiles of every series, by a peek that exports nothing."""
        from langswarm_otel.pipelines.statistics import Statistics  # noqa: PLC0415 - a program that starts need not wait for it

        return Statistics.of(self.preparation.metrics(self.reader.peek()))

    def prometheus_text(self) -> str:
        """Return every series since the start as Prometheus text, by a peek that exports nothing."""
        from langswarm_otel.export.prometheus_text import prometheus_text  # noqa: PLC0415 - few ask for it

        return prometheus_text(lambda: self._pulled(self.reader.peek()))

    def counts(self) -> tuple[ExporterHealth, ...]:
        """Return what was exported, queued and dropped, by destination and signal."""
        return self.hub.counts()

    def keep_counts(self) -> KeepHealth | None:
        """Return what was kept of the traces that are not sampled; None where none are to be."""
        return None if self.keep is None else self.keep.health()

    def set_sample_ratio(self, ratio: float) -> None:
        """Sample this share of new traces from now on; those under a parent follow it."""
        self.sampler.set_ratio(ratio)

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the parent; the hub, the reader and providers of ours have hooks of their own too."""
        self.let_change()  # a worker may give itself another name: nothing of it has been exported yet
        self.open_spans.forget()
        if self.keep is not None:
            self.keep.forget()
        self.pull.after_fork_in_child()
        if self.foreign.meter is not None:
            # Else the child exports again, as its own, what the parent had recorded on the provider of others.
            renew_metric_storage(self.foreign.meter, only=self.reader)
        resource = build_child_resource(self._config)
        if resource is not None:
            for provider in self._own_providers():
                merge_resource_in_child(provider, resource)

    def _own_providers(self) -> list[Any]:
        providers = (self.tracer_provider, self.meter_provider, self.logger_provider)
        return [one for one in providers if one not in (self.foreign.tracer, self.foreign.meter, self.foreign.logger)]


def _sampler_of(config: ObservabilityConfig) -> Sampler:
    return build_sampler(config.sampler, config.sample_ratio, config.sampler_argument)


def _max_queued(config: ObservabilityConfig) -> dict[Signal, int]:
    bounds: dict[Signal, int | None] = {"traces": config.max_queued_spans, "logs": config.max_queued_logs}
    return {signal: bound for signal, bound in bounds.items() if bound is not None}


def _fixed_part(config: ObservabilityConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in (*RESOURCE_FIELDS, *FIXED)}


def _set_limits(spans: SpanLimits, logs: LogRecordLimits, config: ObservabilityConfig) -> None:
    """Set the limits on the objects that tracers and loggers read for each record.

    The SDK reads them each time, which lets them change alive; a contract test guards that.
    """
    spans.max_span_attributes = config.max_span_attributes
    spans.max_span_attribute_length = config.max_span_attribute_length
    spans.max_attribute_length = config.max_attribute_length
    spans.max_events = config.max_span_events
    spans.max_links = config.max_span_links
    spans.max_event_attributes = config.max_event_attributes
    spans.max_link_attributes = config.max_link_attributes
    logs.max_log_record_attributes = config.max_log_record_attributes
    logs.max_log_record_attribute_length = config.max_log_record_attribute_length
