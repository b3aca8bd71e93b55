"""Marks that wait until what was kept before them has been sent."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from langswarm_otel.export.marks import Mark


class SpoolMarks:
    """Marks, each behind a place in the order of batches; any thread may call."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        self._waiting: list[tuple[int, Mark]] = []

    def add(self, mark: Mark, order: int) -> None:
        """Let a mark wait behind the batch of this number; those whose flush has given up are forgotten."""
        with self._lock:
            self._waiting = [(place, other) for place, other in self._waiting if not other.expired]
            self._waiting.append((order, mark))

    def pass_before(self, first: float) -> None:
        """Pass the marks that no batch is before: the oldest one left has this number."""
        self._pass([mark for order, mark in self._waiting if order < first], ok=True)

    def refuse(self) -> None:
        """Pass all marks, with the word that what is before them has not been sent."""
        self._pass([mark for _, mark in self._waiting], ok=False)

    def _pass(self, marks: list[Mark], *, ok: bool) -> None:
        if not marks:
            return
        with self._lock:
            passed = [mark for _, mark in self._waiting if mark in marks]
            self._waiting = [pair for pair in self._waiting if pair[1] not in marks]
        for mark in passed:
            mark.pass_by(ok=ok)
