"""The one metric reader of ours: what goes to the exporter, and looks in between that change nothing of it."""

from __future__ import annotations

import inspect
import threading
import time
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from opentelemetry.sdk.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import Aggregation, ExponentialBucketHistogramAggregation

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.sdk_private import SdkGauge
from langswarm_otel.guard import record_fault
from langswarm_otel.pipelines.fork_watch import watch_forks
from langswarm_otel.pipelines.metric_ledger import MetricLedger, Temporality

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.sdk.resources import Resource

    from langswarm_otel.pipelines.metric_ledger import Delta

HistogramAggregation = Literal["explicit_bucket_histogram", "base2_exponential_bucket_histogram"]
"""As in ``OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION``."""

WAIT_S: Final = 5.0
"""How long a caller waits for a collection that another thread is making, in seconds."""

FORK_WAIT_S: Final = 1.0
"""How long a fork waits for a collection to end, in seconds; a callback of the application may block it."""

_TEMPORALITIES: Final = ("cumulative", "delta", "lowmemory")
_PREFERRED: Final[dict[str, dict[type, Aggregation]]] = {
    "explicit_bucket_histogram": {},
    "base2_exponential_bucket_histogram": {Histogram: ExponentialBucketHistogramAggregation()},
}
_DEFAULT_CARDINALITY_LIMIT: Final = 2_000
_AS_DELTAS: Final = (Counter, UpDownCounter, Histogram)

# The SDK raises when a callback is slower than this and throws the whole collection away; we count it and keep the data.
_NO_TIMEOUT_MS: Final = 1e9


def _limits_of_the_sdk(limit: int) -> dict[str, Any]:
    """Return the SDK's own limits: a bound on what it holds between two collections; before 1.45.2 it has none, and only the fold limits.

    A series that is established in the fold must not be crowded out of a collection by new ones, so the SDK's limit is wider there.
    """
    if "cardinality_limits" not in inspect.signature(MetricReader.__init__).parameters:
        return {}
    folded = dict.fromkeys(_AS_DELTAS, 2 * limit)
    kept = dict.fromkeys((SdkGauge, ObservableCounter, ObservableUpDownCounter, ObservableGauge), limit)
    return {"cardinality_limits": {**folded, **kept}}


class Beside(Protocol):
    """What measures beside the SDK."""

    @property
    def resource(self) -> Callable[[], Resource]:
        """Says what the measurements are about."""
        ...

    def take(self, now: int) -> Iterable[Delta]:
        """Return what was added since it was last asked; the time of the collection is in nanoseconds since 1970."""
        ...

    def renew(self) -> None:
        """Start from nothing, with locks that nobody holds."""
        ...


class SwitchReader(MetricReader):
    """Collects on request, folds, and hands over in the temporality that is set at that moment.

    It has no thread: a worker ticks ``take``. Every collection runs the observable callbacks of the application. Added to a provider
    of others it works the same, except that a child after fork inherits what that provider had recorded.
    """

    def __init__(
        self,
        *,
        temporality: Temporality = "cumulative",
        histogram_aggregation: HistogramAggregation = "explicit_bucket_histogram",
        cardinality_limit: int = _DEFAULT_CARDINALITY_LIMIT,
    ) -> None:
        """Make a reader.

        Args:
            temporality: which instruments are exported as deltas; may change later.
            histogram_aggregation: how histograms keep their values; holds for the life of the provider.
            cardinality_limit: how many series an instrument may have; one more takes the rest.

        Raises:
            ConfigurationError: a value is none of those known, or the limit is no positive integer.
        """
        if histogram_aggregation not in _PREFERRED:
            raise ConfigurationError("histogram_aggregation", histogram_aggregation, f"write one of {', '.join(_PREFERRED)}")
        if isinstance(cardinality_limit, bool) or not isinstance(cardinality_limit, int) or cardinality_limit < 1:
            raise ConfigurationError("cardinality_limit", cardinality_limit, "give a positive integer")
        super().__init__(
            preferred_temporality=dict.fromkeys(_AS_DELTAS, AggregationTemporality.DELTA),
            preferred_aggregation=_PREFERRED[histogram_aggregation],
            **_limits_of_the_sdk(cardinality_limit),
        )
        self.on_flush: Callable[[float], bool] | None = None
        """Called by ``force_flush`` and ``shutdown`` with a time limit in seconds; sends what was collected and says whether it arrived."""
        self.cardinality_limit = cardinality_limit
        """How many series an instrument may have."""
        self.explicit_histograms = histogram_aggregation == "explicit_bucket_histogram"
        """Whether histograms have explicit buckets, unless a view says otherwise."""
        self._beside: Beside | None = None
        self._temporality: Temporality = "cumulative"
        self.set_temporality(temporality)
        self.start_anew()
        watch_forks(self)

    def start_anew(self) -> None:
        """Forget all totals, and what was measured beside the SDK; for the child after a fork and for another resource."""
        self._lock = threading.RLock()
        self._lock_holder: int | None = None
        self._collecting = False
        self._ledger = MetricLedger(self.cardinality_limit)
        self._folded_at: float | None = None
        self._last_peek = MetricsData(resource_metrics=[])
        if self._beside is not None:
            self._beside.renew()

    def read_also(self, beside: Beside) -> None:
        """Take in, at each collection, what is measured beside the SDK."""
        self._beside = beside

    @property
    def temporality(self) -> Temporality:
        """Which instruments are exported as deltas."""
        return self._temporality

    def set_temporality(self, temporality: Temporality) -> None:
        """Export in another temporality from the next ``take`` on; totals and start times go on.

        Raises:
            ConfigurationError: it is none of the three.
        """
        if temporality not in _TEMPORALITIES:
            raise ConfigurationError("metrics_temporality", temporality, f"write one of {', '.join(_TEMPORALITIES)}")
        self._temporality = temporality

    def take(self, *, timeout_s: float = WAIT_S) -> MetricsData | None:
        """Collect, end the interval, and return what is to be exported; None if there is nothing or another collection blocks.

        Never raises. What could not be taken stays for the next time. The caller sends it, outside of any lock.
        """
        lock = self._lock
        if not lock.acquire(timeout=max(0.0, timeout_s)):
            record_fault("SwitchReader.take", TimeoutError("another collection is running"))
            return None
        try:
            self._collect_and_fold()
            return self._ledger.close(self._temporality)
        except Exception as error:  # noqa: BLE001 - telemetry must not hurt its caller
            record_fault("SwitchReader.take", error)
            return None
        finally:
            lock.release()

    def peek(self, *, max_age_s: float = 0.0, timeout_s: float = WAIT_S) -> MetricsData:
        """Return the totals since the start; exports nothing and changes no later export but times, last bits and choice of exemplar.

        Never raises. If another collection blocks for too long, the answer is that of the last peek.

        Args:
            max_age_s: answer from the last collection if it is younger than this, in seconds, and leave the callbacks alone.
            timeout_s: how long to wait for a collection of another thread, in seconds.
        """
        lock = self._lock
        if not lock.acquire(timeout=max(0.0, timeout_s)):
            record_fault("SwitchReader.peek", TimeoutError("another collection is running"))
            return self._last_peek
        try:
            if self._folded_at is None or time.monotonic() - self._folded_at >= max_age_s:
                self._collect_and_fold()
            self._last_peek = self._ledger.running()
        except Exception as error:  # noqa: BLE001 - telemetry must not hurt its caller
            record_fault("SwitchReader.peek", error)
        finally:
            lock.release()
        return self._last_peek

    def _collect_and_fold(self) -> None:
        """Ask the SDK, and what measures beside it; the lock is held. A failing collection leaves the totals as they were."""
        if self._collecting:  # an observable callback asks for statistics; the SDK would wait for itself
            return
        self._collecting = True
        self._ledger.begin()
        started, now = time.monotonic(), time.time_ns()
        try:
            self._ask_the_sdk()
            if self._beside is not None:
                self._ledger.add(self._beside.resource(), self._beside.take(now), now)
        finally:
            self._collecting = False
            self._folded_at = time.monotonic()
        if self._folded_at - started > WAIT_S:
            record_fault("observable callbacks", TimeoutError("a collection took too long"))

    def _ask_the_sdk(self) -> None:
        try:
            self.collect(timeout_millis=_NO_TIMEOUT_MS)
        except Exception as error:  # noqa: BLE001 - what was folded before can still be exported
            record_fault("SwitchReader.collect", error)

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:  # noqa: ARG002 - the SDK's signature
        """Fold what the SDK hands over, also when others ask for the collection."""
        with self._lock:
            self._ledger.receive(metrics_data)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Send what was recorded so far, as ``on_flush`` does it; never raises."""
        if self.on_flush is None:
            return True
        try:
            return self.on_flush(timeout_millis / 1_000)
        except Exception as error:  # noqa: BLE001 - telemetry must not hurt its caller
            record_fault("SwitchReader.force_flush", error)
            return False

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:  # noqa: ARG002 - the SDK's signature
        """Send what was recorded so far; the reader stays usable."""
        self.force_flush(timeout_millis)

    def before_fork(self) -> None:
        """Keep a collection from being cut in two by the fork: its locks would stay taken in the child."""
        if self._lock.acquire(timeout=FORK_WAIT_S):
            self._lock_holder = threading.get_ident()

    def after_fork_in_parent(self) -> None:
        """Let collections go on."""
        if self._lock_holder == threading.get_ident():
            self._lock_holder = None
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start with a new lock and empty totals: what the parent recorded is the parent's to export."""
        self.start_anew()
