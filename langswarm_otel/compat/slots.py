"""LangSwarm's two global slots for a provider: the one that its helpers read, and the one that its own instrumentation reads.

LangSwarm is not imported for their sake: they are filled at once where it is imported already, and otherwise when the program imports it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.compat.awaiting import when_imported
from langswarm_otel.guard import guarded

if TYPE_CHECKING:
    from types import ModuleType

_MODULE: Final = "langswarm.core.observability"

_SLOTS: Final = {
    _MODULE: ("set_observability_provider", "get_observability_provider"),
    f"{_MODULE}.auto_instrumentation": ("set_global_observability_provider", "get_global_observability_provider"),
}
"""By module: what fills its slot, and what reads it."""

_INTERFACES: Final = {"IObservabilityProvider": "provider", "ILogger": "logger", "ITracer": "tracer", "IMetrics": "metrics"}
"""LangSwarm's interfaces, and what of a provider implements them."""

_installed: Any = None


def filled_with() -> Any:
    """Return the provider that was put there last, if it has not been taken away again; None otherwise."""
    return _installed


def fill(provider: Any) -> None:
    """Put a provider into both slots, now or when LangSwarm is imported."""
    global _installed  # noqa: PLW0603 - there is one of each slot
    _installed = provider
    for module in _SLOTS:
        when_imported(module, _fill)


def empty(provider: Any) -> None:
    """Empty the slots that still hold this provider."""
    global _installed  # noqa: PLW0603 - see above
    if _installed is provider:
        _installed = None
    for module in _SLOTS:
        if module in sys.modules:
            _empty(sys.modules[module], provider)


@guarded("compat.slots", None)
def _empty(module: ModuleType, provider: Any) -> None:
    setter, getter = _SLOTS[module.__name__]
    if getattr(module, getter)() is provider:
        getattr(module, setter)(None)


@guarded("compat.slots", None)
def _fill(module: ModuleType) -> None:
    """Fill the slot of a module; called by the import system too, so nothing may be raised."""
    provider = _installed
    if provider is None:
        return
    for interface, part in _INTERFACES.items():
        declared = getattr(module, interface, None)
        if declared is not None:
            declared.register(type(provider if part == "provider" else getattr(provider, part)))
    getattr(module, _SLOTS[module.__name__][0])(provider)
