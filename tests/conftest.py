"""What holds for every test: no socket leaves loopback, and no test leaves anything behind for the next one."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator

import behaviours
import hypothesis
import langswarm_page
import pytest
import socket_guard
from otlp_server import OtlpServer


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--behaviours", metavar="FILE", help="write the table of behaviours, from the verdicts of this run")
    parser.addoption("--langswarm", metavar="FILE", help="write the table of LangSwarm's modes, from what this run saw")


def pytest_configure(config: pytest.Config) -> None:
    socket_guard.install()
    table = config.getoption("behaviours")
    if table and not hasattr(config, "workerinput"):
        config.pluginmanager.register(behaviours.Table(table))
    page = config.getoption("langswarm")
    if page and not hasattr(config, "workerinput"):
        config.pluginmanager.register(langswarm_page.Page(page))
    # A deadline for each example measures the machine, which other tests share.
    hypothesis.settings.register_profile("shared machine", deadline=None)
    hypothesis.settings.load_profile("shared machine")
    if not config.pluginmanager.has_plugin("langswarm_otel"):  # its entry point, where the package is installed
        config.pluginmanager.import_plugin("langswarm_otel.pytest_plugin")


@pytest.fixture(autouse=True)
def _no_socket_leaves_loopback() -> Iterator[None]:
    socket_guard.violations.clear()
    yield
    outside, socket_guard.violations[:] = list(socket_guard.violations), []
    assert not outside, f"tried to leave loopback: {outside}"


@pytest.fixture(autouse=True)
def _clean_process() -> Iterator[None]:
    """Put back what a test may have left: the handle of the process, overrides, faults, the current context, logging."""
    yield
    from opentelemetry import context

    from langswarm_otel import guard, override

    runtime = sys.modules.get("langswarm_otel.runtime")
    current = sys.modules.get("langswarm_otel.current")
    if runtime is not None and current is not None:
        handle = current.current_handle()
        if handle is not None:
            with contextlib.suppress(Exception):
                handle.shutdown(1.0)
            current.set_current(None)
    override.set_override(None)
    override.set_everywhere(None)
    guard.forget_faults()
    pricing = sys.modules.get("langswarm_otel.pricing")
    if pricing is not None:
        pricing._warned.clear()  # it is bounded, and a test of that bound fills it
    guard.logger.setLevel(logging.NOTSET)
    context.attach(context.Context())
    structlog = sys.modules.get("structlog")
    if structlog is not None:
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> behaviours.Verdict:
    """Where a test of a behaviour says what it saw."""
    return behaviours.Verdict(request.node)


@pytest.fixture
def otlp_server() -> Iterator[OtlpServer]:
    """A healthy OTLP server on loopback that decodes with opentelemetry-proto."""
    with OtlpServer() as server:
        yield server


def pytest_terminal_summary(terminalreporter, exitstatus: int, config: pytest.Config) -> None:
    """Name at the end, and count, every test that could not run here."""
    skipped = {report.nodeid for report in terminalreporter.stats.get("skipped", [])}
    if skipped:
        terminalreporter.section(f"{len(skipped)} tests could not run here")
        for name in sorted(skipped):
            terminalreporter.line(name)
