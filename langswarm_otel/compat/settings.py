"""What logger, tracer and metrics share: they follow the provider's settings, which may change."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.compat.options import ObservabilityConfig


class FollowsSettings:
    """A part of a provider."""

    def __init__(self, settings: Callable[[], ObservabilityConfig]) -> None:
        """Make the part.

        Args:
            settings: returns what the provider is set to; asked at each use.
        """
        self._settings = settings

    @property
    def config(self) -> ObservabilityConfig:
        """What the provider is set to."""
        return self._settings()
