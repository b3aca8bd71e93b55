"""A meter provider that lives as long as the process and whose instruments decide at each call where a measurement goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from opentelemetry import metrics as metrics_api
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    ExemplarFilter,
    MeterProvider,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.sdk_private import ApiGauge, never_disable, renew_metric_storage, replace_resource, resource_of
from langswarm_otel.override import active
from langswarm_otel.pipelines.fork_watch import watch_forks
from langswarm_otel.pipelines.switch_instruments import SwitchCounter, SwitchGauge, SwitchHistogram, SwitchUpDownCounter
from langswarm_otel.pipelines.tallies import Tallies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.metrics import CallbackT
    from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
    from opentelemetry.sdk.metrics.view import View
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.util.types import Attributes

    from langswarm_otel.override import Override
    from langswarm_otel.pipelines.reader import SwitchReader

_EXEMPLAR_FILTERS: Final[dict[str, type[ExemplarFilter]]] = {
    "trace_based": TraceBasedExemplarFilter,
    "always_on": AlwaysOnExemplarFilter,
    "always_off": AlwaysOffExemplarFilter,
}


@runtime_checkable
class TotalsReader(Protocol):
    """A reader to which totals since the start may be given instead of what the SDK would collect for it."""

    def read_from(self, source: Callable[[], MetricsData] | None) -> None:
        """Read from there and not from the SDK."""
        ...

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """End it."""
        ...


class SwitchMeterProvider(MeterProvider):
    """The SDK's provider, handing out thin meters; ``enabled`` may change at any time and holds for instruments handed out before.

    ``shutdown`` shuts our reader down and freezes nothing, where the SDK's hands out no-op meters for ever.
    """

    def __init__(
        self,
        *,
        resource: Resource,
        reader: SwitchReader,
        views: Sequence[View] = (),
        exemplar_filter: str = "trace_based",
        enabled: bool = True,
    ) -> None:
        """Make a provider.

        Args:
            resource: what the metrics are about.
            reader: the one reader of this provider that is ours; further ones may be added later.
            views: as in the SDK; they hold for the life of the provider.
            exemplar_filter: ``trace_based``, ``always_on`` or ``always_off``, as in ``OTEL_METRICS_EXEMPLAR_FILTER``.
            enabled: False drops every measurement, as without an SDK.

        Raises:
            ConfigurationError: the exemplar filter is none of the three.
        """
        if exemplar_filter not in _EXEMPLAR_FILTERS:
            raise ConfigurationError("exemplar_filter", exemplar_filter, f"write one of {', '.join(_EXEMPLAR_FILTERS)}")
        super().__init__(
            metric_readers=[reader],
            resource=resource,
            exemplar_filter=_EXEMPLAR_FILTERS[exemplar_filter](),
            shutdown_on_exit=False,
            views=views,
        )
        never_disable(self)
        self.enabled = enabled
        """Whether measurements are kept."""
        self.by_tally = not views
        """Whether our own tallies take measurements, where an instrument has one; otherwise the SDK does, and either gets to our reader."""
        self._sdk_decides = bool(views)
        self._guests: set[MetricReader] = set()
        self._reader = reader
        self._tallies = Tallies(
            resource=partial(resource_of, self),
            limit=reader.cardinality_limit,
            exemplar_filter=exemplar_filter,
            explicit_histograms=reader.explicit_histograms,
        )
        reader.read_also(self._tallies)
        self._handles: dict[InstrumentationScope, SwitchMeter] = {}
        watch_forks(self)

    def replace_resource(self, resource: Resource) -> None:
        """Speak of another resource from now on; totals of the old one are not carried into the new. Call it while nothing is exported."""
        replace_resource(self, resource)
        renew_metric_storage(self)
        self._reader.start_anew()

    def leave_to_sdk(self) -> None:
        """Measure with nothing but the SDK from now on: what decides there, such as a meter configurator, is not known here."""
        self._sdk_decides = True
        self.by_tally = False

    def add_metric_reader(self, metric_reader: MetricReader) -> None:
        """Add a reader that is not ours; while there is one, the SDK takes all measurements, which it then sees.

        A reader of totals, such as our page for Prometheus, is shown those of our reader instead, at no cost for a measurement.
        """
        if isinstance(metric_reader, TotalsReader) and not self._sdk_decides and self._reader.explicit_histograms:
            metric_reader.read_from(self._reader.peek)
            return
        self._guests.add(metric_reader)
        self.by_tally = False
        super().add_metric_reader(metric_reader)

    def remove_metric_reader(self, metric_reader: MetricReader) -> None:
        """Remove a reader that was added, and shut it down."""
        if isinstance(metric_reader, TotalsReader) and metric_reader not in self._guests:
            metric_reader.read_from(None)
            metric_reader.shutdown()
            return
        super().remove_metric_reader(metric_reader)
        self._guests.discard(metric_reader)
        self.by_tally = not self._guests and not self._sdk_decides

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> metrics_api.Meter:
        """Return the meter of a scope; the same one for the same scope."""
        scope = InstrumentationScope(name, version, schema_url, attributes)
        handle = self._handles.get(scope)
        if handle is None:
            real = super().get_meter(name, version, schema_url, attributes)
            handle = self._handles.setdefault(scope, SwitchMeter(self, real, scope))
        return handle

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Flush our reader; unlike the SDK's this never raises."""
        return self._reader.force_flush(timeout_millis)

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Shut our reader down; the provider stays usable and may be asked again."""
        self._reader.shutdown(timeout_millis)

    def before_fork(self) -> None:
        """Do nothing; our reader keeps collections out of the fork."""

    def after_fork_in_parent(self) -> None:
        """Do nothing."""

    def after_fork_in_child(self) -> None:
        """Start with empty storage and with locks that nobody holds."""
        renew_metric_storage(self)

    def counter(self, real: metrics_api.Counter, make_twin: Callable[[Override], metrics_api.Counter]) -> SwitchCounter:
        """Wrap a counter of the SDK."""
        return SwitchCounter(self, real, make_twin, self._tallies.of_sum(real))

    def up_down_counter(
        self, real: metrics_api.UpDownCounter, make_twin: Callable[[Override], metrics_api.UpDownCounter]
    ) -> SwitchUpDownCounter:
        """Wrap an up-down counter of the SDK."""
        return SwitchUpDownCounter(self, real, make_twin, self._tallies.of_sum(real))

    def histogram(
        self, real: metrics_api.Histogram, make_twin: Callable[[Override], metrics_api.Histogram], advised: Sequence[float] | None
    ) -> SwitchHistogram:
        """Wrap a histogram of the SDK, whose maker has advised these bucket boundaries."""
        return SwitchHistogram(self, real, make_twin, self._tallies.of_histogram(real, advised))


class SwitchMeter(metrics_api.Meter):
    """A meter of one scope; its instruments ask at each measurement where it goes.

    Observable instruments have no such moment, because the SDK calls them: those made in a capture belong to the capture, all others to
    the process, and are the SDK's own.
    """

    def __init__(self, provider: SwitchMeterProvider, real: metrics_api.Meter, scope: InstrumentationScope) -> None:
        super().__init__(scope.name, scope.version, scope.schema_url)
        self._provider = provider
        self._real = real

    def _stand_in(self, override: Override) -> metrics_api.Meter:
        return override.meter(self.name, self.version, self.schema_url)

    def create_counter(self, name: str, unit: str = "", description: str = "") -> metrics_api.Counter:
        """Make a counter."""

        def twin(override: Override) -> metrics_api.Counter:
            return self._stand_in(override).create_counter(name, unit, description)

        return self._provider.counter(self._real.create_counter(name, unit, description), twin)

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> metrics_api.UpDownCounter:
        """Make an up-down counter."""

        def twin(override: Override) -> metrics_api.UpDownCounter:
            return self._stand_in(override).create_up_down_counter(name, unit, description)

        return self._provider.up_down_counter(self._real.create_up_down_counter(name, unit, description), twin)

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> metrics_api.Histogram:
        """Make a histogram, with the advice on its buckets."""
        bounds = explicit_bucket_boundaries_advisory

        def twin(override: Override) -> metrics_api.Histogram:
            return self._stand_in(override).create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=bounds)

        real = self._real.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=bounds)
        return self._provider.histogram(real, twin, bounds)

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> ApiGauge:
        """Make a gauge."""

        def twin(override: Override) -> ApiGauge:
            return self._stand_in(override).create_gauge(name, unit, description)

        return SwitchGauge(self._provider, self._real.create_gauge(name, unit, description), twin)

    def create_observable_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics_api.ObservableCounter:
        """Make an observable counter for the present capture, or for the process."""
        return self._observed().create_observable_counter(name, callbacks, unit, description)

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics_api.ObservableUpDownCounter:
        """Make an observable up-down counter for the present capture, or for the process."""
        return self._observed().create_observable_up_down_counter(name, callbacks, unit, description)

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[CallbackT] | None = None, unit: str = "", description: str = ""
    ) -> metrics_api.ObservableGauge:
        """Make an observable gauge for the present capture, or for the process."""
        return self._observed().create_observable_gauge(name, callbacks, unit, description)

    def _observed(self) -> metrics_api.Meter:
        override = active()
        return self._real if override is None else self._stand_in(override)
