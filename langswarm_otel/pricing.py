"""What a call costs, as a pure function of provider, model, usage and price table.

The user's own table comes first; then that of ``genai-prices`` (extra ``pricing``), which is read on use and looked up once for each
provider and model. A model that neither knows has *no* cost: None, never 0. A model that is free is so only because a table says it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, Literal

from langswarm_otel import guard
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.late import late

if TYPE_CHECKING:
    from langswarm_otel.usage import Usage

Basis = Literal["actual", "estimated"]
"""Values of ``langswarm.cost.basis``: what the provider charged as it says itself, or tokens times a price table."""

USER_TABLE: Final = "user"
"""Version of a price table that came with the configuration."""

_MAX_MATCHES: Final = 2000
_MAX_WARNINGS: Final = 1000
_warned: set[tuple[str | None, str | None]] = set()


def _public_prices() -> Any:
    return late("langswarm_otel.public_prices")  # not needed where the own table says it all, nor at start-up


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Price of a model, in US dollars for a million tokens."""

    input: float
    """Of input tokens that are neither read from nor written to a cache."""

    output: float
    """Of output tokens."""

    cache_read: float | None = None
    """Of input tokens read from a cache; None means the price of input."""

    cache_write: float | None = None
    """Of input tokens written to a cache; None means the price of input."""

    def __post_init__(self) -> None:
        for name in ("input", "output", "cache_read", "cache_write"):
            value = getattr(self, name)
            if value is None and name.startswith("cache"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
                raise ConfigurationError(f"price_table.{name}", value, "give US dollars for a million tokens, 0 or more")


FREE: Final = Price(input=0.0, output=0.0)
"""Price of a model that costs nothing for each token, such as one on a machine of yours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one call cost."""

    amount: float
    """US dollars."""

    basis: Basis
    """Where the amount comes from."""

    table_version: str | None
    """Price table that it was computed with; None for an actual cost."""


class PriceBook:
    """Prices of models: a table of the user's, then the public one."""

    def __init__(self, table: Mapping[str, Price | Mapping[str, float] | str] | None = None, *, public: bool = True) -> None:
        """Read a price table.

        Args:
            table: prices by ``"provider/model"``, by ``"model"``, or by a pattern such as ``"ollama/*"``, the exact name first; a
                ``Price``, a mapping of its fields, or ``"free"``.
            public: whether ``genai-prices`` is asked for what the table does not have.

        Raises:
            ConfigurationError: an entry is no price.
        """
        self._table = {name: read_price(name, entry) for name, entry in (table or {}).items()}
        self._patterns = tuple(name for name in self._table if any(sign in name for sign in "*?["))
        self._public = public
        self._own: dict[tuple[str | None, str], Price | None] = {}

    def expect(self, provider: str | None, model: str | None) -> None:
        """Get ready for the cost of a call that begins; an application whose table names all of its models is spared the public one."""
        if self._public and model is not None and not _public_prices().prepared() and self._own_price(provider, model) is None:
            _public_prices().prepare()

    def cost(self, provider: str | None, model: str | None, usage: Usage, *, at_s: float | None = None) -> Cost | None:
        """Return what a call cost, or None if nobody knows the price.

        Args:
            provider: value of ``gen_ai.provider.name``.
            model: name of the model, as requested or as answered.
            usage: its tokens.
            at_s: when it was made, in seconds since 1970, for prices that change; None means now.
        """
        if model is None:
            return None
        own = self._own_price(provider, model)
        if own is not None:
            return Cost(amount=_amount(own, usage), basis="estimated", table_version=USER_TABLE)
        rates = _public_prices().rates(provider, model, at_s) if self._public else None
        if rates is None:
            return None
        return Cost(amount=rates.amount(usage), basis="estimated", table_version=_public_prices().version())

    def _own_price(self, provider: str | None, model: str) -> Price | None:
        if not self._table:
            return None
        key = (provider, model)
        try:
            return self._own[key]
        except KeyError:
            found = self._find(f"{provider}/{model}", model)
        if len(self._own) < _MAX_MATCHES:
            self._own[key] = found
        return found

    def _find(self, *names: str) -> Price | None:
        for name in names:
            if name in self._table:
                return self._table[name]
        for pattern in self._patterns:
            if any(fnmatchcase(name, pattern) for name in names):
                return self._table[pattern]
        return None


def read_price(name: str, entry: object) -> Price:
    """Read one entry of a price table.

    Raises:
        ConfigurationError: it is no price; the message names entry and mend.
    """
    if isinstance(entry, Price):
        return entry
    if entry == "free":
        return FREE
    fields: dict[str, Any] = dict(entry) if isinstance(entry, Mapping) else {}
    if {"input", "output"} <= fields.keys() <= {"input", "output", "cache_read", "cache_write"}:
        return Price(**fields)
    mend = (
        'give {"input": ..., "output": ...}, if need be with "cache_read" and "cache_write", in US dollars for a million tokens, or "free"'
    )
    raise ConfigurationError(f"price_table[{name!r}]", entry, mend)


def warn_unpriced(provider: str | None, model: str | None) -> None:
    """Say once in the life of the process that a model has no known price."""
    key = (provider, model) if _public_prices().available() else (None, None)
    if key in _warned or len(_warned) >= _MAX_WARNINGS:
        return
    _warned.add(key)
    if key == (None, None) and not _public_prices().available():
        guard.logger.warning("cost is not known: install langswarm-otel[pricing], or give prices by price_table")
    else:
        guard.logger.warning("cost of model %r of provider %r is not known; give its price by price_table", model, provider)


def _amount(price: Price, usage: Usage) -> float:
    whole, read, written = usage.input_tokens or 0, usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    fresh = max(whole - read - written, 0)
    reading = price.input if price.cache_read is None else price.cache_read
    writing = price.input if price.cache_write is None else price.cache_write
    dollars = fresh * price.input + read * reading + written * writing + (usage.output_tokens or 0) * price.output
    return dollars / 1e6
