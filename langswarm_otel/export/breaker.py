"""A circuit breaker: an endpoint that cannot be reached is left alone for a while, by all signals that go there.

It opens after a few failures in a row; then one batch at a time is let through, at growing distances, to see whether the endpoint is back.
While it is open, batches are better kept queued than tried: see ``Breaker.wait_s``.

There is no lock: the state is one value that is replaced as a whole. Two workers that change it at the same moment may lose one of two
failures, or try twice at once; neither matters.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

CircuitState = Literal["closed", "open", "half_open"]
"""All may pass; none may; one is on its way to see, or the next one will be."""

FAILURES: Final = 3
"""So many in a row open the circuit: with the pauses between retries, some three seconds after a lone worker has lost the endpoint."""

FIRST_OPEN_S: Final = 1.0
"""How long it is open at first, in seconds; twice as long after each try that fails."""

LONGEST_OPEN_S: Final = 30.0
"""How long at most. It bounds for how long nobody notices that an endpoint is back."""

LONGEST_ASKED_S: Final = 300.0
"""How long at most where the server asks for patience (``Retry-After``)."""

_JITTER: Final = 0.2


@runtime_checkable
class Guarded(Protocol):
    """An exporter with a circuit."""

    @property
    def breaker(self) -> Breaker | None:
        """The circuit, or None if it tries each batch."""
        ...

    def insist(self) -> None:
        """Try the present or next batch at once, and once even while the circuit is open: somebody waits."""
        ...


class Admission(Enum):
    """What a batch may do."""

    FREELY = "freely"
    """Be sent, and again if that fails."""

    ONCE = "once"
    """Be tried once."""

    NO = "no"
    """Wait."""


@dataclass(frozen=True, slots=True)
class _Circuit:
    failures: int = 0
    opened: int = 0
    """How often in a row it has opened; 0 is closed."""
    until: float = 0.0
    """Until when nobody may try."""
    is_tried: bool = False
    """Whether somebody is trying."""


_CLOSED: Final = _Circuit()


class Breaker:
    """The circuit of one endpoint; any thread may ask and tell, and nobody waits."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        first_open_s: float = FIRST_OPEN_S,
        longest_open_s: float = LONGEST_OPEN_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin closed.

        Args:
            failures: so many in a row open it.
            first_open_s: how long it is open at first, in seconds.
            longest_open_s: how long at most.
            clock: what tells the time.
        """
        self._failures: Final = failures
        self._first_open_s: Final = first_open_s
        self._longest_open_s: Final = longest_open_s
        self._clock: Final = clock
        self._circuit = _CLOSED
        self._watchers: Final[list[Callable[[], None]]] = []
        self.cause: str | None = None
        """Why it opened, for people."""

    @property
    def state(self) -> CircuitState:
        """Closed, open or half open."""
        circuit = self._circuit
        if not circuit.opened:
            return "closed"
        return "half_open" if circuit.is_tried or self._clock() >= circuit.until else "open"

    @property
    def is_open(self) -> bool:
        """Whether a batch would be turned away now."""
        return self.wait_s() > 0.0

    def wait_s(self) -> float:
        """Return for how long batches are better kept queued, in seconds; 0.0 if one may be tried now."""
        circuit = self._circuit
        return max(0.0, circuit.until - self._clock()) if circuit.opened else 0.0

    def watch(self, closed: Callable[[], None]) -> None:
        """Call this whenever the circuit closes, in the thread that has found out; it must neither wait nor raise."""
        self._watchers.append(closed)

    def admit(self, *, insist: bool = False) -> Admission:
        """Ask whether a batch may be tried. Whoever is admitted tells ``succeeded`` or ``failed`` what became of it.

        Args:
            insist: try once even while the circuit is open, because there will be no later.
        """
        circuit = self._circuit
        if not circuit.opened:
            return Admission.FREELY
        now = self._clock()
        if now < circuit.until:
            return Admission.ONCE if insist else Admission.NO
        # Whoever comes meanwhile waits for what this one finds. Should it never tell, another one tries after the same time.
        self._circuit = replace(circuit, until=now + self._open_s(circuit.opened), is_tried=True)
        return Admission.ONCE

    def succeeded(self) -> None:
        """Tell that the endpoint was reached: whatever it answered, it can answer."""
        before, self._circuit = self._circuit, _CLOSED
        if before.opened:
            for closed in tuple(self._watchers):
                closed()

    def failed(self, cause: str | None = None, *, asked_s: float = 0.0) -> None:
        """Tell that the endpoint was not reached, or is too busy.

        Args:
            cause: why, for people.
            asked_s: for how long the server asks to be left alone, in seconds.
        """
        circuit = self._circuit
        if not circuit.opened:
            if circuit.failures + 1 < self._failures and asked_s <= 0.0:  # who asks for patience is left alone at once
                self._circuit = _Circuit(failures=circuit.failures + 1)
                return
        elif not circuit.is_tried and self._clock() < circuit.until:
            return  # a retry of a batch that was under way already; it is known
        opened = circuit.opened + 1
        open_s = max(self._open_s(opened), min(max(asked_s, 0.0), LONGEST_ASKED_S))
        self.cause = cause
        self._circuit = _Circuit(opened=opened, until=self._clock() + open_s)

    def _open_s(self, opened: int) -> float:
        open_s: float = min(self._first_open_s * 2 ** min(opened - 1, 30), self._longest_open_s)
        return open_s * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - so that processes do not come all at once
