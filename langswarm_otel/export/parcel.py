"""Records on their way, in lists: what is done for each of them is then done by the interpreter's own loops."""

from __future__ import annotations

from itertools import accumulate
from typing import Any, Final


class Parcel:
    """Some records of one signal, oldest first."""

    __slots__ = ("records", "sizes", "units")

    def __init__(self, records: list[Any], sizes: list[int], units: list[int]) -> None:
        """Pack records.

        Args:
            records: ended spans, log records, or collections of metrics.
            sizes: estimated bytes of each.
            units: how many records each counts as: 1, or the data points of a collection.
        """
        self.records: Final = records
        self.sizes: Final = sizes
        self.units: Final = units

    def __len__(self) -> int:
        return len(self.records)

    @property
    def size(self) -> int:
        """Estimated bytes of all."""
        return sum(self.sizes)

    @property
    def count(self) -> int:
        """How many records they count as."""
        return sum(self.units)

    def split(self, length: int) -> tuple[Parcel, Parcel]:
        """Return the first so many, and the rest."""
        return (
            Parcel(self.records[:length], self.sizes[:length], self.units[:length]),
            Parcel(self.records[length:], self.sizes[length:], self.units[length:]),
        )

    def split_by_size(self, size: float) -> tuple[Parcel, Parcel]:
        """Return as many of the first as fit into so many bytes, and the rest."""
        return self.split(sum(1 for total in accumulate(self.sizes) if total <= size))

    def __add__(self, other: Parcel) -> Parcel:
        return Parcel(self.records + other.records, self.sizes + other.sizes, self.units + other.units)
