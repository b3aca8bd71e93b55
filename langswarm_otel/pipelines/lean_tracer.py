"""The start of a lean span: what the SDK's tracer does, in fewer steps; whatever is out of the ordinary is left to that tracer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, TraceFlags

from langswarm_otel.context import SPAN_KEY
from langswarm_otel.export.sdk_private import is_tracer_on, parts_of_tracer
from langswarm_otel.pipelines.lean_span import LeanSpan, TracerParts, is_like_the_sdks
from langswarm_otel.pipelines.probability import RANDOM_BITS
from langswarm_otel.pipelines.sampling import SwitchSampler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.trace import Link, SpanKind
    from opentelemetry.util.types import Attributes

_RANDOM: Final = TraceFlags.RANDOM_TRACE_ID
_FLAGS: Final = tuple(TraceFlags(bits) for bits in range(4))
_ID_BITS: Final = TraceIdRatioBased.TRACE_ID_LIMIT


def lean_tracer_for(real: Any) -> LeanTracer | None:
    """Return a maker of lean spans beside a tracer of the SDK; None where that has something that it does not know."""
    found = parts_of_tracer(real)
    if found is None:
        return None
    parts = TracerParts(tracer=real, limits=found[0], scope=found[1])
    return LeanTracer(parts) if is_like_the_sdks(parts) else None


class LeanTracer:
    """Makes the spans of one scope."""

    __slots__ = ("_parts", "_real")

    def __init__(self, parts: TracerParts) -> None:
        self._parts = parts
        self._real = parts.tracer

    def start_span(
        self,
        name: str,
        context: Context | None,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link] | None,
        start_time: int | None,
        record_exception: bool,
        set_status_on_exception: bool,
    ) -> Span:
        """Start a span as the SDK's tracer does."""
        real = self._real
        current = (get_current() if context is None else context).get(SPAN_KEY)
        parent = current.get_span_context() if isinstance(current, Span) else None
        if not is_tracer_on(real) or (parent is not None and type(parent) is not SpanContext):
            return real.start_span(name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        links, ids = links or (), real.id_generator
        if parent is not None and not parent.is_valid:
            parent = None
        trace_id = ids.generate_trace_id() if parent is None else parent.trace_id
        sampler = real.sampler
        rule = sampler.rule if type(sampler) is SwitchSampler else None
        if rule is not None and (attributes is None or type(attributes) is dict):
            if parent is None:
                state = rule.state
                if state is None:
                    recording = sampled = trace_id & _ID_BITS < rule.bound
                else:
                    recording = sampled = trace_id & RANDOM_BITS >= rule.bound
                    if not sampled:
                        state = None
            else:
                recording = sampled = bool(parent.trace_flags & 1) if rule.follows_parent else trace_id & _ID_BITS < rule.bound
                state = parent.trace_state
        else:
            result = sampler.should_sample(context, trace_id, name, kind, attributes, links)
            decision: Any = result.decision
            sampled, recording = decision.is_sampled(), decision.is_recording()
            attributes, state = result.attributes, result.trace_state
        is_random = ids.is_trace_id_random() if parent is None else parent.trace_flags & _RANDOM
        flags = _FLAGS[sampled + (_RANDOM if is_random else 0)]
        own = SpanContext(trace_id, ids.generate_span_id(), False, flags, state)  # noqa: FBT003 - keywords cost as much again
        if not recording:
            return NonRecordingSpan(own)
        span: LeanSpan = object.__new__(LeanSpan)
        span.begin(name, own, parent, kind, attributes, links, start_time, self._parts, record_exception, set_status_on_exception)
        real.span_processor.on_start(span, parent_context=context)
        return span
