"""LangSwarm observed with no change to its code.

``LangSwarmInstrumentor().instrument()`` wraps LangSwarm's own classes as their modules are imported, and ``uninstrument()`` puts every
attribute back. Importing this package imports neither LangSwarm, wrapt nor ``opentelemetry.instrumentation``: the instrumentor is loaded
when its name is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langswarm_otel.instrumentation.instrumentor import LangSwarmInstrumentor

__all__ = ["LangSwarmInstrumentor"]


def __getattr__(name: str) -> Any:
    """Load the instrumentor on first use (PEP 562)."""
    if name == "LangSwarmInstrumentor":
        from langswarm_otel.instrumentation.instrumentor import LangSwarmInstrumentor  # noqa: PLC0415 - what makes it lazy

        return LangSwarmInstrumentor
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
