"""Which telemetry a context uses instead of its handle's own: the seam that ``capture()`` sets and everything else asks.

It lives on the lowest floor because both the switchable providers and the operations must ask it at each call.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry._logs import Logger
    from opentelemetry.metrics import Meter
    from opentelemetry.trace import Tracer


class Override(Protocol):
    """What stands in for every handle and for our global providers inside a context."""

    @property
    def telemetry(self) -> object:
        """The ``signals.telemetry.Telemetry`` that operations use."""
        ...

    def tracer(self, name: str, version: str | None, schema_url: str | None) -> Tracer:
        """The tracer that stands in for one of our global provider's."""
        ...

    def meter(self, name: str, version: str | None, schema_url: str | None) -> Meter:
        """The meter that stands in for one of our global provider's."""
        ...

    def logger(self, name: str, version: str | None, schema_url: str | None) -> Logger:
        """The logger that stands in for one of our global provider's."""
        ...


_override: ContextVar[Override | None] = ContextVar("langswarm_otel_override", default=None)
_everywhere: Override | None = None


def active() -> Override | None:
    """Return what overrides the present context, or None."""
    return _override.get() or _everywhere


def set_override(override: Override | None) -> Override | None:
    """Set the override of the present context and return the one before it.

    The previous value is restored by setting it again: ``ContextVar.reset`` refuses when set-up and tear-down run in two contexts, as
    they do in asynchronous test fixtures.
    """
    before = _override.get()
    _override.set(override)
    return before


def set_everywhere(override: Override | None) -> Override | None:
    """Set the override of the whole process and return the one before it."""
    global _everywhere  # noqa: PLW0603 - the process-wide half of the one slot
    before = _everywhere
    _everywhere = override
    return before
