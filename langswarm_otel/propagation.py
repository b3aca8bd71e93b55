"""Carrying the context where Python does not: into threads, out of a request, and across processes.

asyncio tasks, ``asyncio.to_thread`` and ``call_soon`` inherit the context by themselves. ``ThreadPoolExecutor.submit``,
``loop.run_in_executor`` and ``threading.Thread`` do not: use ``propagating`` or ``ContextExecutor`` there. Long-lived background work
inherits too much: use ``detached`` there. Over queues, MCP ``_meta`` and other mappings, use ``inject_context`` and ``context_from``.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from opentelemetry.context import Context, attach, create_key, get_current
from opentelemetry.trace import Link, get_current_span

from langswarm_otel import override
from langswarm_otel.context import restore, with_values
from langswarm_otel.guard import record_fault
from langswarm_otel.late import late

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, MutableMapping
    from concurrent.futures import Future
    from types import TracebackType

    from typing_extensions import Self

P = ParamSpec("P")
T = TypeVar("T")
M = TypeVar("M", bound="MutableMapping[str, Any]")
F = TypeVar("F", bound="Callable[..., Any]")

_ORIGIN_KEY: Final = create_key("langswarm_otel.origin")
_BAGGAGE: Final = "baggage"


def propagating(function: Callable[P, T]) -> Callable[P, T]:
    """Return ``function`` bound to the context of this moment, for an executor or a thread that would start with an empty one.

    Each call runs in a copy of its own, so one result may be called many times and in parallel. It binds the context *now*: call it
    where the work is handed over (``pool.submit(propagating(search), query)``), not as a decorator where the function is defined.

    A coroutine function is bound to the OpenTelemetry context and the capture in force, for an event loop that runs elsewhere.
    """
    if inspect.iscoroutinefunction(function):
        return cast("Callable[P, T]", _propagating_coroutine(function))
    captured = contextvars.copy_context()

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        # A context cannot be entered twice at a time; a copy of it costs next to nothing.
        return captured.copy().run(function, *args, **kwargs)

    return call


def _propagating_coroutine(function: Callable[..., Any]) -> Any:
    captured, capture = get_current(), override.active()

    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        before, capture_before = get_current(), override.set_override(capture)
        attach(captured)
        try:
            return await function(*args, **kwargs)
        finally:
            override.set_override(capture_before)
            restore(captured, before)

    return call


class ContextExecutor(Executor):
    """An executor whose calls run in the context of the moment of ``submit``, also behind ``loop.run_in_executor``.

    It wraps an executor of threads and shuts it down with itself. Processes share no context: use ``inject_context`` there.
    """

    def __init__(self, executor: Executor | None = None, *, max_workers: int | None = None) -> None:
        """Wrap an executor or make one.

        Args:
            executor: what runs the calls; None makes a ``ThreadPoolExecutor``.
            max_workers: threads of the executor that is made here.
        """
        self._executor = ThreadPoolExecutor(max_workers) if executor is None else executor

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Schedule a call in a copy of the present context."""
        run: Callable[..., T] = contextvars.copy_context().run
        return self._executor.submit(run, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut the wrapped executor down."""
        self._executor.shutdown(wait=wait, cancel_futures=cancel_futures)


class detached:  # noqa: N801 - used like a function
    """A block, or a function, whose work belongs to nobody: new traces, no session, no agent.

    ``asyncio.create_task`` and ``Thread`` in a copied context bill everything that a long-lived worker will ever do to the request that
    happened to start it. Start the worker inside ``with detached():`` instead.
    """

    def __init__(self, *, link: bool = True) -> None:
        """Describe the block.

        Args:
            link: whether the operations that start new traces inside carry a span link to where the block was entered.
        """
        self._link = link
        self._entered: list[tuple[Context, Context]] = []

    def __enter__(self) -> Self:
        before = get_current()
        origin = get_current_span(before).get_span_context()
        own = Context({_ORIGIN_KEY: origin}) if self._link and origin.is_valid else Context()
        self._entered.append((own, before))
        attach(own)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        restore(*self._entered.pop())

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)

    def __call__(self, function: F) -> F:
        """Make each call of a function, or coroutine function, such a block."""
        link = self._link
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                with detached(link=link):
                    return await function(*args, **kwargs)

            return call_async  # type: ignore[return-value]

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with detached(link=link):
                return function(*args, **kwargs)

        return call  # type: ignore[return-value]


def origin_links(context: Context) -> list[Link] | None:
    """Return the links that a span started in this context owes to where ``detached`` was entered; None if it is no root or owes none."""
    origin: Any = context.get(_ORIGIN_KEY)
    if origin is None or get_current_span(context).get_span_context().is_valid:
        return None
    return [Link(origin)]


def inject_context(mapping: M) -> M:
    """Write the trace context into a mapping of strings, such as headers, a queue message or MCP ``_meta``, and return the mapping.

    The process's propagator decides the keys (W3C ``traceparent`` by default). Keys that are there already, in any case, win: an existing
    trace context is left whole rather than mixed with ours. Nothing is ever raised, and session and user are not written.
    """
    try:
        propagate = late("opentelemetry.propagate")  # reads the environment and entry points when imported

        produced: dict[str, str] = {}
        propagate.inject(produced)
        taken = {key.lower() for key in mapping if isinstance(key, str)}
        baggage = {key: value for key, value in produced.items() if key.lower() == _BAGGAGE}
        for group in (baggage, {key: value for key, value in produced.items() if key not in baggage}):
            if not any(key.lower() in taken for key in group):
                mapping.update(group)
    except Exception as error:  # noqa: BLE001 - the mapping's or the propagator's own code ran
        record_fault("inject_context", error)
    return mapping


def context_from(mapping: Mapping[Any, Any] | None) -> RemoteContext:
    """Read a trace context out of a mapping that another process filled.

    Args:
        mapping: headers, message properties or the like; keys in any case, values text, bytes or lists of them. Garbage counts as absent.

    Returns:
        A context to pass to OpenTelemetry or to use as a block: ``with context_from(headers), obs.agent("worker"): ...``. If the mapping
        holds no trace context, it is the current one.
    """
    try:
        propagate = late("opentelemetry.propagate")  # reads the environment and entry points when imported

        carrier = dict(_readable(mapping)) if mapping else {}
        found = propagate.extract(carrier, context=Context())
        return RemoteContext(found if get_current_span(found).get_span_context().is_valid else {**get_current(), **found})
    except Exception as error:  # noqa: BLE001 - the mapping's or the propagator's own code ran
        record_fault("context_from", error)
        return RemoteContext(get_current())


def _readable(mapping: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a propagator can read, keys in lower case: the W3C formats are ASCII text."""
    for key, value in mapping.items():
        name, first = _text(key), value[0] if isinstance(value, (list, tuple)) and value else value
        text = _text(first)
        if name is not None and text is not None:
            yield name.lower(), text


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else None


class RemoteContext(Context):
    """A context that came from another process; as a block it is current inside."""

    def __enter__(self) -> Self:
        before = get_current()
        # A fresh object each time: the same context may be entered twice, and each block must recognise its own.
        own = with_values(self, {})
        _entered_remotely(self).append((own, before))
        attach(own)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        restore(*_entered_remotely(self).pop())

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)


def _entered_remotely(context: RemoteContext) -> list[tuple[Context, Context]]:
    entered: list[tuple[Context, Context]] = context.__dict__.setdefault("entered", [])
    return entered
