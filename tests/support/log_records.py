"""Log records in the plain SDK's memory, and a root logger as a fresh process has it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON


class RecordedLogs:
    """A logger provider that keeps everything in memory and is nobody's global one."""

    def __init__(self):
        self._exporter = InMemoryLogRecordExporter()
        self.provider = LoggerProvider(shutdown_on_exit=False)
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self._exporter))

    def __call__(self):
        """Resolve to the provider, as logging asks at each record."""
        return self.provider

    def readable(self):
        """Return what has been exported, with resource and scope."""
        return list(self._exporter.get_finished_logs())

    @property
    def records(self):
        """The records that have been exported."""
        return [each.log_record for each in self.readable()]

    @property
    def bodies(self):
        """The bodies of all records."""
        return [record.body for record in self.records]

    @property
    def scopes(self):
        """The scope names of all records."""
        return [each.instrumentation_scope.name for each in self.readable()]

    def only(self):
        """Return the one record that there is."""
        (record,) = self.records
        return record


@contextlib.contextmanager
def bare_root() -> Iterator[logging.Logger]:
    """Give the root logger no handler and its default level, as before any set-up; pytest has put handlers of its own there."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
    try:
        yield root
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


def tracer(*, sampled=True):
    """Return a tracer of a provider of its own."""
    return TracerProvider(sampler=ALWAYS_ON if sampled else ALWAYS_OFF, shutdown_on_exit=False).get_tracer("test")


def ids(span):
    """Return trace and span id as log lines write them."""
    context = span.get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"
