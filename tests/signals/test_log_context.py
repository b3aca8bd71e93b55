"""Logs line up with traces, wherever they are made (behaviour 38)."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import structlog
from log_records import RecordedLogs, ids, tracer
from opentelemetry import context

from langswarm_otel.context import with_scope
from langswarm_otel.signals.log_setup import LoggingSettings, configure_logging


def say(how):
    if how == "structlog":
        structlog.get_logger("a").info("hello", zebra=1, apple=2)
    elif how == "stdlib":
        logging.getLogger("a").info("hello", extra={"zebra": 1, "apple": 2})
    else:
        structlog.get_logger().bind(zebra=1).info("hello", apple=2)


def in_span(how):
    say(how)


def in_task(how):
    async def outer():
        async def inner():
            say(how)

        await asyncio.create_task(inner())

    asyncio.run(outer())


def in_to_thread(how):
    asyncio.run(asyncio.to_thread(say, how))


def in_executor(how):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(contextvars.copy_context().run, say, how).result()


def in_async_method(how):
    async def outer():
        if how == "stdlib":
            say(how)
        else:
            await structlog.get_logger("a").ainfo("hello", zebra=1, apple=2)

    asyncio.run(outer())


@pytest.mark.parametrize("how", ["structlog", "stdlib", "bound"])
@pytest.mark.parametrize("where", [in_span, in_task, in_to_thread, in_executor, in_async_method])
def test_line_and_record_carry_the_ids_of_the_span(root, capsys, where, how):
    """JSON line and OTLP record say the same trace and span, in tasks and in threads that were given the context."""
    recorded = RecordedLogs()
    setup = configure_logging(LoggingSettings(), recorded)
    try:
        with tracer().start_as_current_span("work") as span:
            where(how)
    finally:
        setup.undo()
    trace_id, span_id = ids(span)
    (line,) = [json.loads(each) for each in capsys.readouterr().out.splitlines() if "hello" in each]
    record = recorded.only()
    assert (line["trace_id"], line["span_id"]) == (trace_id, span_id)
    assert (f"{record.trace_id:032x}", f"{record.span_id:016x}") == (trace_id, span_id)
    assert [key for key in line if key in ("zebra", "apple")] == ["zebra", "apple"]
    assert dict(record.attributes) == {"zebra": 1, "apple": 2}


@pytest.mark.parametrize("how", ["structlog", "stdlib", "bound"])
def test_without_a_span_there_are_no_zeros(root, capsys, how):
    """Neither on the line nor on the record; a thread without the context counts as without a span."""
    recorded = RecordedLogs()
    setup = configure_logging(LoggingSettings(), recorded)
    try:
        say(how)
        with tracer().start_as_current_span("work"):
            thread = threading.Thread(target=say, args=(how,))
            thread.start()
            thread.join()
    finally:
        setup.undo()
    for line in map(json.loads, capsys.readouterr().out.splitlines()):
        assert not {"trace_id", "span_id", "trace_flags"} & set(line)
    assert [(record.trace_id, record.span_id) for record in recorded.records] == [(0, 0)] * 2


def test_a_logger_bound_at_import_is_joined_to_traces(root, capsys):
    """Bound before structlog was configured by anybody."""
    recorded = RecordedLogs()
    early = structlog.get_logger().bind(early=True)
    setup = configure_logging(LoggingSettings(), recorded)
    try:
        with tracer().start_as_current_span("work") as span:
            early.info("hello")
    finally:
        setup.undo()
    line = json.loads(capsys.readouterr().out)
    assert line["trace_id"] == ids(span)[0] == f"{recorded.only().trace_id:032x}"


@pytest.mark.parametrize("how", ["structlog", "stdlib"])
def test_conversation_and_agent_in_scope_are_on_line_and_record(root, capsys, how):
    """What a session and an agent put in scope stands on every line below them."""
    recorded = RecordedLogs()
    setup = configure_logging(LoggingSettings(), recorded)
    token = context.attach(with_scope(conversation_id="s-42", agent_name="researcher"))
    try:
        say(how)
    finally:
        context.detach(token)
        setup.undo()
    line = json.loads(capsys.readouterr().out)
    attributes = recorded.only().attributes
    for found in (line, attributes):
        assert found["gen_ai.conversation.id"] == "s-42"
        assert found["gen_ai.agent.name"] == "researcher"


def test_an_unsampled_trace_keeps_its_ids(root, capsys):
    """Lines and records of a trace that is not recorded still belong together."""
    recorded = RecordedLogs()
    setup = configure_logging(LoggingSettings(), recorded)
    try:
        with tracer(sampled=False).start_as_current_span("work") as span:
            say("structlog")
            say("stdlib")
    finally:
        setup.undo()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["trace_id"] for line in lines} == {ids(span)[0]}
    assert {record.trace_id for record in recorded.records} == {span.get_span_context().trace_id}
