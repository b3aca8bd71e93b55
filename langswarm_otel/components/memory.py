"""Operations on a memory: search, create, update and the rest of the standard seven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import semconv
from langswarm_otel.components.counting import counted
from langswarm_otel.components.naming import named
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.signals.subjects import Subject
    from langswarm_otel.signals.telemetry import Telemetry

_SHORT: Final = {
    "search": "search_memory",
    "create": "create_memory",
    "update": "update_memory",
    "upsert": "upsert_memory",
    "delete": "delete_memory",
}
"""What may be written for short."""

SEARCH: Final = "search_memory"
"""The one operation that looks something up."""


class MemoryOperation(Operation["MemoryRun"]):
    """Describes operations of one kind on one store."""

    def __init__(self, resolve: Callable[[], Telemetry], operation: str, *, store: str) -> None:
        """Describe the operation.

        Args:
            resolve: returns the telemetry to use, at the beginning of each run.
            operation: one of the standard seven, such as ``search_memory``, or ``search``, ``create``, ``update``, ``upsert``, ``delete``.
            store: name of the store, of which there are few.
        """
        super().__init__(resolve)
        name = named(operation)
        self.operation = _SHORT.get(name, name)
        self.store = named(store)

    def make(self, telemetry: Telemetry) -> MemoryRun:
        """Return a run that has not begun."""
        return MemoryRun(telemetry, self)


class MemoryRun(Run):
    """One operation on a memory."""

    is_root = False
    duration = semconv.CLIENT_OPERATION_DURATION
    input_key = semconv.MEMORY_QUERY_TEXT
    output_key = semconv.MEMORY_RECORDS

    _described: MemoryOperation

    def __init__(self, telemetry: Telemetry, described: MemoryOperation) -> None:
        super().__init__(telemetry, described)
        self.operation_name = described.operation
        self._result: str | None = None
        self._records: int | None = None

    def hit(self, records: int | None = None) -> None:
        """Say that the look-up found something.

        Args:
            records: how many records.
        """
        self._result = "hit"
        self.records(records)

    def miss(self) -> None:
        """Say that the look-up found nothing."""
        self._result = "miss"
        self.records(0)

    def records(self, number: int | None) -> None:
        """Say how many records were found, written or deleted; a search that says nothing else was a hit if there are any."""
        self._records = self._records if number is None else counted(number, "records")

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the span's name and first attributes."""
        described = self._described
        attributes: dict[str, Any] = {semconv.OPERATION_NAME: described.operation, semconv.MEMORY_STORE_ID: described.store}
        if self.scope.agent_name is not None:
            attributes[semconv.AGENT_NAME] = self.scope.agent_name
        return described.operation, attributes

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return semconv.MEMORY_STORE_ID, self._described.operation, self._described.store, self.scope.agent_name

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the metrics; each takes those that it knows."""
        fold, described = self.telemetry.instruments.fold, self._described
        labels = {
            semconv.OPERATION_NAME: fold(semconv.OPERATION_NAME, described.operation),
            semconv.MEMORY_STORE_ID: fold(semconv.MEMORY_STORE_ID, described.store),
        }
        if self.scope.agent_name is not None:
            labels[semconv.AGENT_NAME] = fold(semconv.AGENT_NAME, self.scope.agent_name)
        return labels

    def measure(self, subject: Subject, attributes: dict[str, Any]) -> None:
        """Record duration, result and number of records."""
        super().measure(subject, attributes)
        result = self._outcome_of_lookup()
        if result is not None:
            attributes[semconv.MEMORY_RESULT] = result
            subject.record(semconv.MEMORY_LOOKUPS, 1, self.context, ((semconv.MEMORY_RESULT, result),))
        if self._records is not None:
            attributes[semconv.MEMORY_RECORD_COUNT] = self._records
            subject.record(semconv.MEMORY_RECORDS_FOUND, self._records, self.context)

    def _outcome_of_lookup(self) -> str | None:
        """Return hit, miss or error; None for an operation that looks nothing up, or that did not say."""
        is_lookup = self._result is not None or self._described.operation == SEARCH
        if is_lookup and self._outcome == semconv.ERROR:
            return "error"
        if self._result is None and is_lookup and self._records is not None:
            return "hit" if self._records else "miss"
        return self._result
