"""The decorator destroys the signature.

Schemas of tools are made from ``inspect.signature``, docstring and annotations; a decorator turns them into ``*args, **kwargs``, and type
checkers see ``Any`` (getsentry/sentry-python#3177, DataDog/dd-trace-py#13637, run-llama/llama_index#9682).
"""

from __future__ import annotations

import functools
import inspect
import typing

import pydantic
import pytest
from opentelemetry import trace

import langswarm_otel

OPERATIONS = {
    "agent": lambda: langswarm_otel.agent("x"),
    "tool": lambda: langswarm_otel.tool("x"),
    "inference": lambda: langswarm_otel.inference(provider="p", model="m"),
    "workflow": lambda: langswarm_otel.workflow("x"),
    "step": lambda: langswarm_otel.step("x"),
    "traced": langswarm_otel.traced,
}


def search(query: str, *, limit: int = 5, tags: list[str] | None = None) -> list[str]:
    """Search the archive.

    Args:
        query: what for.
        limit: how many.
        tags: of which kind.
    """
    return [query] * limit


async def search_later(query: str, *, limit: int = 5) -> list[str]:
    """Search the archive, later."""
    return [query] * limit


def stream(query: str) -> typing.Iterator[str]:
    """Stream the archive."""
    yield query


async def stream_later(query: str) -> typing.AsyncIterator[str]:
    """Stream the archive, later."""
    yield query


def schema_of(function):
    """What a framework would tell the model about a tool."""
    hints = typing.get_type_hints(function)
    hints.pop("return", None)
    fields = {
        name: (hints.get(name, typing.Any), ... if parameter.default is inspect.Parameter.empty else parameter.default)
        for name, parameter in inspect.signature(function).parameters.items()
    }
    return pydantic.create_model(function.__name__, __doc__=function.__doc__, **fields).model_json_schema()


def test_a_hand_made_decorator_loses_it(verdict):
    """What people write around the plain SDK: without ``wraps`` the schema is empty, and no kind of function but the plain one works."""

    def traced(function):
        def call(*args, **kwargs):
            with trace.get_tracer("t").start_as_current_span(function.__name__):
                return function(*args, **kwargs)

        return call

    assert set(schema_of(traced(search))["properties"]) == {"args", "kwargs"}
    assert not inspect.iscoroutinefunction(functools.wraps(search_later)(traced(search_later)).__call__)
    verdict.plain("a decorator by hand: the schema is args and kwargs")


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("function", [search, search_later, stream, stream_later], ids=lambda function: function.__name__)
def test_everything_is_kept(verdict, operation, function):
    """Signature, name, docstring, annotations, kind, module, and the schema that is made of them."""
    decorated = OPERATIONS[operation]()(function)
    assert inspect.signature(decorated) == inspect.signature(function)
    assert typing.get_type_hints(decorated) == typing.get_type_hints(function)
    for name in ("__name__", "__qualname__", "__doc__", "__module__"):
        assert getattr(decorated, name) == getattr(function, name)
    for kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction, inspect.isfunction):
        assert kind(decorated) == kind(function)
    assert schema_of(decorated) == schema_of(function)
    verdict.ours("signature, hints, docstring, kind and tool schema as undecorated; types by mypy in tests/typing")


def test_methods_stay_methods():
    """On a class: bound, static and class methods."""

    class Desk:
        @langswarm_otel.tool("a")
        def bound(self, number: int) -> tuple[object, int]:
            return self, number

        @staticmethod
        @langswarm_otel.tool("b")
        def static(number: int) -> int:
            return number

        @classmethod
        @langswarm_otel.tool("c")
        def of_class(cls, number: int) -> tuple[type, int]:
            return cls, number

    desk = Desk()
    assert desk.bound(1) == (desk, 1)
    assert (Desk.static(2), Desk.of_class(3)) == (2, (Desk, 3))
    assert list(inspect.signature(desk.bound).parameters) == ["number"]
