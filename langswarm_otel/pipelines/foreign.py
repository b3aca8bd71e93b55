"""Providers that others have made global: found, named, joined, and never changed more than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from opentelemetry import _logs, metrics, trace

API_MODULES = ("opentelemetry.trace", "opentelemetry.metrics", "opentelemetry._logs")
"""Where the API's own placeholders live; a provider from elsewhere was set by somebody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignProviders:
    """The global providers that are somebody else's; None where nobody has set one."""

    tracer: Any = None
    """Global tracer provider, if foreign."""

    meter: Any = None
    """Global meter provider, if foreign."""

    logger: Any = None
    """Global logger provider, if foreign."""

    def __bool__(self) -> bool:
        return any(provider is not None for provider in (self.tracer, self.meter, self.logger))

    def describe(self) -> str:
        """Name what is foreign, for people."""
        named = {"traces": self.tracer, "metrics": self.meter, "logs": self.logger}
        return ", ".join(
            f"{signal}: {type(provider).__module__}.{type(provider).__qualname__}" for signal, provider in named.items() if provider
        )

    def joinable(self) -> ForeignProviders:
        """Return those that accept processors and readers of ours, as the SDK's do by public methods."""
        return ForeignProviders(
            tracer=self.tracer if hasattr(self.tracer, "add_span_processor") else None,
            meter=self.meter if hasattr(self.meter, "add_metric_reader") else None,
            logger=self.logger if hasattr(self.logger, "add_log_record_processor") else None,
        )


def find_foreign(own: tuple[object, ...]) -> ForeignProviders:
    """Look at the three global providers and return those that are neither the API's placeholders nor ours."""

    def foreign(provider: object) -> object | None:
        if provider in own or type(provider).__module__.startswith(API_MODULES):
            return None
        return provider

    return ForeignProviders(
        tracer=foreign(trace.get_tracer_provider()),
        meter=foreign(metrics.get_meter_provider()),
        logger=foreign(_logs.get_logger_provider()),
    )
