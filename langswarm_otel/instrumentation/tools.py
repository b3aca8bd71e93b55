"""Tool calls: ``execute_tool {name}`` spans.

``ToolExecution.execute`` is the one way to a tool for agents, ``ToolExecutor`` and direct calls. It swallows the tool's exceptions; their
type is in the metadata of the result. The name is the tool's; which of its methods ran is an attribute.

LangSwarm runs plain functions in an executor, which copies no context: there would be no current span in them. The handler is given the
context of the call instead.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import current, semconv
from langswarm_otel.guard import record_fault
from langswarm_otel.instrumentation.calls import Call, around, report_error
from langswarm_otel.instrumentation.hooks import Hook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from langswarm_otel.components.tool import ToolRun

_MODULE: Final = "langswarm.tools.base"
_REFUSED: Final = "tool_error"
"""``error.type`` of a call that the tool refused without an exception, as in MCP."""


@contextmanager
def _begin(call: Call) -> Iterator[ToolRun]:
    with current.tool(call.instance._get_tool_name(), tool_type="function") as run:  # noqa: SLF001 - LangSwarm has no public name for it
        run.set_attribute(semconv.TOOL_METHOD, call.get(0, "method") or None)
        run.input(call.get(1, "parameters"))
        yield run


def _finish(run: ToolRun, _call: Call, result: Any) -> None:
    if result.success:
        run.output(result.data)
    else:
        run.output(result.error)
        report_error(run, result.metadata.get("exception_type"), otherwise=_REFUSED)


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


HOOKS: Final = (
    Hook(module=_MODULE, owner="ToolExecution", attribute="execute", wrapper=around("langswarm.tool", begin=_begin, finish=_finish)),
    Hook(module=_MODULE, owner="ToolExecution", attribute="_get_method_handler", wrapper=_carry_context),
)
"""Where tools are called; ``execute_stream`` and the retries of ``ToolExecutor`` belong beside it."""
