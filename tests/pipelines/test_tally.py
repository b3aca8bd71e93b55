"""What we add up ourselves: exact under threads, signals and finalisers; left to the SDK where the SDK must see it."""

from __future__ import annotations

import gc
import itertools
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from metric_points import metric_named, points_of, values_of
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from langswarm_otel import configure_observability, guard
from langswarm_otel.pipelines import tally as tally_module
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.series_index import ALIASES_PER_SERIES, SeriesIndex
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider
from langswarm_otel.pipelines.tallies import DEFAULT_BOUNDS
from langswarm_otel.pipelines.tally import MAX_POSTPONED, WORKED_OFF
from langswarm_otel.pipelines.tally_series import SumSeries

THREADS = 8


class Rig:
    """A provider with a counter, an up-down counter and a histogram, and a look at where their measurements go."""

    def __init__(self, **settings: Any) -> None:
        provider = {name: settings.pop(name) for name in ("views", "exemplar_filter") if name in settings}
        self.reader = SwitchReader(**settings)
        self.provider = SwitchMeterProvider(resource=Resource({"service.name": "s"}), reader=self.reader, **provider)
        self.meter = self.provider.get_meter("m")
        self.counter: Any = self.meter.create_counter("c")
        self.updown: Any = self.meter.create_up_down_counter("u")
        self.histogram: Any = self.meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 10])

    def measure(self, attributes: Any = None, times: int = 1) -> None:
        for _ in range(times):
            self.counter.add(1, attributes)
            self.updown.add(-1, attributes)
            self.histogram.record(1, attributes)

    def in_sdk(self) -> set[str]:
        """Names of the instruments that the SDK holds storage for."""
        storage = self.provider._measurement_consumer._reader_storages[self.reader]
        return {instrument.name for instrument in storage._instrument_view_instrument_matches}

    def totals(self) -> tuple[float, float, int]:
        data = self.reader.peek()
        counts = [point.count for point in points_of(data, "h")]
        return sum(values_of(data, "c").values()), sum(values_of(data, "u").values()), sum(counts)


@pytest.fixture
def many_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def in_threads(*work: Any) -> None:
    threads = [threading.Thread(target=one) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_sdk_takes_no_part() -> None:
    """Of counters, up-down counters and histograms with explicit buckets; what it does not do, it cannot cost."""
    rig = Rig()
    rig.measure({"a": "x"})
    rig.measure({"a": 1})
    assert rig.in_sdk() == set()
    assert rig.totals() == (2, -2, 2)


def test_what_stays_with_the_sdk() -> None:
    """Gauges, exponential histograms, and everything where views or a meter configurator decide."""
    exponential = Rig(histogram_aggregation="base2_exponential_bucket_histogram")
    exponential.measure()
    exponential.meter.create_gauge("g").set(1)
    assert exponential.in_sdk() == {"h", "g"}
    viewed = Rig(views=[View(instrument_name="c", attribute_keys={"a"})])
    viewed.measure({"a": "x", "b": "y"})
    assert viewed.in_sdk() == {"c", "u", "h"}
    assert values_of(viewed.reader.take(), "c") == {("x",): 1}
    configured = Rig()
    configured.measure()
    configured.provider.leave_to_sdk()
    configured.measure()
    configured.provider.add_metric_reader(other := InMemoryMetricReader())
    configured.provider.remove_metric_reader(other)
    configured.measure()
    assert configured.in_sdk() == {"c", "u", "h"}
    assert configured.totals() == (3, -3, 3)


def test_an_installed_meter_configurator_decides(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it turns off is off: only the SDK knows of it, so the SDK measures."""
    metadata = tmp_path / "quiet-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: quiet\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[_opentelemetry_meter_configurator]\nquiet = quiet:configure\n")
    (tmp_path / "quiet.py").write_text(
        "from types import SimpleNamespace\n\n\ndef configure(scope):\n    return SimpleNamespace(is_enabled=scope.name != 'noisy')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    quiet: Any = {"log_output": "none", "configure_structlog": False, "instrument": False, "install_global": False}
    with configure_observability("testing", service_name="s", meter_configurator="quiet", **quiet) as obs:
        provider = obs._installation.pipelines.meter_provider
        for name in ("noisy", "other"):
            provider.get_meter(name).create_counter(f"{name}.c").add(1)
        data = obs._installation.pipelines.reader.peek()
    assert values_of(data, "other.c") == {(): 1}
    assert points_of(data, "noisy.c") == []


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_a_reader_of_others_comes_and_goes_under_load(temporality: Any, many_switches: None) -> None:
    """Ours loses and doubles nothing when measurements go to the SDK and come back; theirs sees all that is made while it is there."""
    rig = Rig(temporality=temporality)
    exported: list[Any] = []
    working, each = 3, 1_500
    ended = itertools.count(1)
    done = threading.Event()

    def work() -> None:
        rig.measure({"a": "x"}, times=each)
        if next(ended) == working:
            done.set()

    def come_and_go() -> None:
        while not done.is_set():
            rig.provider.add_metric_reader(other := InMemoryMetricReader())
            exported.append(rig.reader.take())
            rig.provider.remove_metric_reader(other)
            exported.append(rig.reader.take())

    in_threads(come_and_go, *[work] * working)
    exported.append(rig.reader.take())
    total = working * each
    assert rig.in_sdk()
    assert rig.totals() == (total, -total, total)
    counted = exported if temporality == "delta" else exported[-1:]
    assert sum(sum(values_of(data, "c").values()) for data in counted) == total
    assert sum(point.count for data in counted for point in points_of(data, "h")) == total
    assert values_of(exported[-1], "u") == {("x",): -total}
    assert rig.provider.by_tally
    late = InMemoryMetricReader()
    rig.provider.add_metric_reader(late)
    rig.measure({"a": "x"}, times=3)
    assert values_of(late.get_metrics_data(), "c") == {("x",): 3}
    assert guard.faults() == {}


def test_exact_in_eight_threads(many_switches: None) -> None:
    """More than can wait for a lock, in many series, some of them new all the time."""
    rig = Rig(cardinality_limit=500)
    each = 2_000

    def work() -> None:
        for turn in range(each):
            rig.measure({"a": f"x{turn % 50}", "b": "y"} if turn % 2 else {"b": "y", "a": f"x{turn % 50}"})

    in_threads(*[work] * THREADS)
    total = THREADS * each
    assert rig.totals() == (total, -total, total)
    data = rig.reader.take()
    assert len(points_of(data, "c")) == 50
    assert [sum(point.bucket_counts) for point in points_of(data, "h")] == [point.count for point in points_of(data, "h")]
    assert guard.faults() == {}


def test_a_taken_lock_makes_nobody_wait() -> None:
    """Measurements wait on a list, worked off by the next ones; when the list is full the SDK takes them. Nothing is lost either way."""
    rig = Rig()
    tally = rig.counter._tally
    more = 100
    with tally._lock:
        for _ in range(MAX_POSTPONED + more):
            rig.counter.add(1, {"a": "x"})
        assert len(tally._postponed) == MAX_POSTPONED
        assert rig.in_sdk() == {"c"}
    rig.counter.add(1, {"a": "x"})
    assert len(tally._postponed) == MAX_POSTPONED - WORKED_OFF
    assert values_of(rig.reader.take(), "c") == {("x",): MAX_POSTPONED + more + 1}


def test_a_collection_waits_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a signal handler it cannot have the lock of the measurement that it has interrupted; the next collection finds everything."""
    monkeypatch.setattr(tally_module, "PATIENCE_S", 0.01)
    rig = Rig()
    rig.measure()
    with rig.counter._tally._lock:
        assert rig.totals() == (0, -1, 1)
    assert guard.faults() == {"Tally.take": 1}
    guard.forget_faults()
    assert rig.totals() == (1, -1, 1)


def test_a_finaliser_measures_in_the_middle_of_a_measurement() -> None:
    """The garbage collector runs whenever it likes, in any thread, and what it ends may count itself."""
    rig = Rig()
    ended = itertools.count()

    class Counted:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            next(ended)
            rig.counter.add(1, {"a": "x"})
            rig.histogram.record(1, {"a": "x"})

    thresholds = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(300):
            Counted()
            rig.counter.add(1, {"a": "x"})
            rig.histogram.record(1, {"a": "x"})
    finally:
        gc.set_threshold(*thresholds)
    gc.collect()
    total = 300 + next(ended)
    assert total == 600
    assert rig.totals()[::2] == (total, total)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers on this system")
def test_a_signal_handler_measures_in_the_middle_of_a_measurement() -> None:
    """It interrupts the very thread that holds the lock: nothing may wait, and nothing may be lost."""
    rig = Rig()
    handled = itertools.count()

    def handle(number: int, frame: object) -> None:
        next(handled)
        rig.measure({"a": "x"})

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        rig.measure({"a": "x"}, times=20_000)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    total = 20_000 + next(handled)
    assert total > 20_000
    assert rig.totals() == (total, -total, total)
    assert guard.faults() == {}


def test_the_same_instrument_twice_is_one_metric() -> None:
    """As in the SDK: whatever handle of it is used, in whatever case its name is written; what differs is another metric."""
    rig = Rig()
    again, other = rig.meter.create_counter("C"), rig.meter.create_counter("c", "By")
    rig.counter.add(1)
    again.add(2)
    other.add(4)
    assert [point.value for point in points_of(rig.reader.take(), "c")] == [3, 4]


def test_default_buckets_are_the_sdks() -> None:
    """Written down in both places, by the same specification."""
    reader = InMemoryMetricReader()
    MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_histogram("h").record(1)
    (point,) = points_of(reader.get_metrics_data(), "h")
    assert tuple(point.explicit_bounds) == DEFAULT_BOUNDS


def test_two_providers_share_nothing() -> None:
    """Each handle is private, names or not."""
    one, two = Rig(), Rig()
    one.measure()
    two.measure(times=2)
    assert (one.totals(), two.totals()) == ((1, -1, 1), (2, -2, 2))


def test_an_up_down_counter_is_a_total_in_every_temporality() -> None:
    """It is added up like a counter inside, and told as OpenTelemetry wants it; idle ones too, and from the first measurement on."""
    rig = Rig(temporality="delta")
    rig.measure({"a": "x"})
    starts = set()
    for value in (-1, -1, -2):
        if value == -2:
            rig.updown.add(-1, {"a": "x"})
        data = rig.reader.take()
        (point,) = points_of(data, "u")
        metric = metric_named(data, "u")
        assert metric.data.aggregation_temporality == AggregationTemporality.CUMULATIVE
        assert not metric.data.is_monotonic
        assert point.value == value
        starts.add(point.start_time_unix_nano)
    assert len(starts) == 1


def test_exemplars_are_the_newest_and_leave_once() -> None:
    """A look in between takes none away; the next interval starts without."""
    rig = Rig()

    def under(span_id: int) -> Any:
        return trace.set_span_in_context(NonRecordingSpan(SpanContext(7, span_id, is_remote=False, trace_flags=TraceFlags(1))))

    for span_id, value in ((1, 1), (2, 5), (3, 1), (4, 50)):
        rig.counter.add(value, None, under(span_id))
        rig.histogram.record(value, None, under(span_id))
        rig.reader.peek()
    data = rig.reader.take()
    assert [one.span_id for one in points_of(data, "c")[0].exemplars] == [4]
    assert [(one.span_id, one.value) for one in points_of(data, "h")[0].exemplars] == [(3, 1), (2, 5), (4, 50)]
    assert all(one.time_unix_nano for one in points_of(data, "h")[0].exemplars)
    rig.measure()
    data = rig.reader.take()
    assert [points_of(data, name)[0].exemplars for name in ("c", "h")] == [[], []]


def test_starts_and_ends() -> None:
    """A series starts no later than it was first seen, and when telemetry is configured anew it does not start before that."""
    rig = Rig()
    rig.measure({"a": "old"})
    first = points_of(rig.reader.take(), "c")[0]
    assert 0 < first.start_time_unix_nano <= first.time_unix_nano
    rig.measure({"a": "new"})
    second = points_of(rig.reader.take(), "c")
    assert second[0].start_time_unix_nano == first.start_time_unix_nano
    assert first.time_unix_nano <= second[1].start_time_unix_nano <= second[1].time_unix_nano == second[0].time_unix_nano
    rig.reader.start_anew()
    rig.measure({"a": "old"})
    third = points_of(rig.reader.take(), "c")
    assert [point.value for point in third] == [1]
    assert third[0].start_time_unix_nano >= second[0].time_unix_nano


def index(limit: int = 10) -> SeriesIndex[SumSeries]:
    return SeriesIndex(SumSeries, limit)


def test_equal_values_of_other_types_find_other_series() -> None:
    """1, True and 1.0 are equal in Python and not on the wire; and none of them is found where text is looked up."""
    found: Any = index()
    series = [found.find({"a": value}) for value in ("1", 1, True, 1.0, None, b"1", [1], (1,), [True], {"k": 1})]
    assert len({id(one) for one in series}) == 9  # a list and a tuple are the same sequence
    assert [found.find({"a": value}) for value in ("1", 1, True, 1.0, None, b"1")] == series[:6]
    assert list(found.known) == [(("a", "1"),)]


def test_the_order_of_keys_makes_no_other_series() -> None:
    """Each order is remembered by itself, and leads to the same."""
    found: Any = index()
    keys = [f"k{number}" for number in range(3)]
    assert len({id(found.find(dict.fromkeys(order, "x"))) for order in itertools.permutations(keys)}) == 1
    assert len(found.known) == 6


def test_what_is_remembered_is_bounded() -> None:
    """Ways of writing attributes as well as series; what goes to the overflow is not remembered at all."""
    limit = 10
    found: Any = index(limit)
    keys = [f"k{number}" for number in range(5)]
    for order in itertools.permutations(keys):
        found.find(dict.fromkeys(order, "x"))
        found.find(dict.fromkeys(order, 1))
        assert len(found.known) + len(found._typed) <= ALIASES_PER_SERIES * limit
    assert len(found) == 2
    many = {id(found.find({"k": f"{number}"})) for number in range(100)}
    assert len(found) == limit
    assert len(many) == limit - 2 + 1
    known = len(found.known)
    overflow = found.find({"k": "one more"})
    assert overflow.key == (("otel.metric.overflow", ("bool", True)),)
    assert len(found.known) == known
    found.make_room(1)
    assert found.find({"k": "one more"}) is not overflow


def test_a_lock_that_nobody_will_release_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal handler raises can come between taking the lock and the ``try``; after two collections in vain nothing is lost."""
    monkeypatch.setattr(tally_module, "PATIENCE_S", 0.01)
    rig = Rig()
    rig.counter.add(1)
    rig.counter._tally._lock.acquire()
    rig.counter.add(2)
    found = [sum(values_of(rig.reader.peek(), "c").values()) for _ in range(2)]
    assert found == [0, 0]
    rig.counter.add(4)
    assert sum(values_of(rig.reader.peek(), "c").values()) == 7
    guard.forget_faults()
