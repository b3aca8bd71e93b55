"""What a handle says of its own state."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.export.exporter_health import ExporterHealth
    from langswarm_otel.pipelines.keep_health import KeepHealth

Mode = Literal["global", "private", "joined", "config_file", "disabled", "shut down"]
"""How a handle is connected: it owns the global providers, has its own, joined those of others, or sends nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookHealth:
    """One hook of an instrumentor."""

    name: str
    """What is hooked, as ``module:Class.method``."""

    installed: bool
    """Whether it is in place; False also while the module has not been imported yet."""

    error: str | None = None
    """Why it could not be installed, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A snapshot of a handle: exporters, queues, drops by reason, faults of ours."""

    mode: Mode
    """How the handle is connected."""

    exporters: tuple[ExporterHealth, ...] = ()
    """One row for each destination and signal."""

    internal_errors: int = 0
    """Faults of ours in this process; none of them reached the application."""

    faults: Mapping[str, int] = field(default_factory=dict)
    """The same by place."""

    hooks: tuple[HookHealth, ...] = ()
    """Hooks of the LangSwarm instrumentor, if it is on."""

    notes: tuple[str, ...] = ()
    """What a person should know, such as a provider that was joined."""

    folded: Mapping[str, int] = field(default_factory=dict)
    """How often a name beyond the first ``signals.instruments.MAX_NAMES`` of its key has become ``_OTHER``, by key."""

    keep: KeepHealth | None = None
    """Of the traces that are kept though they were not sampled; None where none are to be."""

    @property
    def ok(self) -> bool:
        """Whether nothing was dropped, no exporter fails, no hook failed and there was no fault of ours."""
        clean = all(not row.dropped_total and row.state != "failing" for row in self.exporters)
        clean = clean and not (self.keep is not None and self.keep.given_up)
        return clean and self.internal_errors == 0 and not any(hook.error for hook in self.hooks)

    def __str__(self) -> str:
        lines = [f"telemetry: {self.mode}{', ok' if self.ok else ''}"]
        lines += [_line_of(row) for row in self.exporters]
        if self.keep is not None:
            lines.append(f"  {self.keep}")
        if self.internal_errors:
            where = ", ".join(f"{place} x{count}" for place, count in self.faults.items())
            lines.append(f"  internal errors: {self.internal_errors} ({where})")
        failed = [hook for hook in self.hooks if hook.error]
        if self.hooks:
            lines.append(f"  hooks: {sum(hook.installed for hook in self.hooks)} installed, {len(failed)} failed")
        lines += [f"    {hook.name}: {hook.error}" for hook in failed]
        if self.folded:
            lines.append(f"  names folded to _OTHER: {', '.join(f'{key} x{count}' for key, count in self.folded.items())}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)


def _line_of(row: ExporterHealth) -> str:
    dropped = ", ".join(f"{reason} {count}" for reason, count in row.dropped.items() if count) or "none"
    line = (
        f"  {row.signal:<8}{row.target}: {row.state}, exported {row.exported}, queued {row.queued} "
        f"({row.queued_bytes} of {row.capacity_bytes} bytes), dropped {dropped}"
    )
    if row.spooled or row.recovered:
        line += f"; on disk {row.spooled} ({row.spooled_bytes} bytes), recovered {row.recovered}"
    if row.circuit in ("open", "half_open"):
        line += f"; circuit {row.circuit.replace('_', ' ')}, next try in {row.next_try_in_s:.0f} s"
    if row.last_error is not None and row.last_error_at is not None:
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(row.last_error_at))
        line += f"; last error {when}: {row.last_error}"
    return line
