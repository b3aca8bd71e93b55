"""``langswarm-otel demo``: runs a real program, sends its telemetry over OTLP, and shows what arrived."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import io
import logging
import sys
import warnings
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import guard
from langswarm_otel.cli.terminal import paint
from langswarm_otel.endpoints import mask
from langswarm_otel.errors import ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from langswarm_otel.cli.report import Report
    from langswarm_otel.config import ObservabilityConfig
    from langswarm_otel.observability import Observability
    from langswarm_otel.pipelines.health import Health

_SERVICE: Final = "langswarm-demo"
_DEADLINE_S: Final = 10.0
_CHECK_S: Final = 5.0
_PORTS_OF_COMPOSE: Final = frozenset({4317, 4318, 14317, 14318, 24317, 24318})
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_INSTALL_LANGSWARM: Final = "pip install 'langswarm-otel[langswarm]'"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "demo",
        help="run an observed LangSwarm program and show its traces, metrics and logs",
        description="Runs a LangSwarm program (offline, with a deterministic provider) whose telemetry travels over OTLP, and shows what "
        "arrived. Without --endpoint it arrives at an embedded receiver on loopback, and nothing leaves this machine.",
    )
    parser.add_argument("--endpoint", metavar="URL", help="send it to this Collector instead, like http://localhost:4318")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the story and show it; 1 if not everything arrived."""
    with _quiet():
        return _to_receiver() if arguments.endpoint is None else _to_collector(arguments.endpoint)


def _to_receiver() -> int:
    """Send to a receiver of our own, whatever the environment says about OpenTelemetry."""
    from langswarm_otel import environment, presets  # noqa: PLC0415 - on use
    from langswarm_otel.cli import arrived, held  # noqa: PLC0415 - on use
    from langswarm_otel.receiver import OtlpReceiver  # noqa: PLC0415 - on use

    with OtlpReceiver() as receiver:
        config = presets.production(
            service_name=_SERVICE,
            environment="demo",
            endpoint=receiver.endpoint,
            log_output="none",
            capture_content=True,
            pipeline_metrics=False,
        )
        handle, _ = _observe(environment.resolve(config, {}).config)
        emitted = held.emitted(handle.health())
        report, there = arrived.report_of(receiver), arrived.counts_of(receiver)
    _show(report)
    print(f"emitted  {emitted}")
    print(paint(f"arrived  {there}", "ok" if there == emitted else "FAIL"), f"over OTLP/HTTP at {receiver.endpoint}")
    if there != emitted or not there.spans:
        print("langswarm-otel: something was lost on the way; this is a fault of ours, please report it", file=sys.stderr)
        return 1
    print(
        paint(
            "\nnext: docker compose up -d (or langswarm-otel stack up), then langswarm-otel demo --endpoint http://localhost:4318",
            "-",
        )
    )
    return 0


def _to_collector(endpoint: str) -> int:
    """Send to a Collector, keep a copy to show, and say what the Collector took and where to look."""
    from langswarm_otel import environment, presets  # noqa: PLC0415 - on use
    from langswarm_otel.cli import held  # noqa: PLC0415 - on use
    from langswarm_otel.config import SignalConfig  # noqa: PLC0415 - on use

    copied = SignalConfig(exporters=("otlp", held.MEMORY))
    config = presets.production(
        service_name=_SERVICE,
        environment="demo",
        endpoint=endpoint,
        log_output="none",
        capture_content=True,
        pipeline_metrics=False,
        traces=copied,
        metrics=copied,
        logs=copied,
    )
    resolved = environment.resolve(config).config
    reached, causes = _look_for_collector(resolved)
    if not reached:
        return _nothing_delivered(causes[0])
    handle, statistics = _observe(resolved)
    health = handle.health()
    emitted, delivered = held.emitted(health), held.delivered(health)
    if not delivered.total:
        return _nothing_delivered(
            f"{_last_error(health)}; look at the Collector's log, and at langswarm-otel doctor --endpoint {mask(endpoint)}"
        )
    report = held.report_of(handle, statistics)
    _show(report)
    print(f"emitted    {emitted}")
    print(paint(f"delivered  {delivered}", "ok" if delivered == emitted else "FAIL"), f"to {mask(endpoint)}")
    for cause in causes if delivered == emitted else (*causes, _last_error(health)):
        print(f"           not delivered: {cause}")
    print(_where_to_look(endpoint, report))
    return 0 if delivered == emitted else 1


def _nothing_delivered(cause_and_mend: str) -> int:
    print(f"langswarm-otel: nothing was delivered: {cause_and_mend}", file=sys.stderr)
    return 1


def _last_error(health: Health) -> str:
    return next((row.last_error for row in health.exporters if row.last_error), "it did not answer in time")


def _observe(config: ObservabilityConfig) -> tuple[Observability, Any]:
    """Run the story under a configuration; return the handle, shut down, and the statistics before that."""
    import asyncio  # noqa: PLC0415 - on use

    from langswarm_otel import public_prices  # noqa: PLC0415 - on use
    from langswarm_otel.runtime import configure_observability  # noqa: PLC0415 - on use

    name = _story()
    with _progress("running the program"):
        handle = configure_observability(config)
        if handle.config.disabled:
            raise ConfigurationError(
                "OTEL_SDK_DISABLED", "true", "no argument overrides it, and the demo has nothing to show with it; unset it"
            )
        if not public_prices.load():
            print("the cost of calls needs genai-prices: pip install 'langswarm-otel[pricing]'\n")
        story = importlib.import_module(f"langswarm_otel.cli.{name}")
        with contextlib.redirect_stdout(io.StringIO()):  # the program's own output is not what this is about
            asyncio.run(story.run_story())
    with _progress("sending"):
        statistics = handle.statistics()
        handle.shutdown(_DEADLINE_S)
    return handle, statistics


def _story() -> str:
    """Say what is run and return its module: LangSwarm itself, or the same story on our own operations where it is not installed."""
    if importlib.util.find_spec("langswarm") is None:
        print(f"langswarm is not installed: this is the same story on our own operations; for the real one, {_INSTALL_LANGSWARM}\n")
        return "story_plain"
    version = importlib.metadata.version("langswarm")
    print(f"A LangSwarm {version} program without a line of OpenTelemetry in it, as it arrived over OTLP.\n")
    return "story_langswarm"


def _look_for_collector(config: ObservabilityConfig) -> tuple[bool, list[str]]:
    """Return whether any signal would be taken, and cause and mend of what would not; as the doctor does, before anything is run."""
    from langswarm_otel.cli.doctor import examine  # noqa: PLC0415 - on use
    from langswarm_otel.config import SIGNALS  # noqa: PLC0415 - on use

    with _progress("looking for the Collector"):
        findings = list(examine({signal: config.otlp(signal) for signal in SIGNALS}, _CHECK_S))
    return any(finding.ok for finding in findings if finding.check in SIGNALS), [str(finding) for finding in findings if not finding.ok]


def _show(report: Report) -> None:
    """Print the report as well as the terminal can."""
    try:
        from langswarm_otel.cli import rendering  # noqa: PLC0415 - on use
    except ModuleNotFoundError:
        from langswarm_otel.cli.plain import plain_text  # noqa: PLC0415 - on use

        print(f"{plain_text(report)}\n(for colours and a timeline: pip install 'langswarm-otel[cli]')\n")
        return
    rendering.show(report)


def _where_to_look(endpoint: str, report: Report) -> str:
    """Return where the telemetry can be seen now."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - on use

    trace_id = min(report.nodes, key=lambda node: node.start_ns).trace_id if report.nodes else ""
    pages = _local_pages(urlsplit(endpoint).port, trace_id) if urlsplit(endpoint).hostname in _LOCAL else None
    if pages is None:
        return f"look       in the back ends of that Collector, for service {_SERVICE} and trace {trace_id}"
    traces, metrics, logs = pages
    return f"look       traces   {traces}\n           metrics  {metrics}\n           logs     {logs}"


def _local_pages(port: int | None, trace_id: str) -> tuple[str, str, str] | None:
    """Return where traces, metrics and log lines are: in the stack of processes that listens there, or else in docker-compose.yml's.

    None for a port of neither.
    """
    from langswarm_otel.stack import StackError, places, running  # noqa: PLC0415 - on use

    try:
        stack = running.read(places.cache() / "run")
    except StackError:
        stack = None
    if stack is None or port not in {stack.ports.otlp_http, stack.ports.otlp_grpc}:
        if port not in _PORTS_OF_COMPOSE:
            return None
        traces, metrics = (
            f"http://localhost:16686/trace/{trace_id} (Jaeger)",
            "http://localhost:9090 (Prometheus), http://localhost:3000 (Grafana)",
        )
        return traces, metrics, "docker compose logs collector"
    jaeger, prometheus, logs = (f"http://localhost:{one}" for one in (stack.ports.jaeger, stack.ports.prometheus, stack.ports.logs))
    query = f"trace_id%3A%3D%22{trace_id}%22"
    return (
        f"{jaeger}/api/traces/{trace_id} (Jaeger)",
        f"{prometheus}/api/v1/query?query=gen_ai_invoke_agent_duration_seconds_count (Prometheus)",
        f"{logs}/select/logsql/query?query={query} (VictoriaLogs)",
    )


@contextlib.contextmanager
def _progress(doing: str) -> Iterator[None]:
    """Show a spinner on a terminal while something is done; on stderr, because the program's standard output is set aside."""
    with contextlib.ExitStack() as stack:
        if sys.stderr.isatty():
            with contextlib.suppress(ModuleNotFoundError):
                from rich.console import Console  # noqa: PLC0415 - on use

                stack.enter_context(Console(stderr=True).status(f"{doing} ..."))
        yield


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings out of the terminal: this command says itself what went wrong."""
    level = guard.logger.level
    guard.logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        guard.logger.setLevel(level)
