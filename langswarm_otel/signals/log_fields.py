"""The parts of an OpenTelemetry log record, each made from what structlog or the stdlib has: severity, time, exception, attributes."""

from __future__ import annotations

import sys
import time
import traceback
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, TypedDict

from opentelemetry._logs import SeverityNumber

from langswarm_otel import semconv
from langswarm_otel.content.safe import safe_attributes, safe_value
from langswarm_otel.whereabouts import whereabouts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from opentelemetry.util.types import AnyValue

EVENT_NAME_KEYS: Final = ("otel.event.name", "event.name")
"""Keys that name an event, the stable one first and then the deprecated one; they become the record's ``event_name``."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND: Final = timedelta(microseconds=1)
_LATEST_SECOND: Final = 1e11
"""A number above is no Unix time in seconds, but milliseconds or something else."""
_TRACEBACK: Final = "Traceback (most recent call last):\n"
_SEVERITY_TEXTS: Final = {10: "DEBUG", 20: "INFO", 30: "WARN", 40: "ERROR", 50: "FATAL"}


class LogFields(TypedDict, total=False):
    """What ``Logger.emit`` takes beside the severity number."""

    timestamp: int
    severity_text: str
    body: AnyValue
    attributes: Mapping[str, AnyValue]
    event_name: str | None


def _severity_number(levelno: int) -> SeverityNumber:
    if levelno < 10:  # noqa: PLR2004 - logging.DEBUG
        return SeverityNumber.UNSPECIFIED
    if levelno > 53:  # noqa: PLR2004 - the last of the four above logging.CRITICAL
        return SeverityNumber.FATAL4
    tens, units = divmod(levelno, 10)
    return SeverityNumber(1 + 4 * tens + min(units, 3))


_SEVERITIES: Final = {levelno: _severity_number(levelno) for levelno in range(64)}


def severity_number(levelno: int) -> SeverityNumber:
    """Return OpenTelemetry's severity of a stdlib level, as its ``std_to_otel`` does; that function is the SDK's."""
    return _SEVERITIES.get(levelno) or _severity_number(levelno)


def severity_text(levelno: int, level_name: str) -> str:
    """Return OpenTelemetry's name of a level: WARN and FATAL where Python says WARNING and CRITICAL, other levels by their own name."""
    return _SEVERITY_TEXTS.get(levelno) or level_name.upper()


def unix_nanoseconds(value: object) -> int | None:
    """Return a time that certainly is one as nanoseconds since 1970, else None.

    Args:
        value: seconds since 1970, an aware ``datetime``, or ISO 8601 text with a zone. Text without a zone says nothing certain.
    """
    if isinstance(value, str):
        try:
            # Python 3.10 does not read the Z.
            value = datetime.fromisoformat(value[:-1] + "+00:00" if value.endswith("Z") else value)
        except ValueError:
            return None
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND * 1000 if value.tzinfo is not None else None
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < _LATEST_SECOND:
        return int(value * 1e9)
    return None


_second: tuple[int, str] = (0, "1970-01-01T00:00:00.")
"""The second that was written last, and how."""


def iso_time(nanoseconds: int) -> str:
    """Return nanoseconds since 1970 as ISO 8601 text in UTC, to the microsecond."""
    global _second  # noqa: PLW0603 - the memory of one, replaced as one
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    remembered, text = _second
    if seconds != remembered:
        text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds))
        _second = seconds, text
    return f"{text}{rest // 1000:06d}Z"


def exception_of(exc_info: object) -> BaseException | None:
    """Return the exception that ``exc_info`` means: an exception, a triple, or true for the one being handled."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        value = exc_info[1] if len(exc_info) == 3 else None  # noqa: PLR2004 - type, value, traceback
        return value if isinstance(value, BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def exception_attributes(error: BaseException) -> dict[str, Any]:
    """Return type, message and stack trace of an exception; whether the latter two leave the process is the content gate's business."""
    return {
        semconv.EXCEPTION_TYPE: exception_type(type(error)),
        semconv.EXCEPTION_MESSAGE: _message(error),
        semconv.EXCEPTION_STACKTRACE: _stack(error, error.__traceback__),
    }


def exception_type(kind: type[BaseException]) -> str:
    """Return the qualified name of an exception's type, without a module for builtins, as the SDK names it on spans."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def rendered_exception_attributes(rendered: object) -> dict[str, Any]:
    """Return the attributes of an exception that the application's own chain has rendered already, and perhaps redacted.

    Only what the chain made of it is used: the live exception may hold what a processor has taken out.

    Args:
        rendered: what stands under ``exception``: the text of ``format_exc_info``, the list of ``dict_tracebacks``, or an exception that
            the caller has put there.
    """
    if isinstance(rendered, BaseException):
        return exception_attributes(rendered)
    if isinstance(rendered, list):
        rendered = _text_of_stacks(rendered) or str(rendered)
    if not isinstance(rendered, str):
        return {}
    last = rendered.rpartition(_TRACEBACK)[2].splitlines()
    start = next((index for index, line in enumerate(last) if line and not line[0].isspace()), len(last))
    kind, _, message = "\n".join(last[start:]).partition(": ")
    found = {semconv.EXCEPTION_TYPE: kind, semconv.EXCEPTION_MESSAGE: message} if kind.replace(".", "").isidentifier() else {}
    return {**found, semconv.EXCEPTION_STACKTRACE: rendered}


def _text_of_stacks(stacks: list[Any]) -> str | None:
    """Write the stacks of ``dict_tracebacks``, outermost exception first, as Python does; without the local variables that they hold."""
    try:
        texts = []
        for stack in reversed(stacks):
            frames = "".join(f'  File "{frame["filename"]}", line {frame["lineno"]}, in {frame["name"]}\n' for frame in stack["frames"])
            texts.append(f"{_TRACEBACK}{frames}{stack['exc_type']}: {stack['exc_value']}")
        return "\n".join(texts) or None
    except (TypeError, KeyError):
        return None


def finished_attributes(attributes: dict[str, Any], max_length: int | None) -> Mapping[str, AnyValue]:
    """Complete and clean the attributes of a record: scope in, native ids out, every value one that can be encoded.

    Args:
        attributes: keys of the event; changed in place.
        max_length: longest string, in characters; None leaves strings uncut.
    """
    where = whereabouts()
    for key, value in where.scope_keys.items():
        attributes.setdefault(key, value)
    if semconv.LOG_TRACE_ID in attributes or semconv.LOG_SPAN_ID in attributes:
        for key, native in where.trace_keys.items():
            if attributes.get(key) == native:
                del attributes[key]
    return safe_attributes(attributes, max_length=max_length)


def take_event_name(attributes: dict[str, Any]) -> str | None:
    """Take the keys that name an event out of the attributes, and return the name."""
    names = [attributes.pop(key) for key in EVENT_NAME_KEYS if key in attributes]
    return names[0] if names and isinstance(names[0], str) else None


def body_value(event: object) -> AnyValue:
    """Return an event as body; mappings and lists stay trees."""
    return safe_value(event, nested=True)


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the exception's own code ran
        return ""


def _stack(error: BaseException, trace_back: TracebackType | None) -> str | None:
    try:
        return "".join(traceback.format_exception(type(error), error, trace_back)) if trace_back is not None else None
    except Exception:  # noqa: BLE001 - the exception's own code ran
        return None
