"""Calls with no span of their own: one try of a call that LangSwarm repeats, and what is only a part of the call around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.context import attach, get_current

from langswarm_otel.context import with_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.components.attempts import Attempt
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


class InAttempt(Within):
    """One try: an attempt of the run around it."""

    __slots__ = ("_attempt",)

    def __init__(self, run: Run, entries: Mapping[str, object]) -> None:
        """Begin nothing yet.

        Args:
            run: what it is an attempt of.
            entries: entries of the context that are different inside.
        """
        super().__init__(entries)
        self._attempt: Attempt = run.attempt()

    def enter(self) -> None:
        """Begin the attempt."""
        self._attempt.__enter__()
        super().enter()

    def finish(self, error: BaseException | None = None) -> None:
        """End the attempt."""
        self._attempt.__exit__(None if error is None else type(error), error, None)
