"""``capture()``: a block in which everything that is emitted stays in memory, apart from all else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from langswarm_otel import environment, presets, runtime
from langswarm_otel.pipelines.capture import Capture
from langswarm_otel.pipelines.preparation import Preparation
from langswarm_otel.pipelines.processors import ScopeSpanProcessor
from langswarm_otel.pricing import PriceBook
from langswarm_otel.signals.telemetry import Policy, Telemetry, build_telemetry
from langswarm_otel.testing.captured import Captured
from langswarm_otel.testing.clock import TickingClock
from langswarm_otel.testing.handle import CaptureHandle
from langswarm_otel.testing.log_capture import release_logs, route_logs
from langswarm_otel.testing.stand_in import CaptureInstallation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from opentelemetry._logs import LoggerProvider
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from langswarm_otel.pricing import Price
    from langswarm_otel.semconv import Profile


class capture:  # noqa: N801 - used like a function
    """Capture, as ``with`` or ``async with``, what is emitted inside: in this context, its tasks, and threads given a copied context.

    Captured are the operations of every handle, module-level twins, decorators applied long before, foreign tracers, meters and loggers
    obtained from the global providers, and log records of structlog and the standard library. Nothing reaches an exporter or the
    network, parallel captures do not see each other, and span and trace ids count from 1. What is not captured: spans of a provider of
    somebody else's, and threads, executors and event loop runners that were given their context before (``everywhere=True`` is for
    those).

    Args:
        everywhere: capture in the whole process instead of this context only; refused with ``RuntimeError`` while another capture is
            alive.
        deterministic: use a ``TickingClock``, so that times are the same in every run.
        clock: a clock of your own, which returns nanoseconds since the epoch; wins over ``deterministic``.
        content: open the content gate; closed as in production by default.
        user_id: keep raw user ids beside their hashes.
        user_hash_salt: goes into ``user.hash``.
        lookup_spans: make spans of the look-ups of LangSwarm's memory and sessions.
        semconv: which generation of GenAI client metrics is emitted.
        price_table: prices that come before the public ones, as in ``ObservabilityConfig``.
        log_level: least severe level of log records that is captured.
    """

    def __init__(
        self,
        *,
        everywhere: bool = False,
        deterministic: bool = False,
        clock: Callable[[], int] | None = None,
        content: bool = False,
        user_id: bool = False,
        user_hash_salt: str = "",
        lookup_spans: bool = False,
        semconv: Profile = "g1",
        price_table: Mapping[str, Price | Mapping[str, float] | str] | None = None,
        log_level: str | int = "INFO",
    ) -> None:
        if clock is None and deterministic:
            clock = TickingClock()
        asked_for = presets.testing(
            service_name="capture",
            capture_content=content,
            capture_user_id=user_id,
            user_hash_salt=user_hash_salt,
            lookup_spans=lookup_spans,
            semconv=semconv,
            price_table=price_table,
        )
        self._resolved = environment.resolve(asked_for, {})
        self._policy = Policy(
            capture_content=content,
            capture_user_id=user_id,
            user_hash_salt=user_hash_salt,
            lookup_spans=lookup_spans,
            semconv=semconv,
            prices=PriceBook(price_table),
        )
        self._clock = clock
        self._everywhere = everywhere
        self._log_level = log_level
        self._inside: list[tuple[Capture[Telemetry], CaptureInstallation]] = []

    def __enter__(self) -> Captured:
        runtime.ensure_providers()
        scope = ScopeSpanProcessor()
        scope.capture_user_id = self._policy.capture_user_id
        inner = Capture(build=self._build, clock=self._clock, everywhere=self._everywhere, span_processors=(scope,))
        inner.__enter__()
        try:
            route_logs(self._log_level)
        except BaseException:
            inner.__exit__(None, None, None)
            raise
        preparing = Preparation(capture_content=self._policy.capture_content)
        installation = CaptureInstallation(inner, preparing)
        self._inside.append((inner, installation))
        return Captured(CaptureHandle(installation, self._resolved), inner, preparing)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        inner, installation = self._inside.pop()
        installation.pipelines.alive = False
        try:
            release_logs()
        finally:
            inner.__exit__(kind, error, traceback)

    async def __aenter__(self) -> Captured:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)

    def _build(self, tracers: TracerProvider, meters: MeterProvider, loggers: LoggerProvider) -> Telemetry:
        return build_telemetry(tracers, meters, loggers, self._policy, self._clock or time.time_ns)
