"""Configuring logging and taking it back: structlog, the root logger, and what an application had before."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import logging.handlers
import warnings

import pytest
import structlog
from log_records import RecordedLogs, tracer

from langswarm_otel import guard
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.signals.log_processors import MarkEmitted, OTelLogProcessor, add_scope, add_trace_context
from langswarm_otel.signals.log_setup import LoggingSettings, configure_logging, get_logger
from langswarm_otel.signals.stdlib_handler import OTelHandler


@pytest.fixture
def recorded():
    return RecordedLogs()


@contextlib.contextmanager
def configured(recorded, reach="process", **settings):
    setup = configure_logging(LoggingSettings(**settings), recorded, reach)
    try:
        yield setup
    finally:
        setup.undo()


def json_lines(text):
    return [json.loads(line) for line in text.splitlines()]


class TestUnconfigured:
    """structlog that nobody has configured."""

    def test_json_goes_to_standard_output(self, recorded, root, capsys):
        """In production's form each line is one object with level, UTC time, logger, trace and the user's keys in their order."""
        with configured(recorded), tracer().start_as_current_span("work") as span:
            structlog.get_logger("shop").bind(zebra=1).info("sold", apple=2)
        captured = capsys.readouterr()
        (line,) = json_lines(captured.out)
        assert captured.err == ""
        assert list(line) == ["zebra", "apple", "event", "level", "logger", "timestamp", "trace_id", "span_id", "trace_flags"]
        assert line["timestamp"].endswith("Z")
        assert int(line["trace_id"], 16) == span.get_span_context().trace_id == recorded.only().trace_id

    def test_pretty_lines_go_to_standard_error(self, recorded, root, capsys):
        """In development's form lines are for people, and standard output stays the program's own; no colours without a terminal."""
        with configured(recorded, log_format="console"):
            structlog.get_logger("shop").info("sold", apple=2)
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "sold" in captured.err
        assert "apple=2" in captured.err
        assert "\x1b" not in captured.err
        assert recorded.bodies == ["sold"]

    def test_a_terminal_gets_colours(self, recorded, root, monkeypatch):
        """Colours where they are seen."""

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        with configured(recorded, log_format="console"):
            structlog.get_logger("shop").info("sold")
        assert "\x1b[" in terminal.getvalue()

    def test_stdlib_lines_look_alike(self, recorded, root, capsys):
        """A library's stdlib record is printed in the same form with trace ids, extra keys and exception, and emitted once."""
        with configured(recorded), tracer().start_as_current_span("work"):
            try:
                raise ValueError("broken")
            except ValueError:
                logging.getLogger("lib").exception("failed %s", "twice", extra={"shelf": "b"})
        (line,) = json_lines(capsys.readouterr().out)
        record = recorded.only()
        assert list(line) == ["event", "level", "logger", "timestamp", "shelf", "trace_id", "span_id", "trace_flags", "exception"]
        assert (line["event"], line["level"], line["logger"], line["shelf"]) == ("failed twice", "error", "lib", "b")
        assert line["exception"].endswith("ValueError: broken")
        assert line["trace_id"] == f"{record.trace_id:032x}"
        assert record.attributes["exception.type"] == "ValueError"

    def test_a_line_for_a_stdlib_logger_is_rendered_once(self, recorded, root, capsys):
        """An explicitly wrapped stdlib logger with the default chain: no JSON inside JSON, one record."""
        with configured(recorded):
            structlog.wrap_logger(logging.getLogger("wrapped")).info("sold")
        (line,) = json_lines(capsys.readouterr().out)
        assert line["event"] == "sold"
        assert recorded.bodies == ["sold"]

    def test_the_level_holds_on_both_sides(self, recorded, root, capsys):
        """Below log_level nothing is printed or emitted, from structlog or the stdlib."""
        with configured(recorded, log_level="WARNING"):
            for log in (structlog.get_logger("a"), logging.getLogger("b")):
                log.info("quiet")
                log.warning("loud")
        assert [line["event"] for line in json_lines(capsys.readouterr().out)] == ["loud", "loud"]
        assert recorded.bodies == ["loud", "loud"]

    def test_loggers_bound_before_follow(self, recorded, root, capsys):
        """A module-level logger, a bound one and a cached one made before configuration all print and emit in the new way."""
        lazy = structlog.get_logger()
        bound = structlog.get_logger().bind(early=True)
        structlog.get_config()
        cached = structlog.wrap_logger(None, cache_logger_on_first_use=True)
        cached.info("before")
        capsys.readouterr()
        with configured(recorded, log_level="INFO"), tracer().start_as_current_span("work"):
            for log in (lazy, bound, cached):
                log.debug("dropped")
                log.info("sold")
        lines = json_lines(capsys.readouterr().out)
        assert [line["event"] for line in lines] == ["sold"] * 3
        assert all(line["trace_id"] for line in lines)
        assert recorded.bodies == ["sold"] * 3

    def test_loggers_bound_before_obey_the_output(self, recorded, root, capsys, tmp_path):
        """They print to standard output by structlog's default, which is not where a file's lines belong."""
        bound = structlog.get_logger().bind(early=True)
        path = tmp_path / "app.log"
        with configured(recorded, log_output="file", log_file=str(path)):
            bound.info("sold")
        assert capsys.readouterr().out == ""
        assert json_lines(path.read_text())[0]["event"] == "sold"

    def test_a_second_configuration_reaches_loggers_of_the_first(self, recorded, root, capsys):
        """Level, form and provider of loggers bound before and during the first configuration change with the second."""
        before = structlog.get_logger().bind(one=1)
        module_level = structlog.get_logger("m")
        with configured(recorded, log_level="WARNING"):
            module_level.info("too quiet")
        other = RecordedLogs()
        with configured(other, log_level="DEBUG", log_format="console"):
            before.debug("b")
            module_level.debug("m")
        assert recorded.bodies == []
        assert other.bodies == ["b", "m"]
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.count("\n") == 2

    def test_undo_restores_structlog_and_the_root_logger(self, recorded, root, capsys):
        """Defaults, the unconfigured state, handlers, level; lines look as they did, and nothing is emitted."""
        before = structlog.get_config()
        bound = structlog.get_logger().bind(a=1)
        with configured(recorded):
            during = structlog.get_logger("shop").bind(b=2)
            during.info("x")
        after = structlog.get_config()
        assert not structlog.is_configured()
        assert {key: after[key] for key in before if key != "processors"} == {key: before[key] for key in before if key != "processors"}
        assert [type(each) for each in after["processors"]] == [type(each) for each in before["processors"]]
        assert (root.handlers, root.level) == ([], logging.WARNING)
        capsys.readouterr()
        for log in (bound, during, structlog.get_logger()):
            log.info("afterwards")
        assert capsys.readouterr().out.count("afterwards") == 3
        assert recorded.bodies == ["x"]

    def test_undo_leaves_what_the_application_has_configured_meanwhile(self, recorded, root, capsys):
        """A structlog.configure after ours stays in force, and copies of our processors in it emit no more."""
        setup = configure_logging(LoggingSettings(), recorded)
        theirs = [*structlog.get_config()["processors"][:-1], lambda logger, name, event: event]
        structlog.configure(processors=theirs, cache_logger_on_first_use=False)
        setup.undo()
        assert structlog.is_configured()
        assert structlog.get_config()["processors"] is theirs
        structlog.get_logger().info("x")
        assert recorded.bodies == []

    def test_capture_logs_of_structlog_works(self, recorded, root, capsys):
        """Structlog's own testing tool replaces our chain and brings it back."""
        with configured(recorded):
            with structlog.testing.capture_logs() as lines:
                structlog.get_logger().info("captured")
            structlog.get_logger().info("printed")
        assert [line["event"] for line in lines] == ["captured"]
        assert recorded.bodies == ["printed"]

    def test_contextvars_and_stack_info_are_there(self, recorded, root, capsys):
        """What structlog offers by default is not lost."""
        with configured(recorded), structlog.contextvars.bound_contextvars(request="r1"):
            structlog.get_logger().info("x", stack_info=True)
        (line,) = json_lines(capsys.readouterr().out)
        assert line["request"] == "r1"
        assert "stack" in line
        assert recorded.only().attributes["request"] == "r1"


class TestConfiguredByTheApplication:
    """structlog that the application has configured itself."""

    def chain(self, *processors):
        lines = []

        def collect(logger, name, event):
            lines.append(dict(event))
            return "line"

        processors = [structlog.contextvars.merge_contextvars, *processors, collect]
        structlog.configure(processors=processors, logger_factory=structlog.ReturnLoggerFactory())
        return processors, lines

    def test_its_chain_is_kept_and_ours_stand_before_the_renderer(self, recorded):
        """After merge_contextvars and everything of the application's, before the renderer, once each."""
        processors, lines = self.chain(structlog.processors.add_log_level)
        theirs = list(processors)
        with configured(recorded):
            assert structlog.get_config()["processors"] is processors
            kinds = [each if each in (add_trace_context, add_scope) or each in theirs else type(each) for each in processors]
            assert kinds == [*theirs[:2], add_trace_context, add_scope, OTelLogProcessor, theirs[2], MarkEmitted]
            structlog.get_logger().info("sold")
        assert processors == theirs
        assert recorded.bodies == ["sold"]
        assert lines == [{"event": "sold", "level": "info"}]

    def test_exceptions_and_events_that_are_rendered_already_are_understood(self, recorded):
        """What format_exc_info and EventRenamer have made before ours come is understood."""
        _, lines = self.chain(structlog.processors.format_exc_info, structlog.processors.EventRenamer("message"))
        with configured(recorded):
            try:
                raise ValueError("broken")
            except ValueError:
                structlog.get_logger().exception("failed")
        assert recorded.only().body == "failed"
        assert recorded.only().attributes["exception.type"] == "ValueError"
        assert lines[0]["message"] == "failed"

    def test_what_its_redaction_removes_does_not_leave(self, recorded):
        """Ours come after a redaction that comes after formatting and renaming."""

        def redact(logger, name, event):
            return {key: "***" if key == "password" else value for key, value in event.items()}

        self.chain(structlog.processors.EventRenamer("message"), redact)
        with configured(recorded):
            structlog.get_logger().info("login", password="hunter2")
        assert recorded.only().body == "login"
        assert dict(recorded.only().attributes) == {"password": "***"}

    def test_processors_that_are_there_are_not_doubled(self, recorded):
        """A user who has put our processors into the chain gets each line once."""
        from langswarm_otel.signals.otel_logs import LogEmitter

        mine = OTelLogProcessor(LogEmitter(recorded))
        processors, _ = self.chain(add_trace_context, mine)
        with configured(recorded):
            structlog.get_logger().info("x")
            assert processors.count(add_trace_context) == 1
        assert recorded.bodies == ["x"]
        assert add_trace_context in processors
        assert mine in processors

    def test_cached_loggers_follow(self, recorded):
        """The list is changed in place, so loggers that hold it see the change, and its end."""
        self.chain()
        structlog.configure(cache_logger_on_first_use=True)
        log = structlog.get_logger()
        bound = log.bind(a=1)
        log.info("before")
        with configured(recorded):
            log.info("cached")
            bound.info("bound")
        log.info("after")
        assert recorded.bodies == ["cached", "bound"]

    def test_a_tuple_is_replaced_and_put_back(self, recorded):
        """A chain that cannot be changed in place is configured anew; later loggers follow."""
        processors = (structlog.processors.add_log_level, structlog.processors.JSONRenderer())
        structlog.configure(processors=processors, logger_factory=structlog.ReturnLoggerFactory())
        with configured(recorded):
            structlog.get_logger().info("x")
        assert recorded.bodies == ["x"]
        assert structlog.get_config()["processors"] is processors

    def test_a_renderer_that_is_not_last_is_found(self, recorded):
        """Processors behind the renderer get its text, not an event."""
        structlog.configure(
            processors=[structlog.processors.JSONRenderer(), lambda logger, name, line: "> " + line],
            logger_factory=structlog.ReturnLoggerFactory(),
        )
        with configured(recorded), tracer().start_as_current_span("work"):
            line = structlog.get_logger().info("x", a=1)
        assert json.loads(line[2:])["trace_id"]
        assert dict(recorded.only().attributes) == {"a": 1}

    def test_its_root_logger_is_not_printed_to(self, recorded, root, capsys):
        """Its stdlib records are emitted, and printed as the stdlib would without us: warnings, bare, on standard error."""
        self.chain()
        with configured(recorded):
            logging.getLogger("lib").info("quiet")
            logging.getLogger("lib").warning("loud")
        assert recorded.bodies == ["quiet", "loud"]
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "loud\n")


class TestUntouched:
    """``configure_structlog=False``."""

    def test_nothing_is_touched_but_one_handler(self, recorded, root, capsys):
        """Structlog's configuration, the console and the root logger's level stay; stdlib records from its level on are emitted."""
        before = structlog.get_config()
        processors = list(before["processors"])
        with configured(recorded, configure_structlog=False):
            assert structlog.get_config() == before
            assert structlog.get_config()["processors"] == processors
            assert not structlog.is_configured()
            assert root.level == logging.WARNING
            structlog.get_logger().info("event")
            logging.getLogger("lib").info("quiet")
            logging.getLogger("lib").warning("loud")
        assert recorded.bodies == ["loud"]
        assert capsys.readouterr().err == "loud\n"
        assert root.handlers == []

    def test_our_own_logger_still_works(self, recorded, root, capsys):
        """What ``obs.log`` returns has a chain of its own then."""
        with configured(recorded, configure_structlog=False), tracer().start_as_current_span("work"):
            get_logger("mine", a=1).info("x")
        (line,) = json_lines(capsys.readouterr().out)
        assert (line["event"], line["a"], line["logger"]) == ("x", 1, "mine")
        assert line["trace_id"] == f"{recorded.only().trace_id:032x}"
        assert recorded.scopes == ["mine"]


class TestReach:
    """How far a set-up reaches."""

    def test_insert_leaves_the_look_of_lines(self, recorded, root, capsys):
        """Structlog's default chain emits and looks as ever; it counts as unconfigured still."""
        with configured(recorded, "insert"):
            structlog.get_logger().info("x")
            assert not structlog.is_configured()
        assert "[info     ] x" in capsys.readouterr().out
        assert recorded.bodies == ["x"]
        structlog.get_logger().info("y")
        assert recorded.bodies == ["x"]

    def test_handle_changes_nothing_of_the_process(self, recorded, root, capsys):
        """A private handle's loggers emit to it alone, beside a set-up of the process."""
        private = RecordedLogs()
        with configured(recorded):
            chain = list(structlog.get_config()["processors"])
            handlers = list(root.handlers)
            with configured(private, "handle", log_output="none") as setup:
                setup.get_logger("p").info("private")
                structlog.get_logger("g").info("global")
                assert structlog.get_config()["processors"] == chain
                assert root.handlers == handlers
        assert private.bodies == ["private"]
        assert recorded.bodies == ["global"]
        assert [line["event"] for line in json_lines(capsys.readouterr().out)] == ["global"]


class TestSeveral:
    """Set-ups one after and inside another."""

    def test_the_last_one_is_in_force(self, recorded, root, capsys):
        """Undoing it brings back the one before, without anything emitted twice."""
        inner = RecordedLogs()
        log = structlog.get_logger("m")
        with configured(recorded):
            log.info("1")
            with configured(inner):
                log.info("2")
                logging.getLogger("lib").info("2")
            log.info("3")
        log.info("4")
        assert recorded.bodies == ["1", "3"]
        assert inner.bodies == ["2", "2"]
        assert root.handlers == []

    def test_the_first_may_end_first(self, recorded, root, capsys):
        """As when a re-configuration makes the new one before it undoes the old one; undo is idempotent."""
        inner = RecordedLogs()
        first = configure_logging(LoggingSettings(), recorded)
        second = configure_logging(LoggingSettings(), inner)
        first.undo()
        first.undo()
        structlog.get_logger("m").info("x")
        second.undo()
        second.undo()
        assert (recorded.bodies, inner.bodies) == ([], ["x"])
        assert not structlog.is_configured()
        assert root.handlers == []

    def test_a_refused_one_changes_nothing(self, recorded, root, capsys):
        """The former set-up stays in force when the new one's settings are wrong."""
        with configured(recorded):
            with pytest.raises(ConfigurationError, match="log_file"):
                configure_logging(LoggingSettings(log_output="file", log_file="/no/such/directory/x.log"), recorded)
            structlog.get_logger("m").info("x")
        assert recorded.bodies == ["x"]


class TestRootLogger:
    """The stdlib's root logger."""

    def test_a_level_that_the_application_has_set_stays(self, recorded, root):
        """We lower the level only of a root logger that nobody has set up."""
        root.setLevel(logging.ERROR)
        with configured(recorded):
            assert root.level == logging.ERROR
            logging.getLogger("lib").warning("quiet")
        assert recorded.bodies == []
        assert root.level == logging.ERROR

    def test_an_application_with_handlers_keeps_level_and_lines(self, recorded, root, capsys):
        """After basicConfig its lines are its own; ours only emits."""
        lines = io.StringIO()
        logging.basicConfig(stream=lines, format="%(levelname)s %(message)s")
        with configured(recorded):
            logging.getLogger("lib").info("quiet")
            logging.getLogger("lib").warning("loud")
        assert root.level == logging.WARNING
        assert lines.getvalue() == "WARNING loud\n"
        assert recorded.bodies == ["loud"]
        assert capsys.readouterr().out == ""

    def test_a_level_set_meanwhile_stays_after_undo(self, recorded, root):
        """Undo restores what we have set, not what somebody has set since."""
        with configured(recorded):
            assert root.level == logging.INFO
            root.setLevel(logging.ERROR)
        assert root.level == logging.ERROR

    def test_silence_is_silence(self, recorded, root, capsys):
        """With log_output "none" nothing is printed by anybody, and everything is emitted."""
        with configured(recorded, log_output="none"):
            structlog.get_logger("a").error("event")
            structlog.get_logger().bind(x=1).error("event")
            logging.getLogger("b").error("record")
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "")
        assert recorded.bodies == ["event", "event", "record"]

    def test_a_queue_handler_gets_records_untouched(self, recorded, root):
        """Applications that print from another thread get the message as it is; it is emitted once, in the thread that logged."""
        import queue

        records = queue.SimpleQueue()
        root.addHandler(logging.handlers.QueueHandler(records))
        root.setLevel(logging.INFO)
        structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.stdlib.LoggerFactory())
        with configured(recorded):
            structlog.get_logger("q").info("x")
        assert records.get().getMessage() == '{"event": "x"}'
        assert recorded.bodies == ["x"]

    def test_the_handler_holds_no_lock(self, recorded, root):
        """A lock would be held while a provider of others exports synchronously, and could stay locked in a forked child."""
        with configured(recorded):
            assert all(handler.lock is None for handler in root.handlers)
            assert any(isinstance(handler, OTelHandler) for handler in root.handlers)
        logging.shutdown([])


class TestSettings:
    """Settings that are refused, and warnings."""

    @pytest.mark.parametrize("level", ["LOUD", "", -5, True])
    def test_an_unknown_level_is_refused(self, recorded, level):
        """By name, with what to write instead."""
        with pytest.raises(ConfigurationError, match=r"log_level=.*use DEBUG"):
            configure_logging(LoggingSettings(log_level=level), recorded)

    @pytest.mark.parametrize("level", ["warn", " Warning ", 30])
    def test_levels_are_read_kindly(self, recorded, root, level):
        """Case and blanks do not matter, numbers are levels."""
        with configured(recorded, log_level=level, log_output="none"):
            assert root.level == logging.WARNING
            logging.getLogger("x").info("quiet")
            structlog.get_logger("x").warning("loud")
        assert recorded.bodies == ["loud"]

    def test_too_many_attributes_warn_once(self, recorded, root):
        """The SDK warns with each record; an application that makes warnings errors would lose those records."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("error")
            with configured(recorded, log_output="none"):
                for number in range(3):
                    structlog.get_logger("x").info(str(number), **{f"k{index}": index for index in range(200)})
        assert recorded.bodies == ["0", "1", "2"]
        assert len([each for each in caught if "dropped due to limits" in str(each.message)]) == 1
        assert guard.faults() == {}


def test_without_a_set_up_get_logger_is_structlogs():
    """Before configuration and after shutdown a logger is still a logger."""
    structlog.configure(processors=[structlog.processors.JSONRenderer()], logger_factory=structlog.ReturnLoggerFactory())
    assert json.loads(get_logger("x", a=1).info("hello")) == {"a": 1, "event": "hello"}
