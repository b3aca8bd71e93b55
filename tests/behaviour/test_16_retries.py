"""Retries are invisible.

Back-off inflates the latency of the call, and the tokens of failed attempts vanish (Arize-ai/openinference#3664, 567-labs/instructor#715).
"""

from __future__ import annotations

import contextlib

import pytest
from plain_sdk import PlainSdk

from langswarm_otel.testing import capture
from langswarm_otel.testing.clock import EPOCH_NS


class HandClock:
    def __init__(self):
        self.now_ns = EPOCH_NS

    def __call__(self):
        return self.now_ns

    def wait(self, seconds):
        self.now_ns += round(seconds * 1e9)


def test_the_plain_sdk_shows_one_long_call(verdict):
    """Two failures and their back-off are inside of one span that ended well, without a trace of them."""
    sdk = PlainSdk()
    with sdk.tracer.start_as_current_span("chat"):
        for _ in range(2):
            with pytest.raises(TimeoutError):
                raise TimeoutError
    (span,) = sdk.spans()
    assert not span.events
    assert span.status.is_unset
    verdict.plain("one long call that looks well")


def test_every_attempt_is_seen(verdict):
    """An event for each attempt with what ended it, their number, time apart from the back-off, usage of all of them."""
    clock = HandClock()
    with capture(clock=clock) as telemetry:
        with telemetry.observability.inference(provider="openai", model="m") as call:
            for tokens, error in ((10, TimeoutError), (20, ConnectionError), (30, None)):
                with contextlib.suppress(OSError), call.attempt():
                    clock.wait(1.0)
                    call.usage(input_tokens=tokens, output_tokens=1)
                    if error is not None:
                        raise error("failed")
                clock.wait(10.0 if error is not None else 0.0)
        span = telemetry.span("chat m")
        events = [event for event in span.events if event.name == "langswarm.attempt"]
        assert span.attributes["langswarm.attempts"] == len(events) == 3
        assert [event.attributes.get("error.type") for event in events] == ["TimeoutError", "ConnectionError", None]
        assert span.attributes["gen_ai.usage.input_tokens"] == 60
        assert telemetry.metric("gen_ai.client.token.usage", {"gen_ai.token.type": "input"}).value == 60
        assert span.status == "UNSET"
        assert span.duration_s == pytest.approx(23.0)
        durations = [value for event in events for key, value in event.attributes.items() if "duration" in key]
        assert durations == [pytest.approx(1.0)] * 3
    verdict.ours("3 attempts: 3 events with outcome and own time, the usage of all of them")
