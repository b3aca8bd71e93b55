"""Rules for values: each takes what the user gave and returns its canonical form, or says what is wrong and how to mend it.

Types are not guessed: a text is no number and True is no number. The only conversions are those that lose nothing, such as a list where a
tuple is kept, or a path object where a text is kept.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.settings.frozen import FrozenMapping

if TYPE_CHECKING:
    from langswarm_otel.pricing import Price

Rule = Callable[[str, Any], Any]
"""Takes the field's name and the value; returns the canonical value or raises ``ConfigurationError``."""

MASK: Final = "***"
"""What stands where a secret was."""

LONGEST_S: Final = 31_536_000.0
"""The longest time that a setting may be, in seconds: a year, which every wait of the operating system can take."""

MOST_DOLLARS: Final = 1e9
"""The highest amount that a setting may be, in US dollars."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LEVELS: Final = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_LEVEL_ALIASES: Final = {"WARN": "WARNING", "FATAL": "CRITICAL"}


def near(word: object, words: Any) -> str:
    """Return a hint at the most similar word, or nothing."""
    import difflib  # noqa: PLC0415 - only for a message

    spelt = {name.lower(): name for name in words}
    found = difflib.get_close_matches(str(word).lower(), list(spelt), n=1)
    return f" (did you mean {spelt[found[0]]!r}?)" if found else ""


def optional(rule: Rule) -> Rule:
    """Let None pass."""

    def check(field: str, value: Any) -> Any:
        return None if value is None else rule(field, value)

    return check


def flag(field: str, value: Any) -> bool:
    """A truth value, and nothing that merely looks like one."""
    if not isinstance(value, bool):
        raise ConfigurationError(field, value, "write True or False")
    return value


def text(field: str, value: Any) -> str:
    """A text with something in it and no control characters; spaces around it are dropped."""
    if not isinstance(value, str):
        raise ConfigurationError(field, value, "write a string")
    if not value.strip():
        raise ConfigurationError(field, value, "write a string that is not empty")
    if not value.strip().isprintable():
        raise ConfigurationError(field, value, "write a string without control characters")
    return value.strip()


def secret(field: str, value: Any) -> str:
    """A text that no message repeats; it may be empty, and stays as it is."""
    if not isinstance(value, str):
        raise ConfigurationError(field, MASK, f"write a string, not {type(value).__name__}")
    return value


def path(field: str, value: Any) -> str:
    """A path of the file system; whether it exists is seen when the configuration is resolved."""
    if not isinstance(value, (str, os.PathLike)) or not str(value).strip():
        raise ConfigurationError(field, value, "write the path of a file")
    found = os.fspath(value)
    if not isinstance(found, str) or "\0" in found:
        raise ConfigurationError(field, value, "write the path of a file as text")
    return found


def choice(*names: str) -> Rule:
    """One of a few names, in lower case."""

    def check(field: str, value: Any) -> str:
        if isinstance(value, str) and value.strip().lower() in names:
            return value.strip().lower()
        raise ConfigurationError(field, value, f"write one of {', '.join(map(repr, names))}{near(value, names)}")

    return check


def number(low: float, high: float, what: str, *, above: bool = False) -> Rule:
    """A number within bounds; ``above`` excludes the lower bound itself."""

    def check(field: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ConfigurationError(field, value, f"write {what} as a number, not as {type(value).__name__}")
        # Written so that NaN, for which every comparison is false, is refused.
        if not low <= value <= high or (above and value == low):
            raise ConfigurationError(field, value, f"write {what}")
        return float(value)

    return check


duration = number(0.0, LONGEST_S, "a positive number of seconds", above=True)
duration_or_zero = number(0.0, LONGEST_S, "a number of seconds that is not negative")
ratio = number(0.0, 1.0, "a share from 0.0 to 1.0")
dollars = number(0.0, MOST_DOLLARS, "a number of US dollars that is not negative")


def whole(low: int, high: float, what: str) -> Rule:
    """A whole number within bounds."""

    def check(field: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigurationError(field, value, f"write {what} as a whole number, not as {type(value).__name__}")
        if not low <= value <= high:
            raise ConfigurationError(field, value, f"write {what}")
        return int(value)

    return check


count = whole(1, math.inf, "a whole number of at least 1")
limit = optional(whole(0, math.inf, "a whole number that is not negative, or None for no limit"))
port = optional(whole(0, 65_535, "a port from 0 (any free one) to 65535, or None for off"))


def log_level(field: str, value: Any) -> str:
    """The name of a level of ``logging``; its number is taken too."""
    if isinstance(value, str):
        name = value.strip().upper()
        name = _LEVEL_ALIASES.get(name, name)
        if name in _LEVELS:
            return name
    elif isinstance(value, int) and not isinstance(value, bool):
        for name, level in _LEVELS.items():
            if value == level:
                return name
    raise ConfigurationError(field, value, f"write one of {', '.join(_LEVELS)}")


def names(field: str, value: Any) -> tuple[str, ...]:
    """A tuple of names, each once; a single text is refused, because it would be read letter by letter."""
    if isinstance(value, str) or not isinstance(value, (tuple, list, set, frozenset)):
        raise ConfigurationError(field, value, "write a tuple of names, like ('console', 'otlp')")
    items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
    for item in items:
        if not isinstance(item, str) or not item.strip():
            raise ConfigurationError(field, value, f"each name is a string that is not empty, and {item!r} is not")
    return tuple(dict.fromkeys(item.strip() for item in items))


def names_or_none(field: str, value: Any) -> tuple[str, ...]:
    """A tuple of names; ``("none",)`` is the empty one."""
    found = names(field, value)
    if [name.lower() for name in found] == ["none"]:
        return ()
    if any(name.lower() == "none" for name in found):
        raise ConfigurationError(field, value, "'none' stands alone; leave it out, or the others")
    return found


def flag_or_names(field: str, value: Any) -> bool | tuple[str, ...]:
    """True for all, False for none, or a tuple of names."""
    return value if isinstance(value, bool) else names(field, value)


def headers(field: str, value: Any) -> FrozenMapping[str, str]:
    """Header names (kept in lower case, as they do not depend on it) and their values, which no message repeats."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(field, MASK, "write a mapping, like {'authorization': 'Bearer ...'}")
    found: dict[str, str] = {}
    for name, content in value.items():
        if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name.strip()):
            raise ConfigurationError(field, MASK, "a header name is made of letters, digits and -, with no spaces")
        shown = {name.strip().lower(): MASK}
        if not isinstance(content, str):
            raise ConfigurationError(field, shown, f"the value of a header is a string, not {type(content).__name__}")
        if not _fits_header(content.strip()):
            raise ConfigurationError(field, shown, "the value of a header has no line breaks, control characters or letters beyond Latin-1")
        found[name.strip().lower()] = content.strip()
    return FrozenMapping(found)


def _fits_header(content: str) -> bool:
    return all(character == "\t" or " " <= character <= "~" or "\xa0" <= character <= "\xff" for character in content)


def attributes(field: str, value: Any) -> FrozenMapping[str, Any]:
    """Attributes of a resource: names, with texts, numbers, truth values or sequences of one of these."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(field, value, "write a mapping, like {'team': 'support'}")
    for name, content in value.items():
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(field, value, f"the name of an attribute is a string that is not empty, and {name!r} is not")
        kinds = {type(item) for item in content} if isinstance(content, (list, tuple)) else {type(content)}
        if not kinds <= {str, bool, int, float} or len(kinds) > 1:
            raise ConfigurationError(field, {name: content}, "an attribute is a string, a number, True, False, or a list of one of these")
    return FrozenMapping(value)


def prices(field: str, value: Any) -> FrozenMapping[str, Price]:
    """A price table: models, with prices as ``langswarm_otel.pricing`` reads them."""
    from langswarm_otel.pricing import read_price  # noqa: PLC0415 - few have a table of their own

    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ConfigurationError(field, value, "write a mapping from model to price, like {'my-model': {'input': 0.5, 'output': 1.5}}")
    return FrozenMapping({name: read_price(name, entry) for name, entry in value.items()})


def patterns(field: str, value: Any) -> FrozenMapping[str, str]:
    """Regular expressions by the name of the rule, which stands in the place of what they match."""
    if not isinstance(value, Mapping):
        raise ConfigurationError(field, value, r"write a mapping, like {'employee_id': r'E-\d{6}'}")
    for name, pattern in value.items():
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            raise ConfigurationError(field, name, "the name of a rule is made of letters, digits, '_', '.' and '-'")
        try:
            matches_nothing = re.compile(pattern).search("") is not None
        except (re.error, TypeError) as error:
            raise ConfigurationError(field, {name: pattern}, f"this is no regular expression ({error})") from None
        if matches_nothing:
            raise ConfigurationError(field, {name: pattern}, "it matches the empty text, so every text would be full of marks")
    return FrozenMapping(value)
