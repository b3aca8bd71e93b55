"""The local stack as processes: Collector, Jaeger, Prometheus and VictoriaLogs, built from their published Go modules.

``langswarm-otel stack up`` runs the configuration that ``docker-compose.yml`` runs, for those who have no container engine; the tests of
``tests/stack`` use the same programs. Nothing here is imported by an application that is only observed.
"""

from __future__ import annotations

__all__ = ["StackError"]


class StackError(RuntimeError):
    """The local stack could not be built or started; the message names what, and the mend."""
