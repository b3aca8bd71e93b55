"""Imports on first use, and forks meanwhile."""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time

import pytest
from scripts import run

from langswarm_otel import late

SLOW_MODULE = """
import time
time.sleep(0.5)
done = True
"""


def test_a_module_is_imported_once_and_then_at_hand():
    """The second time it is the same object, and its names are too."""
    assert late.late("langswarm_otel.version") is late.late("langswarm_otel.version")
    assert late.late_name("langswarm_otel.version", "__version__") == sys.modules["langswarm_otel.version"].__version__


def test_what_is_missing_is_looked_for_again():
    """A failed import is not remembered."""
    for _ in range(2):
        with pytest.raises(ImportError):
            late.late("langswarm_otel.no_such_module")
    late.late.cache_clear()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_waits_for_an_import(tmp_path):
    """A child forked while another thread imports can import the same; the plain import hangs there."""
    (tmp_path / "slow_module.py").write_text(SLOW_MODULE)
    ended = run(
        textwrap.dedent(
            """
            import os, sys, threading, time
            sys.path.insert(0, sys.argv[1])
            from langswarm_otel.late import late
            thread = threading.Thread(target=late, args=("slow_module",))
            thread.start()
            time.sleep(0.2)
            pid = os.fork()
            if not pid:
                os._exit(0 if late("slow_module").done else 1)
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    print("child ended with", status)
                    break
                time.sleep(0.01)
            else:
                os.kill(pid, 9)
            thread.join()
            print("parent has it", late("slow_module").done)
            """
        ),
        str(tmp_path),
    )
    assert "child ended with 0" in ended.stdout, ended.stdout + ended.stderr
    assert "parent has it True" in ended.stdout


def test_a_fork_does_not_wait_for_ever(monkeypatch):
    """An import that hangs costs a fork a bounded time, and the child has a lock of its own."""
    monkeypatch.setattr(late, "FORK_WAIT_S", 0.05)
    entered, free = threading.Event(), threading.Event()

    def hang():
        with late.importing():
            entered.set()
            free.wait(10)

    thread = threading.Thread(target=hang)
    thread.start()
    entered.wait(10)
    begun = time.monotonic()
    late._before_fork()
    assert time.monotonic() - begun < 5
    late._after_fork_in_parent()
    free.set()
    thread.join()
    with late.importing():
        pass
