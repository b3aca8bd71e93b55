"""The backlog, encoded: what waits for an exporter that can encode ahead waits as bytes.

A live span takes about eight times its encoded size and is walked by the cyclic garbage collector again and again. So the intake encodes
records as soon as it takes them, and from then on the bound of the queue counts what they really take. Sending is then no more than a join.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from langswarm_otel.export.parcel import Parcel
from langswarm_otel.export.polite import walk
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from langswarm_otel.export.delivery import Delivery

PACKED_BYTES: Final = 160
"""What an encoded record takes beside its bytes: the pair with its group, the header of the bytes, its size, and places in three lists."""


@runtime_checkable
class EncodesAhead(Protocol):
    """An exporter whose records can be encoded one by one, long before they are sent."""

    def encode_one(self, record: Any, /) -> tuple[Any, bytes]:
        """Encode one record; called from one thread at a time, which need not be the exporter's own.

        Returns:
            What it is grouped by, and its bytes.

        Raises:
            Exception: the record cannot be encoded; it is given up alone.
        """
        ...

    def deliver_encoded(self, records: Sequence[tuple[Any, bytes]], /) -> Delivery:
        """Send records that ``encode_one`` has encoded; called in the place of ``export``."""
        ...


def pack(exporter: EncodesAhead, parcel: Parcel, has_time: Callable[[], bool]) -> Parcel:
    """Return the records encoded, with the bytes that they take from now on; those that cannot be encoded are left out.

    Args:
        exporter: says how.
        parcel: spans or log records.
        has_time: whether the worker may rest between two records.
    """
    encode = exporter.encode_one
    records: list[tuple[Any, bytes]] = []
    for record in walk(parcel.records, has_time):
        try:
            records.append(encode(record))
        except Exception as error:  # noqa: BLE001, PERF203 - one bad record costs that record
            record_fault("encode", error)
    return Parcel(records, [PACKED_BYTES + len(encoded) for _, encoded in records], [1] * len(records))
