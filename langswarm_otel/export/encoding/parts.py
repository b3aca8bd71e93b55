"""Takes an encoded request apart again, without decoding its records: for one that turns out to be larger than the server takes.

The outer layout is the same for all three signals; see ``group.py``, which puts requests together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from langswarm_otel.export.encoding.group import Group
from langswarm_otel.export.encoding.wire import VARINTS, with_length
from langswarm_otel.export.partial_success import read_fields

if TYPE_CHECKING:
    from langswarm_otel.export.accounting import Signal

_ENTRY: Final = 1
_RESOURCE, _SCOPES = 1, 2
_RECORDS: Final = 2
_POINTS_OF_METRIC: Final = frozenset((5, 7, 9, 10, 11))
"""Gauge, sum, histogram, exponential histogram, summary: each has its points in field 1."""


def parts_of(body: bytes) -> list[tuple[Group, bytes]]:
    """Return the records of a request (spans, log records, metrics), each with its resource and scope; ``assemble`` is the way back.

    Raises:
        ValueError: this is no request; so does ``IndexError``.
    """
    parts: list[tuple[Group, bytes]] = []
    for number, _, entry in read_fields(body):
        if number != _ENTRY or not isinstance(entry, bytes):
            raise ValueError("no request of OTLP")
        resource, scopes = _split(entry, _SCOPES)
        for scope_entry in scopes:
            scope, records = _split(scope_entry, _RECORDS)
            group = Group(resource=resource, scope=scope, resource_identity=(resource,), scope_identity=(scope,))
            parts += ((group, with_length(b"\x12", record)) for record in records)
    return parts


def units_in(parts: list[tuple[Group, bytes]], signal: Signal) -> int:
    """Return how many records are in some parts: of metrics, how many data points."""
    if signal != "metrics":
        return len(parts)
    return sum(_points(metric) for _, part in parts for _, _, metric in read_fields(part) if isinstance(metric, bytes))


def _split(entry: bytes, number_of_children: int) -> tuple[bytes, list[bytes]]:
    """Return the fields of an entry that are no children, as they are, and the children."""
    own, children = [], []
    for number, _, value in read_fields(entry):
        if not isinstance(value, bytes):
            raise ValueError("no entry of OTLP")  # noqa: TRY004 - of the data, not of the program
        if number == number_of_children:
            children.append(value)
        else:
            own.append(with_length(VARINTS[number << 3 | 2], value))
    return b"".join(own), children


def _points(metric: bytes) -> int:
    return sum(
        sum(1 for inner, _, _ in read_fields(data) if inner == 1)
        for number, _, data in read_fields(metric)
        if number in _POINTS_OF_METRIC and isinstance(data, bytes)
    )
