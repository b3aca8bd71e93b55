r"""The testing kit: capture what a program emits, in memory, and look at it.

    with langswarm_otel.testing.capture() as telemetry:
        research("why is the sky blue?")
    assert telemetry.tree() == "invoke_agent researcher\n  chat gpt-4o"

With pytest, the fixture ``telemetry`` does the same for a test.
"""

from __future__ import annotations

from langswarm_otel.testing.captured import Captured, NotCapturedError
from langswarm_otel.testing.capturing import capture
from langswarm_otel.testing.clock import TickingClock
from langswarm_otel.testing.records import CapturedEvent, CapturedLink, CapturedLog, CapturedPoint, CapturedSpan

__all__ = [
    "Captured",
    "CapturedEvent",
    "CapturedLink",
    "CapturedLog",
    "CapturedPoint",
    "CapturedSpan",
    "NotCapturedError",
    "TickingClock",
    "capture",
]
