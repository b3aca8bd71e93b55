"""The private handle of a capture: operations and signals that go nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from langswarm_otel.observability import Observability

if TYPE_CHECKING:
    from langswarm_otel.environment import Resolved
    from langswarm_otel.installation import Installation
    from langswarm_otel.testing.stand_in import CaptureInstallation


class CaptureHandle(Observability):
    """What tests hand to code that expects an ``Observability``; an inner capture takes its emissions, as it takes every handle's.

    ``statistics``, ``health`` and ``in_memory`` tell of the capture, ``config`` and ``explain`` of its options on the testing preset.
    ``flush``, ``shutdown`` and ``set_sample_ratio`` succeed and change nothing: what is emitted is captured at once, all of it, until the
    block ends.
    """

    def __init__(self, installation: CaptureInstallation, resolved: Resolved) -> None:
        """Make a handle.

        Args:
            installation: stands for what a configured handle has put in place.
            resolved: what the capture was asked for, as a configuration.
        """
        super().__init__(cast("Installation", installation), resolved)
        installation.handle = self
