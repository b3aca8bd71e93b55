"""A tracer provider that lives as long as the process and whose tracers decide at each call where a span goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace as trace_api
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from langswarm_otel.export.sdk_private import never_disable, replace_resource
from langswarm_otel.override import active
from langswarm_otel.pipelines.current_span import CurrentSpan
from langswarm_otel.pipelines.lean_tracer import lean_tracer_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanLimits, SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator
    from opentelemetry.util.types import Attributes

    from langswarm_otel.pipelines.sampling import SwitchSampler

_PASS_THROUGH = trace_api.NoOpTracer()


class SwitchTracerProvider(TracerProvider):
    """The SDK's provider, handing out thin tracers; ``enabled`` may change at any time and holds for tracers handed out before.

    ``shutdown`` shuts the processors down and freezes nothing: afterwards spans are still made and offered to the processors.
    """

    def __init__(
        self,
        *,
        resource: Resource,
        sampler: SwitchSampler,
        span_limits: SpanLimits,
        processors: Sequence[SpanProcessor] = (),
        id_generator: IdGenerator | None = None,
        meter_provider: MeterProvider | None = None,
        enabled: bool = True,
    ) -> None:
        """Make a provider.

        Args:
            resource: what the spans are about.
            sampler: every tracer holds this object, so a change of its target is seen at once.
            span_limits: every span reads this object, so a change of it holds for the next span.
            processors: called in this order.
            id_generator: makes the ids; random ones by default.
            meter_provider: where the SDK counts its own spans, if it is told to; the global one by default.
            enabled: False passes the parent's context on, as without an SDK.
        """
        super().__init__(
            sampler=sampler,
            resource=resource,
            shutdown_on_exit=False,
            id_generator=id_generator,
            span_limits=span_limits,
            meter_provider=meter_provider,
        )
        never_disable(self)
        self.lean = True
        """Whether spans are made by the short way, which differs in nothing but its cost (``lean_span``)."""
        self.enabled = enabled
        """Whether spans are made; False passes the parent's context on."""
        self._handles: dict[InstrumentationScope, SwitchTracer] = {}
        for processor in processors:
            self.add_span_processor(processor)

    def replace_resource(self, resource: Resource) -> None:
        """Speak of another resource from now on, also through what was handed out before."""
        replace_resource(self, resource)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace_api.Tracer:
        """Return the tracer of a scope; the same one for the same scope."""
        scope = InstrumentationScope(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
        handle = self._handles.get(scope)
        if handle is None:
            real = super().get_tracer(instrumenting_module_name, instrumenting_library_version, schema_url, attributes)
            handle = self._handles.setdefault(scope, SwitchTracer(self, real, scope))
        return handle


class ThinTracer(Tracer):
    """A tracer around another one, of which ``start_span`` is new.

    It is a ``Tracer`` of the SDK, so that checks by type hold; ``start_as_current_span`` asks ``start_span`` at each call.
    """

    def __init__(self, real: trace_api.Tracer) -> None:
        # Not the SDK's constructor: whatever is not overridden is looked up on the real tracer.
        self._real = real

    def __getattr__(self, name: str) -> Any:
        if name == "_real":  # a copy in the making
            raise AttributeError(name)
        return getattr(self._real, name)

    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: trace_api.SpanKind = trace_api.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace_api.Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Any:  # a `CurrentSpan`; the SDK's type has an underscore
        """Return a block, or a decorator, in which a new span is current."""
        arguments = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return CurrentSpan(self.start_span, arguments, end_on_exit=end_on_exit)


class SwitchTracer(ThinTracer):
    """A tracer of one scope: the capture's in a capture, a pass-through when disabled, else the SDK's or lean spans in their place."""

    def __init__(self, provider: SwitchTracerProvider, real: trace_api.Tracer, scope: InstrumentationScope) -> None:
        super().__init__(real)
        self._provider = provider
        self._scope = scope
        self._lean = lean_tracer_for(real)

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: trace_api.SpanKind = trace_api.SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace_api.Link] | None = (),
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace_api.Span:
        """Start a span where spans go at this moment."""
        override, provider = active(), self._provider
        if override is not None:
            scope = self._scope
            tracer = override.tracer(scope.name, scope.version, scope.schema_url)
        elif not provider.enabled:
            tracer = _PASS_THROUGH
        elif provider.lean and self._lean is not None:
            return self._lean.start_span(name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        else:
            tracer = self._real
        return tracer.start_span(name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
