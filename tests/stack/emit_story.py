"""Run LangSwarm's support desk against an endpoint, and print as JSON what was emitted: a copy from an in-memory exporter."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import time

from langswarm_otel import configure_observability, presets, public_prices
from langswarm_otel.cli import story_langswarm
from langswarm_otel.config import SignalConfig

KINDS = ("internal", "server", "client", "producer", "consumer")


def emit(endpoint):
    copied = SignalConfig(exporters=("otlp", "memory"))
    config = presets.production(
        service_name="story",
        environment="test",
        endpoint=endpoint,
        log_output="none",
        capture_content=True,
        pipeline_metrics=False,
        traces=copied,
        metrics=copied,
        logs=copied,
    )
    public_prices.load()
    handle = configure_observability(config)
    with contextlib.redirect_stdout(io.StringIO()):
        asyncio.run(story_langswarm.run_story())
    handle.flush(10.0)
    time.sleep(1.5)  # a rate needs two points
    handle.shutdown(10.0)
    return handle.in_memory


def as_json(kept):
    spans = [
        {
            "trace_id": f"{span.context.trace_id:032x}",
            "span_id": f"{span.context.span_id:016x}",
            "parent_id": f"{span.parent.span_id:016x}" if span.parent else None,
            "name": span.name,
            "kind": KINDS[span.kind.value],
            "start_ns": span.start_time,
            "end_ns": span.end_time,
            "attributes": {key: list(value) if isinstance(value, tuple) else value for key, value in span.attributes.items()},
            "events": len(span.events),
        }
        for span in kept.spans.kept.items()
    ]
    records = [record.log_record for record in kept.logs.kept.items()]
    lines = [{"body": str(one.body), "trace_id": f"{one.trace_id:032x}", "span_id": f"{one.span_id:016x}"} for one in records]
    return {"spans": spans, "lines": lines}


if __name__ == "__main__":
    print(json.dumps(as_json(emit(sys.argv[1]))))
