"""Calls of a model."""

from __future__ import annotations

import pytest
from opentelemetry.trace import SpanKind

from langswarm_otel import guard
from langswarm_otel.pricing import Price, PriceBook
from langswarm_otel.usage import Usage

PREFIX = "gen_ai.client."
CLIENT = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "m"}


class TestSpan:
    """Name, kind and attributes."""

    @pytest.mark.parametrize(
        ("arguments", "name"),
        [
            ({"model": "m"}, "chat m"),
            ({}, "chat"),
            ({"model": "m", "operation": "embeddings"}, "embeddings m"),
            ({"operation": "retrieval", "data_source_id": "docs"}, "retrieval docs"),
            ({"model": "m", "operation": "text_completion"}, "text_completion m"),
        ],
    )
    def test_name_and_kind(self, seen, arguments, name):
        """The span is called after operation and model, or what is searched, and is a client's."""
        with seen.obs.inference(provider="openai", **arguments):
            pass
        (span,) = seen.spans()
        assert (span.name, span.kind) == (name, SpanKind.CLIENT)

    def test_answer_and_server(self, seen):
        """What the provider says about its answer stands on the span, the model and the server on the metrics too."""
        with seen.obs.inference(provider="openai", model="m", server_address="api.openai.com", server_port=443) as call:
            call.response(model="m-2026", id="r-1", finish_reasons=["stop"])
        attributes = seen.span("chat m").attributes
        assert attributes["gen_ai.response.model"] == "m-2026"
        assert attributes["gen_ai.response.id"] == "r-1"
        assert attributes["gen_ai.response.finish_reasons"] == ("stop",)
        assert attributes["server.address"] == "api.openai.com"
        point = seen.point("gen_ai.client.operation.duration")
        assert point.attributes == {
            **CLIENT,
            "gen_ai.response.model": "m-2026",
            "server.address": "api.openai.com",
            "server.port": 443,
            "langswarm.outcome": "ok",
        }

    def test_the_agents_defaults(self, seen):
        """Provider and model of the agent hold where the inference names none; an inner agent does not inherit them."""
        with seen.obs.agent("a", provider="openai", model="m"):
            with seen.obs.inference() as call:
                call.usage(input_tokens=1_000_000)
            with seen.obs.inference(model="other"):
                pass
            with seen.obs.agent("b"), seen.obs.inference():
                pass
        assert seen.span("chat m").attributes["gen_ai.provider.name"] == "openai"
        assert seen.span("chat m").attributes["langswarm.gen_ai.usage.cost"] == pytest.approx(1.0)
        assert seen.span("chat other").attributes["gen_ai.provider.name"] == "openai"
        assert "gen_ai.request.model" not in seen.span("chat").attributes

    @pytest.mark.parametrize("reasons", ["stop", ["stop"], ("stop",)])
    def test_finish_reasons_in_any_form(self, seen, reasons):
        """One reason counts as a list of one."""
        with seen.obs.inference(model="m") as call:
            call.response(finish_reasons=reasons)
        assert seen.span("chat m").attributes["gen_ai.response.finish_reasons"] == ("stop",)

    def test_reports_that_make_no_sense(self, seen):
        """They are left out and counted; the call goes on."""
        with seen.obs.inference(model="m") as call:
            call.response(finish_reasons=7)  # type: ignore[arg-type]
            call.usage(input_tokens="many", output_tokens=5)  # type: ignore[arg-type]
            call.cost(float("nan"))
        attributes = seen.span("chat m").attributes
        assert attributes["gen_ai.usage.output_tokens"] == 5
        assert "gen_ai.usage.input_tokens" not in attributes
        assert guard.faults() == {"response": 1, "usage": 1, "cost": 1}


class TestUsage:
    """Tokens."""

    def test_all_five_numbers(self, seen):
        """They stand on the span under the conventions' names; input and output are one point each."""
        with seen.obs.inference(provider="openai", model="m") as call:
            call.usage(input_tokens=100, output_tokens=50, cache_read_tokens=40, cache_write_tokens=10, reasoning_tokens=30)
        attributes = seen.span("chat m").attributes
        assert {key: value for key, value in attributes.items() if key.startswith("gen_ai.usage")} == {
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.output_tokens": 50,
            "gen_ai.usage.cache_read.input_tokens": 40,
            "gen_ai.usage.cache_write.input_tokens": 10,
            "gen_ai.usage.reasoning.output_tokens": 30,
        }
        points = seen.points("gen_ai.client.token.usage")
        assert {point.attributes["gen_ai.token.type"]: (point.count, point.sum) for point in points} == {
            "input": (1, 100),
            "output": (1, 50),
        }

    def test_the_providers_own_report(self, seen):
        """It is brought into one meaning: Anthropic's input does not include the cache, ours does."""
        with seen.obs.inference(provider="anthropic", model="m") as call:
            call.usage({"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 90, "cache_creation_input_tokens": None})
        attributes = seen.span("chat m").attributes
        assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.cache_read.input_tokens"]) == (100, 90)
        assert attributes["langswarm.gen_ai.usage.cost"] == pytest.approx((10 * 1.0 + 90 * 0.5 + 5 * 2.0) / 1e6)

    def test_a_later_number_replaces_an_earlier_one(self, seen):
        """Streams report their totals again and again."""
        with seen.obs.inference(provider="openai", model="m") as call:
            call.usage(input_tokens=100, output_tokens=1)
            call.usage(Usage(output_tokens=50))
        attributes = seen.span("chat m").attributes
        assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (100, 50)

    def test_parts_are_never_more_than_the_whole(self, seen):
        """An input that was given without the cache gets it added, so that no cost and no ratio is absurd."""
        with seen.obs.inference(provider="openai", model="m") as call:
            call.usage(input_tokens=10, cache_read_tokens=90)
        assert seen.span("chat m").attributes["gen_ai.usage.input_tokens"] == 100

    def test_no_report_is_no_zero(self, seen):
        """Nothing is claimed about a call whose usage nobody reported."""
        with seen.obs.inference(provider="openai", model="m"):
            pass
        assert not [key for key in seen.span("chat m").attributes if "usage" in key or "cost" in key]
        assert seen.metric_names() == {"gen_ai.client.operation.duration", "langswarm.operation.errors"}


class TestCost:
    """Money."""

    def test_by_the_table(self, seen):
        """Cost on span and metric, with where it comes from; the model's own tokens are priced part by part."""
        with seen.obs.agent("a"), seen.obs.inference(provider="openai", model="m") as call:
            call.usage(input_tokens=100, output_tokens=50, cache_read_tokens=40)
        expected = (60 * 1.0 + 40 * 0.5 + 50 * 2.0) / 1e6
        attributes = seen.span("chat m").attributes
        assert attributes["langswarm.gen_ai.usage.cost"] == pytest.approx(expected)
        assert (attributes["langswarm.cost.basis"], attributes["langswarm.cost.price_table.version"]) == ("estimated", "user")
        point = seen.point("langswarm.gen_ai.cost")
        assert point.value == pytest.approx(expected)
        assert point.attributes == {
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "m",
            "gen_ai.agent.name": "a",
            "langswarm.cost.basis": "estimated",
        }

    def test_what_the_provider_charged(self, seen):
        """An amount that the provider reports is actual, and no table is asked."""
        with seen.obs.inference(provider="openai", model="unknown") as call:
            call.usage(input_tokens=100)
            call.cost(0.25)
        attributes = seen.span("chat unknown").attributes
        assert (attributes["langswarm.gen_ai.usage.cost"], attributes["langswarm.cost.basis"]) == (0.25, "actual")
        assert "langswarm.cost.price_table.version" not in attributes
        assert seen.points("langswarm.cost.unpriced") == []

    def test_an_unknown_model(self, seen):
        """No cost, neither on the span nor as a point nor as a total, and one on the counter each call."""
        for _ in range(3):
            with seen.obs.inference(provider="openai", model="nope-9") as call:
                call.usage(input_tokens=100)
        assert not [key for span in seen.spans() for key in span.attributes if "cost" in key]
        assert seen.points("langswarm.gen_ai.cost") == []
        point = seen.point("langswarm.cost.unpriced")
        assert (point.value, point.attributes) == (3, {"gen_ai.provider.name": "openai", "gen_ai.request.model": "nope-9"})

    def test_the_model_that_answered_helps(self, observe):
        """If the requested name is an alias that nobody knows, the price is the answering model's."""
        seen = observe(prices=PriceBook({"real": Price(input=1.0, output=1.0)}, public=False))
        with seen.obs.inference(provider="azure.ai.openai", model="my-deployment") as call:
            call.usage(input_tokens=1_000_000)
            call.response(model="real")
        assert seen.span("chat my-deployment").attributes["langswarm.gen_ai.usage.cost"] == pytest.approx(1.0)


class TestAttempts:
    """Several attempts of one call."""

    def test_events_times_and_sums(self, observe, clock):
        """Each attempt is an event with its own time and outcome; back-off counts for the total only; tokens are summed."""
        seen = observe(clock=clock)
        with seen.obs.inference(provider="openai", model="m") as call:
            with pytest.raises(TimeoutError), call.attempt():
                clock.advance(1)
                call.usage(input_tokens=10)
                raise TimeoutError("secret")
            clock.advance(5)
            with call.attempt() as second:
                clock.advance(2)
                second.usage(input_tokens=10, output_tokens=4)
        span = seen.span("chat m")
        assert [dict(event.attributes) for event in span.events if event.name == "langswarm.attempt"] == [
            {"langswarm.attempt.number": 1, "langswarm.attempt.duration": 1.0, "langswarm.outcome": "error", "error.type": "TimeoutError"},
            {"langswarm.attempt.number": 2, "langswarm.attempt.duration": 2.0, "langswarm.outcome": "ok"},
        ]
        assert span.events[0].timestamp == span.start_time + 10**9
        assert span.attributes["langswarm.attempts"] == 2
        assert (span.attributes["gen_ai.usage.input_tokens"], span.attributes["gen_ai.usage.output_tokens"]) == (20, 4)
        assert seen.point("gen_ai.client.operation.duration").sum == 8.0
        assert seen.point("gen_ai.client.operation.duration").count == 1
        assert span.attributes["langswarm.outcome"] == "ok"

    def test_usage_outside_of_attempts_is_added(self, seen):
        """What the last answer says may come after its attempt."""
        with seen.obs.inference(provider="openai", model="m") as call:
            with call.attempt():
                call.usage(input_tokens=10)
            call.usage(input_tokens=7)
        assert seen.span("chat m").attributes["gen_ai.usage.input_tokens"] == 17

    async def test_asynchronous_attempts(self, seen):
        """``async with`` does the same."""
        async with seen.obs.inference(provider="openai", model="m") as call:
            async with call.attempt():
                call.usage(input_tokens=10)
        assert seen.span("chat m").attributes["langswarm.attempts"] == 1

    def test_one_call_of_the_agent(self, seen):
        """However many attempts it took, the agent made one inference."""
        with seen.obs.agent("a"), seen.obs.inference(provider="openai", model="m") as call:
            for _ in range(3):
                with call.attempt():
                    pass
        assert seen.point("gen_ai.invoke_agent.inference_calls").sum == 1


class TestGenerations:
    """The client metrics of both generations of the conventions."""

    def use(self, seen):
        with seen.obs.inference(provider="openai", model="m") as call:
            list(call.stream([1, 2]))
            call.usage(input_tokens=100, output_tokens=50, cache_read_tokens=40, cache_write_tokens=10, reasoning_tokens=30)
        return {name.removeprefix(PREFIX) for name in seen.metric_names() if name.startswith(PREFIX)}

    def test_g1(self, observe):
        """What util-genai emits today."""
        assert self.use(observe(semconv="g1")) == {
            "operation.duration",
            "token.usage",
            "operation.time_to_first_chunk",
            "operation.time_per_output_chunk",
        }

    def test_g2(self, observe):
        """The present conventions: inference has its own duration, and tokens are counters with a modality."""
        seen = observe(semconv="g2")
        assert self.use(seen) == {
            "inference.duration",
            "inference.time_to_first_chunk",
            "inference.time_per_output_chunk",
            "inference.operation.input_tokens",
            "inference.operation.output_tokens",
            "inference.usage.input_tokens",
            "inference.usage.output_tokens",
            "inference.usage.cache_read.input_tokens",
            "inference.usage.cache_write.input_tokens",
            "inference.usage.reasoning.output_tokens",
        }
        point = seen.point("gen_ai.client.inference.usage.cache_read.input_tokens")
        assert (point.value, point.attributes) == (40, {**CLIENT, "gen_ai.token.modality": "unknown"})

    def test_both_agree(self, observe):
        """Both spellings have equal values."""
        seen = observe(semconv="both")
        self.use(seen)
        both = (("operation.duration", "inference.duration"), ("operation.time_to_first_chunk", "inference.time_to_first_chunk"))
        for first, second in both:
            assert seen.point(PREFIX + first).sum == seen.point(PREFIX + second).sum
        assert seen.point("gen_ai.client.token.usage", gen_ai__token__type="input").sum == 100
        assert seen.point("gen_ai.client.inference.usage.input_tokens").value == 100

    @pytest.mark.parametrize("operation", ["embeddings", "retrieval"])
    def test_what_is_no_inference_keeps_its_duration_in_g2(self, observe, operation):
        """Embeddings and retrieval stay operations of the client."""
        seen = observe(semconv="g2")
        with seen.obs.inference(provider="openai", model="m", operation=operation):
            pass
        assert seen.metric_names() == {"gen_ai.client.operation.duration", "langswarm.operation.errors"}

    def test_failed_calls_count_no_tokens_in_g2(self, observe):
        """Their token series exist, at 0, as the conventions ask."""
        seen = observe(semconv="g2")
        with pytest.raises(ValueError), seen.obs.inference(provider="openai", model="m"):
            raise ValueError
        assert seen.point("gen_ai.client.inference.usage.input_tokens").value == 0
        assert seen.point("gen_ai.client.inference.usage.output_tokens").value == 0


class TestOneCallOneSpan:
    """The same call described twice, by a framework and by the user."""

    def test_the_inner_description_adds_what_it_knows(self, seen):
        """One span, one duration, one inference of the agent; usage, answer and cost of both."""
        with seen.obs.agent("a"), seen.obs.inference(provider="openai", model="m") as outer:
            with seen.obs.inference(provider="openai", model="m") as inner:
                assert inner.span is outer.span
                inner.usage(input_tokens=100, output_tokens=50)
                inner.response(model="m-2026", id="r-1", finish_reasons=["stop"])
                inner.first_chunk()
        (span,) = seen.spans("chat m")
        assert (span.attributes["gen_ai.usage.input_tokens"], span.attributes["gen_ai.response.id"]) == (100, "r-1")
        assert seen.point("gen_ai.client.operation.duration").count == 1
        assert seen.point("gen_ai.client.operation.time_to_first_chunk").count == 1
        assert seen.point("gen_ai.invoke_agent.inference_calls").sum == 1
        assert seen.point("langswarm.gen_ai.cost").value == pytest.approx(200e-6)

    def test_two_inner_calls_are_summed(self, seen):
        """Both are real."""
        with seen.obs.inference(provider="openai", model="m"):
            for _ in range(2):
                with seen.obs.inference(provider="openai", model="m") as inner:
                    inner.usage(input_tokens=100)
        assert seen.span("chat m").attributes["gen_ai.usage.input_tokens"] == 200

    @pytest.mark.parametrize("between", ["tool", "agent", "workflow", "step"])
    def test_work_that_begins_anew_is_not_hidden(self, seen, between):
        """A model call inside of a tool that the model called is a call of its own."""
        with seen.obs.inference(provider="openai", model="m"), getattr(seen.obs, between)("x"):
            with seen.obs.inference(provider="openai", model="m") as inner:
                inner.usage(input_tokens=100)
        assert len(seen.spans("chat m")) == 2

    def test_other_kinds_of_call_are_not_hidden(self, seen):
        """An embedding inside of a retrieval is another call."""
        with seen.obs.inference(operation="retrieval", data_source_id="docs"):
            with seen.obs.inference(provider="openai", model="e", operation="embeddings"):
                pass
        assert {span.name for span in seen.spans()} == {"retrieval docs", "embeddings e"}

    def test_what_comes_after_the_call_is_not_hidden(self, seen):
        """Background work that inherited the context of a finished call is a call of its own."""
        outer = seen.obs.inference(provider="openai", model="m").begin()
        inside = outer.context
        outer.finish()
        late = seen.obs.inference(provider="openai", model="m").begin(inside)
        late.finish()
        assert len(seen.spans("chat m")) == 2


class TestContent:
    """Messages, through the gate."""

    def test_closed(self, seen):
        """Nothing is kept, and nothing is even looked at."""

        class Untouchable:
            def __str__(self):
                raise AssertionError

            __repr__ = __iter__ = __str__

        with seen.obs.inference(provider="openai", model="m") as call:
            call.input(Untouchable())
            call.output([Untouchable()])
        assert not [key for key in seen.span("chat m").attributes if "messages" in key]
        assert guard.faults() == {}

    def test_open(self, observe):
        """Text becomes a message in the conventions' form; messages stay as they are."""
        seen = observe(capture_content=True)
        with seen.obs.inference(provider="openai", model="m") as call:
            call.input("hello")
            call.output([{"role": "assistant", "parts": []}])
        attributes = seen.span("chat m").attributes
        assert attributes["gen_ai.input.messages"] == '[{"role":"user","parts":[{"type":"text","content":"hello"}]}]'
        assert attributes["gen_ai.output.messages"] == '[{"role":"assistant","parts":[]}]'

    def test_long_content_is_cut(self, observe):
        """One attribute is no longer than the policy says."""
        seen = observe(capture_content=True, max_content_length=100)
        with seen.obs.inference(provider="openai", model="m") as call:
            call.input("x" * 10_000)
        assert len(seen.span("chat m").attributes["gen_ai.input.messages"]) <= 100

    def test_a_retrieval_has_query_and_documents(self, observe):
        """They are content of their own names."""
        seen = observe(capture_content=True)
        with seen.obs.inference(operation="retrieval", data_source_id="docs") as call:
            call.input("why")
            call.output([{"id": 1}])
        attributes = seen.span("retrieval docs").attributes
        assert attributes["gen_ai.retrieval.query.text"] == "why"
        assert attributes["gen_ai.retrieval.documents"] == '[{"id":1}]'

    def test_exceptions(self, observe):
        """Message and stack are an event with the gate open, and nowhere with it closed."""
        for is_open in (False, True):
            seen = observe(capture_content=is_open)
            with pytest.raises(ValueError), seen.obs.inference(provider="openai", model="m"):
                raise ValueError("secret")
            span = seen.span("chat m")
            assert span.status.description == "ValueError"
            assert ("secret" in span.to_json()) is is_open
            assert [event.name for event in span.events] == (["exception"] if is_open else [])
