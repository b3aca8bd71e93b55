"""Operations on a stored session: ``create_session``, ``send_message`` and the like, for which there is no standard.

A session itself has no span (``session.py``): it is open for hours. What is done with it has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.trace import get_current_span

from langswarm_otel import semconv
from langswarm_otel.components.naming import named, named_or_none
from langswarm_otel.components.operation import Operation
from langswarm_otel.components.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from langswarm_otel.signals.telemetry import Telemetry


class SessionCallOperation(Operation["SessionCallRun"]):
    """Describes operations of one kind on sessions."""

    def __init__(
        self,
        resolve: Callable[[], Telemetry],
        operation: str,
        *,
        session_id: str | None = None,
        provider: str | None = None,
        model: str | None = None,
        backend: str | None = None,
        leaves_process: bool = True,
    ) -> None:
        """Describe the operation.

        Args:
            resolve: returns the telemetry to use, at the beginning of each run.
            operation: what is done, such as ``send_message``; of which there are few.
            session_id: which session it is about, by its own id; None for several.
            provider: ``gen_ai.provider.name`` that the session is with.
            model: model that the session is with.
            backend: where the session is kept, such as ``provider_native``.
            leaves_process: whether a storage or a provider is asked. What does not leave the process has a span only inside of another: as
                a trace of its own it would tell nothing. It has its metrics all the same.
        """
        super().__init__(resolve)
        self.operation = named(operation)
        self.session_id = session_id
        self.provider = named_or_none(provider)
        self.model = named_or_none(model)
        self.backend = named_or_none(backend)
        self.leaves_process = leaves_process

    def make(self, telemetry: Telemetry) -> SessionCallRun:
        """Return an operation that has not begun."""
        return SessionCallRun(telemetry, self)


class SessionCallRun(Run):
    """One operation on a session."""

    duration = semconv.SESSION_OPERATION_DURATION

    _described: SessionCallOperation

    def __init__(self, telemetry: Telemetry, described: SessionCallOperation) -> None:
        super().__init__(telemetry, described)
        self.operation_name = described.operation

    def concerns(self, session_id: str | None) -> bool:
        """Whether what is done with this session meanwhile is a part of it."""
        return self._described.session_id in (None, session_id)

    def _open(self, context: Context) -> None:
        self.has_span = self._described.leaves_process or get_current_span(context).get_span_context().is_valid
        super()._open(context)

    def describe(self) -> tuple[str, dict[str, Any]]:
        """Return the span's name and first attributes."""
        described = self._described
        pairs = (
            (semconv.SESSION_OPERATION, described.operation),
            (semconv.PROVIDER_NAME, described.provider),
            (semconv.REQUEST_MODEL, described.model),
            (semconv.SESSION_BACKEND, described.backend),
        )
        return described.operation, {key: value for key, value in pairs if value is not None}

    def identity(self) -> tuple[object, ...]:
        """Return what the labels are made of."""
        return semconv.SESSION_OPERATION, self._described.operation

    def labels(self) -> dict[str, Any]:
        """Return the attributes of the duration."""
        return {semconv.SESSION_OPERATION: self.telemetry.instruments.fold(semconv.SESSION_OPERATION, self._described.operation)}
