"""Logs do not line up with traces.

Ids all zero on lines outside a span, ids as decimal numbers, bodies that hold the whole rendered line, attributes lost, loggers bound
before configuration that never learn of it.
"""

from __future__ import annotations

import json
from typing import Any

from otlp_server import OtlpServer
from scripts import run

PROGRAM = """
    import asyncio, logging, sys, threading
    import structlog
    early = structlog.get_logger().bind(bound="early")
    stdlib_early = logging.getLogger("app.stdlib")
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="b38", endpoint=sys.argv[1], log_level="INFO")
    log = structlog.get_logger("app.structlog")

    def say(where):
        log.info("event " + where, z=1, a=2, where=where)
        early.info("early " + where, where=where)
        stdlib_early.info("stdlib %s", where, extra={"where": where})

    say("outside")
    with obs.session("s-9"), obs.agent("logger") as agent:
        say("span")
        thread = threading.Thread(target=__import__("langswarm_otel").propagating(say), args=("thread",))
        thread.start(); thread.join()

        async def main():
            await asyncio.create_task(task())
            await asyncio.to_thread(say, "to_thread")

        async def task():
            say("task")

        asyncio.run(main())
    obs.set_sample_ratio(0.0)
    with obs.agent("unsampled"):
        say("unsampled")
    obs.flush(5)
"""

WHERE = ("outside", "span", "thread", "task", "to_thread", "unsampled")


def lines_of(output: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the JSON lines by (first word of the event, where)."""
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert len(lines) == 3 * len(WHERE), output
    return {(line["event"].split()[0], line["where"] if "where" in line else line["event"].split()[1]): line for line in lines}


def test_lines_and_records_carry_the_same_ids(otlp_server: OtlpServer, verdict):
    """Structlog, stdlib and early-bound loggers, in a span, a thread, a task: the line and the OTLP record name the same span, or none."""
    ended = run(PROGRAM, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    lines = lines_of(ended.stdout + ended.stderr)
    spans = {span.name: span for span in otlp_server.spans}
    agent = spans["invoke_agent logger"]
    records = otlp_server.log_records
    assert len(records) == 3 * len(WHERE)
    for record in records:
        values = {pair.key: pair.value.string_value or pair.value.int_value for pair in record.attributes}
        kind, where = record.body.string_value.split()[0], values["where"]
        line = lines[(kind, where)]
        assert not {"trace_id", "span_id", "trace_flags", "event"} & set(values)
        if where == "outside":
            assert not {"trace_id", "span_id"} & set(line)
            assert record.trace_id in (b"", bytes(16))
            continue
        assert (line["trace_id"], line["span_id"]) == (record.trace_id.hex(), record.span_id.hex())
        assert (len(line["trace_id"]), len(line["span_id"])) == (32, 16)
        assert "0" * 16 not in (line["trace_id"], line["span_id"])
        if where != "unsampled":
            assert record.trace_id == agent.trace_id
            assert line["trace_flags"] in {"01", "03"}
            assert line["gen_ai.conversation.id"] == "s-9"
            assert line["gen_ai.agent.name"] == "logger"
        else:
            assert line["trace_flags"] in {"00", "02"}
    verdict.ours("line and record carry the same ids, none outside a span")


def test_keys_and_their_order_are_the_users(otlp_server: OtlpServer):
    """The user's keys stand on the line in the order given, and are attributes of the record."""
    ended = run(PROGRAM, otlp_server.endpoint)
    line = lines_of(ended.stdout + ended.stderr)[("event", "span")]
    assert [key for key in line if key in {"z", "a", "where"}] == ["z", "a", "where"]
    record = next(record for record in otlp_server.log_records if record.body.string_value == "event span")
    assert {pair.key: pair.value.int_value for pair in record.attributes}["z"] == 1


PLAIN_SDK = """
    import logging
    from opentelemetry.instrumentation.logging import LoggingInstrumentor
    LoggingInstrumentor().instrument(set_logging_format=True)
    logging.getLogger("app").warning("outside")
"""


def test_the_plain_instrumentation_writes_zeros(verdict):
    """Outside a span the line has ids that are no ids."""
    ended = run(PLAIN_SDK)
    assert "trace_id=0 span_id=0" in ended.stderr
    verdict.plain("trace_id=0 span_id=0 outside a span")
