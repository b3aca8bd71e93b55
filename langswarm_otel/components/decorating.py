"""Decorators that nobody can tell from the function: same kind, signature, protocol, result and exception object."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, TypeVar, cast

from langswarm_otel.components.streaming import Steps

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from langswarm_otel.components.operation import Operation
    from langswarm_otel.components.run import Run

F = TypeVar("F", bound="Callable[..., Any]")


def decorate(operation: Operation[Any], function: F) -> F:
    """Return a function of the same kind as ``function`` whose every call is a run of ``operation``.

    Args:
        operation: describes the runs.
        function: function, method, coroutine function, generator or asynchronous generator function, also below ``staticmethod`` or
            ``classmethod``.

    Raises:
        TypeError: it is not callable.
    """
    if isinstance(function, (staticmethod, classmethod)):
        return cast("F", type(function)(decorate(operation, function.__func__)))
    if not callable(function):
        raise TypeError(f"an operation decorates functions, not {type(function).__name__}")
    target: Any = function
    body = target if inspect.isroutine(target) or isinstance(target, (functools.partial, type)) else target.__call__
    for is_kind, wrap in (
        (inspect.iscoroutinefunction, _coroutine),
        (inspect.isasyncgenfunction, _async_generator),
        (inspect.isgeneratorfunction, _generator),
    ):
        if is_kind(body):
            return cast("F", wrap(operation, function))
    return cast("F", _function(operation, function))


def _function(operation: Operation[Any], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        run: Run = operation.begin()
        run.enter()
        run.called(function, args, kwargs)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            run.leave()
            run.finish(error)
            raise
        run.leave()
        run.returned(result)
        run.finish()
        return result

    return call


def _coroutine(operation: Operation[Any], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        run: Run = operation.begin()
        run.enter()
        run.called(function, args, kwargs)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            run.leave()
            run.finish(error)
            raise
        run.leave()
        run.returned(result)
        run.finish()
        return result

    return call


def _generator(operation: Operation[Any], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        run: Run = operation.begin()
        run.called(function, args, kwargs)
        steps = Steps(run)
        try:
            item = steps.call(next, generator)
            while True:
                run.chunk()
                try:
                    sent = yield item
                except GeneratorExit:
                    steps.call(generator.close)
                    raise
                except BaseException as thrown:  # noqa: BLE001 - the generator decides what becomes of it
                    item = steps.call(generator.throw, thrown)
                else:
                    item = steps.call(generator.send, sent)
        except StopIteration as stop:
            run.finish()
            return stop.value
        except BaseException as error:
            run.finish(error)
            raise

    return call


def _async_generator(operation: Operation[Any], function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        run: Run = operation.begin()
        run.called(function, args, kwargs)
        steps = Steps(run)
        try:
            item = await steps.wait(generator.__anext__)
            while True:
                run.chunk()
                try:
                    sent = yield item
                except GeneratorExit:
                    await steps.wait(generator.aclose)
                    raise
                except BaseException as thrown:  # noqa: BLE001 - the generator decides what becomes of it
                    item = await steps.wait(generator.athrow, thrown)
                else:
                    item = await steps.wait(generator.asend, sent)
        except StopAsyncIteration:
            run.finish()
        except BaseException as error:
            run.finish(error)
            raise

    return call
