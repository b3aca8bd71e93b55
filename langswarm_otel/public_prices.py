"""The public price table: ``genai-prices``, imported on use and matched once for each provider and model.

A look-up there costs 70 to 570 microseconds and a calculation 150, in decimals. Here the match is kept and the calculation is done in
floats, which a test holds against the library's own for every model that it knows. Nothing is fetched: the table is the installed one,
unless the application itself runs the library's ``UpdatePrices``.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import guard

if TYPE_CHECKING:
    from langswarm_otel.usage import Usage

MAX_MATCHES: Final = 2000
"""Matches kept; names of models may come from outside."""

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
    """The library's snapshot with what we have looked up in it."""

    def __init__(self, snapshot: Any, version: str) -> None:
        self.snapshot = snapshot
        self.version = f"{version}+{snapshot.timestamp:%Y-%m-%d}" if snapshot.from_auto_update else version
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
        """Find a model; the library's own look-up remembers every name it is ever asked for, known or not."""
        if provider is not None and provider.lower() == "litellm" and "/" in model:
            provider, model = model.split("/", 1)
        try:
            home = (
                self._find_by_model(model)
                if provider is None
                else self.snapshot.find_provider(None, _ALIASES.get(provider, provider), None)
            )
        except LookupError:
            return None
        return None if home is None else home.find_model(model, all_providers=self.snapshot.providers)

    def _find_by_model(self, model: str) -> Any | None:
        matching = (home for home in self.snapshot.providers if home.model_match is not None and home.model_match.is_match(model))
        return next(matching, None)


class _Match:
    """One model of the library, with its prices in our form."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._by_prices: dict[int, Rates | None] = {}

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
        return None if match is None else match.rates(at_s)
    except Exception as error:  # noqa: BLE001 - a price list must not break a call
        guard.record_fault("public_prices.rates", error)
        return None


def version() -> str | None:
    """Return the name and version of the table in use; None before its first use."""
    return None if _table is None else _table.version


def load() -> bool:
    """Import the library now, which takes most of a second, so that the first priced call does not; True if it is there."""
    if not available():
        return False
    try:
        _load()
    except Exception as error:  # noqa: BLE001 - a broken installation of it costs prices, nothing else
        guard.record_fault("public_prices.load", error)
        return False
    return True


_installed: bool | None = None
_library: tuple[Any, str] | None = None
_table: _Table | None = None


def _load() -> _Table:
    global _library, _table  # noqa: PLW0603 - the one table of the process
    if _library is None:
        import genai_prices  # noqa: PLC0415 - slow to import, and an extra
        from genai_prices import data_snapshot  # noqa: PLC0415 - slow to import, and an extra

        _library = data_snapshot, f"genai-prices {genai_prices.__version__}"
    snapshot = _library[0].get_snapshot()
    if _table is None or _table.snapshot is not snapshot:
        _table = _Table(snapshot, _library[1])
    return _table


def _read(prices: Any) -> Rates | None:
    """Bring the library's prices of a model into our form; None if it is not priced by tokens or requests."""
    known = {key: _rate(price) for key in _PER_MILLION_TOKENS if (price := getattr(prices, key, None)) is not None}
    request = getattr(prices, _PER_THOUSAND_REQUESTS, None)
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
    tiers = tuple((tier.start, float(tier.price) / 1e6) for tier in getattr(price, "tiers", ()))
    return Rate(base=float(getattr(price, "base", price)) / 1e6, tiers=tiers)
