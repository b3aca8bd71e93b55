"""What a call costs: the user's table, the public one, and nothing invented."""

from __future__ import annotations

import logging
import math
from datetime import datetime, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langswarm_otel import pricing, public_prices
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.pricing import FREE, Cost, Price, PriceBook, warn_unpriced
from langswarm_otel.usage import Usage

USAGE = Usage(input_tokens=1000, output_tokens=100, cache_read_tokens=200, cache_write_tokens=300)


class TestTable:
    """The user's own table."""

    def test_each_part_has_its_price(self):
        """Fresh input, cache reads, cache writes and output are priced apart; parts without a price cost what input costs."""
        book = PriceBook(
            {"m": Price(input=1.0, output=10.0, cache_read=0.1, cache_write=2.0), "plain": {"input": 1, "output": 10}}, public=False
        )
        assert book.cost("p", "m", USAGE) == Cost(amount=pytest.approx(2120e-6), basis="estimated", table_version="user")
        assert book.cost("p", "plain", USAGE).amount == pytest.approx(2000e-6)

    def test_the_most_exact_name_wins(self):
        """Provider and model before model, exact names before patterns."""
        table = {"*": Price(input=1, output=1), "m": Price(input=2, output=2), "p/m": Price(input=3, output=3), "ollama/*": "free"}
        book = PriceBook(table, public=False)
        million = Usage(input_tokens=1_000_000)
        assert [book.cost(*of, million).amount for of in (("p", "m"), ("q", "m"), ("q", "x"), (None, "m"))] == [3, 2, 1, 2]
        assert PriceBook({"ollama/*": "free"}, public=False).cost("ollama", "llama3:8b", million) == Cost(
            amount=0.0, basis="estimated", table_version="user"
        )

    def test_names_of_models_may_hold_slashes(self):
        """``meta-llama/Llama-3`` is a model and not a provider with a model."""
        assert PriceBook({"meta-llama/Llama-3": FREE}, public=False).cost("together", "meta-llama/Llama-3", USAGE).amount == 0

    def test_unknown_is_none_and_never_zero(self):
        """No price, no cost."""
        book = PriceBook({"m": FREE}, public=False)
        assert book.cost("p", "other", USAGE) is None
        assert book.cost("p", None, USAGE) is None

    @pytest.mark.parametrize(
        "entry",
        [
            1.0,
            "gratis",
            None,
            {},
            {"input": 1},
            {"input": 1, "output": 1, "outptu": 2},
            {"input": -1, "output": 1},
            {"input": "1", "output": 1},
            {"input": math.nan, "output": 1},
            {"input": True, "output": 1},
        ],
        ids=repr,
    )
    def test_what_is_no_price_is_refused_by_name(self, entry):
        """The error names the entry and says what to write."""
        with pytest.raises(ConfigurationError, match="price_table") as caught:
            PriceBook({"m": entry})
        assert "million tokens" in str(caught.value)

    @given(
        st.builds(Usage, input_tokens=st.integers(0, 10**9), output_tokens=st.integers(0, 10**9), cache_read_tokens=st.integers(0, 10**9))
    )
    def test_a_cost_is_never_negative(self, usage):
        """Not even for parts that exceed the whole."""
        book = PriceBook({"m": Price(input=1, output=1, cache_read=0.1)}, public=False)
        assert book.cost("p", "m", usage).amount >= 0

    def test_names_from_outside_do_not_pile_up(self):
        """The memory of a book is bounded, and its answers stay right beyond."""
        book = PriceBook({"m*": Price(input=1, output=1)}, public=False)
        for number in range(public_prices.MAX_MATCHES + 50):
            assert book.cost("p", f"m{number}", USAGE).amount == pytest.approx(1100e-6)
        assert len(book._own) == public_prices.MAX_MATCHES


class TestWarning:
    """``warn_unpriced``."""

    @pytest.fixture(autouse=True)
    def _fresh(self, monkeypatch):
        monkeypatch.setattr(pricing, "_warned", set())

    def test_once_a_model_for_ever(self, caplog):
        """A hundred calls are one line, which names the model and the mend."""
        pytest.importorskip("genai_prices")
        for _ in range(100):
            warn_unpriced("p", "nope-9")
        warn_unpriced("p", "nope-10")
        messages = [record.getMessage() for record in caplog.records]
        assert [model for message in messages for model in ("nope-9", "nope-10") if repr(model) in message] == ["nope-9", "nope-10"]
        assert all("price_table" in message for message in messages)

    def test_without_the_library_it_says_what_to_install(self, caplog, monkeypatch):
        """Then one line is enough for all models."""
        monkeypatch.setattr(public_prices, "_installed", False)
        warn_unpriced("p", "a")
        warn_unpriced("p", "b")
        (record,) = caplog.records
        assert "langswarm-otel[pricing]" in record.getMessage()

    def test_the_number_of_lines_is_bounded(self, caplog, monkeypatch):
        """Names that a client invents do not fill the log."""
        monkeypatch.setattr(pricing, "_MAX_WARNINGS", 3)
        caplog.set_level(logging.WARNING)
        for number in range(10):
            warn_unpriced("p", f"invented-{number}")
        assert len(caplog.records) <= 3


class TestPublic:
    """The public table."""

    @pytest.fixture(autouse=True)
    def _library(self):
        pytest.importorskip("genai_prices")

    @pytest.mark.parametrize(
        ("provider", "model"),
        [
            ("openai", "gpt-4o"),
            ("openai", "GPT-4O"),
            ("anthropic", "claude-sonnet-4-5"),
            ("azure.ai.openai", "gpt-4o"),
            ("gcp.gemini", "gemini-2.5-pro"),
            ("gcp.gen_ai", "gemini-2.5-pro"),
            ("litellm", "openai/gpt-4o"),
            ("mistral_ai", "mistral-large-latest"),
            ("moonshot_ai", "kimi-k2"),
            ("x_ai", "grok-4"),
            (None, "gpt-4o"),
        ],
    )
    def test_the_conventions_names_of_providers_are_known(self, provider, model):
        """Values of ``gen_ai.provider.name`` lead to prices, and the cost says which table."""
        cost = PriceBook().cost(provider, model, USAGE)
        assert cost is not None
        assert cost.amount > 0
        assert cost.table_version == public_prices.version()
        assert cost.table_version.startswith("genai-prices ")

    @pytest.mark.parametrize(("provider", "model"), [("openai", "nope-9"), ("my-gateway", "gpt-4o"), (None, "nope-9")])
    def test_unknown_is_none(self, provider, model):
        """Neither an unknown model nor a known model of an unknown provider gets a price that is guessed."""
        assert PriceBook().cost(provider, model, USAGE) is None

    def test_the_users_table_comes_first(self):
        """What the user says about a public model holds; other models stay public."""
        book = PriceBook({"gpt-4o": FREE})
        assert book.cost("openai", "gpt-4o", USAGE).amount == 0
        assert book.cost("openai", "gpt-4o-mini", USAGE).amount > 0

    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_it_costs_what_the_library_says(self, data):
        """For models of the whole table, tiers and conditions included, our sum in floats is the library's in decimals."""
        from genai_prices import Usage as TheirUsage
        from genai_prices import data_snapshot

        snapshot = data_snapshot.get_snapshot()
        provider = data.draw(st.sampled_from([provider for provider in snapshot.providers if provider.models]), label="provider")
        model = data.draw(st.sampled_from(provider.models), label="model")
        tokens = data.draw(
            st.fixed_dictionaries({}, optional={name: st.integers(0, 300_000) for name in ("cache_read_tokens", "cache_write_tokens")})
        )
        whole = sum(tokens.values()) + data.draw(st.integers(0, 300_000))
        output = data.draw(st.integers(0, 10_000))
        at = datetime(2026, data.draw(st.integers(1, 11)), 15, data.draw(st.integers(0, 23)), tzinfo=timezone.utc)
        usage = Usage(input_tokens=whole, output_tokens=output, **tokens)
        ours = public_prices._Match(model).rates(at.timestamp())
        theirs = model.calc_price(TheirUsage(input_tokens=whole, output_tokens=output, **tokens), provider, genai_request_timestamp=at)
        if ours is None:
            assert theirs.total_price == 0
        else:
            assert ours.amount(usage) == pytest.approx(float(theirs.total_price), rel=1e-9, abs=1e-15)

    def test_a_match_is_looked_up_once(self, monkeypatch):
        """The second call for the same provider and model asks the library for nothing."""
        book = PriceBook()
        first = book.cost("openai", "gpt-4o", USAGE)
        monkeypatch.setattr(public_prices._Table, "_look_up", None)
        assert book.cost("openai", "gpt-4o", USAGE) == first

    def test_matches_are_bounded(self):
        """Neither ours nor the library's memory grows with names that somebody invents."""
        from genai_prices import data_snapshot

        table = public_prices._LibrarysTable(data_snapshot.get_snapshot(), "test")
        before = len(table.data._provider_misses), len(table.data._provider_cache), len(table.data._lookup_cache)
        table.match("openai", "gpt-4o")
        for number in range(public_prices.MAX_MATCHES + 10):
            assert table.match("nobody", f"invented-{number}") is None
        assert len(table._matches) <= public_prices.MAX_MATCHES
        after = len(table.data._provider_misses), len(table.data._provider_cache), len(table.data._lookup_cache)
        assert sum(after) <= sum(before) + 3

    def test_an_updated_table_is_taken(self):
        """If the application updates the library's table, the next call uses it."""
        from genai_prices import data_snapshot

        bundled = data_snapshot.get_snapshot()
        installed = PriceBook().cost("openai", "gpt-4o", USAGE)
        assert installed is not None
        data_snapshot.set_custom_snapshot(data_snapshot.DataSnapshot(providers=[], from_auto_update=True))
        try:
            assert PriceBook().cost("openai", "gpt-4o", USAGE) is None
            assert f"{datetime.now():%Y-%m-%d}" in public_prices.version()
            mended = data_snapshot.DataSnapshot(providers=bundled.providers, from_auto_update=True)
            data_snapshot.set_custom_snapshot(mended)
            assert PriceBook().cost("openai", "gpt-4o", USAGE).amount == pytest.approx(installed.amount)
            assert PriceBook().cost(None, "gpt-4o", USAGE).amount == pytest.approx(installed.amount)
            assert PriceBook().cost("nobody", "gpt-4o", USAGE) is None
        finally:
            data_snapshot.set_custom_snapshot(None)
        assert PriceBook().cost("openai", "gpt-4o", USAGE) == installed


def test_a_broken_library_costs_prices_and_nothing_else(monkeypatch):
    """If the library raises, the cost is unknown and the fault is counted."""
    from langswarm_otel import guard

    def broken():
        raise RuntimeError

    monkeypatch.setattr(public_prices, "_installed", True)
    monkeypatch.setattr(public_prices, "_load", broken)
    assert PriceBook().cost("openai", "gpt-4o", USAGE) is None
    assert public_prices.load() is False
    assert guard.faults() == {"public_prices.rates": 1, "public_prices.load": 1}


def test_without_the_library_everything_public_is_unknown(monkeypatch):
    """The extra is optional."""
    monkeypatch.setattr(public_prices, "_installed", False)
    assert PriceBook().cost("openai", "gpt-4o", USAGE) is None
    assert public_prices.load() is False
