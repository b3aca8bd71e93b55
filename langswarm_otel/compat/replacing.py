"""LangSwarm's own names, replaced: a program that imports from ``langswarm.core.observability`` runs on the drop-in as it is.

``install()`` stands before the program's imports; names that it has imported before stay what they were. LangSwarm's data (``LogLevel``,
``ObservabilityConfig`` and so on), its mixins and decorators, and what reads and fills its slots stay its own: they work with our provider.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.compat import components, factories, provider, tracer
from langswarm_otel.compat.awaiting import when_imported
from langswarm_otel.guard import guarded

if TYPE_CHECKING:
    from types import ModuleType

_PACKAGE: Final = "langswarm.core.observability"
_MODULES: Final = (
    _PACKAGE,
    *(f"{_PACKAGE}.{name}" for name in ("provider", "auto_instrumentation", "integrations", "logger", "tracer", "metrics")),
)

_REPLACED: Final[dict[str, Any]] = {
    one.__name__: one
    for one in (
        *(provider.ObservabilityProvider, factories.create_observability_provider, factories.create_development_observability),
        *(factories.create_production_observability, factories.initialize_observability, factories.initialize_auto_instrumentation),
        *(factories.get_logger, factories.create_logger, factories.get_tracer, factories.create_tracer),
        *(factories.get_metrics, factories.create_metrics, factories.counter, factories.gauge, factories.histogram, factories.timer),
        *(tracer.trace_function, components.ComponentObservability, components.create_all_observability_integrations),
        *(components.AgentObservability, components.ToolObservability, components.SessionObservability),
        *(components.MemoryObservability, components.WorkflowObservability, components.create_agent_observability),
        *(components.create_tool_observability, components.create_session_observability),
        *(components.create_memory_observability, components.create_workflow_observability),
    )
} | {"trace_async_function": tracer.trace_async_function}
"""What stands in place of LangSwarm's, by its name."""

_originals: Final[dict[str, Any]] = {}
"""LangSwarm's own, by name; the package and the module that makes it have the same object."""

_installed = False


def install() -> None:
    """Replace LangSwarm's own names, now and when it is imported; does nothing the second time, and nothing without LangSwarm."""
    global _installed  # noqa: PLW0603 - there is one LangSwarm
    _installed = True
    for module in _MODULES:
        when_imported(module, _replace)


def uninstall() -> None:
    """Put every name back: the identical objects."""
    global _installed  # noqa: PLW0603 - as above
    _installed = False
    for name in _MODULES:
        module = sys.modules.get(name)
        for replaced, original in _originals.items():
            if module is not None and getattr(module, replaced, None) is _REPLACED[replaced]:
                setattr(module, replaced, original)


@guarded("compat.install", None)
def _replace(module: ModuleType) -> None:
    """Replace the names of a module; called by the import system too, so nothing may be raised."""
    if not _installed:
        return
    for name, ours in _REPLACED.items():
        present = getattr(module, name, ours)
        if present is not ours:  # the package may have taken ours over from a module of its own
            _originals.setdefault(name, present)
            setattr(module, name, ours)
