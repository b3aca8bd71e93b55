"""Calls with no span of their own: one try of a call that LangSwarm repeats, and what is only a part of the call around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import attach, get_current

from langswarm_otel.components.attempts import record_attempt
from langswarm_otel.context import with_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.components.run import Run


class Within:
    """What a call runs in that is part of another: the context around it, with entries of its own."""

    __slots__ = ("_inside", "_outside")

    def __init__(self, entries: Mapping[str, object]) -> None:
        """Begin nothing yet.

        Args:
            entries: entries of the context that are different inside.
        """
        self._outside = get_current()
        self._inside = with_values(self._outside, entries)

    def enter(self) -> None:
        """Make the context inside current."""
        attach(self._inside)

    def leave(self) -> None:
        """Make the context outside current again, if the one inside still is."""
        if get_current() is self._inside:
            attach(self._outside)

    def finish(self, error: BaseException | None = None) -> None:
        """End it; nothing is recorded."""


class Tries:
    """The tries of one run. A single one that goes well leaves no trace: hardly any call is ever repeated."""

    __slots__ = ("_first", "_run", "number")

    def __init__(self, run: Run) -> None:
        """Count from now on.

        Args:
            run: what is tried.
        """
        self._run = run
        self._first: tuple[int, int] | None = None
        self.number = 0
        """How many have begun."""

    @property
    def over(self) -> bool:
        """Whether the run has ended; what it has left behind in a task of its own is no try."""
        return self._run.finished

    def begin(self) -> int:
        """Count a try; returns when it began."""
        self.number += 1
        if self.number > 1:
            self._tell_first()
            self._run.attempted(self.number)
        return self._run.now_ns()

    def end(self, number: int, start_ns: int, error: BaseException | None) -> None:
        """Note how a try went.

        Args:
            number: which one, counting from 1.
            start_ns: what ``begin`` returned.
            error: what ended it; None means that it went well.
        """
        if self.number == 1 and error is None:
            self._first = start_ns, self._run.now_ns()
            return
        self._run.attempted(number)
        record_attempt(self._run, number, start_ns, error)

    def _tell_first(self) -> None:
        first, self._first = self._first, None
        if first is not None:
            record_attempt(self._run, 1, first[0], None, end_ns=first[1])


class InTry(Within):
    """One try: an attempt of the run around it."""

    __slots__ = ("_number", "_start_ns", "_tries")

    def __init__(self, tries: Tries, entries: Mapping[str, object]) -> None:
        """Begin nothing yet.

        Args:
            tries: those of the run.
            entries: entries of the context that are different inside.
        """
        super().__init__(entries)
        self._tries = tries
        self._number = self._start_ns = 0

    def enter(self) -> None:
        """Begin the try."""
        self._start_ns = self._tries.begin()
        self._number = self._tries.number
        super().enter()

    def finish(self, error: BaseException | None = None) -> None:
        """End the try."""
        self._tries.end(self._number, self._start_ns, error)
