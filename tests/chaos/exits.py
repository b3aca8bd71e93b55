"""How long a process takes to end: whatever its Collector does, and whatever is left to send."""

from __future__ import annotations

import socket
import tempfile
from contextlib import contextmanager

from otlp_server import OtlpServer
from scripts import DEAD, run

DEADLINE_S = 2.0
KINDS = ("refused", "hanging", "slow", "503", "healthy")

PROGRAM = """
    import sys, time
    from langswarm_otel import configure_observability
    settings = {"endpoint": sys.argv[1], "log_output": "none", "instrument": False, "shutdown_timeout_s": float(sys.argv[3])}
    if sys.argv[4]:
        settings["spool_directory"] = sys.argv[4]
    obs = configure_observability("production", **settings)
    for number in range(int(sys.argv[2])):
        obs.tracer.start_span("one", attributes={"number": number}).end()
    print("end", time.time(), flush=True)
"""


@contextmanager
def endpoint_that(kind: str):
    """Yield an endpoint that does so."""
    if kind == "refused":
        yield DEAD
    elif kind == "hanging":
        with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    else:
        with OtlpServer() as server:
            {"slow": lambda: server.slow(1.5), "503": lambda: server.answer(503), "healthy": server.healthy}[kind]()
            yield server.endpoint


def exit_s(kind: str, spans: int, *, has_spool: bool) -> float:
    """Return the seconds from the last statement of a program to the end of its process."""
    with endpoint_that(kind) as endpoint, tempfile.TemporaryDirectory() as spool:
        ended = run(PROGRAM, endpoint, str(spans), str(DEADLINE_S), spool if has_spool else "")
        assert ended.returncode == 0, ended.stderr
        return ended.exit_s
