"""What is said when a target fails: one line by us, nothing by the libraries below.

With a dead Collector the official exporters log each retry at WARNING and each lost batch at ERROR, with tracebacks. A filter on each
logger of theirs keeps that quiet, for records made in a worker thread of ours only: exporters that somebody else has set up keep
talking. Filters are not inherited by child loggers, so each logger is named. What is kept quiet is not lost: it is the cause that
``health()`` shows when an exporter answers with a bare failure.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from langswarm_otel.export.causes import shorten
from langswarm_otel.guard import logger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from langswarm_otel.export.accounting import Signal

LOGGERS: Final = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http._common",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.metric_exporter",
    "opentelemetry.exporter.otlp.proto.grpc._log_exporter",
    "opentelemetry.exporter.otlp.proto.common._internal",
    "opentelemetry.exporter.otlp.proto.common._internal.trace_encoder",
    "opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder",
    "opentelemetry.exporter.otlp.proto.common._internal._log_encoder",
    "opentelemetry.exporter.otlp.common.http",
    "urllib3.connectionpool",
    "urllib3.connection",
    "urllib3.util.retry",
    "grpc._channel",
    "grpc._plugin_wrapping",
)
"""Loggers that speak while the official exporters work."""

_HEADER_LOGGER: Final = "opentelemetry.util.re"

QUIET_S: Final = 60.0
"""A target that fails again within this time, in seconds, is not reported anew."""

_HEARD: Final = 4


class _Here(threading.local):
    """What is known about the present thread."""

    def __init__(self) -> None:
        self.exporting = False
        self.heard: list[str] = []


here: Final = _Here()
"""``exporting`` is True in worker threads of any hub: what they make must not enter the pipelines again, or it would go round for ever."""


class _Quiet(logging.Filter):
    """Lets pass what other threads say; keeps what a worker's libraries say for the worker."""

    def filter(self, record: logging.LogRecord) -> bool:
        if not here.exporting:
            return True
        if record.levelno >= logging.WARNING and len(here.heard) < _HEARD:
            try:
                here.heard.append(shorten(record.getMessage()))
            except Exception:  # noqa: BLE001 - a message that cannot be formatted says nothing
                here.heard.append(shorten(str(record.msg)))
        return False


_filter: Final = _Quiet()
_lock = threading.Lock()
_users: dict[str, int] = {}


def quieten(names: Iterable[str]) -> None:
    """Keep these loggers quiet in worker threads, until ``restore`` has been called as often."""
    with _lock:
        for name in names:
            _users[name] = _users.get(name, 0) + 1
            if _users[name] == 1:
                # Before the SDK's filter of repetitions, which would keep from us what we want to hear.
                logging.getLogger(name).filters.insert(0, _filter)


def restore(names: Iterable[str]) -> None:
    """Undo one ``quieten`` of these loggers."""
    with _lock:
        for name in names:
            left = _users.pop(name, 0) - 1
            if left > 0:
                _users[name] = left
            else:
                logging.getLogger(name).removeFilter(_filter)


@contextlib.contextmanager
def headers_unspoken() -> Iterator[None]:
    """Keep OpenTelemetry's parser of headers quiet in this thread: it logs those that it does not like with their values.

    The official exporters parse ``OTEL_EXPORTER_OTLP_HEADERS`` in their constructors, whatever headers they are given.
    """
    mine = threading.get_ident()

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != mine

    parser = logging.getLogger(_HEADER_LOGGER)
    parser.addFilter(is_of_others)
    try:
        yield
    finally:
        parser.removeFilter(is_of_others)


def after_fork_in_child() -> None:
    """Renew the lock; filters and their number of users stay, since the hubs do."""
    global _lock  # noqa: PLW0603 - a lock taken by another thread at fork would stay taken
    _lock = threading.Lock()


def logger_names(exporters: Iterable[object]) -> tuple[str, ...]:
    """Return the loggers to quieten for these exporters: the known ones, and those of OpenTelemetry modules that define their classes."""
    modules = {base.__module__ for exporter in exporters for base in type(exporter).__mro__ if base.__module__.startswith("opentelemetry.")}
    return tuple(sorted(modules.union(LOGGERS)))


def forget_overheard() -> None:
    """Start listening anew in this thread."""
    here.heard.clear()


def overheard() -> tuple[str, ...]:
    """Return the first warnings and errors that libraries logged in this thread since ``forget_overheard``."""
    return tuple(here.heard)


class Voice:
    """Speaks for one target: one WARNING when it begins to fail, one INFO when it works again, nothing in between."""

    def __init__(self, target: str) -> None:
        self._target: Final = target
        self._lock: Final = threading.Lock()
        self._failing: set[Signal] = set()
        self._off: set[Signal] = set()
        self._failing_since = 0.0
        self._spoke_at = float("-inf")
        self._spoke = False

    def failed(self, signal: Signal, cause: str | None) -> None:
        """Report that a signal does not get through."""
        now = time.monotonic()
        with self._lock:
            begins = not self._failing
            self._failing.add(signal)
            if not begins:
                return
            self._failing_since = now
            self._spoke = now - self._spoke_at >= QUIET_S
            if not self._spoke:
                return
            self._spoke_at = now
        logger.warning("telemetry does not reach %s (%s); %s", self._target, cause or "no answer", self._next_step())

    def turned_off(self, signal: Signal, cause: str | None, off_s: float) -> None:
        """Report, once, that the target has no place for a signal."""
        with self._lock:
            if signal in self._off:
                return
            self._off.add(signal)
        logger.warning(
            "telemetry: %s has no place for %s (%s); they are left out, and it is asked again after half a minute to %.0f minutes. "
            "Give it a pipeline for %s, or set %s=SignalConfig(exporters=())",
            *(self._target, signal, cause or "not found", off_s / 60, signal, signal),
        )

    def succeeded(self, signal: Signal) -> None:
        """Report that a signal gets through."""
        with self._lock:
            self._off.discard(signal)
            if signal not in self._failing:
                return
            self._failing.discard(signal)
            if self._failing or not self._spoke:
                return
            self._spoke = False
            failed_s = time.monotonic() - self._failing_since
        logger.info("telemetry reaches %s again after %.0f s", self._target, failed_s)

    def _next_step(self) -> str:
        kept = "the application is not affected, what is lost is counted in health()"
        if "://" in self._target:
            return f"{kept}. To find out why: langswarm-otel doctor --endpoint {self._target}"
        return kept
