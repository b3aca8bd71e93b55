"""The prices inside of ``genai-prices``, against the library that they belong to."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from datetime import date, datetime, time, timezone

import pytest

from langswarm_otel import guard, price_data, public_prices
from langswarm_otel.pricing import FREE, PriceBook
from langswarm_otel.usage import Usage

pytest.importorskip("genai_prices")

USAGE = Usage(input_tokens=1000, output_tokens=100)
MOMENTS = [datetime(2026, month, 15, hour, 30, tzinfo=timezone.utc).timestamp() for month in (1, 11) for hour in (3, 17)]


def run(script: str) -> str:
    """Run a program in a fresh interpreter and return what it printed."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def data():
    return price_data.read()


@pytest.fixture(scope="module")
def library():
    from genai_prices import data_snapshot

    return data_snapshot.DataSnapshot(providers=data_snapshot._bundled_snapshot().providers, from_auto_update=False)


@pytest.fixture
def unread(monkeypatch):
    """Nothing has been read yet in this process."""
    for name, value in (("_table", None), ("_own", None), ("_reader", None), ("_unknown_form", False)):
        monkeypatch.setattr(public_prices, name, value)
    yield
    if public_prices._reader is not None and public_prices._reader.is_alive():
        public_prices._reader.join(10)


def texts_of(clause):
    """Every text that a clause of the library compares with."""
    for value in vars(clause).values():
        if isinstance(value, str):
            yield value
        else:
            for inner in value:
                yield from texts_of(inner)


def variants(text):
    """A text as it is, and as names of models are built around such a text."""
    return (text, text.upper(), f"{text}-20251211", f"{text}-2025-12-11", f"{text}-20259911:x", f"vendor/{text}", f"{text}-latest")


def rates_of(model):
    """What a model costs at some moments, whoever describes it."""
    match = None if model is None else public_prices._Match(model)
    return [None if match is None else match.rates(moment) for moment in MOMENTS]


def test_every_model_is_found_as_the_library_finds_it(data, library):
    """All providers, all texts of all their clauses and variants of them: the same model, so the same rates at every moment."""
    assert [provider.id for provider in data.providers] == [provider.id for provider in library.providers]
    compared = 0
    for ours, theirs in zip(data.providers, library.providers, strict=True):
        texts = {model.id for model in theirs.models} | {text for model in theirs.models for text in texts_of(model.match)}
        for name in {variant for text in sorted(texts)[::12] for variant in variants(text)}:
            found = theirs.find_model(name, all_providers=library.providers)
            assert rates_of(ours.find_model(name.lower(), all_providers=data.providers)) == rates_of(found), (theirs.id, name)
            compared += found is not None
    assert compared > 300


def test_every_provider_is_found_as_the_library_finds_it(data, library):
    """By its identifier, by what stands for it, and by the names of models."""
    names = {provider.id for provider in library.providers} | {"OpenAI", " azure.ai.openai ", "aws.bedrock", "gcp.vertex_ai", "nobody", ""}
    names |= {text for provider in library.providers if provider.provider_match for text in texts_of(provider.provider_match)}
    for name in names:
        try:
            expected = library.find_provider(None, name, None).id
        except LookupError:
            expected = None
        found = data.find_provider(name)
        assert (found.id if found else None) == expected, name
    for model in ("gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro", "grok-4", "nope-9", "mistral-large-latest"):
        try:
            expected = library.find_provider(model, None, None).id
        except LookupError:
            expected = None
        found = data.find_home(model)
        assert (found.id if found else None) == expected, model


@pytest.mark.parametrize(
    ("start", "end", "hour", "active"),
    [
        (time(16, 30), time(0, 30), 17, True),
        (time(16, 30), time(0, 30), 0, True),
        (time(16, 30), time(0, 30), 12, False),
        (time(1, 0, tzinfo=timezone.utc), time(3, 0, tzinfo=timezone.utc), 2, True),
        (time(1, 0, tzinfo=timezone.utc), time(3, 0, tzinfo=timezone.utc), 3, False),
    ],
)
def test_hours(start, end, hour, active):
    """Cheap hours may go past midnight; they are the library's."""
    from genai_prices.types import TimeOfDateConstraint

    at = datetime(2026, 5, 5, hour, 0, tzinfo=timezone.utc)
    ours = price_data._TimeOfDay(start_time=start, end_time=end)
    assert ours.active(at) is TimeOfDateConstraint(start_time=start, end_time=end).active(at) is active


def test_days_and_the_first_of_all(data):
    """The last price whose condition holds; where none does, the first."""
    never = price_data._FromDate(start_date=date(2999, 1, 1))
    model = price_data.Model(
        match=("equals", "m"),
        prices=[
            price_data._Conditional(prices={"input_mtok": 1.0}, constraint=never),
            price_data._Conditional(constraint=never, prices={}),
        ],
    )
    assert model.get_prices(datetime.now(timezone.utc)) == {"input_mtok": 1.0}
    plain = price_data.Model(match=("equals", "m"), prices={"input_mtok": 2.0})
    assert plain.get_prices(datetime.now(timezone.utc)) == {"input_mtok": 2.0}


def test_the_version_is_the_packages():
    """As the package itself says it."""
    import genai_prices

    assert price_data.installed_version() == genai_prices.__version__
    public_prices.load()
    assert public_prices.version() == f"genai-prices {genai_prices.__version__}"


def test_reading_imports_nothing():
    """Neither the package, nor anything at all: the thread that reads takes no lock of the import system."""
    out = run("""
        import sys
        from langswarm_otel import price_data
        before = set(sys.modules)
        price_data.read(), price_data.installed_version()
        print(sorted(set(sys.modules) - before))
    """)
    assert out == "[]"


def test_neither_the_start_nor_a_call_imports_the_library():
    """The start of an application reads no prices; a call that ends at once has its cost nevertheless."""
    out = run("""
        import sys, threading
        from langswarm_otel import configure_observability, public_prices
        from langswarm_otel.presets import testing
        for preset in ("serverless", "production"):
            obs = configure_observability(preset, endpoint="http://127.0.0.1:9", shutdown_timeout_s=0.1)
            assert not public_prices.prepared()
            assert "langswarm_otel.price_data" not in sys.modules
            assert "langswarm-otel-prices" not in [thread.name for thread in threading.enumerate()]
        from langswarm_otel.testing import capture
        with capture() as telemetry:
            with telemetry.observability.inference(provider="openai", model="gpt-4o") as call:
                call.usage(input_tokens=1000)
        print(telemetry.span("chat gpt-4o").attributes["langswarm.gen_ai.usage.cost"])
        print([name for name in ("genai_prices", "pydantic", "httpx2", "httpx") if name in sys.modules])
    """)
    cost, imported = out.splitlines()
    assert float(cost) > 0
    assert imported == "[]"


class TestWhenItIsRead:
    """``expect`` and ``prepare``."""

    def test_when_a_call_begins(self, unread):
        """In a thread, once."""
        book = PriceBook()
        assert not public_prices.prepared()
        for _ in range(3):
            book.expect("openai", "gpt-4o")
        assert public_prices.prepared()
        public_prices._reader.join(10)
        assert public_prices._own is not None
        assert book.cost("openai", "gpt-4o", USAGE) is not None

    def test_a_table_that_names_the_model_is_enough(self, unread):
        """Then nothing is read; nor is it for a book without public prices, or a call without a model."""
        PriceBook({"openai/*": FREE}).expect("openai", "gpt-4o")
        PriceBook(public=False).expect("openai", "gpt-4o")
        PriceBook().expect("openai", None)
        assert not public_prices.prepared()
        PriceBook({"openai/*": FREE}).expect("anthropic", "claude-sonnet-4-5")
        assert public_prices.prepared()

    def test_without_the_library_there_is_nothing_to_do(self, unread, monkeypatch):
        """And it is not tried again at each call."""
        monkeypatch.setattr(public_prices, "_installed", False)
        assert public_prices.prepared()
        public_prices.prepare()
        assert public_prices._reader is None

    def test_without_telemetry_nothing_is_read(self, unread, seen_silent):
        """Who has configured nothing pays for no prices, and is told nothing about them."""
        with seen_silent.inference(provider="openai", model="gpt-4o") as call:
            call.usage(input_tokens=1)
        assert not public_prices.prepared()
        assert public_prices._own is None

    @pytest.fixture
    def seen_silent(self):
        from langswarm_otel.components.operations import Operations
        from langswarm_otel.signals.telemetry import silent_telemetry

        return Operations(silent_telemetry)


class TestWhoeverNeedsItSooner:
    """A call that ends before the table is there."""

    def test_waits_for_the_thread(self, unread, monkeypatch):
        """It neither reads a second time nor goes without."""
        real, reads, go = price_data.read, [], threading.Event()

        def read():
            reads.append(threading.current_thread().name)
            go.wait(10)
            return real()

        monkeypatch.setattr(price_data, "read", read)
        book = PriceBook()
        book.expect("openai", "gpt-4o")
        threading.Timer(0.05, go.set).start()
        assert book.cost("openai", "gpt-4o", USAGE) is not None
        assert reads == ["langswarm-otel-prices"]

    def test_gives_up_waiting(self, unread, monkeypatch):
        """A thread that does not come to its end holds nobody up for long."""
        real, stuck, main = price_data.read, threading.Event(), threading.current_thread()
        monkeypatch.setattr(public_prices, "_PATIENCE_S", 0.05)
        monkeypatch.setattr(price_data, "read", lambda: real() if threading.current_thread() is main or stuck.wait(10) else None)
        book = PriceBook()
        book.expect("openai", "gpt-4o")
        assert book.cost("openai", "gpt-4o", USAGE) is not None
        stuck.set()
        public_prices._reader.join(10)

    def test_reads_itself_where_no_thread_starts(self, unread, monkeypatch):
        """As at the end of the interpreter, since Python 3.12."""

        def refuse(self):
            raise RuntimeError("can't create new thread at interpreter shutdown")

        monkeypatch.setattr(threading.Thread, "start", refuse)
        book = PriceBook()
        book.expect("openai", "gpt-4o")
        assert book.cost("openai", "gpt-4o", USAGE) is not None

    def test_at_the_end_of_the_interpreter(self):
        """The first call of all, made in an exit hook."""
        out = run("""
            import atexit
            from langswarm_otel.pricing import PriceBook
            from langswarm_otel.usage import Usage
            def last():
                book = PriceBook()
                book.expect("openai", "gpt-4o")
                print(book.cost("openai", "gpt-4o", Usage(input_tokens=1)) is not None)
            atexit.register(last)
        """)
        assert out == "True"

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
    def test_in_a_child_that_was_forked_meanwhile(self):
        """The thread is not there in the child, which reads for itself; nothing that it needs is locked, nor is the library's import."""
        out = run("""
            import os, threading, warnings
            warnings.simplefilter("ignore")
            from langswarm_otel import price_data, public_prices
            from langswarm_otel.pricing import PriceBook
            from langswarm_otel.usage import Usage
            real, inside, go = price_data._import, threading.Event(), threading.Event()
            def slow(*args):
                inside.set()
                if threading.current_thread() is not threading.main_thread():
                    go.wait(20)
                return real(*args)
            price_data._import = slow
            book = PriceBook()
            book.expect("openai", "gpt-4o")
            assert inside.wait(20)
            child = os.fork()
            if child == 0:
                priced = book.cost("openai", "gpt-4o", Usage(input_tokens=1)) is not None
                import genai_prices
                os._exit(0 if priced else 1)
            print(os.waitpid(child, 0)[1])
            go.set()
            print(book.cost("openai", "gpt-4o", Usage(input_tokens=1)) is not None)
        """)
        assert out.split() == ["0", "True"]


class TestAnUnknownForm:
    """A release of the library that keeps its prices otherwise."""

    @pytest.mark.parametrize("beside", [True, False])
    def test_the_library_is_imported(self, unread, monkeypatch, caplog, beside):
        """With one line in the log, and the same cost."""
        expected = PriceBook().cost("openai", "gpt-4o", USAGE)
        for name in ("_table", "_own", "_reader"):
            monkeypatch.setattr(public_prices, name, None)

        def unknown():
            raise NameError("ClauseOfTheFuture")

        monkeypatch.setattr(price_data, "read", unknown)
        book = PriceBook()
        if beside:
            book.expect("openai", "gpt-4o")
        costs = [book.cost("openai", "gpt-4o", USAGE) for _ in range(3)]
        assert costs == [expected] * 3
        assert [record.getMessage() for record in caplog.records if "genai-prices" in record.getMessage()] == [
            "the prices of this release of genai-prices are in a form not known here; the library is imported for them"
        ]
        assert guard.faults() == {}

    def test_what_it_may_use(self):
        """Another type or another import is an error, and no guess."""
        with pytest.raises(KeyError):
            price_data._import("os")
        with pytest.raises(TypeError):
            price_data._TYPES["ClauseEquals"](equals="a", case_sensitive=True)
