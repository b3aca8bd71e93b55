"""Sends a batch from disk in parts, because it is larger than the server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel.export.batches import halve_list
from langswarm_otel.export.delivery import Courier, Delivery, Receipt
from langswarm_otel.late import late_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.sender import Sender

_SEARCH_S = 10.0


def send_in_parts(sender: Sender, body: bytes, signal: Signal, units: int, is_over: Callable[[], bool]) -> tuple[Receipt, bytes, int]:
    """Send the halves of a request, and theirs, so that a record that is too large costs that record alone.

    Args:
        sender: sends.
        body: the request.
        signal: which signal.
        units: how many records (data points of metrics) it is counted as.
        is_over: asked between two attempts; True when nothing further may be sent.

    Returns:
        What became of it, the request with what could not be sent now, and how many records that is.
    """
    assemble = late_name("langswarm_otel.export.encoding", "assemble")
    units_in = late_name("langswarm_otel.export.encoding.parts", "units_in")

    def count(parts: Any) -> int:
        return int(units_in(parts, signal))

    try:
        parts = late_name("langswarm_otel.export.encoding.parts", "parts_of")(body)
        known = count(parts)
    except (ValueError, IndexError):
        parts, known = [], 0
    receipt = Receipt()
    if known != units or len(parts) < 2:  # noqa: PLR2004 - it cannot be divided
        receipt.drop("too_large", units, "a batch is larger than the server takes")
        return receipt, b"", 0

    def deliver(some: Any) -> Delivery:
        return sender.send(assemble(some))

    receipt = Courier(deliver=deliver, units=count, halve=halve_list, search_s=_SEARCH_S).carry(parts, is_over)
    left = [part for some in receipt.left for part in some]
    return receipt, assemble(left) if left else b"", count(left)
