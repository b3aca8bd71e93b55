"""The public processors, in chains as users write them."""

from __future__ import annotations

import copy
import logging
import time

import pytest
import structlog
from log_records import RecordedLogs, ids, tracer
from opentelemetry import context, trace
from opentelemetry._logs import SeverityNumber

from langswarm_otel import guard
from langswarm_otel.context import with_scope
from langswarm_otel.signals.log_processors import OTelLogProcessor, add_scope, add_trace_context
from langswarm_otel.signals.otel_logs import LogEmitter


@pytest.fixture
def recorded():
    return RecordedLogs()


def chain(*processors):
    """Return a logger that gives back the event dictionary that its chain ends with."""
    return structlog.wrap_logger(
        structlog.ReturnLoggerFactory()(),
        processors=[structlog.contextvars.merge_contextvars, *processors, lambda logger, name, event: ((event,), {})],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )


def emitting(recorded, *before, **options):
    """Return a logger whose events reach the recorder and come back."""
    return chain(*before, OTelLogProcessor(LogEmitter(recorded, **options)))


class TestTraceContext:
    """``add_trace_context``."""

    def test_ids_are_lower_case_hex_of_full_length(self):
        """Inside a span a line carries 32, 16 and 2 hex digits at top level."""
        with tracer().start_as_current_span("work") as span:
            line = chain(add_trace_context).info("hello")
        trace_id, span_id = ids(span)
        assert (line["trace_id"], line["span_id"]) == (trace_id, span_id)
        assert len(line["trace_id"]) == 32
        assert len(line["span_id"]) == 16
        assert line["trace_flags"] == f"{span.get_span_context().trace_flags:02x}"

    def test_small_ids_keep_their_zeros_in_front(self):
        """An id of few digits is padded, not shortened."""
        parent = trace.SpanContext(0xAB, 0xC, is_remote=True, trace_flags=trace.TraceFlags(1))
        token = context.attach(trace.set_span_in_context(trace.NonRecordingSpan(parent)))
        try:
            line = chain(add_trace_context).info("hello")
        finally:
            context.detach(token)
        assert line["trace_id"] == "0" * 30 + "ab"
        assert line["span_id"] == "0" * 15 + "c"
        assert line["trace_flags"] == "01"

    def test_outside_a_span_there_is_nothing(self):
        """No zeros, no empty keys."""
        assert chain(add_trace_context).info("hello") == {"event": "hello"}

    def test_an_unsampled_trace_keeps_its_ids(self):
        """A span that is valid but not recording still tells which trace a line belongs to."""
        with tracer(sampled=False).start_as_current_span("work") as span:
            assert not span.is_recording()
            line = chain(add_trace_context).info("hello")
        assert line["trace_id"] == ids(span)[0]
        assert int(line["trace_flags"], 16) & 1 == 0

    def test_keys_of_the_user_win_and_stay_in_order(self):
        """Bound, contextual and passed keys keep value and order; ours come last."""
        structlog.contextvars.bind_contextvars(span_id="mine")
        with tracer().start_as_current_span("work"):
            line = chain(add_trace_context).bind(zebra=1).info("hello", apple=2, trace_id="theirs")
        assert line["trace_id"] == "theirs"
        assert line["span_id"] == "mine"
        # structlog's own order: bound, passed, event, contextvars.
        assert list(line) == ["zebra", "apple", "trace_id", "event", "span_id", "trace_flags"]


class TestScope:
    """``add_scope``."""

    def test_conversation_and_agent_are_on_the_line(self):
        """What a session and an agent have put in scope stands under the standard names."""
        token = context.attach(with_scope(conversation_id="s-42", agent_name="researcher"))
        try:
            line = chain(add_scope).info("hello")
        finally:
            context.detach(token)
        assert line == {"event": "hello", "gen_ai.conversation.id": "s-42", "gen_ai.agent.name": "researcher"}

    def test_nothing_in_scope_adds_nothing(self):
        """Outside of a session and an agent the line is the user's alone."""
        assert chain(add_scope).info("hello") == {"event": "hello"}

    def test_keys_of_the_user_win(self):
        """A conversation id that the user has logged stays."""
        token = context.attach(with_scope(conversation_id="s-42"))
        try:
            line = chain(add_scope).info("hello", **{"gen_ai.conversation.id": "own"})
        finally:
            context.detach(token)
        assert line["gen_ai.conversation.id"] == "own"


class TestRecord:
    """``OTelLogProcessor``: what a record is made of."""

    def test_event_is_the_body_and_keys_are_attributes(self, recorded):
        """Nothing is doubled: level, logger and ids are native fields; the event passes on unchanged."""
        log = emitting(recorded, structlog.processors.add_log_level, add_trace_context).bind(logger="shop")
        with tracer().start_as_current_span("work") as span:
            line = log.warning("sold", count=3, price=1.5, gift=False)
        record = recorded.only()
        assert record.body == "sold"
        assert dict(record.attributes) == {"count": 3, "price": 1.5, "gift": False}
        assert (record.severity_number, record.severity_text) == (SeverityNumber.WARN, "WARN")
        assert (f"{record.trace_id:032x}", f"{record.span_id:016x}") == ids(span)
        assert record.trace_flags == span.get_span_context().trace_flags
        assert recorded.scopes == ["shop"]
        assert list(line) == ["logger", "count", "price", "gift", "event", "level", "trace_id", "span_id", "trace_flags"]

    def test_ids_of_the_users_own_stay_attributes(self, recorded):
        """Only what repeats the native ids is left out."""
        with tracer().start_as_current_span("work"):
            emitting(recorded, add_trace_context).info("x", trace_id="theirs")
        assert dict(recorded.only().attributes) == {"trace_id": "theirs"}

    def test_scope_is_on_the_record_even_without_add_scope(self, recorded):
        """Conversation and agent reach the pipeline with any chain."""
        token = context.attach(with_scope(conversation_id="s-42", agent_name="a"))
        try:
            emitting(recorded).info("x")
        finally:
            context.detach(token)
        assert dict(recorded.only().attributes) == {"gen_ai.conversation.id": "s-42", "gen_ai.agent.name": "a"}

    @pytest.mark.parametrize(
        ("method", "number", "text"),
        [
            ("debug", SeverityNumber.DEBUG, "DEBUG"),
            ("info", SeverityNumber.INFO, "INFO"),
            ("warning", SeverityNumber.WARN, "WARN"),
            ("error", SeverityNumber.ERROR, "ERROR"),
            ("exception", SeverityNumber.ERROR, "ERROR"),
            ("critical", SeverityNumber.FATAL, "FATAL"),
            ("fatal", SeverityNumber.FATAL, "FATAL"),
        ],
    )
    def test_severity_follows_the_method(self, recorded, method, number, text):
        """Each logging method has its severity, also where no processor adds a level."""
        getattr(emitting(recorded), method)("x")
        record = recorded.only()
        assert (record.severity_number, record.severity_text) == (number, text)

    def test_a_key_called_level_that_is_none_stays_a_key(self, recorded):
        """A user's own ``level`` is neither taken for a severity nor lost."""
        emitting(recorded).info("won", level="boss")
        assert recorded.only().attributes["level"] == "boss"
        assert recorded.only().severity_text == "INFO"

    @pytest.mark.parametrize(("fmt", "tolerance"), [("iso", 0), (None, 1000)])
    def test_the_events_timestamp_is_the_records(self, recorded, fmt, tolerance):
        """What TimeStamper has written is the time of the record, and no attribute."""
        line = emitting(recorded, structlog.processors.TimeStamper(fmt=fmt, utc=True)).info("x")
        record = recorded.only()
        stamped = line["timestamp"]
        if isinstance(stamped, str):
            assert time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.timestamp // 10**9)) == stamped[:19]
            assert f"{record.timestamp % 10**9 // 1000:06d}Z" == stamped[20:]
        else:
            assert abs(record.timestamp - int(stamped * 1e9)) <= tolerance
        assert "timestamp" not in record.attributes

    def test_a_timestamp_without_a_zone_stays_an_attribute(self, recorded):
        """It may mean any zone, so the record has the present time and the text is kept."""
        before = time.time_ns()
        emitting(recorded).info("x", timestamp="2020-01-01 00:00:00")
        record = recorded.only()
        assert before <= record.timestamp <= time.time_ns()
        assert record.attributes["timestamp"] == "2020-01-01 00:00:00"

    def test_an_exception_is_three_attributes(self, recorded):
        """exc_info becomes exception.type, .message and .stacktrace, and no attribute of its own name."""
        try:
            raise ValueError("broken")
        except ValueError:
            emitting(recorded).exception("failed", job=1)
        attributes = dict(recorded.only().attributes)
        assert attributes.pop("exception.stacktrace").rstrip().endswith("ValueError: broken")
        assert attributes == {"job": 1, "exception.type": "ValueError", "exception.message": "broken"}

    def test_an_exception_rendered_earlier_is_three_attributes_too(self, recorded):
        """A chain that formats exceptions before its redaction leaves what the redaction made of it."""

        def redact(logger, name, event):
            event["exception"] = event["exception"].replace("hunter2", "***")
            return event

        try:
            raise ValueError("password hunter2")
        except ValueError:
            emitting(recorded, structlog.processors.format_exc_info, redact).exception("failed")
        attributes = recorded.only().attributes
        assert attributes["exception.type"] == "ValueError"
        assert attributes["exception.message"] == "password ***"
        assert "***" in attributes["exception.stacktrace"]
        assert "exception" not in attributes

    def test_a_named_event_is_one(self, recorded):
        """``otel.event.name`` becomes the record's event name; the deprecated key too, if the other is absent."""
        log = emitting(recorded)
        log.info("x", **{"otel.event.name": "shop.sold", "event.name": "old"})
        log.info("y", **{"event.name": "old"})
        assert [record.event_name for record in recorded.records] == ["shop.sold", "old"]
        assert all(not record.attributes for record in recorded.records)

    def test_positional_arguments_are_put_into_the_body(self, recorded):
        """Chains that leave formatting to the stdlib still give a readable body; arguments that do not fit change nothing."""
        log = emitting(recorded)
        log.info("sold %d", positional_args=(3,))
        log.info("100 %", positional_args=(3,))
        assert recorded.bodies == ["sold 3", "100 %"]

    def test_a_structured_event_stays_structured(self, recorded):
        """An event that is a mapping is a structured body."""
        emitting(recorded).info({"kind": "sale", "items": [1, 2]})
        assert recorded.only().body == {"kind": "sale", "items": [1, 2]}

    def test_a_renamed_event_is_still_the_body(self, recorded):
        """Behind an EventRenamer the body stands under the new key."""
        processor = OTelLogProcessor(LogEmitter(recorded), event_key="message")
        chain(structlog.processors.EventRenamer("message"), processor).info("hello", a=1)
        assert recorded.only().body == "hello"
        assert dict(recorded.only().attributes) == {"a": 1}

    def test_odd_values_are_made_safe_at_the_edge(self, recorded, caplog):
        """Surrogates, huge integers, cycles, sets and objects arrive as something encodable, and OpenTelemetry does not complain."""
        cycle = []
        cycle.append(cycle)
        with caplog.at_level(logging.DEBUG):
            emitting(recorded).info("a\ud800", big=2**70, cycle=cycle, many={3, 1}, thing=object(), nothing=None, text="\udfff")
        record = recorded.only()
        assert record.body == "a\ufffd"
        assert record.attributes["big"] == str(2**70)
        assert record.attributes["many"] == (1, 3)
        assert "nothing" not in record.attributes
        assert record.attributes["text"] == "\ufffd"
        assert not [each for each in caplog.records if each.name.startswith("opentelemetry")]

    def test_long_values_are_cut_before_the_sdk_sees_them(self, recorded):
        """The SDK would log a warning for each."""
        emitting(recorded, max_length=10).info("x", text="y" * 100)
        assert recorded.only().attributes["text"] == "y" * 10

    def test_below_the_level_nothing_is_emitted(self, recorded):
        """The emitter's level holds for structlog events too; the line passes on."""
        assert emitting(recorded, level=logging.WARNING).info("x") == {"event": "x"}
        assert recorded.records == []

    def test_an_unknown_level_passes(self, recorded):
        """A level of the application's own has passed its chain, so it is emitted, with its registered number if it has one."""
        logging.addLevelName(25, "NOTICE")
        processor = OTelLogProcessor(LogEmitter(recorded, level=logging.INFO))
        processor(None, "notice", {"event": "a"})
        processor(None, "shout", {"event": "b"})
        processor(None, "audit", {"event": "c", "level_number": 41})
        assert [(record.severity_number, record.severity_text) for record in recorded.records] == [
            (SeverityNumber.INFO4, "NOTICE"),
            (SeverityNumber.INFO, "INFO"),
            (SeverityNumber.ERROR2, "AUDIT"),
        ]


class TestResolve:
    """Which provider takes a record."""

    def test_it_is_asked_at_each_record(self, recorded):
        """A change of providers, and none at all, take effect at the next record of the same logger."""
        other = RecordedLogs()
        target = [recorded.provider]
        log = emitting(lambda: target[0])
        log.info("first")
        target[0] = other.provider
        log.info("second")
        target[0] = None
        assert log.info("third") == {"event": "third"}
        target[0] = recorded.provider
        log.info("fourth")
        assert recorded.bodies == ["first", "fourth"]
        assert other.bodies == ["second"]

    def test_an_override_comes_first(self, recorded):
        """A capture in this context takes the record, whatever the handle resolves to."""
        from langswarm_otel import override

        captured = RecordedLogs()

        class Capture:
            def logger(self, name, version, schema_url):
                return captured.provider.get_logger(name)

        log = emitting(recorded)
        before = override.set_override(Capture())
        try:
            log.info("inside")
        finally:
            override.set_override(before)
        log.info("outside")
        assert (captured.bodies, recorded.bodies) == (["inside"], ["outside"])

    def test_a_fault_of_ours_is_counted_and_the_line_comes_out(self):
        """A resolver that raises neither reaches the caller nor changes the event."""

        def broken():
            raise RuntimeError("no provider today")

        assert emitting(broken).info("x", a=1) == {"event": "x", "a": 1}
        assert guard.faults() == {"LogEmitter.emit": 1}

    def test_remembered_loggers_are_bounded(self, recorded):
        """Logger names made by the thousand do not fill the memory."""
        from langswarm_otel.signals.otel_logs import MAX_LOGGERS

        emitter = LogEmitter(recorded)
        for number in range(MAX_LOGGERS + 10):
            emitter.emit(f"n{number}", logging.INFO, dict)
        assert len(emitter._cache[1]) <= MAX_LOGGERS
        assert len(recorded.records) == MAX_LOGGERS + 10

    def test_by_default_it_is_the_global_provider(self, monkeypatch):
        """A processor that a user puts into a chain without anything feeds whatever provider is global; without one nothing happens."""
        line = chain(OTelLogProcessor()).info("x")
        assert line == {"event": "x"}
        assert guard.faults() == {}

    def test_it_can_be_copied_with_its_logger(self, recorded):
        """A deep copy of an object that holds a bound logger keeps logging to the same place."""
        log = copy.deepcopy(emitting(recorded).bind(a=1))
        log.info("x")
        assert recorded.bodies == ["x"]
