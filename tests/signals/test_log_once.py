"""Exactly once each, natively: structlog over every kind of logger, stdlib loggers, and foreign OpenTelemetry handlers beside ours."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import sys
import warnings

import pytest
import structlog
from log_records import RecordedLogs, bare_root, ids, tracer
from opentelemetry.sdk._logs import LoggingHandler as SdkHandler

from langswarm_otel import guard, override
from langswarm_otel.signals.log_setup import LoggingSettings, configure_logging

JSON = structlog.processors.JSONRenderer()
STDLIB = structlog.stdlib.LoggerFactory()
FORMATTER = structlog.stdlib.ProcessorFormatter.wrap_for_formatter

ROUTES = {
    "PrintLogger": ([JSON], structlog.PrintLoggerFactory(io.StringIO())),
    "WriteLogger": ([JSON], structlog.WriteLoggerFactory(io.StringIO())),
    "BytesLogger": (
        [structlog.processors.JSONRenderer(serializer=lambda v, **kw: repr(v).encode())],
        structlog.BytesLoggerFactory(io.BytesIO()),
    ),
    "stdlib, rendered": ([JSON], STDLIB),
    "stdlib, bytes": ([structlog.processors.JSONRenderer(serializer=lambda v, **kw: repr(v).encode())], STDLIB),
    "stdlib, exception and event prepared": (
        [structlog.processors.format_exc_info, structlog.processors.UnicodeDecoder(), structlog.processors.EventRenamer("message"), JSON],
        STDLIB,
    ),
    "wrap_for_formatter": ([FORMATTER], STDLIB),
    "render_to_log_kwargs": ([structlog.stdlib.render_to_log_kwargs], STDLIB),
    "render_to_log_args_and_kwargs": ([structlog.stdlib.render_to_log_args_and_kwargs], STDLIB),
}

HANDLERS = {"none": None, "SDK": None, "instrumentation": "opentelemetry.instrumentation.logging.handler"}


def make_foreign(kind, provider):
    """Build the foreign handler, or skip where its package is not installed."""
    if kind == "SDK":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return SdkHandler(logger_provider=provider)
    module = pytest.importorskip(HANDLERS[kind], reason="opentelemetry-instrumentation-logging is not installed")
    return module.LoggingHandler(logger_provider=provider)


@contextlib.contextmanager
def application(recorded, processors, factory, foreign=None):
    """Run an application that has configured structlog and the root logger itself, and then us."""
    lines = io.StringIO()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, *processors],
        logger_factory=factory,
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    with bare_root() as root:
        root.setLevel(logging.INFO)
        console = logging.StreamHandler(lines)
        if processors == [FORMATTER]:
            console.setFormatter(structlog.stdlib.ProcessorFormatter(processor=JSON))
        root.addHandler(console)
        if foreign is not None:
            root.addHandler(foreign)
        setup = configure_logging(LoggingSettings(), recorded)
        try:
            yield lines
        finally:
            setup.undo()


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("route", ROUTES)
def test_structlog_reaches_the_pipeline_once(route, handler):
    """Whatever structlog hands its lines to, and whoever listens on the root logger: one record, event as body, keys as attributes."""
    recorded = RecordedLogs()
    foreign = None if handler == "none" else make_foreign(handler, recorded.provider)
    processors, factory = ROUTES[route]
    with application(recorded, processors, factory, foreign), tracer().start_as_current_span("work") as span:
        structlog.get_logger("shop").bind(cart=7).warning("sold", count=3)
    record = recorded.only()
    assert record.body == "sold"
    assert dict(record.attributes) == {"cart": 7, "count": 3}
    assert record.severity_text == "WARN"
    assert (f"{record.trace_id:032x}", f"{record.span_id:016x}") == ids(span)
    if factory is STDLIB or route == "BytesLogger":
        assert recorded.scopes == ["shop"]
    assert guard.faults() == {}


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("with_arguments", [True, False])
def test_stdlib_records_reach_the_pipeline_once(handler, with_arguments):
    """A stdlib logger's record is emitted by ours, or by a foreign handler that feeds the same provider, and never by both."""
    recorded = RecordedLogs()
    foreign = None if handler == "none" else make_foreign(handler, recorded.provider)
    with application(recorded, [JSON], STDLIB, foreign), tracer().start_as_current_span("work") as span:
        log = logging.getLogger("lib.part")
        if with_arguments:
            log.error("lost %d of %s", 2, "five", extra={"shelf": "b"})
        else:
            log.error("lost 2 of five", extra={"shelf": "b"})
    record = recorded.only()
    assert record.body == "lost 2 of five"
    assert record.attributes["shelf"] == "b"
    assert recorded.scopes == ["lib.part"]
    assert f"{record.trace_id:032x}" == ids(span)[0]


@pytest.mark.parametrize("kind", ["SDK", "instrumentation"])
def test_a_foreign_handler_with_a_provider_of_its_own_is_left_alone(kind):
    """It exports to its own provider what it always has, and ours gets everything once."""
    ours, theirs = RecordedLogs(), RecordedLogs()
    foreign = make_foreign(kind, theirs.provider)
    with application(ours, [JSON], STDLIB, foreign):
        structlog.get_logger("shop").info("event")
        logging.getLogger("lib").info("record")
    assert ours.bodies == ["event", "record"]
    assert len(theirs.bodies) == 2
    assert theirs.bodies[1] == "record"


def test_a_foreign_handler_that_wants_only_errors_leaves_the_rest_to_us():
    """A record below its level is not emitted by it, so ours must."""
    recorded = RecordedLogs()
    foreign = make_foreign("SDK", recorded.provider)
    foreign.setLevel(logging.ERROR)
    with application(recorded, [JSON], STDLIB, foreign):
        logging.getLogger("lib").info("fine")
        logging.getLogger("lib").error("bad")
    assert recorded.bodies == ["fine", "bad"]


def test_a_foreign_handler_on_a_logger_of_its_own_counts_there_only():
    """Handlers are looked for where the record passes, not only on the root logger."""
    recorded = RecordedLogs()
    foreign = make_foreign("SDK", recorded.provider)
    logger = logging.getLogger("with.foreign")
    logger.addHandler(foreign)
    try:
        with application(recorded, [JSON], STDLIB):
            logging.getLogger("with.foreign.child").info("theirs")
            logging.getLogger("without").info("ours")
            structlog.get_logger("with.foreign").info("event")
    finally:
        logger.removeHandler(foreign)
    assert recorded.bodies == ["theirs", "ours", "event"]


def test_a_foreign_handler_added_later_is_found():
    """An instrumentor that comes after us is treated alike."""
    recorded = RecordedLogs()
    with application(recorded, [JSON], STDLIB):
        logging.getLogger().addHandler(make_foreign("SDK", recorded.provider))
        structlog.get_logger("shop").info("event")
        logging.getLogger("lib").info("record")
    assert recorded.bodies == ["event", "record"]


def test_undo_takes_the_filter_from_a_foreign_handler():
    """Afterwards the foreign handler is as it was."""
    recorded = RecordedLogs()
    foreign = make_foreign("SDK", recorded.provider)
    with application(recorded, [JSON], STDLIB, foreign):
        structlog.get_logger("shop").info("event")
        assert foreign.filters
    assert foreign.filters == []


def test_a_capture_gets_what_a_joined_foreign_handler_cannot_give_it():
    """Under an override, a foreign provider's handler goes on to its own exporters, and ours emits for the capture."""
    production, captured = RecordedLogs(), RecordedLogs()

    class Capture:
        def logger(self, name, version, schema_url):
            return captured.provider.get_logger(name)

    with application(production, [JSON], STDLIB, make_foreign("SDK", production.provider)):
        before = override.set_override(Capture())
        try:
            structlog.get_logger("shop").info("event")
            logging.getLogger("lib").info("record")
        finally:
            override.set_override(before)
    assert captured.bodies == ["event", "record"]


def test_the_structlog_instrumentation_of_others_makes_no_second_record():
    """A StructlogProcessor that feeds the same provider stays the one that emits."""
    module = pytest.importorskip(
        "opentelemetry.instrumentation.structlog", reason="opentelemetry-instrumentation-structlog is not installed"
    )
    recorded = RecordedLogs()
    with application(recorded, [module.StructlogProcessor(recorded.provider), JSON], STDLIB):
        structlog.get_logger("shop").info("event")
    assert recorded.bodies == ["event"]


@pytest.mark.parametrize("route", [name for name, (_, factory) in ROUTES.items() if factory is STDLIB])
def test_marked_lines_look_as_before(route):
    """What arrives on the application's console is byte for byte what it was without us, but for the ids inside a span."""

    def run(recorded):
        processors, factory = ROUTES[route]
        with application(recorded, processors, factory) as lines:
            structlog.get_logger("shop").info("sold %s", count=3)
            structlog.get_logger("shop").info({"kind": "sale"})
            structlog.get_logger("shop").info(42)
        return lines.getvalue()

    with_us = run(RecordedLogs())
    processors, factory = ROUTES[route]
    structlog.reset_defaults()
    lines = io.StringIO()
    with bare_root() as root:
        root.setLevel(logging.INFO)
        console = logging.StreamHandler(lines)
        if processors == [FORMATTER]:
            console.setFormatter(structlog.stdlib.ProcessorFormatter(processor=JSON))
        root.addHandler(console)
        structlog.configure(
            processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, *processors],
            logger_factory=factory,
            wrapper_class=structlog.make_filtering_bound_logger(0),
        )
        structlog.get_logger("shop").info("sold %s", count=3)
        structlog.get_logger("shop").info({"kind": "sale"})
        structlog.get_logger("shop").info(42)
    assert with_us == lines.getvalue()


def test_a_disabled_stdlib_logger_emits_nothing():
    """What the stdlib would not print because of the logger's level does not reach the pipeline either."""
    recorded = RecordedLogs()
    quiet = logging.getLogger("quiet")
    quiet.setLevel(logging.ERROR)
    try:
        with application(recorded, [JSON], STDLIB) as lines:
            structlog.get_logger("quiet").info("psst")
            structlog.get_logger("quiet").error("bad")
    finally:
        quiet.setLevel(logging.NOTSET)
    assert recorded.bodies == ["bad"]
    assert lines.getvalue().count("\n") == 1


def test_a_dropped_event_is_not_emitted():
    """A processor of the application that drops an event drops its record too."""
    recorded = RecordedLogs()

    def drop(logger, name, event):
        if event.get("secret"):
            raise structlog.DropEvent
        return event

    with application(recorded, [drop, JSON], structlog.PrintLoggerFactory(io.StringIO())):
        structlog.get_logger().info("a", secret=True)
        structlog.get_logger().info("b")
    assert recorded.bodies == ["b"]


def test_the_foreign_modules_are_named_as_upstream_names_them():
    """The SDK's handler, which must be recognised, is where it is looked for."""
    assert SdkHandler.__name__ == "LoggingHandler"
    assert SdkHandler.__module__.startswith("opentelemetry.")
    assert importlib.import_module(SdkHandler.__module__) is sys.modules[SdkHandler.__module__]
