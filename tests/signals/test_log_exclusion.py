"""What never enters the pipeline, and the loops that this breaks (behaviour 23)."""

from __future__ import annotations

import logging

import pytest
import scripts
import structlog
from log_records import RecordedLogs
from opentelemetry import context
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor

from langswarm_otel import guard
from langswarm_otel.export.sdk_private import SUPPRESS_INSTRUMENTATION_KEY
from langswarm_otel.signals.log_setup import LoggingSettings, configure_logging


class Talkative(LogRecordProcessor):
    """A processor that logs while a record is emitted, by every way there is, without suppressing anything, and may fail at that."""

    def __init__(self, *, failing=False):
        self.bodies = []
        self.failing = failing

    def on_emit(self, log_record):
        self.bodies.append(log_record.log_record.body)
        logging.getLogger("some.exporter").warning("exporting")
        structlog.get_logger("some.exporter").warning("exporting")
        logging.getLogger("opentelemetry.exporter").error("exporting")
        if self.failing:
            raise ConnectionError("dead")

    def shutdown(self):
        pass

    def force_flush(self, timeout_millis=10_000):
        return True


@pytest.mark.parametrize("configured_by", ["us", "application"])
@pytest.mark.parametrize("failing", [False, True])
def test_what_an_exporter_logs_is_printed_but_not_emitted(root, capsys, failing, configured_by):
    """A record made while a record is being emitted goes no further than the console: no recursion, each record once."""
    exporter = Talkative(failing=failing)
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(exporter)
    if configured_by == "application":
        structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.stdlib.LoggerFactory())
        logging.basicConfig(level=logging.DEBUG)
    setup = configure_logging(LoggingSettings(), lambda: provider)
    try:
        structlog.get_logger("shop").info("one")
        logging.getLogger("shop").info("two")
    finally:
        setup.undo()
    assert exporter.bodies == ["one", "two"]
    captured = capsys.readouterr()
    assert (captured.out + captured.err).count("exporting") >= 6


@pytest.mark.parametrize("name", ["langswarm_otel", "opentelemetry.sdk", "urllib3.connectionpool", "requests", "grpc._channel"])
def test_excluded_loggers_are_printed_but_not_emitted(root, capsys, name):
    """By either way of logging."""
    recorded = RecordedLogs()
    setup = configure_logging(LoggingSettings(log_level="DEBUG"), recorded)
    try:
        logging.getLogger(name).warning("speaking")
        structlog.get_logger(name).warning("speaking")
    finally:
        setup.undo()
    assert recorded.records == []
    assert capsys.readouterr().out.count("speaking") == 2


def test_a_fault_of_ours_is_not_emitted_by_itself(root, capsys):
    """Our own warning about a fault in emitting is printed once and never emitted."""

    def broken():
        raise RuntimeError("no")

    setup = configure_logging(LoggingSettings(), broken)
    try:
        for _ in range(3):
            logging.getLogger("shop").info("x")
            structlog.get_logger("shop").info("x")
    finally:
        setup.undo()
    assert guard.faults() == {"LogEmitter.emit": 6}
    assert capsys.readouterr().out.count("telemetry fault in") == 1


def test_nothing_is_emitted_where_instrumentation_is_suppressed(root, capsys):
    """As in every export worker, ours and the SDK's; the line is printed."""
    assert SUPPRESS_INSTRUMENTATION_KEY is not None
    recorded = RecordedLogs()
    setup = configure_logging(LoggingSettings(), recorded)
    token = context.attach(context.set_value(SUPPRESS_INSTRUMENTATION_KEY, True))
    try:
        logging.getLogger("httpx").info("inside")
        structlog.get_logger("shop").info("inside")
    finally:
        context.detach(token)
    logging.getLogger("httpx").info("outside")
    setup.undo()
    assert recorded.bodies == ["outside"]
    assert capsys.readouterr().out.count("inside") == 2


PROGRAM = """
    import logging, sys, time
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
    from langswarm_otel.signals.log_setup import LoggingSettings, configure_logging

    class Counting(OTLPLogExporter):
        handed_over = 0
        def export(self, batch):
            Counting.handed_over += len(batch)
            return super().export(batch)

    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(Counting(endpoint={endpoint!r}, timeout=1), schedule_delay_millis=100))
    logging.getLogger().setLevel(logging.DEBUG)
    configure_logging(LoggingSettings(log_level="DEBUG"), lambda: {resolved})
    logging.getLogger("user").warning("the one")
    deadline = time.monotonic() + 20
    while Counting.handed_over < {wanted} and time.monotonic() < deadline: time.sleep(0.05)
    time.sleep(3)
    print("handed over", Counting.handed_over, file=sys.stderr)
"""


def test_a_dead_collector_gets_exactly_one_record():
    """Behaviour 23: root at DEBUG, dead port, one user record; what client and exporter say about it is never exported."""
    ended = scripts.run(PROGRAM.format(endpoint=scripts.DEAD + "/v1/logs", resolved="provider", wanted=1))
    assert "handed over 1" in ended.stderr
    assert "the one" in ended.stdout
    # The loop had every chance: the client did speak at DEBUG or WARNING.
    assert "urllib3" in ended.stdout or "opentelemetry" in ended.stdout


def test_a_disabled_sdk_gets_nothing_and_nothing_recurses():
    """Behaviour 23: with OTEL_SDK_DISABLED the provider hands out no-op loggers; lines are printed all the same."""
    ended = scripts.run(PROGRAM.format(endpoint=scripts.DEAD + "/v1/logs", resolved="provider", wanted=0), OTEL_SDK_DISABLED="true")
    assert "handed over 0" in ended.stderr
    assert "the one" in ended.stdout
    ended = scripts.run(PROGRAM.format(endpoint=scripts.DEAD + "/v1/logs", resolved="None", wanted=0))
    assert "handed over 0" in ended.stderr
