"""Huge and odd attribute values: one of them costs the batch that it is in.

Base64 images and results of megabytes exceed what a Collector takes, and a lone surrogate or an integer beyond 64 bits cannot be encoded.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import enum
import json

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from otlp_server import attributes

from langswarm_otel import configure_observability

Colour = enum.Enum("Colour", "RED")
CYCLE: list = []
CYCLE.append(CYCLE)


class Hostile:
    def __str__(self):
        raise RuntimeError

    __repr__ = __iter__ = __str__


ODD = {
    "dict": {"a": 1},
    "none": None,
    "mixed": [1, "a", None],
    "set": {3, 1, 2},
    "bytes": b"\x00\xff",
    "surrogate": "half \ud83d",
    "huge integer": 2**70,
    "cyclic": CYCLE,
    "decimal": decimal.Decimal("1.5"),
    "date": dt.date(2026, 11, 25),
    "enum": Colour.RED,
    "hostile": Hostile(),
    "nan": float("nan"),
    "deep": json.loads("[" * 200 + "]" * 200),
}


def test_the_plain_sdk_loses_the_batch(otlp_server, verdict):
    """A span with a lone surrogate takes its innocent neighbours with it."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp_server.endpoint}/v1/traces")))
    tracer = provider.get_tracer("plain")
    for name in ("before", "odd", "after"):
        span = tracer.start_span(name)
        if name == "odd":
            span.set_attribute("text", ODD["surrogate"])
            with pytest.raises(RuntimeError):
                span.set_attribute("hostile", ODD["hostile"])
        span.end()
    provider.force_flush()
    provider.shutdown()
    assert otlp_server.span_names() == [] or "text" not in attributes(otlp_server.spans[1].attributes)
    verdict.plain(f"a hostile value raises into the application; of 3 spans, one with half a letter, {len(otlp_server.spans)} arrive")


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_value_costs_nothing(otlp_server, kind):
    """On a foreign span, an event, a log record and in content: neighbours arrive, and the value in a form that anybody can read."""
    obs = configure_observability("production", endpoint=otlp_server.endpoint, capture_content=True, log_output="none")
    tracer = trace.get_tracer("foreign")
    for name in ("before", "odd", "after"):
        with tracer.start_as_current_span(name) as span:
            if name == "odd":
                span.set_attribute("value", ODD[kind])
                span.add_event("event", {"value": ODD[kind]})
                obs.log.info("line", value=ODD[kind])
                with obs.tool("tool") as call:
                    call.output(ODD[kind])
    assert obs.flush(5.0)
    assert sorted(otlp_server.span_names()) == ["after", "before", "execute_tool tool", "odd"]
    assert len(otlp_server.log_records) == 1
    assert not any(row.dropped_total for row in obs.health().exporters if row.target == otlp_server.endpoint)


def test_that_is_so_for_each(verdict):
    """The cases above are what is counted."""
    assert len(ODD) == 14
    verdict.ours(f"{len(ODD)} kinds of odd values: everything arrives")


def test_a_huge_value_is_cut_with_its_size_and_digest(otlp_server, verdict):
    """Ten megabytes of text and of an image become what a Collector takes, and tell what they were."""
    obs = configure_observability("production", endpoint=otlp_server.endpoint, capture_content=True, log_output="none")
    image = base64.b64encode(bytes(range(256)) * 4096).decode()
    with obs.tool("text") as call:
        call.output("no two words " * 800_000)
    with obs.tool("image") as call:
        call.output([{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}])
    assert obs.flush(5.0)
    text, picture = (attributes(span.attributes)["gen_ai.tool.call.result"] for span in otlp_server.spans)
    assert len(text) == 8192
    assert "[cut: 10400000 characters, sha256 " in text
    assert "<image/png, 1048576 bytes>" in picture
    assert len(picture) < 200
    verdict.ours("10 MB of text: 8 KB with size and digest; an image: type and size")


def test_a_span_keeps_to_its_budget(otlp_server, verdict):
    """Many large values are cut evenly until all together fit, the small ones stay."""
    obs = configure_observability(
        "production", endpoint=otlp_server.endpoint, capture_content=True, log_output="none", max_record_bytes=20_000
    )
    with trace.get_tracer("foreign").start_as_current_span("large") as span:
        for number in range(20):
            span.set_attribute(f"value.{number}", f"{number} " * 2000)
        span.set_attribute("small", "stays")
    assert obs.flush(5.0)
    found = attributes(otlp_server.spans[0].attributes)
    assert found["small"] == "stays"
    assert sum(map(len, found.values())) < 22_000
    assert all("[cut: " in value for key, value in found.items() if key != "small")
    verdict.ours("a span of 80 KB keeps to a budget of 20 KB")
