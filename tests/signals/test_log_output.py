"""The bytes of lines: on the console of real processes, in files, with values that nobody can write down."""

from __future__ import annotations

import copy
import io
import json
import pickle
import stat
import threading
from pathlib import Path

import pytest
import scripts
import structlog
from log_records import RecordedLogs

from langswarm_otel import guard
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.signals import log_rendering
from langswarm_otel.signals.log_output import LineLogger, LineOutput, open_log_file
from langswarm_otel.signals.log_rendering import PrettyRenderer, render_json
from langswarm_otel.signals.log_setup import LoggingSettings, configure_logging


class Hostile:
    """A value that raises wherever it can."""

    def __str__(self):
        raise RuntimeError("no")

    __repr__ = __str__


def odd_event():
    cycle = []
    cycle.append(cycle)
    deep = 0
    for _ in range(2000):
        deep = [deep]
    return {
        "surrogate\ud800": "\udfff",
        "big": 2**80,
        "cycle": cycle,
        "deep": deep,
        "nan": float("nan"),
        "bytes": b"\xff",
        "set": {2, 1},
        "hostile": Hostile(),
        3: "three",
        (1, 2): "pair",
        "object": object(),
        "event": "odd",
    }


@pytest.fixture(params=["orjson", "json"])
def library(request, monkeypatch):
    if request.param == "json":
        monkeypatch.setattr(log_rendering, "orjson", None)
    elif log_rendering.orjson is None:
        pytest.skip("orjson is not installed")
    return request.param


class TestJson:
    """``render_json``."""

    def test_keys_keep_their_order_and_lines_are_lines(self, library):
        """One line, whatever stands in it, with non-ASCII characters as they are."""
        event = {"b": "line\nbreak", "a": 1, "text": "grün", "none": None, "nested": {"x": [1, 2.5, True]}, "event": "e"}
        line = render_json(None, "info", dict(event))
        assert "\n" not in line
        assert "grün" in line
        assert json.loads(line) == event
        assert list(json.loads(line)) == list(event)
        assert line == json.dumps(event, separators=(",", ":"), ensure_ascii=False)

    def test_values_of_any_kind_are_written(self, library):
        """Sets, bytes, objects and times have a form, also inside lists."""
        import datetime as dt

        line = render_json(
            None, "info", {"set": [{2, 1}], "when": dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc), "error": ValueError("v")}
        )
        assert json.loads(line) == {"set": [[1, 2]], "when": "2026-01-02T00:00:00+00:00", "error": "v"}

    def test_nothing_makes_it_raise(self, library):
        """Lone surrogates, huge integers, cycles, depth, NaN and hostile objects end as valid JSON in UTF-8."""
        line = render_json(None, "info", odd_event())
        found = json.loads(line.encode("utf-8"))
        assert found["event"] == "odd"
        assert found["surrogate\ufffd"] == "\ufffd"
        assert found["cycle"] == ["<cyclic>"]
        assert found["3"] == "three"
        assert "Hostile" in found["hostile"]


class TestPretty:
    """``PrettyRenderer``."""

    def test_keys_keep_their_order(self):
        """Structlog's own default sorts them."""
        line = PrettyRenderer(colours=False)(None, "info", {"event": "e", "zebra": 1, "apple": 2})
        assert line.index("zebra") < line.index("apple")

    def test_tracebacks_show_no_locals(self):
        """What stands in local variables is nobody's business on a console."""
        secret = "hunter2"
        try:
            raise ValueError("broken" + secret[:0])
        except ValueError as error:
            line = PrettyRenderer(colours=False)(None, "error", {"event": "e", "exc_info": error})
        assert "ValueError: broken" in line
        assert "hunter2" not in line.replace('secret = "hunter2"', "")

    def test_nothing_makes_it_raise(self):
        """A value that refuses to be shown costs the look of the line, not the line."""
        assert "odd" in PrettyRenderer(colours=False)(None, "info", odd_event())


class TestConsole:
    """Real processes."""

    PROGRAM = """
        import logging, structlog
        from langswarm_otel.signals.log_setup import LoggingSettings, configure_logging
        configure_logging(LoggingSettings(log_format={form!r}), lambda: None)
        structlog.get_logger("shop").info("sold gr\\u00fcn", bad="\\ud800", count=3)
        logging.getLogger("lib").warning("lost %s \\ud800", 2)
        {more}
    """

    def test_json_is_on_stdout_and_nothing_on_stderr(self):
        """A twelve-factor process: one object a line on standard output."""
        ended = scripts.run(self.PROGRAM.format(form="json", more=""))
        lines = [json.loads(line) for line in ended.stdout.splitlines()]
        assert [line["event"] for line in lines] == ["sold grün", "lost 2 \ufffd"]
        assert ended.stderr == ""

    def test_pretty_is_on_stderr_and_nothing_on_stdout(self):
        """Standard output belongs to the program's results."""
        ended = scripts.run(self.PROGRAM.format(form="console", more=""))
        assert ended.stdout == ""
        assert len(ended.warnings) == 2

    def test_an_ascii_terminal_gets_escapes(self):
        """What the stream's encoding lacks is escaped, in both forms; nothing raises."""
        for form in ("json", "console"):
            ended = scripts.run(self.PROGRAM.format(form=form, more=""), PYTHONIOENCODING="ascii", PYTHONUTF8="0")
            assert ended.returncode == 0
            assert "sold gr\\xfcn" in ended.stdout + ended.stderr

    def test_a_closed_pipe_does_not_reach_the_caller(self):
        """When the reader has gone, lines are lost and the program goes on."""
        more = """
        import os, sys
        os.close(1)
        structlog.get_logger("shop").info("into the void")
        logging.getLogger("lib").warning("into the void")
        print("still here", file=sys.stderr)
        os._exit(0)
        """
        ended = scripts.run(self.PROGRAM.format(form="json", more=more.strip()))
        assert "still here" in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_a_process_without_a_console_logs_on(self):
        """``sys.stdout`` may be None."""
        ended = scripts.run(self.PROGRAM.format(form="json", more="import sys; sys.stdout = None; structlog.get_logger().info('x')"))
        assert ended.returncode == 0
        assert ended.stderr == ""

    def test_lines_are_there_at_once(self):
        """Nothing waits in a buffer for the end of the process, not even into a pipe."""
        program = self.PROGRAM.format(form="json", more="import os; os._exit(0)")
        assert scripts.run(program, PYTHONUNBUFFERED="").stdout.count("\n") == 2

    def test_lines_of_forked_children_do_not_mix(self, tmp_path):
        """A file is shared by a process and its children, line by line, though a thread was logging when it forked."""
        path = tmp_path / "app.log"
        ended = scripts.run(
            f"""
            import os, threading, structlog
            from langswarm_otel.signals.log_setup import LoggingSettings, configure_logging
            configure_logging(LoggingSettings(log_output="file", log_file={str(path)!r}), lambda: None)
            log = structlog.get_logger()
            stop = threading.Event()
            def chatter():
                while not stop.is_set(): log.info("t" * 500)
            thread = threading.Thread(target=chatter); thread.start()
            children = []
            for number in range(4):
                child = os.fork()
                if not child:
                    for _ in range(50): log.info("c" * 500, child=number)
                    os._exit(0)
                children.append(child)
            for child in children: os.waitpid(child, 0)
            stop.set(); thread.join()
            """,
            PYTHONWARNINGS="ignore",
        )
        assert ended.returncode == 0, ended.stderr
        events = [json.loads(line) for line in path.read_text().splitlines()]
        assert [sum(event.get("child") == number for event in events) for number in range(4)] == [50] * 4


class TestFile:
    """Log files."""

    def test_a_new_file_is_its_owners_and_an_old_one_is_appended_to(self, tmp_path, root):
        """Lines may hold what users said: 0600; the mode and content of an existing file stay."""
        path, old = tmp_path / "new.log", tmp_path / "old.log"
        old.write_text("before\n")
        old.chmod(0o644)
        for target in (path, old):
            setup = configure_logging(LoggingSettings(log_output="file", log_file=str(target)), RecordedLogs())
            structlog.get_logger().info("x")
            setup.undo()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(old.stat().st_mode) == 0o644
        first, second = old.read_text().splitlines()
        assert first == "before"
        assert json.loads(second)["event"] == "x"

    def test_both_means_both_and_colours_stay_on_the_terminal(self, tmp_path, root, monkeypatch):
        """The file gets the same lines without escape sequences."""

        class Terminal(io.StringIO):
            def isatty(self):
                return True

        terminal = Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        path = tmp_path / "app.log"
        setup = configure_logging(LoggingSettings(log_format="console", log_output="both", log_file=str(path)), RecordedLogs())
        structlog.get_logger().info("sold")
        setup.undo()
        assert "\x1b[" in terminal.getvalue()
        assert "sold" in path.read_text()
        assert "\x1b" not in path.read_text()

    @pytest.mark.parametrize("path", [None, "", "{tmp}/no/app.log", "{tmp}"])
    def test_a_file_that_cannot_be_is_refused(self, tmp_path, path):
        """No name, no directory, a directory: named with the mend."""
        with pytest.raises(ConfigurationError) as raised:
            open_log_file(path and path.format(tmp=tmp_path))
        assert raised.value.field == "log_file"
        assert raised.value.mend

    def test_a_directory_is_not_made(self, tmp_path):
        """A mistyped path must not become a directory tree."""
        with pytest.raises(ConfigurationError, match="create the directory"):
            open_log_file(tmp_path / "no" / "app.log")
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_does_not_reach_the_caller(self):
        """The line is lost, the fault counted."""
        if not Path("/dev/full").exists():
            pytest.skip("no /dev/full here")
        output = LineOutput(None, open_log_file("/dev/full"))
        output.write("x")
        output.close()
        assert guard.faults() == {"LineOutput.write": 1}

    def test_threads_do_not_mix_lines(self, tmp_path):
        """Without a lock: each line is one write."""
        path = tmp_path / "app.log"
        output = LineOutput(None, open_log_file(path))
        threads = [threading.Thread(target=lambda name=name: [output.write(name * 3000) for _ in range(100)]) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        output.close()
        lines = path.read_text().splitlines()
        assert len(lines) == 400
        assert all(len(line) == 3000 and len(set(line)) == 1 for line in lines)


class TestBytes:
    """Lines that are bytes already."""

    @pytest.mark.parametrize("line", ["grün", "grün\n", "grün".encode(), "grün\n".encode()])
    def test_text_and_bytes_are_one_line_each(self, tmp_path, capsys, line):
        """On the console and in the file, with or without an end of the line."""
        path = tmp_path / "app.log"
        output = LineOutput("stdout", open_log_file(path))
        LineLogger(output).info(line)
        LineLogger(output).warning(line)
        output.close()
        assert path.read_bytes() == "grün\n".encode() * 2
        assert capsys.readouterr().out == "grün\n" * 2

    def test_a_write_that_stops_half_way_goes_on(self):
        """As on a disk that is nearly full, or a pipe."""

        class Slow(io.RawIOBase):
            def __init__(self):
                self.written = b""

            def write(self, line):
                self.written += line[:3]
                return len(line[:3])

        file = Slow()
        LineOutput(None, file).write(b'{"event":"x"}\n')
        LineOutput(None, file).write("text")
        assert file.written == b'{"event":"x"}\ntext\n'

    def test_bytes_of_a_chain_of_the_applications_own_are_lines(self, tmp_path, root):
        """Our loggers stay where an application gives structlog other processors later, orjson's bytes among them."""
        path = tmp_path / "app.log"
        setup = configure_logging(LoggingSettings(log_output="file", log_file=str(path)), RecordedLogs())
        structlog.configure(processors=[structlog.processors.JSONRenderer(serializer=lambda value, **_: json.dumps(value).encode())])
        structlog.get_logger("shop").info("x")
        setup.undo()
        assert path.read_bytes() == b'{"event": "x"}\n'


def test_a_line_logger_can_be_copied_and_sent(capsys):
    """Bound loggers are copied and pickled with the objects that hold them."""
    logger = LineLogger(LineOutput("stdout"), "shop")
    assert copy.deepcopy(logger) is logger
    sent = pickle.loads(pickle.dumps(logger))  # noqa: S301 - our own
    sent.info("x")
    assert sent.name == "shop"
    assert capsys.readouterr().out == "x\n"
