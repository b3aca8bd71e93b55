"""Regression guard: bytecode instructions that one piece of telemetry costs the calling thread, compared with a committed baseline.

Times differ from machine to machine and from minute to minute; the number of bytecode instructions does not. What runs in C counts as one
instruction, so this guards the shape of the path, and ``make bench`` its speed. Instructions in our own files are compared always, those
in all files where the OpenTelemetry SDK is the baseline's.

    make bench-guard       compare with benchmarks/instructions.json
    make bench-baseline    write it anew, after a change that is meant
"""

from __future__ import annotations

import argparse
import gc
import json
import pathlib
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import structlog
from opentelemetry import metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import langswarm_otel
from langswarm_otel import configure_observability
from langswarm_otel.export.encoding import LogEncoder, SpanEncoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

BASELINE = pathlib.Path(__file__).with_suffix(".json")
OWN = str(pathlib.Path(langswarm_otel.__file__).parent)
ALLOWED = 0.03
"""How much more a path may cost than the baseline says."""

WARM_UP, RUNS = 60, 20
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
EIGHT = {"a": "1", "b": "two", "c": 3, "d": 4.0, "e": True, "f": "six", "g": 7, "h": "eight"}
UNSAMPLED = trace.NonRecordingSpan(trace.SpanContext(trace_id=1, span_id=1, is_remote=True))


class InstructionCounter:
    """Counts the instructions of the present thread, all of them and those in our own files."""

    def __init__(self) -> None:
        self.all = 0
        self.own = 0

    def enter(self, frame: FrameType, _event: str, _argument: Any) -> Callable[..., Any]:
        """Watch a frame that is entered, instruction by instruction."""
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self.step_own if frame.f_code.co_filename.startswith(OWN) else self.step

    def step(self, _frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
        """Count one instruction elsewhere."""
        self.all += event == "opcode"
        return self.step

    def step_own(self, _frame: FrameType, event: str, _argument: Any) -> Callable[..., Any]:
        """Count one instruction of ours."""
        self.all += event == "opcode"
        self.own += event == "opcode"
        return self.step_own


def count(work: Callable[[], object]) -> dict[str, float]:
    """Return the instructions of one run of some work, the mean of a few, once everything that is cached is cached."""
    for _ in range(WARM_UP):
        work()
    counter = InstructionCounter()
    sys.settrace(counter.enter)
    try:
        for _ in range(RUNS):
            work()
    finally:
        sys.settrace(None)
    return {"all": counter.all / RUNS, "own": counter.own / RUNS}


def samples() -> tuple[Any, Any]:
    """Return an ended span and a log record, as they come to the encoder."""
    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
    tracer_provider, logger_provider = TracerProvider(), LoggerProvider()
    tracer_provider.add_span_processor(SimpleSpanProcessor(spans))
    logger_provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
    tracer_provider.get_tracer("guard").start_span("work", attributes=EIGHT).end()
    logger_provider.get_logger("guard").emit(body="answered", attributes={"sources": 3, "route": "/a"})
    return spans.get_finished_spans()[0], logs.get_finished_logs()[0]


def works() -> dict[str, Callable[[], object]]:
    """Return what is measured, on a configured handle whose Collector is not there."""
    obs = configure_observability(
        "production",
        service_name="guard",
        endpoint="http://127.0.0.1:9",
        log_output="none",
        schedule_delay_s=3600.0,
        export_interval_s=None,
        shutdown_timeout_s=0.1,
        price_table={"openai/gpt-4o": {"input": 2.5, "output": 10.0}},
    )
    tracer, meter = trace.get_tracer("guard"), metrics.get_meter("guard")
    counter, histogram = meter.create_counter("requests"), meter.create_histogram("duration", "s")
    log = structlog.get_logger("guard")
    labels = {"route": "/a", "method": "GET", "status": "ok"}

    def span() -> None:
        with tracer.start_as_current_span("work", attributes=EIGHT):
            pass

    def agent() -> None:
        with obs.agent("a", provider="openai", model="gpt-4o"), obs.inference() as call:
            call.usage(input_tokens=120, output_tokens=30)

    def unsampled() -> None:
        with trace.use_span(UNSAMPLED), tracer.start_as_current_span("work"):
            pass

    ended, record = samples()
    span_encoder, log_encoder = SpanEncoder(), LogEncoder()
    return {
        "encoding a span with 8 attributes": lambda: span_encoder.encode(ended),
        "encoding a log record": lambda: log_encoder.encode(record),
        "span with 8 attributes": span,
        "unsampled span": unsampled,
        "counter add": lambda: counter.add(1, labels),
        "histogram record": lambda: histogram.record(0.2, labels),
        "structlog line": lambda: log.info("answered", sources=3, route="/a"),
        "agent with a chat": agent,
    }


def differences(found: dict[str, dict[str, float]], expected: dict[str, Any]) -> list[str]:
    """Return a line for each path that costs more than the baseline allows, or that the baseline does not know."""
    kinds = ("own", "all") if expected["sdk"] == version("opentelemetry-sdk") else ("own",)
    lines = []
    for name, counts in found.items():
        known = expected["works"].get(name)
        if known is None:
            lines.append(f"{name}: not in the baseline; write it with: make bench-baseline")
            continue
        for kind in kinds:
            more = counts[kind] / known[kind] - 1 if known[kind] else float(counts[kind] > 0)
            if more > ALLOWED:
                where = "in our own code" if kind == "own" else "in all code"
                lines.append(
                    f"{name}: {counts[kind]:.0f} instructions {where}, {known[kind]:.0f} before ({more:+.0%}, allowed {ALLOWED:.0%}); "
                    "make it cheaper, or, if it is worth that, run: make bench-baseline"
                )
    return lines


def main() -> int:
    """Compare with the baseline, or write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the baseline of this Python")
    options = parser.parse_args()
    baseline: dict[str, Any] = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if not options.write and PYTHON not in baseline:
        print(f"instructions: no baseline for Python {PYTHON} (there is one for {', '.join(baseline)}); nothing compared")
        return 0
    gc.disable()
    found = {name: count(work) for name, work in works().items()}
    if options.write:
        baseline[PYTHON] = {"sdk": version("opentelemetry-sdk"), "works": found}
        BASELINE.write_text(json.dumps(baseline, indent=1, sort_keys=True) + "\n")
        print(f"instructions: baseline of Python {PYTHON} written")
        return 0
    lines = differences(found, baseline[PYTHON])
    print("\n".join(lines) or f"instructions: {len(found)} paths within {ALLOWED:.0%} of the baseline")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
