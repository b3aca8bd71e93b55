"""What a log processor of ours offers to its hub, kept in a list, and compared by what the official encoder makes of it."""

from __future__ import annotations

from typing import Any

from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord


class Offered:
    """The side of a hub that log processors know."""

    def __init__(self) -> None:
        self.records: list[ReadableLogRecord] = []

    def offer_log(self, record: ReadableLogRecord) -> None:
        self.records.append(record)

    def flush(self, timeout_s: float) -> bool:
        return True

    def take(self) -> list[ReadableLogRecord]:
        """Return what was offered since the last time."""
        taken, self.records = self.records, []
        return taken


class Onlooker(LogRecordProcessor):
    """A processor of somebody else; where one looks on, every record goes the SDK's way."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        self.seen.append(log_record.log_record.body)

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return True


def encoded(records: list[ReadableLogRecord], *, observed: bool = True) -> Any:
    """Return the official encoder's message; without the time of observation, where that is the clock's.

    What it refuses, a lone surrogate in a name for one, is its refusal.
    """
    try:
        request = encode_logs(records)
    except Exception as error:  # compared like a message
        return type(error)
    for resource_logs in request.resource_logs:
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                if not observed:
                    assert record.observed_time_unix_nano
                    record.observed_time_unix_nano = 0
    return request
