"""The program without telemetry: what the others are measured above."""

from __future__ import annotations

from typing import Any

from benchmarks import inputs

SPAN = ""
EXECUTION_SPANS = ()


def configure(endpoint: str, log_file: str, *, sampled: bool = True) -> None:
    """Do nothing."""


def span(number: int) -> None:
    """Make the attributes, which a program has in any case."""
    inputs.attributes_of(number)


def span_with(attributes: dict[str, Any]) -> None:
    """Do nothing."""


def measure(attributes: dict[str, Any]) -> None:
    """Do nothing."""


def line(number: int) -> None:
    """Do nothing."""


def execution(number: int) -> None:
    """Do nothing."""


def flush() -> None:
    """Do nothing."""
