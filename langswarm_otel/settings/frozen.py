"""A mapping that never changes, so that a configuration can be compared, hashed, copied and pickled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

K = TypeVar("K")
V_co = TypeVar("V_co", covariant=True)


class FrozenMapping(Mapping[K, V_co]):
    """An immutable, hashable mapping; it equals a dictionary of the same items.

    ``types.MappingProxyType`` would be the obvious choice, but it cannot be pickled, and cannot be hashed before Python 3.12.
    """

    __slots__ = ("_items",)

    _items: dict[K, V_co]

    def __init__(self, items: Mapping[K, V_co] | None = None) -> None:
        """Copy the items; nested dictionaries, lists and sets are frozen too."""
        frozen = {key: freeze(value) for key, value in (items or {}).items()}
        object.__setattr__(self, "_items", frozen)

    def __getitem__(self, key: K) -> V_co:
        return self._items[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return repr(self._items)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot set {name!r}: this mapping is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"cannot delete {name!r}: this mapping is frozen")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (dict(self._items),))


def freeze(value: Any) -> Any:
    """Return the value with dictionaries, lists and sets in it replaced by immutable twins, at any depth."""
    if isinstance(value, Mapping):
        return FrozenMapping(value)
    if isinstance(value, (list, tuple)):
        return tuple(freeze(item) for item in value)
    if isinstance(value, (set, frozenset)):
        return frozenset(freeze(item) for item in value)
    return value
