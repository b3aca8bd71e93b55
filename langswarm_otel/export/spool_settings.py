"""Where the spools of a configuration are, and the bound that they share."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.spool import Spool
from langswarm_otel.export.spool_folder import CAN_SPOOL, SpoolFolder
from langswarm_otel.export.spool_space import SpoolSpace

if TYPE_CHECKING:
    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.sender import Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolSettings:
    """What the spools of all signals have in common."""

    directory: str
    """Where to keep what no endpoint takes; several processes may share it."""

    max_bytes: int
    """What the directory may take of the disk."""

    patience_s: float
    """How long an answer may take before a batch is written to disk meanwhile, in seconds."""

    space: SpoolSpace = field(init=False, compare=False)
    """The bound, shared by all signals of this process."""

    def __post_init__(self) -> None:
        """Make the bound; the disk is not touched, since a child after fork does this in its first caller's thread."""
        object.__setattr__(self, "space", SpoolSpace(self.directory, self.max_bytes))

    def check(self) -> None:
        """Make the directory, and see that it can be used.

        Raises:
            ConfigurationError: it cannot be made or written.
        """
        if not CAN_SPOOL:
            raise ConfigurationError("spool_directory", self.directory, "this operating system has no flock; leave it out")
        try:
            Path(self.directory).mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.directory):
                pass
        except OSError as error:
            raise ConfigurationError(
                "spool_directory", self.directory, f"this directory cannot be written ({os.strerror(error.errno or 0)})"
            ) from error

    def open(self, signal: Signal, url: str, sender: Sender) -> Spool:
        """Return the spool of a signal; nothing is written yet."""
        return Spool(SpoolFolder(self.directory, signal, url), self.space, sender, signal=signal, patience_s=self.patience_s)

    def renewed(self) -> SpoolSettings:
        """Return the same for a child after fork, where the locks of the parent may be taken for ever."""
        return SpoolSettings(directory=self.directory, max_bytes=self.max_bytes, patience_s=self.patience_s)
