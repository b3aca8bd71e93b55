"""Several attempts of one call: retries are seen, timed and counted instead of hiding in a long duration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel import semconv
from langswarm_otel.components.outcome import error_type, outcome_of
from langswarm_otel.guard import record_fault
from langswarm_otel.usage import NO_USAGE, Usage

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from langswarm_otel.components.reporting import Reporting


class Attempt:
    """One attempt: an event on the span, its time apart from the total, its tokens a part of the total."""

    def __init__(self, run: Reporting, number: int) -> None:
        self.number = number
        """Counting from 1."""
        self._run = run
        self._usage = NO_USAGE
        self._start_ns = 0

    def usage(self, reported: object = None, /, **tokens: int | None) -> None:
        """Report the tokens of this attempt; arguments as those of the operation's ``usage``."""
        try:
            self._usage = self._usage.updated(self._run.read_usage(reported, tokens))
        except Exception as error:  # noqa: BLE001 - what the caller hands us must not fail the call
            record_fault("usage", error)

    @property
    def tokens(self) -> Usage:
        """What has been reported for this attempt."""
        return self._usage

    def __enter__(self) -> Self:
        self._start_ns = self._run.now_ns()
        self._run.enter_attempt(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._run.leave_attempt(self)
        try:
            end_ns = self._run.now_ns()
            attributes: dict[str, Any] = {
                semconv.ATTEMPT_NUMBER: self.number,
                semconv.ATTEMPT_DURATION: (end_ns - self._start_ns) / 1e9,
                semconv.OUTCOME: outcome_of(error),
            }
            if error is not None:
                attributes[semconv.ERROR_TYPE] = error_type(error)
            self._run.span.add_event(semconv.EVENT_ATTEMPT, attributes, end_ns)
        except Exception as fault:  # noqa: BLE001 - telemetry must not fail the attempt
            record_fault("attempt", fault)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)
