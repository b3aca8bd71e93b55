"""A bell: what wakes a thread without ever making the one who rings it wait."""

from __future__ import annotations

import threading


class Bell:
    """One thread waits, any thread rings; ringing twice before the waiter looks counts as once.

    ``threading.Event.set`` takes a lock, so a span that ends in a signal handler or a finaliser while its own thread is inside ``set``
    would wait for itself for ever. Releasing a plain lock never waits.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Wake the waiter, or let its next wait return at once."""
        try:  # noqa: SIM105 - `contextlib.suppress` would cost a caller more than the ringing does
            self._lock.release()
        except RuntimeError:
            pass  # it has been rung already

    def wait(self, timeout_s: float | None) -> bool:
        """Wait until the bell is rung; None waits for ever. Return whether it was rung."""
        if timeout_s is None:
            return self._lock.acquire()
        return self._lock.acquire(timeout=min(max(timeout_s, 0.0), threading.TIMEOUT_MAX))
