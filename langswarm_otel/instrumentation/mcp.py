"""Calls of LangSwarm's MCP servers in this process: ``execute_tool {task}`` spans of type ``extension``.

A tool's own call of its server is part of the tool's call and makes no second span, as the conventions ask of MCP. Both ways into a server
return their errors, and both are one call: ``call_tool`` is MCP's own, ``call_task`` is LangSwarm's for servers in the same process.
``call_task`` runs a coroutine function in a thread of its own, which copies no context; it is given that of the call.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
from typing import TYPE_CHECKING, Any, Final

import wrapt

from langswarm_otel import current, semconv
from langswarm_otel.components.tool import ToolRun
from langswarm_otel.instrumentation.calls import Call, around_function, call_hook, innermost
from langswarm_otel.instrumentation.hooks import Hook
from langswarm_otel.instrumentation.tools import report_refusal

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULE: Final = "langswarm.mcp.server_base"
_SERVER: Final = "BaseMCPToolServer"


def _begin(call: Call) -> ToolRun | None:
    name = call.get(0, "name") or call.get(0, "task_name")
    around_it = innermost()
    if isinstance(around_it, ToolRun):
        around_it.set_attribute(semconv.TOOL_METHOD, name)
        return None
    run = current.tool(name, tool_type="extension").begin()
    run.set_attribute(semconv.TOOL_SERVER, call.instance.name)
    run.input(call.get(1, "arguments") or call.get(1, "params"))
    return run


def _finish(run: ToolRun, _call: Call, result: Any) -> None:
    run.output(result)
    report_refusal(run, result)


class _WithContext(wrapt.ObjectProxy):  # type: ignore[type-arg]  # not generic at run time in every wrapt
    """A server whose handlers, wherever they are run, find the context of this call; the server itself is not touched."""

    @property
    def _tasks(self) -> Any:
        return _Handlers(self.__wrapped__._tasks)  # noqa: SLF001 - stands in for this very attribute


class _Handlers(dict[str, Any]):
    """The tasks of a server."""

    def __getitem__(self, name: str) -> Any:
        task = super().__getitem__(name)
        handler = task["handler"]
        return {**task, "handler": _in_context(handler)} if inspect.iscoroutinefunction(handler) else task


def _in_context(handler: Callable[..., Any]) -> Callable[..., Any]:
    context = contextvars.copy_context()

    @functools.wraps(handler)
    async def in_context(*args: Any, **kwargs: Any) -> Any:
        for variable, value in context.items():  # a task can be given a context from Python 3.11 on only
            variable.set(value)
        return await handler(*args, **kwargs)

    return in_context


_call_task = around_function("langswarm.mcp", begin=_begin, finish=_finish)


def _carry_context(wrapped: Callable[..., Any], instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run ``call_task`` as a tool call, on a stand-in of the server that carries the context of the call."""

    def on_stand_in(*call_args: Any, **call_kwargs: Any) -> Any:
        function = getattr(wrapped, "__func__", None)
        return wrapped(*call_args, **call_kwargs) if function is None else function(_WithContext(instance), *call_args, **call_kwargs)

    return _call_task(on_stand_in, instance, args, kwargs)


HOOKS: Final = (
    Hook(module=_MODULE, owner=_SERVER, attribute="call_task", wrapper=_carry_context),
    call_hook("langswarm.mcp", _MODULE, _SERVER, "call_tool", _begin, _finish),
)
"""Where MCP servers are called."""
