"""Log records: message for message what the official encoder makes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, LogRecordLimits, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.trace import NonRecordingSpan
from otlp_compare import RESOURCES, attributes, canonical, contexts, good_texts, integers, official, resources, scopes, texts, times, values

from langswarm_otel.export.encoding import EncodingError, LogEncoder, assemble
from langswarm_otel.export.encoding.group import COMPLETE

ENCODER = LogEncoder()

severities = st.none() | st.sampled_from(SeverityNumber)


@st.composite
def records(draw):
    """As the SDK hands them over, and with ids that no context gave."""
    log = LogRecord(
        timestamp=draw(times),
        observed_timestamp=draw(times),
        context=trace.set_span_in_context(NonRecordingSpan(draw(contexts))),
        severity_text=draw(st.none() | good_texts | texts),
        severity_number=draw(severities),
        body=draw(values | integers | good_texts),
        attributes=draw(attributes),
        event_name=draw(st.none() | good_texts | texts),
    )
    log.trace_id, log.span_id = draw(st.sampled_from([log.trace_id, 0, 1 << 128])), draw(st.sampled_from([log.span_id, 0, 1 << 64]))
    return ReadableLogRecord(log, draw(resources), draw(scopes))


def check(batch):
    """Both encode the same records, and make the same of those; ours without help."""
    encoded, good = [], []
    for record in batch:
        if official("logs", [record]) is None:
            with pytest.raises(EncodingError):
                ENCODER.encode(record)
        else:
            encoded.append(ENCODER.encode(record))
            good.append(record)
    assert all(group is not COMPLETE for group, _ in encoded)
    expected = official("logs", good)
    assert canonical(assemble(encoded), expected) == expected.SerializeToString(deterministic=True)


@given(st.lists(records(), max_size=4))
def test_any_log_record_is_encoded_as_the_official_encoder_does(batch):
    check(batch)


@pytest.mark.filterwarnings("ignore:Log record attributes were dropped")
@given(st.none() | contexts, attributes, st.none() | st.integers(0, 2), st.none() | st.integers(0, 3), severities, values)
def test_what_a_logger_emits_is_encoded_as_the_official_encoder_does(context, found, most, longest, severity, body):
    limits = LogRecordLimits(max_log_record_attributes=most, max_log_record_attribute_length=longest)
    exporter = InMemoryLogRecordExporter()
    provider = LoggerProvider(resource=RESOURCES[3], shutdown_on_exit=False, log_record_limits=limits)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    inside = trace.set_span_in_context(NonRecordingSpan(context)) if context else None
    provider.get_logger("lib", "1").emit(attributes=found, body=body, context=inside, severity_number=severity, event_name="e")
    check(list(exporter.get_finished_logs()))


def test_a_body_that_cannot_be_said_is_an_error_without_its_value():
    """As the official encoder fails for it; there for the whole batch."""
    for body in (object(), "secret \ud800", 2**64, ["secret", {1}]):
        with pytest.raises(EncodingError) as caught:
            ENCODER.encode(ReadableLogRecord(LogRecord(body=body), RESOURCES[1]))
        assert "secret" not in str(caught.value)


def test_ids_that_are_none_are_no_ids():
    """A context with None in it fails in the official encoder, for the whole batch; such a record is sent without the id."""
    record = LogRecord(body="b")
    record.trace_id = record.span_id = None
    assert official("logs", [ReadableLogRecord(record, RESOURCES[1])]) is None
    (sent,) = official("logs", []).FromString(assemble([ENCODER.encode(ReadableLogRecord(record, RESOURCES[1]))])).resource_logs
    assert (sent.scope_logs[0].log_records[0].trace_id, sent.scope_logs[0].log_records[0].body.string_value) == (b"", "b")


def test_severities_that_are_no_members_are_left_out_as_the_official_encoder_does():
    """A severity without a value counts as none; their fields are remembered, and not without end."""
    for _ in range(3):
        check(
            [
                ReadableLogRecord(LogRecord(severity_number=severity), RESOURCES[1])
                for severity in (object(), 5, "INFO", SeverityNumber.WARN)
            ]
        )
    for number in range(1000):
        ENCODER.encode(ReadableLogRecord(LogRecord(severity_number=f"s{number}"), RESOURCES[1]))
    assert len(ENCODER._severities) < 100
