"""Carrying the context into threads, out of a request, and across processes."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate, trace
from opentelemetry.context import Context, attach, get_current, get_value, set_value
from opentelemetry.sdk.trace import TracerProvider

from langswarm_otel import guard
from langswarm_otel.context import current_scope, with_scope
from langswarm_otel.propagation import ContextExecutor, context_from, detached, inject_context, origin_links, propagating

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C

tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def read():
    return get_value("key"), variable.get()


@pytest.fixture(autouse=True)
def _value_in_context():
    attach(set_value("key", "here"))
    token = variable.set("set")
    yield
    variable.reset(token)


class TestPropagating:
    """``propagating(function)``."""

    def test_a_pool_loses_the_context_without_it(self):
        """The pain exists, and the helper mends it."""
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(read).result() == (None, "unset")
            assert pool.submit(propagating(read)).result() == ("here", "set")

    def test_it_binds_the_context_of_the_hand_over(self):
        """What is current when the function is wrapped counts, not what is current when it runs."""
        bound = propagating(read)
        attach(set_value("key", "later"))
        assert bound() == ("here", "set")
        assert read()[0] == "later"

    def test_many_calls_at_a_time(self):
        """One wrapped function runs in several threads at once, where a context itself could be entered only once."""
        barrier = threading.Barrier(4, timeout=10)

        def meet():
            barrier.wait()
            return read()

        with ThreadPoolExecutor(4) as pool:
            bound = propagating(meet)
            assert [future.result() for future in [pool.submit(bound) for _ in range(4)]] == [("here", "set")] * 4

    def test_calls_do_not_see_each_others_changes(self):
        """Each call has a copy of its own."""

        def change():
            before = get_value("key")
            attach(set_value("key", "changed"))
            return before

        bound = propagating(change)
        assert [bound(), bound()] == ["here", "here"]
        assert get_value("key") == "here"

    def test_it_keeps_signature_result_and_exception(self):
        """Arguments, result, error and name are the function's."""

        def add(left: int, right: int = 1) -> int:
            return left + right

        bound = propagating(add)
        assert (bound(1), bound(1, right=4), bound.__name__) == (2, 5, "add")
        assert inspect.signature(bound) == inspect.signature(add)
        error = ValueError()

        def fail():
            raise error

        with pytest.raises(ValueError) as caught:
            propagating(fail)()
        assert caught.value is error

    def test_a_coroutine_on_another_loop(self):
        """A coroutine function handed to an event loop in another thread finds the context, and leaves none there."""

        async def read_later():
            await asyncio.sleep(0)
            return get_value("key")

        bound = propagating(read_later)
        assert inspect.iscoroutinefunction(bound)

        def in_thread():
            async def main():
                return await bound(), get_value("key")

            return asyncio.run(main())

        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(in_thread).result() == ("here", None)


class TestContextExecutor:
    """``ContextExecutor``."""

    def test_submit_and_map_carry_the_context(self):
        """Every call has the context of its submission."""
        with ContextExecutor(max_workers=2) as executor:
            assert executor.submit(read).result() == ("here", "set")
            assert list(executor.map(lambda number: (number, *read()), range(3))) == [(n, "here", "set") for n in range(3)]
            attach(set_value("key", "later"))
            assert executor.submit(read).result()[0] == "later"

    def test_behind_run_in_executor(self):
        """An event loop hands over the context of the task that asks."""

        async def ask(name):
            attach(set_value("key", name))
            return await asyncio.get_running_loop().run_in_executor(executor, read)

        async def main():
            return await asyncio.gather(ask("one"), ask("two"))

        with ContextExecutor(max_workers=2) as executor:
            assert [key for key, _ in asyncio.run(main())] == ["one", "two"]

    def test_it_wraps_an_executor_and_ends_it(self):
        """A given executor does the work and is shut down with the wrapper."""
        pool = ThreadPoolExecutor(1, thread_name_prefix="given")
        with ContextExecutor(pool) as executor:
            assert executor.submit(lambda: threading.current_thread().name).result().startswith("given")
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(read)


class TestDetached:
    """``detached()``."""

    def test_inside_there_is_no_parent_and_no_scope(self):
        """Work inside belongs to nobody, and afterwards the former context is back."""
        with tracer.start_as_current_span("request") as request:
            attach(with_scope(conversation_id="s-1"))
            with detached():
                assert not trace.get_current_span().get_span_context().is_valid
                assert current_scope().conversation_id is None
                assert get_value("key") is None
            assert trace.get_current_span() is request
            assert current_scope().conversation_id == "s-1"

    def test_roots_inside_owe_a_link(self):
        """What starts a trace inside links to the origin; what has a parent does not, nor does anything without ``link``."""
        with tracer.start_as_current_span("request") as request:
            with detached():
                (link,) = origin_links(get_current()) or []
                assert link.context == request.get_span_context()
                with tracer.start_as_current_span("root"):
                    assert origin_links(get_current()) is None
            with detached(link=False):
                assert origin_links(get_current()) is None
        with detached():
            assert origin_links(get_current()) is None

    def test_a_worker_started_inside_stays_detached(self):
        """The task that outlives the request is not its child."""

        async def worker():
            await asyncio.sleep(0)
            with tracer.start_as_current_span("work") as span:
                return span.parent

        async def main():
            with tracer.start_as_current_span("request"):
                async with detached():
                    task = asyncio.create_task(worker())
            return await task

        assert asyncio.run(main()) is None

    def test_as_a_decorator(self):
        """Each call of a decorated function, or coroutine function, is such a block."""

        @detached()
        def call():
            return trace.get_current_span().get_span_context().is_valid

        @detached(link=False)
        async def call_async():
            return trace.get_current_span().get_span_context().is_valid

        with tracer.start_as_current_span("request"):
            assert call() is False
            assert asyncio.run(call_async()) is False
            assert trace.get_current_span().get_span_context().is_valid
        assert inspect.iscoroutinefunction(call_async)

    def test_one_block_entered_twice(self):
        """The same object may be nested."""
        block = detached()
        before = get_current()
        with block, block:
            pass
        assert get_current() is before


class TestInjectContext:
    """``inject_context(mapping)``."""

    def test_it_writes_what_the_other_side_reads(self):
        """The trace arrives over a plain mapping, which is returned."""
        with tracer.start_as_current_span("request") as request:
            headers = {"x": "1"}
            assert inject_context(headers) is headers
            assert headers["x"] == "1"
            found = trace.get_current_span(context_from(headers)).get_span_context()
        assert (found.trace_id, found.span_id, found.is_remote) == (request.context.trace_id, request.context.span_id, True)

    @pytest.mark.parametrize("key", ["traceparent", "Traceparent", "TRACESTATE"])
    def test_an_existing_context_is_left_whole(self, key):
        """A key that is there in any case keeps its value, and nothing of ours is mixed with it."""
        state = trace.TraceState([("vendor", "1")])
        span = trace.NonRecordingSpan(trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(1), trace_state=state))
        with trace.use_span(span):
            assert inject_context({key: "theirs"}) == {key: "theirs"}
            assert set(inject_context({})) == {"traceparent", "tracestate"}

    def test_baggage_and_trace_do_not_shut_each_other_out(self):
        """A mapping that has baggage still gets the trace, and one that has a trace still gets the user's own baggage."""
        attach(baggage.set_baggage("tenant", "t"))
        with tracer.start_as_current_span("request"):
            assert inject_context({"baggage": "theirs"}).keys() == {"baggage", "traceparent"}
            assert inject_context({"traceparent": "theirs"}) == {"traceparent": "theirs", "baggage": "tenant=t"}

    def test_nothing_to_write(self):
        """Without a span nothing is written."""
        assert inject_context({}) == {}

    def test_session_and_user_stay_at_home(self):
        """The scope is never written."""
        attach(with_scope(conversation_id="s-1", user_id="u-1"))
        with tracer.start_as_current_span("request"):
            assert set(inject_context({})) == {"traceparent"}

    def test_faults_stay_here(self):
        """A mapping that cannot be written to is a counted fault and no exception."""

        class Sealed(dict):
            def update(self, *args):
                raise TypeError("sealed")

        with tracer.start_as_current_span("request"):
            sealed = Sealed()
            assert inject_context(sealed) is sealed
        assert guard.faults() == {"inject_context": 1}


class TestContextFrom:
    """``context_from(mapping)``."""

    @pytest.mark.parametrize(
        "mapping",
        [
            {"traceparent": TRACEPARENT},
            {"Traceparent": TRACEPARENT},
            {"traceparent": TRACEPARENT.encode()},
            {b"traceparent": [TRACEPARENT.encode()]},
            {"TRACEPARENT": (TRACEPARENT,), 7: "x", "other": object()},
        ],
        ids=["plain", "case", "bytes", "lists of bytes", "among strangers"],
    )
    def test_it_reads_many_shapes(self, mapping):
        """Headers in any case, bytes, and lists, as HTTP servers and brokers give them."""
        assert trace.get_current_span(context_from(mapping)).get_span_context().trace_id == TRACE_ID

    @pytest.mark.parametrize(
        "mapping",
        [
            None,
            {},
            {"traceparent": "garbage"},
            {"traceparent": 12},
            {"traceparent": []},
            {"traceparent": "00-0-0-01"},
            {"traceparent": [None]},
        ],
        ids=repr,
    )
    def test_garbage_counts_as_absent(self, mapping):
        """Without a readable trace the current context goes on."""
        with tracer.start_as_current_span("local") as local, context_from(mapping):
            assert trace.get_current_span() is local
            assert get_value("key") == "here"
        assert guard.faults() == {}

    def test_as_a_block_it_is_current_inside(self):
        """Spans inside are children of the remote one, in a fresh context; afterwards the former context is back."""
        before = get_current()
        with context_from({"traceparent": TRACEPARENT}) as remote:
            span = tracer.start_span("child")
            assert get_value("key") is None
            assert isinstance(remote, Context)
        assert get_current() is before
        assert span.parent is not None
        assert span.parent.trace_id == TRACE_ID

    def test_a_block_may_be_entered_twice_and_asynchronously(self):
        """The same context nests, and works in ``async with``."""
        remote = context_from({"traceparent": TRACEPARENT})

        async def main():
            before = get_current()
            async with remote, remote:
                inside = trace.get_current_span().get_span_context().trace_id
            return inside, get_current() is before

        assert asyncio.run(main()) == (TRACE_ID, True)

    def test_passed_to_a_tracer(self):
        """It is an ordinary context for OpenTelemetry."""
        span = tracer.start_span("child", context_from({"traceparent": TRACEPARENT}))
        assert span.parent is not None
        assert span.parent.trace_id == TRACE_ID

    @given(
        st.dictionaries(
            st.text(max_size=12) | st.just("traceparent"), st.text(max_size=60) | st.binary(max_size=60) | st.none() | st.integers()
        )
    )
    def test_nothing_makes_it_raise(self, mapping):
        """Any mapping gives a context, and no fault."""
        context_from(mapping)
        inject_context(dict(mapping))
        assert guard.faults() == {}

    def test_a_failing_mapping_is_a_counted_fault(self):
        """A mapping whose own code fails gives the current context."""

        class Broken(dict):
            def items(self):
                raise RuntimeError

        assert context_from(Broken(a=1)).get("key") == "here"
        assert guard.faults() == {"context_from": 1}

    def test_the_round_trip_is_the_propagators(self):
        """What OpenTelemetry itself injects is read, and what is injected is read by OpenTelemetry."""
        with tracer.start_as_current_span("request") as request:
            theirs: dict[str, str] = {}
            propagate.inject(theirs)
            ours = inject_context({})
        assert theirs == ours
        assert trace.get_current_span(propagate.extract(ours)).get_span_context().trace_id == request.context.trace_id
