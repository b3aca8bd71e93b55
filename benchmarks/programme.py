"""What is measured: the rows of issue 3 with its targets, the curves, and the promises of the concept."""

from __future__ import annotations

from benchmarks.rows import Curve, Endpoint, Figure, Promise, Row

LOST = Figure(key="lost", title="lost", unit="%", target=0.0, absolute=True)

CALLER_ROWS: tuple[Row, ...] = (
    Row(
        key="import",
        title="import + configure",
        work="importing",
        quick=True,
        rounds=4,
        peer_rounds=2,
        best_of=3,
        figures=(
            Figure(key="process_ms", title="process CPU", unit="ms", target=0.8, stretch=0.5),
            Figure(key="rss_mb", title="memory added", unit="MB", target=0.9, stretch=0.7),
            Figure(key="modules", title="modules", unit=""),
        ),
    ),
    Row(
        key="span",
        title="20 000 spans, 8 attributes",
        work="spans",
        settings={"size": 20_000},
        quick=True,
        rounds=4,
        peer_rounds=2,
        best_of=3,
        figures=(
            Figure(key="thread_us", title="calling thread", unit="us", target=0.9, stretch=0.5),
            Figure(key="process_us", title="process", unit="us", target=0.65, stretch=0.4),
            LOST,
        ),
    ),
    Row(
        key="unsampled",
        title="unsampled span",
        work="unsampled",
        settings={"size": 30_000},
        quick=True,
        rounds=4,
        peer_rounds=2,
        best_of=3,
        figures=(Figure(key="thread_us", title="calling thread", unit="us", target=1.0, stretch=0.6),),
    ),
    Row(
        key="metrics",
        title="counter + histogram, 3 attributes",
        work="measuring",
        settings={"size": 30_000},
        quick=True,
        rounds=4,
        peer_rounds=2,
        best_of=3,
        figures=(Figure(key="thread_us", title="calling thread", unit="us", target=0.6, stretch=0.3), LOST),
    ),
    Row(
        key="line",
        title="structlog line, file + OTLP",
        work="lines",
        settings={"size": 10_000},
        quick=True,
        rounds=4,
        peer_rounds=2,
        best_of=3,
        figures=(
            Figure(key="thread_us", title="calling thread", unit="us"),
            Figure(key="process_us", title="process", unit="us", target=0.6, stretch=0.4),
            LOST,
        ),
    ),
    Row(
        key="agent",
        title="agent execution, all signals",
        work="executions",
        settings={"size": 3_000},
        quick=True,
        rounds=4,
        peer_rounds=2,
        best_of=3,
        figures=(
            Figure(key="thread_us", title="calling thread", unit="us", target=0.8, stretch=0.4),
            Figure(key="process_us", title="process", unit="us", target=0.7, stretch=0.45),
            LOST,
        ),
    ),
)

LOAD_ROWS: tuple[Row, ...] = (
    Row(
        key="steady",
        title="200 executions/s",
        work="steady",
        settings={"function": "execution", "rate": 200, "seconds": 6},
        rounds=3,
        peer_rounds=2,
        figures=(
            Figure(key="cpu_points", title="CPU points above the plain program", unit="points", target=0.7, stretch=0.4, above_plain=True),
        ),
    ),
    Row(
        key="burst",
        title="burst of 100 000 spans",
        work="spans",
        settings={"size": 100_000},
        rounds=3,
        peer_rounds=1,
        figures=(LOST, Figure(key="thread_us", title="calling thread", unit="us")),
    ),
    Row(
        key="threads",
        title="8 threads, 5 000 spans each",
        work="threads",
        settings={"threads": 8, "size": 5_000},
        rounds=3,
        peer_rounds=1,
        figures=(LOST, Figure(key="process_us", title="process", unit="us")),
    ),
    Row(
        key="tasks",
        title="1 000 asyncio tasks, 20 spans each",
        work="tasks",
        settings={"tasks": 1_000, "size": 20},
        rounds=3,
        peer_rounds=1,
        figures=(LOST, Figure(key="process_us", title="process", unit="us")),
    ),
    Row(
        key="memory",
        title="memory over 24 h of 200 executions/s",
        work="growing",
        settings={"size": 5_000},
        rounds=1,
        peer_rounds=1,
        variables={"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
        figures=(Figure(key="day_mb", title="projected growth", unit="MB", absolute=True),),
    ),
)


def _exit_row(endpoint: Endpoint, size: int) -> Row:
    figures = [Figure(key="exit_s", title="time", unit="s", absolute=True)]
    if endpoint != "healthy" and size:
        figures.append(Figure(key="stderr_lines", title="lines on stderr", unit="", absolute=True))
    what = f"{size:,} spans".replace(",", " ") if size else "no data"
    return Row(
        key=f"exit-{endpoint}-{size}",
        title=f"exit, Collector {endpoint}, {what}",
        work="exiting",
        settings={"size": size},
        rounds=1,
        peer_rounds=1,
        endpoint=endpoint,
        at_once=endpoint != "healthy",
        figures=tuple(figures),
    )


def _latency_row(endpoint: Endpoint) -> Row:
    return Row(
        key=f"latency-{endpoint}",
        title=f"caller's time for an execution, Collector {endpoint}",
        work="latency",
        settings={"size": 1_000},
        rounds=3,
        peer_rounds=1,
        endpoint=endpoint,
        figures=(Figure(key="p50_us", title="median", unit="us"), Figure(key="p99_us", title="99th percentile", unit="us")),
    )


FAILURE_ROWS: tuple[Row, ...] = (
    *(_exit_row(endpoint, size) for endpoint in ("healthy", "refused", "hanging") for size in (0, 10_000)),
    _latency_row("refused"),
)

ROWS = (*CALLER_ROWS, *LOAD_ROWS, *FAILURE_ROWS)

CURVES: tuple[Curve, ...] = (
    Curve(
        key="spans",
        title="spans",
        work="spans",
        varied="size",
        sizes=(1_000, 4_000, 16_000, 64_000, 250_000, 1_000_000),
    ),
    Curve(
        key="threads",
        title="threads, 3 000 spans each",
        work="threads",
        varied="threads",
        sizes=(1, 2, 4, 8, 16),
        settings={"size": 3_000},
        items=("threads", "size"),
    ),
    Curve(
        key="attributes",
        title="attributes of a span (2 000 spans)",
        work="attributes",
        varied="attributes",
        sizes=(1, 2, 4, 8, 16, 32, 64, 128),
        settings={"size": 2_000},
    ),
    Curve(
        key="series",
        title="series of a metric (20 000 measurements)",
        work="measuring",
        varied="series",
        sizes=(1, 10, 50, 200, 1_000, 2_000),
        settings={"size": 20_000},
    ),
)

PROMISES: tuple[Promise, ...] = (
    Promise(key="logs", title="500 log lines/s", function="line", rate=500),
    Promise(key="spans", title="200 spans/s", function="span", rate=200),
    Promise(key="metrics", title="800 metric points/s", function="measure", rate=400),
    Promise(key="agents", title="50 agent executions/s", function="execution", rate=50),
    Promise(key="memories", title="200 memory operations/s", function="memory", rate=200),
    Promise(key="sessions", title="100 sessions/s and 300 messages/s", function="session", rate=100),
)
CPU_BOUND_PERCENT = 5.0
MEMORY_BOUND_MB = 10.0
