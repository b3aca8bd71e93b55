"""What became of a batch: an exporter's answer, and the search for the one record that spoils it.

The SDK's exporters answer with a bare success or failure. An exporter that knows more has a method ``deliver`` (see ``Delivers``), as
those of ``otlp_http.py`` have.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Protocol, TypeVar, runtime_checkable

from langswarm_otel.export import noise
from langswarm_otel.export.batches import halve_list, halve_metrics
from langswarm_otel.export.causes import cause_of
from langswarm_otel.export.packing import EncodesAhead
from langswarm_otel.export.sizes import point_count

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.export.accounting import DropReason, Signal

T = TypeVar("T")

Fault = Literal["send", "encode", "too_large"]
"""What went wrong with a batch: it could not be sent, it could not be made into bytes, it makes too many of them."""

ENOUGH_TOO_LARGE: Final = 8
"""So many single records in a row that are too large say that it is not their size: a search goes no further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """An exporter's answer for one batch."""

    fault: Fault | None = None
    """None if the target took the batch."""

    rejected: int = 0
    """Records of a batch that was taken, which the target says it did not keep (OTLP's partial success)."""

    cause: str | None = None
    """Why, for people."""

    again: bool = False
    """Whether a batch that could not be sent may be sent later: the target was not reached, or asked for patience."""

    untried: bool = False
    """Whether that is so because it was not tried: the target is left alone for a while."""

    unsupported: bool = False
    """Whether the target has no place for this signal at all."""

    kept: bool = False
    """Whether the batch is on disk now, and what becomes of it will be told to its ``SpoolAccount``."""


@runtime_checkable
class Delivers(Protocol):
    """An exporter that can say more than success or failure."""

    def deliver(self, batch: Any, /) -> Delivery:
        """Export a batch; called in the place of ``export``."""
        ...


@dataclass(slots=True, kw_only=True)
class Receipt:
    """What became of each record of a batch."""

    exported: int = 0
    """Records that the target took."""

    kept: int = 0
    """Records that were written to disk, and are counted there already."""

    dropped: dict[DropReason, int] = field(default_factory=dict)
    """Records given up, by reason."""

    left: list[Any] = field(default_factory=list)
    """Parts of the batch that may be sent later, in order: all from the first that could not be sent."""

    unsupported: bool = False
    """Whether the target has no place for this signal."""

    untried: bool = False
    """Whether they were left because the target is left alone for a while."""

    cause: str | None = None
    """Why, for people; the last cause if there were several."""

    failed: bool = False
    """Whether the target could not be reached or refused the request, or took none of the records: not the fault of a single record."""

    @property
    def nothing_taken(self) -> bool:
        """Whether the target answered, and kept no record at all."""
        return not self.exported and bool(self.dropped.get("rejected") or self.dropped.get("too_large"))

    def drop(self, reason: DropReason, count: int, cause: str | None) -> None:
        """Note records that are given up."""
        if count:
            self.dropped[reason] = self.dropped.get(reason, 0) + count
            self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier(Generic[T]):
    """Takes batches of one signal to one exporter."""

    deliver: Callable[[T], Delivery]
    """Exports a batch and says what became of it; may raise."""

    units: Callable[[T], int]
    """How many records (data points) a batch has."""

    halve: Callable[[T], tuple[T, T] | None]
    """A batch in two parts, or None if it is a single record."""

    search_s: float
    """How long the search for a spoiling record may take, in seconds."""

    def carry(self, batch: T, is_over: Callable[[], bool]) -> Receipt:
        """Deliver a batch. If a part of it cannot be encoded, find that part, so that a bad record costs that record alone.

        Args:
            batch: what to deliver.
            is_over: asked between two attempts; True when nothing further may be sent.
        """
        receipt = Receipt()
        until = time.monotonic() + self.search_s
        parts, too_large = [batch], 0
        while parts:
            part = parts.pop()
            delivery = self._deliver(part)
            if delivery.again:
                receipt.failed, receipt.cause, receipt.left = True, delivery.cause, [part, *reversed(parts)]
                receipt.untried = delivery.untried
                break
            halves = self.halve(part) if delivery.fault in ("encode", "too_large") else None
            if delivery.kept:
                receipt.kept += self.units(part)
            elif halves is None:
                note(receipt, delivery, self.units(part))
                too_large = too_large + 1 if delivery.fault == "too_large" else 0
            else:
                parts += (halves[1], halves[0])
            if is_over():
                receipt.drop("deadline", sum(map(self.units, parts)), delivery.cause)
                break
            if receipt.failed or time.monotonic() > until:
                # One failed request is enough waiting for a batch: the rest of it would meet the same target.
                receipt.drop("export_failed", sum(map(self.units, parts)), delivery.cause)
                break
            if too_large == ENOUGH_TOO_LARGE:
                receipt.drop("too_large", sum(map(self.units, parts)), delivery.cause)
                break
        receipt.failed = receipt.failed or receipt.nothing_taken
        return receipt

    def _deliver(self, part: T) -> Delivery:
        noise.forget_overheard()
        try:
            return self.deliver(part)
        except Exception as error:  # noqa: BLE001 - exporters may raise anything
            return Delivery(fault="send" if _is_about_sending(error) else "encode", cause=cause_of(error))


def note(receipt: Receipt, delivery: Delivery, count: int) -> None:
    """Write down what became of a part that is not divided further."""
    if delivery.fault is None:
        rejected = min(max(delivery.rejected, 0), count)  # a Collector may say anything
        receipt.exported += count - rejected
        receipt.drop("rejected", rejected, delivery.cause)
    elif delivery.fault == "send":
        receipt.failed = True
        receipt.unsupported = delivery.unsupported
        receipt.drop("unsupported" if delivery.unsupported else "export_failed", count, delivery.cause)
    else:
        receipt.drop("too_large" if delivery.fault == "too_large" else "unencodable", count, delivery.cause)


def courier_for(exporter: Any, signal: Signal, timeout_s: float) -> Courier[Any]:
    """Return the courier of an exporter.

    Args:
        exporter: an exporter of the SDK's interfaces.
        signal: which signal it takes.
        timeout_s: how long one request may take, in seconds.
    """
    if signal == "metrics":
        deliver = _delivering(exporter, timeout_millis=timeout_s * 1000)
        return Courier(deliver=deliver, units=point_count, halve=halve_metrics, search_s=timeout_s)
    deliver = exporter.deliver_encoded if isinstance(exporter, EncodesAhead) else _delivering(exporter)
    return Courier(deliver=deliver, units=len, halve=halve_list, search_s=timeout_s)


def _delivering(exporter: Any, **options: Any) -> Callable[[Any], Delivery]:
    """Return the exporter's ``deliver``, or its ``export`` with an answer that says as much."""
    if isinstance(exporter, Delivers):
        return exporter.deliver

    def deliver(batch: Any) -> Delivery:
        result = exporter.export(batch, **options)
        return Delivery() if getattr(result, "name", None) == "SUCCESS" else overheard_fault()

    return deliver


def overheard_fault() -> Delivery:
    """Return what the official exporters say in their log only: whether they could not encode, would not send or could not send."""
    said = noise.overheard()
    if any(text.startswith("Failed to encode") for text in said):
        return Delivery(fault="encode", cause="a record cannot be encoded")
    if any("exceeds max_request_size" in text for text in said):
        return Delivery(fault="too_large", cause="the request would be larger than the exporter sends")
    cause = said[0] if said else "the exporter reports a failure"
    return Delivery(fault="send", cause=cause, unsupported="UNIMPLEMENTED" in cause)


def _is_about_sending(error: Exception) -> bool:
    """Tell trouble with the network or the file system from trouble with a record.

    ``requests`` and ``urllib3`` errors: the former derive from ``OSError``; the latter and gRPC's are known by their module, since
    neither library need be installed.
    """
    if isinstance(error, (OSError, TimeoutError)):
        return True
    return any(base.__module__.split(".")[0] in ("grpc", "urllib3", "requests", "httpx") for base in type(error).__mro__)
