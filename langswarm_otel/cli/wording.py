"""Numbers, attributes and log lines in the words of the terminal, shared by the coloured and the plain rendering."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from langswarm_otel import semconv
from langswarm_otel.tree import cost_text, duration_text, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from langswarm_otel.cli.report import LogLine, SeriesRow

_NOT_ON_LINES: Final = frozenset(
    {*semconv.LOG_KEYS, "logger", "level", "timestamp", "code.file.path", "code.line.number", "code.function.name"}
)
"""Keys of a log record that a line in the terminal leaves out: they say where it belongs, and that is shown already."""


def amount(value: float | None, unit: str) -> str:
    """Return a measured value with its unit, as people write it; empty for None."""
    if value is None:
        return ""
    if unit == "s":
        return duration_text(value * 1e9)
    if unit == "{USD}":
        return cost_text(value)
    return f"{value:,.0f}" if float(value).is_integer() or abs(value) >= 100 else f"{value:,.1f}"  # noqa: PLR2004 - three digits are enough


def arrow(tokens: str) -> str:
    """Return the tokens of a summary in fewer characters: ``1,240→310``."""
    return tokens.replace(" in ", "→").removesuffix(" out")


def distinguished(rows: Sequence[SeriesRow]) -> list[str]:
    """Return what tells each series from the others of its metric: the values of the attributes that differ between them."""
    by_metric: dict[str, list[SeriesRow]] = defaultdict(list)
    for row in rows:
        by_metric[row.metric].append(row)
    return [_values(row.attributes, _differing(by_metric[row.metric])) for row in rows]


def _differing(rows: Iterable[SeriesRow]) -> list[str]:
    rows = list(rows)
    keys = dict.fromkeys(key for row in rows for key in row.attributes)
    return [key for key in keys if len({repr(row.attributes.get(key)) for row in rows}) > 1]


def _values(attributes: Mapping[str, object], keys: Iterable[str]) -> str:
    return " ".join(one_line(str(attributes[key])) for key in keys if key in attributes)


def clock(time_ns: int) -> str:
    """Return the local time of day with milliseconds."""
    return f"{time.strftime('%H:%M:%S', time.localtime(time_ns // 1_000_000_000))}.{time_ns // 1_000_000 % 1000:03d}"


def fields_of(line: LogLine) -> str:
    """Return the attributes of a log line as ``key=value``."""
    return " ".join(f"{one_line(key)}={one_line(str(value))}" for key, value in line.attributes.items() if key not in _NOT_ON_LINES)
