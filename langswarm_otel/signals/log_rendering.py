"""How lines look: JSON for machines, pretty for people; neither raises, whatever is in an event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog

from langswarm_otel.content.safe import json_text, safe_value

if TYPE_CHECKING:
    from types import ModuleType

    from structlog.typing import EventDict, WrappedLogger

orjson: ModuleType | None
try:
    import orjson
except ImportError:
    orjson = None


def render_json(_logger: WrappedLogger, _method_name: str, event_dict: EventDict) -> str:
    """Render an event as one line of JSON, keys in their order.

    ``orjson`` is used where it is installed. Neither it nor ``json`` takes everything (integers beyond 64 bits, lone surrogates, cycles,
    NaN); an event with such a value goes the slow way, where every value is made safe.
    """
    try:
        if orjson is not None:
            return str(orjson.dumps(event_dict, default=_jsonable, option=orjson.OPT_NON_STR_KEYS), "utf-8")
        line = json.dumps(event_dict, default=_jsonable, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        line.encode()
    except Exception:  # noqa: BLE001 - code of the values ran
        return json_text(event_dict)
    return line


def _jsonable(value: object) -> Any:
    return safe_value(value, nested=True)


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
