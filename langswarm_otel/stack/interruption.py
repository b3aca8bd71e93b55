"""Signals that ask a command to end, noticed between two steps instead of in the middle of one.

A process that is started and not yet written down would otherwise be lost to a Ctrl-C, and run on where nobody finds it.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from typing_extensions import Self

__all__ = ["Interruption"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Holds SIGINT, SIGTERM and SIGHUP back while it is entered; does nothing in a thread that is not the main one.

    One that comes after the last check has come too late: what it would have interrupted is done.
    """

    def __init__(self) -> None:
        self._came: int | None = None
        self._former: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._former = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for number, handler in self._former.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """End here if a signal has come.

        Raises:
            KeyboardInterrupt: for SIGINT.
            SystemExit: for the others, with the status that shells give.
        """
        if self._came == signal.SIGINT:
            raise KeyboardInterrupt
        if self._came is not None:
            raise SystemExit(128 + self._came)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._came = number
