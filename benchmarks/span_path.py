"""What a span costs the thread that makes it, as a ratio to the raw SDK in the same process and round.

Both sides send to the same OTLP sink in a process of its own: the raw SDK with ``BatchSpanProcessor`` and its OTLP exporter as its
documentation says, ours as ``configure_observability`` makes it. Rounds alternate, each side flushes before the other begins, the
clock is ``time.thread_time`` of the calling thread, the figure is the median. Run it by ``python benchmarks/span_path.py``.
"""

from __future__ import annotations

import argparse
import gc
import http.server
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ATTRIBUTES: dict[str, Any] = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "gen_ai.usage.input_tokens": 412,
    "gen_ai.usage.output_tokens": 31,
    "gen_ai.request.temperature": 0.7,
    "server.address": "api.openai.com",
    "langswarm.stream": False,
}


class Handler(http.server.BaseHTTPRequestHandler):
    """Takes every request and keeps nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def serve() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def at_start(tracer: Any, count: int) -> None:
    for number in range(count):
        with tracer.start_as_current_span("chat gpt-4o", attributes={**ATTRIBUTES, "gen_ai.usage.input_tokens": number}):
            pass


def set_one_by_one(tracer: Any, count: int) -> None:
    for number in range(count):
        with tracer.start_as_current_span("chat gpt-4o") as span:
            for key, value in ATTRIBUTES.items():
                span.set_attribute(key, value)
            span.set_attribute("gen_ai.usage.input_tokens", number)


def bare(tracer: Any, count: int) -> None:
    for _ in range(count):
        with tracer.start_as_current_span("bare"):
            pass


def nested(tracer: Any, count: int) -> None:
    for _ in range(count // 2):
        with tracer.start_as_current_span("outer", attributes=ATTRIBUTES), tracer.start_as_current_span("inner", attributes=ATTRIBUTES):
            pass


def start_and_end(tracer: Any, count: int) -> None:
    for _ in range(count):
        tracer.start_span("chat gpt-4o", attributes=ATTRIBUTES).end()


def raw(endpoint: str, ratio: float) -> tuple[Any, Callable[[], Any]]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

    provider = TracerProvider(resource=Resource.create({"service.name": "bench"}), sampler=ParentBasedTraceIdRatio(ratio))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
    return provider.get_tracer("bench"), provider.force_flush


def ours(endpoint: str, ratio: float, *, lean: bool) -> tuple[Any, Callable[[], Any]]:
    from langswarm_otel import configure_observability

    handle = configure_observability(
        "production", service_name="bench", endpoint=endpoint, sample_ratio=ratio, install_global=False, log_output="none"
    )
    provider = handle._installation.pipelines.tracer_provider
    if hasattr(provider, "lean"):
        provider.lean = lean
    return provider.get_tracer("bench"), lambda: handle.flush(30.0)


def measure(work: Callable[[Any, int], None], sides: list[tuple[Any, Callable[[], Any]]], count: int, rounds: int) -> list[list[float]]:
    times: list[list[float]] = [[] for _ in sides]
    for number in range(rounds + 1):
        for index in sorted(range(len(sides)), key=lambda side: (side + number) % len(sides)):
            tracer, flush = sides[index]
            gc.collect()
            begin = time.thread_time()
            work(tracer, count)
            spent = time.thread_time() - begin
            flush()
            if number:
                times[index].append(spent / count * 1e6)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--spans", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sdk-spans", action="store_true", help="ours with spans of the SDK's class")
    parser.add_argument("--only", help="the rows whose name holds this")
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    sink = subprocess.Popen([sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True)
    assert sink.stdout is not None
    endpoint = f"http://127.0.0.1:{sink.stdout.readline().strip()}"
    try:
        sampled = [raw(endpoint, 1.0), ours(endpoint, 1.0, lean=not given.sdk_spans)]
        unsampled = [raw(endpoint, 0.0), ours(endpoint, 0.0, lean=not given.sdk_spans)]
        rows = [
            ("8 attributes at start", at_start, sampled),
            ("8 x set_attribute", set_one_by_one, sampled),
            ("no attributes", bare, sampled),
            ("nested, 8 attributes each", nested, sampled),
            ("start_span().end(), 8 attributes", start_and_end, sampled),
            ("unsampled, 8 attributes", at_start, unsampled),
            ("unsampled, no attributes", bare, unsampled),
        ]
        print(f"| {'calling thread, us a span':34} | raw SDK | ours | ratio |\n|---|---|---|---|", flush=True)
        for name, work, sides in rows:
            if given.only and given.only not in name:
                continue
            before, after = measure(work, sides, given.spans, given.rounds)
            ratio = statistics.median(one / other for one, other in zip(after, before, strict=True))
            print(f"| {name:34} | {statistics.median(before):7.2f} | {statistics.median(after):5.2f} | {ratio:.2f} |", flush=True)
    finally:
        sink.terminate()


if __name__ == "__main__":
    main()
