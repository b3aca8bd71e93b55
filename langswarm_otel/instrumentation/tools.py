"""Tool calls: ``execute_tool {name}`` spans.

``ToolExecution.execute`` is the one way to a tool for agents, ``ToolExecutor`` and direct calls. It swallows the tool's exceptions; their
type is in the metadata of the result. The name is the tool's; which of its methods ran is an attribute. A ``ToolExecutor`` repeats a call
that takes too long: that is one call, and each try is an attempt of it.

LangSwarm runs plain functions in an executor, which copies no context: there would be no current span in them. The handler is given the
context of the call instead.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import create_key, get_current

from langswarm_otel import current, semconv
from langswarm_otel.components.tool import ToolRun
from langswarm_otel.context import with_values
from langswarm_otel.guard import record_fault
from langswarm_otel.instrumentation.attempts import InTry, Tries, Within
from langswarm_otel.instrumentation.calls import Call, call_hook, report_error
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.stream_calls import around_stream

if TYPE_CHECKING:
    from collections.abc import Callable

_BASE: Final = "langswarm.tools.base"
_EXECUTION: Final = "langswarm.tools.execution"
_REFUSED: Final = "tool_error"
"""``error.type`` of a call that the tool refused without an exception, as in MCP."""

_EXECUTED: Final = create_key("langswarm_otel.langswarm.executed")
"""Context key of what a ``ToolExecutor`` is at."""


class _Executed:
    """What a ``ToolExecutor`` is at: the tool, its run, and whether the last attempt was called off, as by a timeout."""

    __slots__ = ("called_off", "tool", "tries")

    def __init__(self, tool: Any, run: ToolRun) -> None:
        self.tool = tool
        self.tries = Tries(run)
        self.called_off = False


class _ExecutorAttempt(InTry):
    """One try of a ``ToolExecutor``."""

    __slots__ = ("_executed",)

    def __init__(self, executed: _Executed) -> None:
        super().__init__(executed.tries, {})
        self._executed = executed

    def finish(self, error: BaseException | None = None) -> None:
        """End the attempt."""
        self._executed.called_off = error is not None
        super().finish(error)


def _call_of(name: str, method: Any, parameters: Any) -> ToolRun:
    run = current.tool(name, tool_type="function").begin()
    run.set_attribute(semconv.TOOL_METHOD, method or None)
    run.input(parameters)
    return run


def _begin(call: Call) -> ToolRun | Within:
    executed: Any = get_current().get(_EXECUTED)
    if isinstance(executed, _Executed) and not executed.tries.over and executed.tool is getattr(call.instance, "_tool", None):
        return Within({_EXECUTED: None})  # the executor's call is the one
    name = call.instance._get_tool_name()  # noqa: SLF001 - LangSwarm has no public name for it
    return _call_of(name, call.get(0, "method"), call.get(1, "parameters"))


def _finish(run: ToolRun | Within, _call: Call, result: Any) -> None:
    if not isinstance(run, ToolRun):
        return
    if not result.success:
        run.output(result.error)
        report_error(run, result.metadata.get("exception_type"), otherwise=_REFUSED)
        return
    run.output(result.data)
    report_refusal(run, result.data)


def report_refusal(run: ToolRun, data: Any) -> None:
    """Mark a call as failed whose result says so, as those of LangSwarm's MCP servers do.

    Args:
        run: the call.
        data: what the tool has returned; ``isError`` is MCP's way to say it, ``success`` with ``error`` is that of ``call_task``.
    """
    if isinstance(data, Mapping) and (data.get("isError") is True or (data.get("success") is False and "error" in data)):
        report_error(run, data.get("error_type"), otherwise=_REFUSED)


def _begin_executor(call: Call) -> ToolRun:
    tool = call.get(0, "tool")
    run = _call_of(tool.metadata.id, call.get(1, "method"), call.get(2, "parameters"))
    run.context = with_values(run.context, {_EXECUTED: _Executed(tool, run)})
    return run


def _finish_executor(run: ToolRun, call: Call, result: Any) -> None:
    executed: Any = run.context.get(_EXECUTED)
    if not result.success and executed is not None and executed.called_off:
        report_error(run, TimeoutError.__name__)
    else:
        _finish(run, call, result)


def _begin_attempt(_call: Call) -> InTry | None:
    executed: Any = get_current().get(_EXECUTED)
    return _ExecutorAttempt(executed) if isinstance(executed, _Executed) and not executed.tries.over else None


def _begin_stream(call: Call) -> ToolRun:
    return _call_of(call.instance._get_tool_name(), call.get(0, "method"), call.get(1, "parameters"))  # noqa: SLF001 - as above


def _has_stream(call: Call) -> bool:
    """Whether the method streams; otherwise ``execute_stream`` yields what ``execute`` returns."""
    return hasattr(call.instance._tool, f"{call.get(0, 'method')}_stream")  # noqa: SLF001 - LangSwarm asks it the same way


def _seen(run: ToolRun, _call: Call, item: Any) -> None:
    metadata = getattr(item, "metadata", None)
    if getattr(item, "success", None) is False and isinstance(metadata, Mapping):
        run.output_piece(item.error)
        report_error(run, metadata.get("exception_type"), otherwise=_REFUSED)
    else:
        run.output_piece(item)


def _carry_context(wrapped: Callable[..., Any], _instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return the handler of a method; a plain function runs in the context of the call, wherever it is run."""
    handler = wrapped(*args, **kwargs)
    try:
        if handler is None or inspect.iscoroutinefunction(handler):
            return handler
        context = contextvars.copy_context()

        @functools.wraps(handler)
        def in_context(*call_args: Any, **call_kwargs: Any) -> Any:
            # A context can be entered once at a time, and a handler may be kept and called from several threads.
            return context.copy().run(handler, *call_args, **call_kwargs)

    except Exception as error:  # noqa: BLE001 - our fault, not the caller's
        record_fault("langswarm.tool.context", error)
        return handler
    return in_context


_hook: Final = functools.partial(call_hook, "langswarm.tool")

HOOKS: Final = (
    _hook(_BASE, "ToolExecution", "execute", _begin, _finish),
    Hook(
        module=_BASE,
        owner="ToolExecution",
        attribute="execute_stream",
        wrapper=around_stream("langswarm.tool.stream", begin=_begin_stream, seen=_seen, applies=_has_stream),
    ),
    Hook(module=_BASE, owner="ToolExecution", attribute="_get_method_handler", wrapper=_carry_context),
    _hook(_EXECUTION, "ToolExecutor", "execute", _begin_executor, _finish_executor),
    _hook(_EXECUTION, "ToolExecutor", "_execute_tool_method", _begin_attempt),
)
"""Where tools are called."""
