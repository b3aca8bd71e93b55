"""Scrubbing: credentials that stand in a text are replaced by a mark that names the rule and nothing of the credential.

It works on what leaves the process, in the worker: log lines, attributes, events, descriptions, messages, stack traces. A text without a
telling word is passed on after one quick look. The marks of an earlier pass stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.content import credentials
from langswarm_otel.content.credentials import CREDENTIALS, EXEMPT_KEYS, HINTS, INNOCENT_VALUE, PROSE, SECRET_KEYS, SHORTEST, STARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CUT_FROM: Final = 200
"""Shorter texts have not been cut off by any limit that is worth having, so a credential in them is whole."""

LONGEST: Final = 256 * 1024
"""Characters of a text that are looked at; what is beyond is left out, since nobody has looked at it."""

_SLICE: Final = 4096
"""Characters that are looked at in one go: a pattern holds the interpreter's lock as long as it runs, some 2 us a character at worst."""

_SHORT: Final = 64
_ONE_WORD: Final = re.compile(r"[A-Za-z0-9_-]*")
_PEM: Final = re.compile(credentials.PRIVATE_KEY)
_GAP: Final = re.compile(r"(?<=[a-z0-9.,;)\]}])(?i:(?<!bearer)(?<!basic)(?<!digest)(?<!token))\s(?!\s{0,4}[=:])")
"""The end of a word that is not followed by what belongs to it, as after a colon, after the word Bearer, or before an equals sign."""


def mark(rule: str) -> str:
    """Return what stands in the place of a credential."""
    return f"[scrubbed: {rule}]"


def _alternatives(*, cut: bool) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """Return one pattern of all credentials that tell themselves, and the rule of each of its groups."""
    forms = [(item.whole, item.rule) for item in CREDENTIALS]
    if cut:
        forms += [(item.cut, item.rule) for item in CREDENTIALS]
    forms.append((credentials.PRIVATE_KEY, "private_key"))
    return re.compile("|".join(f"({form})" for form, _ in forms)), tuple(rule for _, rule in forms)


@lru_cache(maxsize=1)
def _patterns() -> tuple[Any, ...]:
    """Compile when there is something to look at: a program that starts need not wait for it."""
    return (
        _alternatives(cut=False),
        _alternatives(cut=True),
        re.compile(credentials.USER_INFO),
        re.compile(credentials.SCHEME),
        re.compile(credentials.PAIR),
        re.compile(credentials.USER_INFO_CUT),
        re.compile(credentials.SCHEME_CUT),
    )


class Scrubber:
    """Replaces credentials; safe for any thread."""

    def __init__(self, patterns: Iterable[tuple[str, re.Pattern[str]]] = (), exempt_keys: Iterable[str] = ()) -> None:
        """Make one.

        Args:
            patterns: further rules by name; what they match is replaced whole.
            exempt_keys: keys whose values are never touched, beside the usual ones.
        """
        self._own: Final = tuple(patterns)
        self._exempt: Final = EXEMPT_KEYS.union(exempt_keys)
        self._clean: Final[set[str]] = set()

    def text(self, text: str) -> str:
        """Return a text without credentials; the same object if it has none."""
        if text in self._clean:
            return text
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}... [{len(text) - LONGEST} characters left out]"
        if len(text) <= _SLICE:
            scrubbed = _scrubbed(text, may_be_cut=len(text) >= CUT_FROM)
        else:
            scrubbed = "".join(_scrubbed(part, may_be_cut=True) for part in _slices(_PEM.sub(mark("private_key"), text)))
        for rule, pattern in self._own:
            scrubbed = pattern.sub(mark(rule), scrubbed)
        if scrubbed is text and len(text) <= _SHORT:
            if len(self._clean) >= 4096:  # noqa: PLR2004 - begin anew; names and the like come back at once
                self._clean.clear()
            self._clean.add(text)
        return text if scrubbed == text else scrubbed

    def is_secret(self, key: str) -> bool:
        """Whether the value of a key is a secret, whatever it looks like."""
        return key not in self._exempt and _names_secret(key)

    def value(self, key: str, value: Any) -> Any:
        """Return the value of a key without credentials; the same object if it has none. Numbers are never touched."""
        if value.__class__ is str:
            if key in self._exempt:
                return value
            return mark(_rule_of(key)) if value and _names_secret(key) and not value.startswith("[scrubbed: ") else self.text(value)
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, (list, tuple)):
            scrubbed = [self.value(key, item) for item in value]
            return value if all(new is old for new, old in zip(scrubbed, value, strict=True)) else scrubbed
        return value

    def attributes(self, attributes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return attributes without credentials; the same object if there are none."""
        changed: dict[str, Any] | None = None
        clean = self._clean if not _any_names_secret(tuple(attributes)) else ()
        for key, value in attributes.items():
            kind = value.__class__
            if kind is int or kind is float or kind is bool or (kind is str and value in clean):
                continue
            scrubbed = self.value(key, value)
            if scrubbed is not value:
                changed = dict(attributes) if changed is None else changed
                changed[key] = scrubbed
        return attributes if changed is None else changed

    def _mapping(self, mapping: Mapping[Any, Any]) -> Mapping[Any, Any]:
        scrubbed = {key: self.value(key, value) if isinstance(key, str) else value for key, value in mapping.items()}
        return mapping if all(scrubbed[key] is value for key, value in mapping.items()) else scrubbed


USUAL: Final = Scrubber()
"""The rules that always hold."""


@lru_cache(maxsize=4096)
def _names_secret(key: str) -> bool:
    return len(key) <= 256 and SECRET_KEYS.search(key) is not None  # noqa: PLR2004 - no key of a person's is longer


def _rule_of(key: str) -> str:
    found = SECRET_KEYS.search(key)
    return re.sub(r"[^a-z]+", "_", found.group().lower()).strip("_") if found else "secret"


@lru_cache(maxsize=1024)
def _any_names_secret(keys: tuple[str, ...]) -> bool:
    return any(isinstance(key, str) and _names_secret(key) for key in keys)


def _slices(text: str) -> Iterator[str]:
    """Yield a long text in slices that end at the end of a line or of a word, but not where a value is to follow."""
    begin = 0
    while len(text) - begin > _SLICE:
        end = text.rfind("\n", begin + _SLICE // 2, begin + _SLICE) + 1
        if not end:
            end = next((match.end() for match in _GAP.finditer(text, begin + _SLICE // 2, begin + _SLICE)), 0)
        if not end:  # one long word: to its end
            found = _GAP.search(text, begin + _SLICE)
            end = len(text) if found is None else found.end()
        yield text[begin:end]
        begin = end
    yield text[begin:]


def _scrubbed(text: str, *, may_be_cut: bool) -> str:
    # Most texts are names and ids: two quick looks for them, and only then a slower one.
    if len(text) < SHORTEST and ":" not in text and "=" not in text:
        return text
    if _ONE_WORD.fullmatch(text) is not None and not text.startswith(STARTS):
        return text
    lowered = text.lower()
    if not any([hint in lowered for hint in HINTS]):  # noqa: C419 - a list is quicker than a generator
        return text
    whole, cut, user_info, scheme, pair, user_info_cut, scheme_cut = _patterns()
    pattern, rules = cut if may_be_cut else whole
    text = pattern.sub(lambda match: mark(rules[match.lastindex - 1]), text)
    if "://" in text:
        text = user_info.sub(lambda match: f"{match['user']}:{mark('url_password')}@", text)
        if may_be_cut:
            text = user_info_cut.sub(lambda match: f"{match['user']}:{mark('url_password')}", text)
    text = scheme.sub(_without_scheme_value, text)
    if may_be_cut:
        text = scheme_cut.sub(_without_scheme_value, text)
    return str(pair.sub(_without_pair_value, text))


def _without_scheme_value(match: re.Match[str]) -> str:
    value = match["scheme_value"]
    if value.isalpha() and value.islower():
        return match.group()  # a word
    return f"{match['scheme']}{match['scheme_gap']}{mark('authorization')}"


def _without_pair_value(match: re.Match[str]) -> str:
    quoted, bare = match["quoted"], match["bare"]
    value = quoted if quoted is not None else bare
    is_prose = quoted is None and "=" not in match["pair_gap"] and PROSE.match(value)
    if INNOCENT_VALUE.match(value) or is_prose or "[scrubbed: " in value:
        return match.group()
    rule = re.sub(r"[^a-z]+", "_", match["pair"].lower()).strip("_")[-40:]
    return f"{match['pair']}{match['pair_gap']}{match['quote'] or ''}{mark(rule)}"
