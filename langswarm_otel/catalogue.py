"""What an entry of the catalogue is made of; the entries stand in ``semconv.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Profile = Literal["g1", "g2", "both"]
"""Which generation of GenAI client metrics is emitted."""

InstrumentKind = Literal["counter", "histogram", "updowncounter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of the catalogue."""

    name: str
    """OpenTelemetry name."""

    kind: InstrumentKind
    """Instrument that records it."""

    unit: str
    """UCUM unit; braces are annotations, which Prometheus drops."""

    description: str
    """One sentence for people."""

    attributes: tuple[str, ...]
    """The only attribute keys that a point may carry."""

    buckets: tuple[float, ...] = ()
    """Explicit bucket boundaries; for histograms only."""

    generation: Literal["g1", "g2", "always"] = "always"
    """Profile that emits it."""

    @property
    def prometheus_name(self) -> str:
        """The name that the OpenTelemetry Prometheus exporters and Prometheus' OTLP receiver give it."""
        name = self.name.replace(".", "_")
        suffix = {"s": "_seconds", "By": "_bytes"}.get(self.unit, "")
        if suffix and not name.endswith(suffix):
            name += suffix
        return f"{name}_total" if self.kind == "counter" and not name.endswith("_total") else name

    def emitted_in(self, profile: Profile) -> bool:
        """Whether a profile emits this metric."""
        return self.generation == "always" or profile in ("both", self.generation)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanKindOfOperation:
    """One kind of span of the catalogue."""

    operation: str
    """Value of ``gen_ai.operation.name``, or of our own operation."""

    name: str
    """Span name, with the attribute that completes it in braces."""

    kind: Literal["CLIENT", "INTERNAL"]
    """OpenTelemetry span kind."""

    attributes: tuple[str, ...]
    """Keys that the span may carry beside those of every span; content keys only with the gate open."""
