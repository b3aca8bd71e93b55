"""The handle that ``configure_observability`` returns."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from langswarm_otel import guard, override
from langswarm_otel.components.operations import Operations
from langswarm_otel.components.settling import settle
from langswarm_otel.explain import Explanation

if TYPE_CHECKING:
    from types import TracebackType

    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer
    from typing_extensions import Self

    from langswarm_otel.config import ObservabilityConfig
    from langswarm_otel.environment import Resolved
    from langswarm_otel.export.memory import MemoryStore
    from langswarm_otel.installation import Installation
    from langswarm_otel.pipelines.health import Health, Mode
    from langswarm_otel.pipelines.statistics import Statistics
    from langswarm_otel.signals.telemetry import Telemetry


class Observability(Operations):
    """One configured telemetry: operations, signals, and what to know and do about them.

    The operations (``agent``, ``inference``, ``tool``, ``session``, ``memory``, ``workflow``, ``step``, ``traced``, ``timer`` and the
    ``record_*`` of ``agents``, ``tools``, ``sessions``, ``memories``, ``workflows``) are those of ``components.Operations``.
    """

    def __init__(self, installation: Installation, resolved: Resolved) -> None:
        super().__init__(self._resolve)
        self._installation = installation
        self._resolved = resolved

    def _resolve(self) -> Telemetry:
        over = override.active()
        return over.telemetry if over is not None else self._installation.telemetry  # type: ignore[return-value]

    @property
    def telemetry(self) -> Telemetry:
        """What operations of this handle use in the present context."""
        return self._resolve()

    @property
    def config(self) -> ObservabilityConfig:
        """The configuration that holds, after environment and preset."""
        return self._resolved.config

    @property
    def tracer(self) -> Tracer:
        """A tracer of this handle."""
        return self._resolve().tracer

    @property
    def meter(self) -> Meter:
        """A meter of this handle."""
        return self._resolve().meter

    @property
    def log(self) -> Any:
        """A structlog logger whose lines carry the trace that they belong to."""
        return self._installation.logger()

    @property
    def in_memory(self) -> MemoryStore:
        """What the ``memory`` exporters of the testing preset hold."""
        return self._installation.pipelines.memory

    @property
    def mode(self) -> Mode:
        """How the handle is connected."""
        if self.config.disabled:
            return "disabled"
        return self._installation.mode if self.running else "shut down"

    @property
    def running(self) -> bool:
        """Whether the handle has been configured and not been shut down."""
        return self._installation.pipelines.alive

    @property
    def superseded(self) -> bool:
        """Whether a later ``configure_observability`` took this handle's place; its operations follow the new one."""
        return self._installation.handle is not self

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Send everything made so far; True only if all of it was delivered within the time, in seconds."""
        settle()
        return self._installation.flush(timeout_s)

    def shutdown(self, timeout_s: float | None = None) -> bool:
        """Send what is left and stop; later operations pass through.

        Args:
            timeout_s: how long this may take, in seconds; ``shutdown_timeout_s`` of the configuration by default.

        Returns:
            True if nothing was lost. A second call, or one on a superseded handle, changes nothing and returns True.
        """
        if self.superseded:
            return True
        return self._installation.shutdown(self.config.shutdown_timeout_s if timeout_s is None else timeout_s)

    async def aflush(self, timeout_s: float = 5.0) -> bool:
        """``flush`` without blocking the event loop."""
        return bool(await importlib.import_module("asyncio").to_thread(self.flush, timeout_s))

    async def ashutdown(self, timeout_s: float | None = None) -> bool:
        """``shutdown`` without blocking the event loop."""
        return bool(await importlib.import_module("asyncio").to_thread(self.shutdown, timeout_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.shutdown()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.ashutdown()

    def unit_of_work(self, timeout_s: float | None = None) -> UnitOfWork:
        """Flush when the block ends, however it ends: for one invocation of a function, one task of a queue, one cron run.

        Args:
            timeout_s: how long the flush may take, in seconds; ``shutdown_timeout_s`` of the configuration by default.
        """
        return UnitOfWork(self, self.config.shutdown_timeout_s if timeout_s is None else timeout_s)

    def set_sample_ratio(self, ratio: float) -> None:
        """Sample this share (0 to 1) of new traces from now on; traces begun elsewhere keep their decision.

        Raises:
            ConfigurationError: the ratio is not a number from 0 to 1.
        """
        self._installation.pipelines.set_sample_ratio(ratio)

    def statistics(self) -> Statistics:
        """Return count, minimum, maximum, mean, median, p95, p99 and a standard deviation estimate for every series.

        It looks through the one reader that exports too: nothing is exported, and no later export changes but in times, the last bits
        of float sums and which exemplar survives.
        """
        settle()
        return self._installation.pipelines.statistics()

    def prometheus_text(self) -> str:
        """Return every series as Prometheus text, as its page would show it, without a page; needs the extra ``prometheus``.

        Raises:
            ConfigurationError: the extra is not installed.
        """
        settle()
        return self._installation.pipelines.prometheus_text()

    def explain(self) -> Explanation:
        """Return every setting, its value and where it came from."""
        return Explanation(self._resolved.settings)

    def make_provisional(self) -> None:
        """Let the next ``configure_observability`` change everything, the service's name too; for whoever configures before the program."""
        self._installation.pipelines.let_change()

    def health(self) -> Health:
        """Return a snapshot: mode, exporters, queues, drops by reason, last error, faults of ours, hooks."""
        from langswarm_otel.pipelines.health import Health, HookHealth  # noqa: PLC0415 - a program that starts need not wait for it

        settle()
        faults = guard.faults()
        return Health(
            mode=self.mode,
            exporters=self._installation.pipelines.counts(),
            internal_errors=sum(faults.values()),
            faults=faults,
            hooks=tuple(HookHealth(name=hook.name, installed=hook.installed, error=hook.error) for hook in self._installation.hooks()),
            notes=(*self._installation.notes, *self._installation.missing_logging()),
            folded=dict(self._installation.telemetry.instruments.folded),
            keep=self._installation.pipelines.keep_counts(),
        )

    def __repr__(self) -> str:
        return f"<Observability {self.config.service_name or 'unknown_service'} ({self.mode})>"


class UnitOfWork:
    """A block after which everything is sent; it never changes what the block returns or raises."""

    def __init__(self, handle: Observability, timeout_s: float) -> None:
        self._handle = handle
        self._timeout_s = timeout_s
        self.flushed: bool | None = None
        """Whether all of it was delivered in time; None until the block has ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.flushed = self._handle.flush(self._timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.flushed = await self._handle.aflush(self._timeout_s)
