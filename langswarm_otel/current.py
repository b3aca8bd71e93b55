"""The handle in force, and the operations as functions of the package that follow it.

Everything is resolved when it is called: a capture wins, then the handle that ``configure_observability`` set, then the API's global
providers, so that a program whose OpenTelemetry is set up by others gets our spans there, and one without any pays for a no-op.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from opentelemetry import _logs, metrics, trace

from langswarm_otel import override
from langswarm_otel.components.operations import Operations
from langswarm_otel.signals.telemetry import Policy, build_telemetry

if TYPE_CHECKING:
    from langswarm_otel.signals.telemetry import Telemetry


class Handle(Protocol):
    """What the slot holds: something that has telemetry."""

    @property
    def telemetry(self) -> Telemetry:
        """What operations use in the present context."""
        ...


_handle: Handle | None = None
_of_api: Telemetry | None = None


def set_current(handle: Handle | None) -> None:
    """Make a handle the current one of the process; None means none."""
    global _handle  # noqa: PLW0603 - the one global slot
    _handle = handle


def current_handle() -> Handle | None:
    """Return the current handle of the process, if there is one."""
    return _handle


def telemetry() -> Telemetry:
    """Return what the operations below use at this moment."""
    over = override.active()
    if over is not None:
        return cast("Telemetry", over.telemetry)
    return _telemetry_of_api() if _handle is None else _handle.telemetry


def _telemetry_of_api() -> Telemetry:
    """Return telemetry on the API's global providers; its proxies follow whoever sets them later."""
    global _of_api  # noqa: PLW0603 - instruments are made once in a process
    if _of_api is None:
        _of_api = build_telemetry(trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider(), Policy())
    return _of_api


_operations = Operations(telemetry)

agent = _operations.agent
inference = _operations.inference
tool = _operations.tool
session = _operations.session
memory = _operations.memory
workflow = _operations.workflow
step = _operations.step
traced = _operations.traced
timer = _operations.timer

if TYPE_CHECKING:
    agents = _operations.agents
    tools = _operations.tools
    sessions = _operations.sessions
    memories = _operations.memories
    workflows = _operations.workflows


def __getattr__(name: str) -> Any:
    """Make the recorders when they are first used (PEP 562): few use them, and they bring all kinds of operations along."""
    if name not in {"agents", "tools", "sessions", "memories", "workflows"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_operations, name)
