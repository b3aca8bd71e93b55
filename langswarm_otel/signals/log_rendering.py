"""How lines look: JSON for machines, pretty for people; neither raises, whatever is in an event."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import structlog

from langswarm_otel.content.safe import json_text, safe_value
from langswarm_otel.signals.log_output import LineLogger

if TYPE_CHECKING:
    from types import ModuleType

    from structlog.typing import EventDict, WrappedLogger

orjson: ModuleType | None
try:
    import orjson
except ImportError:
    orjson = None


# Dates and dataclasses by `_jsonable`, as `json` has them.
_OPTIONS: Final = (
    orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
    if orjson is not None
    else 0
)
_PLAIN: Final = frozenset({str, int, bool, type(None)})


def _jsonable(value: object) -> Any:
    return safe_value(value, nested=True)


def _as_json_has_it(value: object) -> Any:
    """Return what stands for a value that ``orjson`` does not know; ``json`` knows more."""
    if isinstance(value, tuple):
        return list(value)
    return float(value) if isinstance(value, float) else _jsonable(value)


_encode: Final = json.JSONEncoder(default=_jsonable, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def render_line(logger: WrappedLogger, method_name: str, event_dict: EventDict) -> str | bytes:
    """Render an event with its exception as one line of JSON: for a logger of ours as the bytes that are written, for others as text."""
    if "exc_info" in event_dict:
        event_dict = structlog.processors.format_exc_info(logger, method_name, event_dict)
    line = json_line(event_dict)
    return line if type(logger) is LineLogger else str(line[:-1], "utf-8")


def render_json(_logger: WrappedLogger, _method_name: str, event_dict: EventDict) -> str:
    """Render an event as one line of JSON, keys in their order."""
    return str(json_line(event_dict)[:-1], "utf-8")


def json_line(event_dict: EventDict) -> bytes:
    """Return an event as one line of JSON in UTF-8, with the end of the line; never raises.

    ``orjson`` is used where it is installed; the line says the same without. Neither it nor ``json`` takes everything (lone surrogates,
    cycles, NaN); an event with such a value goes the slow way, where every value is made safe.
    """
    if orjson is not None:
        try:
            line: bytes = orjson.dumps(event_dict, _as_json_has_it, _OPTIONS)
        except Exception:  # noqa: BLE001, S110 - integers beyond 64 bits; the others are refused by `json` too
            pass
        else:
            # `orjson` writes NaN as null, without a word.
            if b"null" not in line or _has_only_nulls(event_dict):
                return line
    try:
        return (_encode(event_dict) + "\n").encode()
    except Exception:  # noqa: BLE001 - code of the values ran
        return (json_text(event_dict) + "\n").encode()


def _has_only_nulls(event_dict: EventDict) -> bool:
    """Whether each null in an event is a None, for sure."""
    return all(type(value) in _PLAIN or (type(value) is float and math.isfinite(value)) for value in event_dict.values())


class PrettyRenderer(structlog.dev.ConsoleRenderer):
    """Structlog's console lines with keys in their order and plain tracebacks, which show no local variables."""

    def __init__(self, *, colours: bool) -> None:
        """Make a renderer.

        Args:
            colours: whether lines carry ANSI colours.
        """
        super().__init__(colors=colours, sort_keys=False, exception_formatter=structlog.dev.plain_traceback)

    def __call__(self, logger: WrappedLogger, name: str, event_dict: EventDict) -> str:
        """Render an event; as JSON if a value refuses to be shown."""
        try:
            return super().__call__(logger, name, dict(event_dict))
        except Exception:  # noqa: BLE001 - code of the values ran
            return render_json(logger, name, event_dict)
