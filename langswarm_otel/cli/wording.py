"""Numbers, attributes and log lines in the words of the terminal, shared by the coloured and the plain rendering."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from langswarm_otel import semconv
from langswarm_otel.tree import cost_text, duration_text, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from langswarm_otel.cli.report import LogLine, SeriesRow

_NOT_ON_LINES: Final = frozenset(
    {*semconv.LOG_KEYS, "logger", "level", "timestamp", "code.file.path", "code.line.number", "code.function.name"}
)
"""Keys of a log record that a line in the terminal leaves out: they say where it belongs, and that is shown already."""


_RANK: Final = {
    key: rank
    for rank, key in enumerate((semconv.WORKFLOW_NAME, semconv.STEP_NAME, semconv.AGENT_NAME, semconv.OPERATION_NAME, semconv.TOOL_NAME))
}
"""The attributes that series are told apart by first."""


def amount(value: float | None, unit: str) -> str:
    """Return a measured value with its unit, as people write it; empty for None."""
    if value is None:
        return ""
    if unit == "s":
        return duration_text(value * 1e9)
    if unit == "{USD}":
        return cost_text(value)
    whole = float(value).is_integer() or abs(value) >= 10  # noqa: PLR2004 - two digits of an estimate are enough
    return f"{value:,.0f}" if whole else f"{value:,.1f}"


def arrow(tokens: str) -> str:
    """Return the tokens of a summary in fewer characters: ``1,240→310``."""
    return tokens.replace(" in ", "→").removesuffix(" out")


def distinguished(rows: Sequence[SeriesRow]) -> list[str]:
    """Return what tells each series from the others of its metric: the values of as few attributes as that takes."""
    by_metric: dict[str, list[SeriesRow]] = defaultdict(list)
    for row in rows:
        by_metric[row.metric].append(row)
    keys = {metric: _telling_keys(series) for metric, series in by_metric.items()}
    return [_values(row, keys[row.metric]) for row in rows]


def _telling_keys(rows: Sequence[SeriesRow]) -> list[str]:
    """Return keys, those that people think in first, until no two rows read alike; none for a single row."""
    known = sorted(dict.fromkeys(key for row in rows for key in row.attributes), key=lambda key: _RANK.get(key, len(_RANK)))
    chosen: list[str] = []
    for key in known:
        different = len({_values(row, chosen) for row in rows})
        if different == len(rows):
            break
        if len({_values(row, [*chosen, key]) for row in rows}) > different:
            chosen.append(key)
    return chosen


def _values(row: SeriesRow, keys: Iterable[str]) -> str:
    return " ".join(one_line(str(row.attributes[key])) for key in keys if key in row.attributes)


def clock(time_ns: int) -> str:
    """Return the local time of day with milliseconds."""
    return f"{time.strftime('%H:%M:%S', time.localtime(time_ns // 1_000_000_000))}.{time_ns // 1_000_000 % 1000:03d}"


def fields_of(line: LogLine) -> str:
    """Return the attributes of a log line as ``key=value``."""
    return " ".join(f"{one_line(key)}={one_line(str(value))}" for key, value in line.attributes.items() if key not in _NOT_ON_LINES)
