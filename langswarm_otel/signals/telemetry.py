"""What operations emit into: tracer, meter, logger and instruments of one set of providers, and the policy that holds there."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry._logs import Logger, LoggerProvider, NoOpLoggerProvider
from opentelemetry.metrics import Meter, MeterProvider, NoOpMeterProvider
from opentelemetry.trace import NoOpTracerProvider, Tracer, TracerProvider

from langswarm_otel import semconv
from langswarm_otel.pricing import PriceBook
from langswarm_otel.signals.instruments import Instruments
from langswarm_otel.signals.subjects import Subjects
from langswarm_otel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be emitted, and in which form."""

    capture_content: bool = False
    """Whether messages, tool arguments and results, and exception text are kept."""

    capture_user_id: bool = False
    """Whether the raw user id stands on spans, beside its hash."""

    user_hash_salt: str = ""
    """Secret that goes into ``user.hash``."""

    lookup_spans: bool = False
    """Whether look-ups of LangSwarm's memory and sessions are spans."""

    semconv: semconv.Profile = "g1"
    """Generation of the GenAI client metrics."""

    prices: PriceBook = field(default_factory=PriceBook)
    """Where the cost of a call comes from."""

    max_content_length: int = 8192
    """Characters of one content attribute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Everything that an operation needs to emit."""

    tracer: Tracer
    """Makes the spans of operations."""

    meter: Meter
    """Made the instruments; also for meters of the user's own."""

    logger: Logger
    """OpenTelemetry logger of the same resource."""

    instruments: Instruments
    """The metrics of the catalogue."""

    policy: Policy
    """What may be emitted."""

    subjects: Subjects
    """Whom the measurements of these instruments are about."""

    clock: Callable[[], int] = time.time_ns
    """Nanoseconds since 1970."""


def build_telemetry(
    tracer_provider: TracerProvider,
    meter_provider: MeterProvider,
    logger_provider: LoggerProvider,
    policy: Policy,
    clock: Callable[[], int] = time.time_ns,
) -> Telemetry:
    """Make the telemetry of a set of providers; any implementation of the API will do.

    Args:
        tracer_provider: gives the tracer.
        meter_provider: gives the meter; its instruments are made here, once.
        logger_provider: gives the logger.
        policy: what may be emitted.
        clock: nanoseconds since 1970; another one than the system's makes times reproducible, in tests.
    """
    meter = meter_provider.get_meter(semconv.SCOPE_NAME, __version__, semconv.SCHEMA_URL)
    instruments = Instruments(meter, policy.semconv)
    return Telemetry(
        tracer=tracer_provider.get_tracer(semconv.SCOPE_NAME, __version__, semconv.SCHEMA_URL),
        meter=meter,
        logger=logger_provider.get_logger(semconv.SCOPE_NAME, __version__, semconv.SCHEMA_URL),
        instruments=instruments,
        subjects=Subjects(instruments),
        policy=policy,
        clock=clock,
    )


@functools.cache
def silent_telemetry() -> Telemetry:
    """Return telemetry that goes nowhere; the same each time. It looks up no prices and misses none."""
    policy = Policy(prices=PriceBook({"*": "free"}, public=False))
    return build_telemetry(NoOpTracerProvider(), NoOpMeterProvider(), NoOpLoggerProvider(), policy)
