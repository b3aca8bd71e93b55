"""How a set of attributes finds its series: at once if it was seen before, else by cleaning and comparing it as the SDK does."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from opentelemetry.attributes import BoundedAttributes

from langswarm_otel.pipelines.fold import OVERFLOW, OVERFLOW_KEY, Key, freeze
from langswarm_otel.pipelines.tally_series import Series

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.util.types import AnyValue, Attributes

SeriesT = TypeVar("SeriesT", bound=Series)

ALIASES_PER_SERIES: Final = 2
"""How many ways of writing its attributes are remembered for each series, on average; keys in another order are another way."""

_TEXT: Final = frozenset({str})
_ATOMS: Final = frozenset({str, int, bool, float, bytes, type(None)})


class SeriesIndex(Generic[SeriesT]):
    """The series of one instrument, of which there are no more than a limit, and one for all the rest.

    No lock is needed: a dictionary is asked and changed in one step each. Two threads that see the same set for the first time get the
    same series; around the limit a few series too many may come to be, and whoever folds the points holds the exact limit.
    """

    def __init__(self, make: Callable[[Key, Mapping[str, AnyValue]], SeriesT], limit: int) -> None:
        """Start empty.

        Args:
            make: makes a series.
            limit: how many there may be, the overflow not counted.
        """
        self._make = make
        self._limit = limit
        self.known: dict[tuple[tuple[str, AnyValue], ...], SeriesT] = {}
        """Series by attributes as they were given, for sets of nothing but text: 1, True and 1.0 would be equal here."""
        self._typed: dict[tuple[Any, ...], SeriesT] = {}
        self._series: dict[Key, SeriesT] = {}
        self._overflow: SeriesT | None = None

    def __len__(self) -> int:
        return len(self._series)

    def find(self, attributes: Attributes) -> SeriesT | None:
        """Return the series of attributes that are not in ``known``; None if they are no attributes at all.

        A set that would be a series too many is not remembered, so that it gets its own when there is room again; nor is one that the SDK
        would clean, since it warns of each.

        Raises:
            Exception: whatever a mapping of the application's raises.
        """
        given: object = {} if attributes is None else attributes
        if not isinstance(given, Mapping):
            return None
        items = tuple(given.items())
        types = tuple([type(value) for _, value in items])
        comparable = _ATOMS.issuperset(types) and all(type(key) is str and key for key, _ in items)
        found = self._typed.get((items, types)) if comparable else None
        if found is not None:
            return found
        series = self._series_of(BoundedAttributes(attributes=dict(items)).copy())
        if comparable and series is not self._overflow:
            self._remember(items, types, series)
        return series

    def _series_of(self, cleaned: Mapping[str, AnyValue]) -> SeriesT:
        key = freeze(cleaned)
        series = self._series.get(key)
        if series is not None:
            return series
        if len(self._series) < self._limit:
            return self._series.setdefault(key, self._make(key, cleaned))
        if self._overflow is None:
            self._overflow = self._make(OVERFLOW_KEY, OVERFLOW)
        return self._overflow

    def _remember(self, items: tuple[tuple[str, AnyValue], ...], types: tuple[type, ...], series: SeriesT) -> None:
        if len(self.known) + len(self._typed) >= ALIASES_PER_SERIES * self._limit:
            self._forget_aliases()
        if _TEXT.issuperset(types):
            self.known[items] = series
        else:
            self._typed[items, types] = series

    def _forget_aliases(self) -> None:
        self.known.clear()
        self._typed.clear()

    def make_room(self, number: int) -> None:
        """Forget all series but this many, those that were seen first: they are the ones that a total has a place for.

        A measurement that has found its series just before still reaches it, and is counted, since the tally lists what was touched.
        """
        series = self._series.copy()  # in one step, where a walk would be upset by a series that comes to be meanwhile
        self._series = dict(islice(series.items(), number))
        self._forget_aliases()
