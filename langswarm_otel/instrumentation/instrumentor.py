"""The LangSwarm instrumentor, as OpenTelemetry's loader and ``configure_observability`` use it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from langswarm_otel.instrumentation import agent_sessions, agents, mcp, memory, providers, sessions, simple_api, tools, workflows
from langswarm_otel.instrumentation.hooks import LANGSWARM

if TYPE_CHECKING:
    from collections.abc import Collection

    from langswarm_otel.instrumentation.hooks import HookState

HOOKS: Final = (
    *(*agents.HOOKS, *agent_sessions.HOOKS, *simple_api.HOOKS, *providers.HOOKS, *tools.HOOKS, *mcp.HOOKS),
    *(*sessions.HOOKS, *memory.HOOKS, *workflows.HOOKS),
)
"""Everything of LangSwarm that is wrapped."""


class LangSwarmInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # upstream is untyped
    """Observes agents, model calls, tools, sessions, memory and workflows of LangSwarm 0.1 with no change to the program.

    The hooks emit through the current handle, which they ask for at each call: ``instrument()`` may come before or after
    ``configure_observability()``, and before or after LangSwarm is imported. Provider arguments (``tracer_provider`` and its like) are
    ignored for the same reason. Like every ``BaseInstrumentor`` it is a singleton; unlike it, instrumenting what is instrumented and
    removing what is not are silent.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        """Return the releases of LangSwarm that the hooks fit."""
        return ("langswarm >= 0.1.0, < 0.2",)

    def instrument(self, **kwargs: Any) -> None:
        """Install the hooks; does nothing the second time."""
        if not self.is_instrumented_by_opentelemetry:
            super().instrument(**kwargs)

    def uninstrument(self, **kwargs: Any) -> None:
        """Put every attribute back as it was; does nothing when not instrumented."""
        if self.is_instrumented_by_opentelemetry:
            super().uninstrument(**kwargs)

    def hook_states(self) -> tuple[HookState, ...]:
        """Return what became of each hook; empty when not instrumented."""
        return LANGSWARM.states()

    def _instrument(self, **_kwargs: Any) -> None:
        LANGSWARM.install(HOOKS)

    def _uninstrument(self, **_kwargs: Any) -> None:
        LANGSWARM.remove()
