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

    def usage(
        self,
        reported: object = None,
        /,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> None:
        """Report the tokens of this attempt, as the operation's ``usage`` does for the attempt in progress."""
        self.add(self._run.read_usage(reported, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens))

    def add(self, usage: Usage) -> None:
        """Take tokens of this attempt; a later number replaces an earlier one."""
        self._usage = self._usage.updated(usage)

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
        record_attempt(self._run, self.number, self._start_ns, error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.__exit__(kind, error, traceback)


def record_attempt(run: Reporting, number: int, start_ns: int, error: BaseException | None, *, end_ns: int | None = None) -> None:
    """Leave the event of one attempt on the span of a run; nothing is raised.

    Args:
        run: what it is an attempt of.
        number: counting from 1.
        start_ns: when it began, by the clock of the run.
        error: what ended it; None means that it went well.
        end_ns: when it ended; None means now.
    """
    try:
        end_ns = run.now_ns() if end_ns is None else end_ns
        attributes: dict[str, Any] = {
            semconv.ATTEMPT_NUMBER: number,
            semconv.ATTEMPT_DURATION: (end_ns - start_ns) / 1e9,
            semconv.OUTCOME: outcome_of(error),
        }
        if error is not None:
            attributes[semconv.ERROR_TYPE] = error_type(error)
        run.span.add_event(semconv.EVENT_ATTEMPT, attributes, end_ns)
    except Exception as fault:  # noqa: BLE001 - telemetry must not fail the attempt
        record_fault("attempt", fault)
