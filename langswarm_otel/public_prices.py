"""The public price table: that of ``genai-prices``, read on use and matched once for each provider and model.

A look-up there costs 70 to 570 microseconds and a calculation 150, in decimals. Here the match is kept and the calculation is done in
floats, which a test holds against the library's own for every model that it knows. Nothing is fetched: the table is the installed one,
unless the application itself runs the library's ``UpdatePrices``.

The table is read in a thread when the first call begins that may need it, so that it is there when the call ends: neither the start of
the application nor the call waits. Who needs it sooner waits for that thread.
"""

from __future__ import annotations

import importlib.util
import sys
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import guard
from langswarm_otel.late import late

if TYPE_CHECKING:
    from types import ModuleType

    from langswarm_otel.usage import Usage

MAX_MATCHES: Final = 2000
"""Matches kept; names of models may come from outside."""

_PATIENCE_S: Final = 2.0
"""How long a call waits for the thread that reads the table before it reads for itself; it never takes that long."""

_ALIASES: Final = {
    "azure.ai.inference": "azure",
    "gcp.gen_ai": "google",
    "x_ai": "x-ai",
}
"""Values of ``gen_ai.provider.name`` that ``genai-prices`` does not recognise by itself."""

_PER_MILLION_TOKENS: Final = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "output_reasoning_mtok")
_PER_THOUSAND_REQUESTS: Final = "requests_kcount"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Dollars for one token; a long input can make all of its tokens dearer."""

    base: float
    """For inputs up to the first tier."""

    tiers: tuple[tuple[int, float], ...] = ()
    """Input tokens that must be exceeded, and the price from there; ascending."""

    def of(self, input_tokens: int) -> float:
        """Return dollars for one token of a call with an input of this size."""
        if not self.tiers:
            return self.base
        for start, price in reversed(self.tiers):
            if input_tokens > start:
                return price
        return self.base


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What one model costs; a part without a price of its own costs what the whole costs."""

    input: Rate | None
    """Of input tokens."""

    output: Rate | None
    """Of output tokens."""

    cache_read: Rate | None
    """Of input tokens read from a cache."""

    cache_write: Rate | None
    """Of input tokens written to a cache."""

    reasoning: Rate | None
    """Of output tokens that are reasoning."""

    request: float
    """Dollars for each call."""

    def amount(self, usage: Usage) -> float:
        """Return dollars for one call."""
        whole, output = usage.input_tokens or 0, usage.output_tokens or 0
        dollars = self.request
        fresh, answer = whole, output
        if self.cache_read is not None and usage.cache_read_tokens:
            dollars += usage.cache_read_tokens * self.cache_read.of(whole)
            fresh -= usage.cache_read_tokens
        if self.cache_write is not None and usage.cache_write_tokens:
            dollars += usage.cache_write_tokens * self.cache_write.of(whole)
            fresh -= usage.cache_write_tokens
        if self.reasoning is not None and usage.reasoning_tokens:
            dollars += usage.reasoning_tokens * self.reasoning.of(whole)
            answer -= usage.reasoning_tokens
        if self.input is not None and fresh > 0:
            dollars += fresh * self.input.of(whole)
        if self.output is not None and answer > 0:
            dollars += answer * self.output.of(whole)
        return dollars


class _Table:
    """The prices with what we have looked up in them."""

    def __init__(self, data: Any, version: str) -> None:
        self.data = data
        self.version = f"{version}+{data.timestamp:%Y-%m-%d}" if data.from_auto_update else version
        self._matches: dict[tuple[str | None, str], _Match | None] = {}

    def match(self, provider: str | None, model: str) -> _Match | None:
        key = (provider, model)
        try:
            return self._matches[key]
        except KeyError:
            found = self._look_up(provider, model.lower())
        if len(self._matches) >= MAX_MATCHES:
            self._matches.clear()
        self._matches[key] = match = None if found is None else _Match(found)
        return match

    def _look_up(self, provider: str | None, model: str) -> Any | None:
        if provider is not None and provider.lower() == "litellm" and "/" in model:
            provider, model = model.split("/", 1)
        home = self._home_of(model) if provider is None else self._provider(_ALIASES.get(provider, provider))
        return None if home is None else home.find_model(model, all_providers=self.data.providers)

    def _provider(self, name: str) -> Any | None:
        return self.data.find_provider(name)

    def _home_of(self, model: str) -> Any | None:
        return self.data.find_home(model)


class _LibrarysTable(_Table):
    """A table that the application has given the library.

    The library's own look-up of a model remembers every name it is ever asked for, known or not, and is not used.
    """

    def _provider(self, name: str) -> Any | None:
        try:
            return self.data.find_provider(None, name, None)
        except LookupError:
            return None

    def _home_of(self, model: str) -> Any | None:
        matching = (home for home in self.data.providers if home.model_match is not None and home.model_match.is_match(model))
        return next(matching, None)


class _Match:
    """One model, with its prices in our form."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._by_prices: dict[int, Rates | None] = {}
        self.fixed = None if isinstance(model.prices, list) else self.rates(None)
        """The rates, where they are always the same."""

    def rates(self, at_s: float | None) -> Rates | None:
        prices = self._model.prices
        if isinstance(prices, list):  # they depend on the day or the hour
            now = datetime.now(timezone.utc) if at_s is None else datetime.fromtimestamp(at_s, timezone.utc)
            prices = self._model.get_prices(now)
        try:
            return self._by_prices[id(prices)]
        except KeyError:
            rates = self._by_prices[id(prices)] = _read(prices)
            return rates


def available() -> bool:
    """Whether the library is installed; it is not imported for the answer."""
    global _installed  # noqa: PLW0603 - looking for a module that is absent searches the whole path each time
    if _installed is None:
        _installed = importlib.util.find_spec("genai_prices") is not None
    return _installed


def rates(provider: str | None, model: str, at_s: float | None = None) -> Rates | None:
    """Return the public rates of a model, or None if they are not known or not by token.

    Args:
        provider: value of ``gen_ai.provider.name``; None goes by the name of the model.
        model: name of the model.
        at_s: moment of the call, in seconds since 1970; None means now.
    """
    if not available():
        return None
    try:
        match = _load().match(provider, model)
        if match is None:
            return None
        return match.rates(at_s) if match.fixed is None else match.fixed
    except Exception as error:  # noqa: BLE001 - a price list must not break a call
        guard.record_fault("public_prices.rates", error)
        return None


def version() -> str | None:
    """Return the name and version of the table in use; None before its first use."""
    return None if _table is None else _table.version


def prepared() -> bool:
    """Whether ``prepare`` has nothing to do."""
    return _reader is not None or _own is not None or _installed is False


def prepare() -> None:
    """Begin to read the table, beside the caller; for when a call begins that may need it at its end."""
    global _reader  # noqa: PLW0603 - read once a process
    if prepared() or not available():
        return
    # Imported here and not in the thread: a child that is forked meanwhile would wait for the module's lock for ever.
    price_data = late("langswarm_otel.price_data")

    _reader = threading.Thread(target=_read_own, args=(price_data,), name="langswarm-otel-prices", daemon=True)
    try:
        _reader.start()
    except RuntimeError:  # at the interpreter's end no thread starts (python/cpython#113964): who needs the table reads it
        return


def load() -> bool:
    """Read the table now, or wait for it; True if it is there."""
    if not available():
        return False
    try:
        _load()
    except Exception as error:  # noqa: BLE001 - a broken installation of it costs prices, nothing else
        guard.record_fault("public_prices.load", error)
        return False
    return True


_installed: bool | None = None
_table: _Table | None = None
_own: _Table | None = None
_reader: threading.Thread | None = None
_unknown_form = False


def _load() -> _Table:
    """Return the table in use: the application's, which the library keeps, or else the installed one."""
    global _table  # noqa: PLW0603 - the one table of the process
    given = getattr(sys.modules.get("genai_prices.data_snapshot"), "_custom_snapshot", None)
    if given is None:
        _table = _own or _wait_or_read()
    elif _table is None or _table.data is not given:
        _table = _LibrarysTable(given, f"genai-prices {sys.modules['genai_prices'].__version__}")
    return _table


def _wait_or_read() -> _Table:
    """Wait for the thread that reads the table; read it here where there is none, as in a child that was forked meanwhile."""
    reader = _reader
    if reader is not None and reader is not threading.current_thread() and reader.is_alive():
        reader.join(_PATIENCE_S)
    if _own is None and not _unknown_form:
        price_data = late("langswarm_otel.price_data")

        _read_own(price_data)
    return _own or _import_library()


def _read_own(price_data: ModuleType) -> None:
    global _own, _unknown_form  # noqa: PLW0603 - read once a process
    try:
        _own = _Table(price_data.read(), f"genai-prices {price_data.installed_version()}")
    except Exception:  # noqa: BLE001 - whatever a later release of the library keeps there
        _unknown_form = True


def _import_library() -> _Table:
    global _own  # noqa: PLW0603 - read once a process
    guard.logger.warning("the prices of this release of genai-prices are in a form not known here; the library is imported for them")
    import genai_prices  # noqa: PLC0415 - slow to import, and an extra
    from genai_prices import data_snapshot  # noqa: PLC0415 - as above

    _own = _LibrarysTable(data_snapshot.get_snapshot(), f"genai-prices {genai_prices.__version__}")
    return _own


def _read(prices: Any) -> Rates | None:
    """Bring the library's prices of a model into our form; None if it is not priced by tokens or requests."""
    given: dict[str, Any] = prices if isinstance(prices, dict) else vars(prices)
    known = {key: _rate(price) for key in _PER_MILLION_TOKENS if (price := given.get(key)) is not None}
    request = given.get(_PER_THOUSAND_REQUESTS)
    if not known and request is None:
        return None
    return Rates(
        input=known.get("input_mtok"),
        output=known.get("output_mtok"),
        cache_read=known.get("cache_read_mtok"),
        cache_write=known.get("cache_write_mtok"),
        reasoning=known.get("output_reasoning_mtok"),
        request=0.0 if request is None else float(getattr(request, "base", request)) / 1000,
    )


def _rate(price: Any) -> Rate:
    tiers = tuple(sorted((tier.start, float(tier.price) / 1e6) for tier in getattr(price, "tiers", ())))
    return Rate(base=float(getattr(price, "base", price)) / 1e6, tiers=tiers)
