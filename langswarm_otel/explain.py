"""Where each setting came from, as data and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

INHERITED = "inherited"
"""Source of a signal's own setting that is not set, so that the general one counts."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is in effect; what is secret in it is masked."""

    name: str
    """Name of the field; a signal's own setting has the signal before a dot, like ``traces.endpoint``."""

    value: Any
    """Its value."""

    source: str
    """Where it came from: ``argument``, ``environment OTEL_SERVICE_NAME``, ``preset production`` and the like."""


class Explanation(Sequence[Setting]):
    """All settings of a handle in a fixed order; ``str()`` is a table of them."""

    __slots__ = ("_by_name", "_settings")

    def __init__(self, settings: Sequence[Setting]) -> None:
        """Keep the settings.

        Args:
            settings: as ``environment.resolve`` returns them.
        """
        self._settings = tuple(settings)
        self._by_name = {setting.name: setting for setting in self._settings}

    @overload
    def __getitem__(self, index: int) -> Setting: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Setting, ...]: ...
    def __getitem__(self, index: int | slice) -> Setting | tuple[Setting, ...]:
        return self._settings[index]

    def __len__(self) -> int:
        return len(self._settings)

    def __iter__(self) -> Iterator[Setting]:
        return iter(self._settings)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Explanation) and other._settings == self._settings

    def __hash__(self) -> int:
        return hash(tuple((setting.name, setting.source) for setting in self._settings))

    def __repr__(self) -> str:
        return f"Explanation({list(self._settings)!r})"

    def get(self, name: str) -> Setting:
        """Return the setting of this name.

        Raises:
            KeyError: there is no such setting.
        """
        return self._by_name[name]

    def rows(self) -> list[tuple[str, str, str]]:
        """Return name, value and source as text, without the settings of single signals that are inherited."""
        return [(setting.name, _text(setting.value), setting.source) for setting in self._settings if setting.source != INHERITED]

    def __str__(self) -> str:
        """Draw the table, one setting a line."""
        rows = [("setting", "value", "source"), *self.rows()]
        name_width = max(len(name) for name, _, _ in rows)
        value_width = min(max(len(value) for _, value, _ in rows), 48)
        return "\n".join(f"{name:<{name_width}}  {value:<{value_width}}  {source}" for name, value, source in rows)


def _text(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(_text(item) for item in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_text(item)}" for key, item in value.items()) or "-"
    return f"{value:g}" if isinstance(value, float) else str(value)
