"""Sends bodies to one URL: packed, within a time, again where that may help, and not at all while the endpoint is left alone."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from langswarm_otel.export.answers import NOT_FOUND, OK, TOO_LARGE, Answer, UnansweredError, trouble_with
from langswarm_otel.export.bell import Bell
from langswarm_otel.export.breaker import Admission, Breaker
from langswarm_otel.export.causes import shorten
from langswarm_otel.export.delivery import Delivery
from langswarm_otel.export.partial_success import taken
from langswarm_otel.export.retries import MOST_ATTEMPTS, RETRYABLE, back_off_s, retry_after_s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from langswarm_otel.export.delivery import Fault
    from langswarm_otel.export.transport import Transport

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""A larger body is never sent; counted before it is packed, as the official exporters do."""

GZIP_LEVEL: Final = 1
"""Level of gzip and deflate.

Of a request with 512 spans of an agent, 185 KB, level 1 takes 28 % of level 9's time and makes 9 % more bytes; level 3 takes 30 % for 8 %
more, level 6 67 % for 2 % more (medians of nine turns; ``zlib`` of Python 3.11).
"""

_WINDOW_BITS: Final[Mapping[str, int]] = {"gzip": 31, "deflate": 15}
_SERVER_ERROR: Final = 500
_SHUT_DOWN: Final = Delivery(fault="send", cause="shut down")
_SHUT_DOWN_KEPT: Final = Delivery(fault="send", cause="shut down", again=True, untried=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """What became of one attempt."""

    delivery: Delivery
    asked_s: float | None = None
    """For how long the server asks to be left alone."""


def pack(body: bytes, compression: str) -> bytes:
    """Return a body as ``gzip``, ``deflate`` or, for anything else, as it is."""
    bits = _WINDOW_BITS.get(compression)
    if bits is None:
        return body
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, bits)
    return packer.compress(body) + packer.flush()


class Sender:
    """Sends the bodies of one signal."""

    def __init__(
        self,
        connect: Callable[[], Transport],
        *,
        timeout_s: float,
        compression: str,
        breaker: Breaker | None = None,
        is_kept: bool = False,
    ) -> None:
        """Begin.

        Args:
            connect: makes the way, when there is something to send.
            timeout_s: how long one body may take with all its retries, in seconds.
            compression: ``gzip``, ``deflate`` or ``none``.
            breaker: the circuit of the endpoint; None tries each body.
            is_kept: whether the caller keeps what is not taken and comes again. Each body is then tried once, and one that was sent but not
                answered may be sent again: rather twice than never.
        """
        self._is_kept: Final = is_kept
        self._connect: Final = connect
        self._transport: Transport | None = None
        self._timeout_s: Final = timeout_s
        self._compression: Final = compression
        self._bell: Final = Bell()
        self._deadline = float("inf")
        self._may_retry = True
        self._insists = False
        self._is_shut_down = False
        self.breaker: Final = breaker
        """The circuit."""
        self.trouble: str | None = None
        """Why the last attempt did not succeed, if it did not."""

    def send(self, body: bytes, *, timeout_s: float | None = None) -> Delivery:
        """Send a body and say what became of it.

        Args:
            body: a request of OTLP.
            timeout_s: a bound below the sender's own.
        """
        if self._is_shut_down:
            return _SHUT_DOWN_KEPT if self._is_kept else _SHUT_DOWN
        if len(body) > MAX_BODY_BYTES:
            return Delivery(fault="too_large", cause=f"a request of {len(body)} bytes is larger than is ever sent")
        admission = self._admission()
        if admission is Admission.NO:
            known = self.breaker.cause if self.breaker is not None else None
            cause = shorten(f"not tried now, since it was not reached before ({known})")
            return Delivery(fault="send", again=True, untried=True, cause=cause)
        deadline = time.monotonic() + (self._timeout_s if timeout_s is None else min(timeout_s, self._timeout_s))
        return self._send(pack(body, self._compression), deadline, may_retry=admission is Admission.FREELY and not self._is_kept)

    def left_alone_s(self) -> float:
        """Return for how long the endpoint is left alone, in seconds; 0.0 if a body may be tried: all is well, or somebody insists."""
        return 0.0 if self.breaker is None or self._insists else self.breaker.wait_s()

    def hurry(self, deadline: float | None, *, may_retry: bool = True) -> None:
        """Let no request begun from now on last beyond a moment of ``time.monotonic``; without ``may_retry``, a failure is final."""
        self._deadline, self._may_retry = float("inf") if deadline is None else deadline, may_retry
        if deadline is None:
            self._insists = False
        else:
            self.insist()

    def insist(self) -> None:
        """Try at once, and once even while the circuit is open: somebody waits. A pause that the server asked for is kept."""
        self._insists = True
        self._bell.ring()

    def abort(self) -> None:
        """Break the pause before a retry, and send nothing from now on; callable from any thread, does not wait."""
        self._is_shut_down = True
        self._bell.ring()
        if self._transport is not None:
            self._transport.close()

    def _admission(self) -> Admission:
        if self.breaker is None:
            return Admission.FREELY
        admission = self.breaker.admit(insist=self._insists)
        if admission is Admission.ONCE:
            self._insists = False
        return admission

    def _send(self, packed: bytes, deadline: float, *, may_retry: bool) -> Delivery:
        attempt = 0
        while True:
            tried = self._try(packed, deadline)
            pause_s = back_off_s(attempt) if tried.asked_s is None else tried.asked_s
            is_last = not may_retry or not self._may_retry or attempt + 1 == MOST_ATTEMPTS or time.monotonic() + pause_s > deadline
            if not tried.delivery.again or is_last:
                return tried.delivery
            if self._pause(pause_s, is_asked=tried.asked_s is not None):
                attempt += 1  # one that was called for early leaves the pauses as they are
            if self._is_shut_down:
                return tried.delivery

    def _pause(self, pause_s: float, *, is_asked: bool) -> bool:
        """Wait; False if it was broken off."""
        end = time.monotonic() + pause_s
        while (left_s := end - time.monotonic()) > 0:
            if self._bell.wait(left_s) and (self._is_shut_down or not is_asked):
                return False
        return True

    def _try(self, packed: bytes, deadline: float) -> _Tried:
        """Send a request once; or twice, if a kept connection turns out to have ended."""
        self._bell.wait(0)  # whoever rang before is served now
        hurried = min(deadline, self._deadline)
        if hurried <= time.monotonic() or self._is_shut_down:
            return _Tried(delivery=Delivery(fault="send", again=True, cause=self.trouble or "no answer in time"))
        try:
            answer = self._post(packed, hurried)
        except UnansweredError as error:
            self.trouble = error.cause
            if self.breaker is not None and not error.is_ours and (hurried == deadline or time.monotonic() < hurried):
                self.breaker.failed(error.cause)
            again = error.may_repeat or (self._is_kept and not error.is_ours)
            return _Tried(delivery=Delivery(fault="send", again=again, cause=error.cause))
        return self._judge(answer)

    def _post(self, packed: bytes, deadline: float) -> Answer:
        transport = self._transport
        if transport is None:
            transport = self._transport = self._connect()
        try:
            return transport.post(packed, deadline)
        except UnansweredError as error:
            if not error.is_cut or self._is_shut_down:
                raise
            return transport.post(packed, deadline)

    def _judge(self, answer: Answer) -> _Tried:
        """Say what an answer means for the batch and for the circuit."""
        asked_s = retry_after_s(answer.headers.get("retry-after")) if answer.status in RETRYABLE else None
        if self.breaker is not None:
            if answer.status >= _SERVER_ERROR or answer.status in RETRYABLE:
                self.breaker.failed(answer.said, asked_s=asked_s or 0.0)
            else:
                self.breaker.succeeded()
        if answer.status == OK:
            self.trouble = None
            return _Tried(delivery=taken(answer.body))
        self.trouble = trouble_with(answer.status, answer.said, answer.headers.get("location"))
        fault: Fault = "too_large" if answer.status == TOO_LARGE else "send"
        again, unsupported = answer.status in RETRYABLE, answer.status == NOT_FOUND
        return _Tried(delivery=Delivery(fault=fault, again=again, unsupported=unsupported, cause=self.trouble), asked_s=asked_s)
