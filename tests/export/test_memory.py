"""Exporters that keep what they get."""

from __future__ import annotations

from hub_exporters import points_of, running

from langswarm_otel.export.hub import Target
from langswarm_otel.export.memory import MemorySpanExporter, MemoryStore


def test_all_signals_are_kept():
    """What was exported can be read, and forgotten."""
    store = MemoryStore()
    with running(Target(name="memory", spans=store.spans, logs=store.logs, metrics=store.metrics)) as (hub, source):
        source.spans("a", "b")
        source.logs("l")
        source.meter.create_counter("c").add(1)
        assert hub.flush(5.0, before=source.collect)
        assert [span.name for span in store.spans.kept.items()] == ["a", "b"]
        assert [record.log_record.body for record in store.logs.kept.items()] == ["l"]
        assert [name for data in store.metrics.kept.items() for name, _ in points_of(data)] == ["c"]
        store.clear()
        assert store.spans.kept.items() == store.logs.kept.items() == store.metrics.kept.items() == ()


def test_the_newest_are_kept_up_to_a_bound():
    """Beyond the bound the oldest go, and are counted."""
    exporter = MemorySpanExporter(10)
    with running(Target(name="memory", spans=exporter), max_batch=7) as (hub, source):
        source.spans(*(f"s{number}" for number in range(25)))
        assert hub.flush(5.0)
        assert [span.name for span in exporter.kept.items()] == [f"s{number}" for number in range(15, 25)]
        assert exporter.kept.forgotten == 15


def test_a_store_outlives_its_target():
    """After a shutdown what was kept can be read, and the same store can serve the next target."""
    store = MemoryStore()
    for name in ("a", "b"):
        with running(Target(name="memory", spans=store.spans)) as (hub, source):
            source.spans(name)
            assert hub.shutdown(5.0)
    assert [span.name for span in store.spans.kept.items()] == ["a", "b"]
