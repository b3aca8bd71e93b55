"""Spans with so many attributes, back to back."""

from __future__ import annotations

from typing import Any

from benchmarks import inputs
from benchmarks.adapters import plain
from benchmarks.works.repeating import WARM_UP, repeat
from benchmarks.works.starting import start


def run(adapter: str, endpoint: str, attributes: int, size: int) -> dict[str, Any]:
    """Make the spans and flush them; the attributes are made beforehand."""
    subject = start(adapter, endpoint)
    prepared = [inputs.many_attributes(attributes, number) for number in range(32)]
    span_with, nothing = subject.span_with, plain.span_with
    figures = repeat(lambda number: span_with(prepared[number % 32]), lambda number: nothing(prepared[number % 32]), subject.flush, size)
    return figures | {"expected": {"spans": {subject.SPAN: size + WARM_UP}}}
