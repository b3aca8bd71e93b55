"""The prices inside of ``genai-prices``, read without importing that package, which would bring pydantic and httpx along.

The package keeps its prices as a Python module of constructor calls. Running that module with constructors of ours takes a twentieth of
what the import takes, and no lock of the import system, so that it may be done in a thread while the application forks. How a model is
found by a name is the package's way; a test holds both against each other for every model.
"""

from __future__ import annotations

import builtins
import datetime as dt
import importlib.util
import re
from importlib.machinery import PathFinder
from importlib.metadata import distribution
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE: Final = "genai_prices"

_COMPACT_DATE: Final = re.compile(r"-(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")

Clause = tuple[str, Any]
"""How names are recognised: a way, and the text or the clauses that it goes by."""


class Model:
    """One model and its prices."""

    __slots__ = ("match", "prices")

    def __init__(self, *, match: Clause, prices: Any = None, **_more: Any) -> None:
        self.match = match
        self.prices: dict[str, Any] | list[Any] = prices or {}

    def get_prices(self, at: dt.datetime) -> Any:
        """Return the prices of a moment: the last ones whose condition holds, or else the first."""
        if isinstance(self.prices, dict):
            return self.prices
        for one in reversed(self.prices):
            if one.constraint is None or one.constraint.active(at):
                return one.prices
        return self.prices[0].prices


class Provider:
    """One provider and its models."""

    __slots__ = ("_fallbacks", "id", "model_match", "models", "provider_match")

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the package's word
        models: Sequence[Model] = (),
        model_match: Clause | None = None,
        provider_match: Clause | None = None,
        fallback_model_providers: Sequence[str] | None = None,
        **_more: Any,
    ) -> None:
        self.id = id
        self.model_match = model_match
        self.provider_match = provider_match
        self.models = models
        self._fallbacks = fallback_model_providers or ()

    def find_model(self, name: str, *, all_providers: Sequence[Provider]) -> Model | None:
        """Return the model of a name, by default another provider's whose models this one offers, too."""
        found = self._match(name, all_providers)
        if found is not None:
            return found
        dashed = _COMPACT_DATE.sub(_with_dashes, name)
        return None if dashed == name else self._match(dashed, all_providers)

    def _match(self, name: str, all_providers: Sequence[Provider]) -> Model | None:
        homes = (self, *(home for fallback in self._fallbacks for home in all_providers if home.id == fallback))
        return next((model for home in homes for model in home.models if matches(model.match, name)), None)


class PriceData:
    """All prices."""

    from_auto_update: Final = False

    def __init__(self, providers: Sequence[Provider]) -> None:
        self.providers = providers

    def find_provider(self, name: str) -> Provider | None:
        """Return the provider of an identifier."""
        name = name.lower().strip()
        exact = next((provider for provider in self.providers if provider.id == name), None)
        if exact is not None:
            return exact
        return next((one for one in self.providers if one.provider_match is not None and matches(one.provider_match, name)), None)

    def find_home(self, model: str) -> Provider | None:
        """Return the provider that a model's name tells of."""
        return next((one for one in self.providers if one.model_match is not None and matches(one.model_match, model)), None)


def matches(clause: Clause, name: str) -> bool:
    """Return whether a name, in lower case, is one of those that a clause stands for."""
    way, wanted = clause
    if way == "equals":
        return bool(name == wanted)
    if way == "contains":
        return wanted in name
    if way == "starts_with":
        return name.startswith(wanted)
    if way == "ends_with":
        return name.endswith(wanted)
    if way == "regex":
        return re.search(wanted, name) is not None
    return any(matches(one, name) for one in wanted) if way == "or" else all(matches(one, name) for one in wanted)


def installed_version() -> str:
    """Return the version of the installed package."""
    # Not `version()`: that imports the parser of `email`, and a thread should import nothing.
    found = re.search(r"^Version: *(\S+)", distribution(PACKAGE).read_text("METADATA") or "", re.MULTILINE)
    return "unknown" if found is None else found[1]


def read() -> PriceData:
    """Read the prices of the installed package; a few milliseconds, or some hundred where Python keeps no compiled files.

    Raises:
        Exception: they are not there, or in a form that is not known.
    """
    package = importlib.util.find_spec(PACKAGE)
    spec = None if package is None else PathFinder.find_spec(f"{PACKAGE}.data", package.submodule_search_locations)
    loader: Any = None if spec is None else spec.loader
    code = loader.get_code(f"{PACKAGE}.data")
    names: dict[str, Any] = {"__name__": f"{__name__}.read", "__builtins__": {**vars(builtins), "__import__": _import}}
    exec(code, names)  # noqa: S102 - what an import of it would do
    return PriceData(names["providers"])


def _with_dashes(found: re.Match[str]) -> str:
    year, month, day = found.groups()
    try:
        dt.date(int(year), int(month), int(day))
    except ValueError:
        return found[0]
    return f"-{year}-{month}-{day}"


class _FromDate(SimpleNamespace):
    """A price that holds from a day on."""

    def active(self, at: dt.datetime) -> bool:
        return bool(at.date() >= self.start_date)


class _TimeOfDay(SimpleNamespace):
    """A price that holds at certain hours."""

    def active(self, at: dt.datetime) -> bool:
        now, start, end = at.timetz(), _in_utc(self.start_time), _in_utc(self.end_time)
        return now >= start or now < end if end < start else start <= now < end


def _in_utc(time: dt.time) -> dt.time:
    if time.tzinfo is None:
        return time.replace(tzinfo=dt.timezone.utc)
    return dt.datetime.combine(dt.date(1970, 1, 1), time).astimezone(dt.timezone.utc).timetz()


class _Conditional(SimpleNamespace):
    """Prices with a condition."""

    constraint = None


def _nothing(**_more: Any) -> None:
    """Stand for what is not needed: how usage is read off a response, and what differs by tier of service."""


_TYPES: Final[dict[str, Any]] = {
    "Provider": Provider,
    "ModelInfo": Model,
    "ModelPrice": dict,
    "TieredPrices": SimpleNamespace,
    "Tier": SimpleNamespace,
    "ConditionalPrice": _Conditional,
    "StartDateConstraint": _FromDate,
    "TimeOfDateConstraint": _TimeOfDay,
    "ClauseEquals": lambda equals: ("equals", equals.lower()),
    "ClauseContains": lambda contains: ("contains", contains.lower()),
    "ClauseStartsWith": lambda starts_with: ("starts_with", starts_with.lower()),
    "ClauseEndsWith": lambda ends_with: ("ends_with", ends_with.lower()),
    "ClauseRegex": lambda regex: ("regex", regex),
    "ClauseOr": lambda or_: ("or", tuple(or_)),
    "ClauseAnd": lambda and_: ("and", tuple(and_)),
    "PriceVariant": _nothing,
    "UsageExtractor": _nothing,
    "UsageExtractorMapping": _nothing,
    "ArrayMatch": _nothing,
}
"""What stands for the package's types."""

_MODULES: Final[dict[tuple[str, int], Any]] = {
    ("types", 1): SimpleNamespace(__all__=tuple(_TYPES), **_TYPES),
    ("decimal", 0): SimpleNamespace(Decimal=float),
    ("datetime", 0): dt,
}
"""What the module of the prices imports, by name and level."""


def _import(name: str, _globals: Any = None, _locals: Any = None, _wanted: Any = (), level: int = 0) -> Any:
    return _MODULES[name, level]
