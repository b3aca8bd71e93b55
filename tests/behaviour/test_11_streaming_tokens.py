"""Behaviour 11: streaming loses tokens and first-token time.

Pain: the span closes at the first chunk, or usage arrives in the last chunk that nobody reads; dashboards show 0 tokens, and the time to
the first token is missing or overwritten by the last (traceloop/openllmetry#3395, #584, DataDog/dd-trace-py#18772, pydantic/logfire#2050).

Right: usage may be set any time before the stream ends; the time to the first chunk is recorded once, for streams only.
"""

from __future__ import annotations

import asyncio

import pytest

from langswarm_otel.testing import capture
from langswarm_otel.testing.clock import EPOCH_NS

PLAIN_CANNOT = "knows neither tokens nor streams; what is built on it by hand loses them"

CHUNK_S = 0.05
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
TOKENS = "gen_ai.client.token.usage"
PARTIAL = "langswarm.usage.partial"


class HandClock:
    """Stands still until it is moved on, so that times are exact however slow the machine is."""

    def __init__(self):
        self.now_ns = EPOCH_NS

    def __call__(self):
        return self.now_ns

    def pass_time(self, seconds):
        self.now_ns += round(seconds * 1e9)


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def telemetry(clock):
    with capture(clock=clock) as captured:
        yield captured


def model_stream(clock):
    """Three chunks, 50 ms apart, with the usage on the last."""
    for position in range(3):
        clock.pass_time(CHUNK_S)
        yield {"text": "word", "usage": {"input": 10, "output": 3} if position == 2 else None}


async def async_model_stream(clock):
    for chunk in model_stream(clock):
        await asyncio.sleep(0)
        yield chunk


def note_usage(call, chunk):
    if chunk["usage"] is not None:
        call.usage(input_tokens=chunk["usage"]["input"], output_tokens=chunk["usage"]["output"])


def consume(telemetry, clock, *, limit=None):
    with telemetry.observability.inference(provider="openai", model="gpt-4o") as call:
        for position, chunk in enumerate(call.stream(model_stream(clock))):
            note_usage(call, chunk)
            if position + 1 == limit:
                break


def consume_async(telemetry, clock, *, limit=None):
    async def main():
        async with telemetry.observability.inference(provider="openai", model="gpt-4o") as call:
            position = 0
            async for chunk in call.stream(async_model_stream(clock)):
                note_usage(call, chunk)
                position += 1
                if position == limit:
                    break

    asyncio.run(main())


WAYS = pytest.mark.parametrize("read", [consume, consume_async], ids=["sync", "async"])


@WAYS
def test_a_stream_read_to_its_end(telemetry, clock, read, verdict):
    """Tokens are exact although they came last, and the first chunk's time is one point of 50 ms."""
    read(telemetry, clock)
    span = telemetry.span("chat gpt-4o")
    assert span.attributes["gen_ai.usage.input_tokens"] == 10
    assert span.attributes["gen_ai.usage.output_tokens"] == 3
    assert PARTIAL not in span.attributes
    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["gen_ai.response.time_to_first_chunk"] == pytest.approx(CHUNK_S)
    assert span.duration_s == pytest.approx(3 * CHUNK_S)
    first = telemetry.metric(FIRST_CHUNK)
    assert first.count == 1
    assert first.value == pytest.approx(CHUNK_S)
    assert telemetry.metric(TOKENS, {"gen_ai.token.type": "input"}).value == 10
    assert telemetry.metric(TOKENS, {"gen_ai.token.type": "output"}).value == 3
    verdict.ours("tokens exact, time to first chunk once")


@WAYS
def test_a_stream_left_after_one_chunk(telemetry, clock, read, verdict):
    """Nobody read the usage: the span says that it is partial instead of claiming 0 tokens; the first chunk still has its one point."""
    read(telemetry, clock, limit=1)
    span = telemetry.span("chat gpt-4o")
    assert span.attributes[PARTIAL] is True
    assert "gen_ai.usage.input_tokens" not in span.attributes
    assert telemetry.metric(FIRST_CHUNK).count == 1
    assert telemetry.metric(FIRST_CHUNK).value == pytest.approx(CHUNK_S)
    assert telemetry.total(TOKENS) == 0
    verdict.ours("a stream left early is flagged partial")


def test_the_time_between_chunks(telemetry, clock):
    """Two gaps of 50 ms lie between three chunks."""
    consume(telemetry, clock)
    gaps = telemetry.metric("gen_ai.client.operation.time_per_output_chunk")
    assert gaps.count == 2
    assert gaps.value == pytest.approx(2 * CHUNK_S)


def test_first_chunk_by_hand_counts_once(telemetry, clock):
    """Callers who read their streams themselves say when the first chunk came; later calls do not overwrite it."""
    with telemetry.observability.inference(provider="openai", model="gpt-4o") as call:
        clock.pass_time(CHUNK_S)
        call.first_chunk()
        clock.pass_time(1)
        call.first_chunk()
        call.usage(input_tokens=10, output_tokens=3)
    assert telemetry.metric(FIRST_CHUNK).count == 1
    assert telemetry.metric(FIRST_CHUNK).value == pytest.approx(CHUNK_S)


def test_a_call_that_is_no_stream_has_no_first_chunk(telemetry):
    """Without a stream there is no point, not one of the whole duration."""
    with telemetry.observability.inference(provider="openai", model="gpt-4o") as call:
        call.usage(input_tokens=10, output_tokens=3)
    assert [point for point in telemetry.metrics if point.name == FIRST_CHUNK] == []
    assert "gen_ai.request.stream" not in telemetry.span("chat gpt-4o").attributes
