"""Every name of OpenTelemetry that is not public, in one place, each with what happens where it is missing.

Also the two log modules, which are public in all but their underscore: the log signal is complete upstream but not yet declared stable.
"""

from __future__ import annotations

import copy
import functools
import threading
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import opentelemetry.context as otel_context
from opentelemetry import _logs as api_logs
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.metrics import _Gauge as ApiGauge
from opentelemetry.sdk import _logs as sdk_logs
from opentelemetry.sdk._logs import export as sdk_logs_export
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics import _Gauge as SdkGauge
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Tracer
from opentelemetry.sdk.util import BoundedList
from opentelemetry.trace import SpanContext, TraceFlags

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry._logs import Logger
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
    from opentelemetry.sdk.trace import Event, Span, SpanLimits, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.sampling import ParentBased, Sampler
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

__all__ = [
    "SUPPRESS_INSTRUMENTATION_KEY",
    "ApiGauge",
    "GrpcAnswers",
    "SdkGauge",
    "api_logs",
    "attributes_and_events",
    "bounded_attributes",
    "changed_span",
    "counts_its_records",
    "feed_reader",
    "is_switched_on",
    "is_tracer_on",
    "make_immutable",
    "merge_resource_in_child",
    "never_disable",
    "parts_of_context",
    "parts_of_span",
    "parts_of_tracer",
    "plain_attributes",
    "renew_metric_storage",
    "replace_resource",
    "report_end",
    "resource_of",
    "root_of",
    "sdk_logs",
    "sdk_logs_export",
    "set_configurator",
    "suppress_instrumentation_in_this_thread",
]

SUPPRESS_INSTRUMENTATION_KEY: str | None = getattr(otel_context, "_SUPPRESS_INSTRUMENTATION_KEY", None)
"""Context key that tells instrumentors of HTTP clients to make no span (its text is random, so it cannot be written down).

None where an SDK no longer has it; then requests of our own are traced if somebody instruments the HTTP client.
"""


def suppress_instrumentation_in_this_thread() -> None:
    """Make whatever this thread does from now on invisible to instrumentors; for threads that do nothing but export."""
    if SUPPRESS_INSTRUMENTATION_KEY is not None:
        otel_context.attach(otel_context.set_value(SUPPRESS_INSTRUMENTATION_KEY, value=True))


def attributes_and_events(span: ReadableSpan) -> tuple[Mapping[str, Any], Sequence[Event]]:
    """Return attributes and events of an ended span to look at: what is inside, where the public way is too slow for a caller's thread.

    ``ReadableSpan.attributes`` wraps and asks its mapping, which is written in Python; ``events`` builds a tuple under a lock even when
    there is nothing in it.
    """
    inner: Any = span
    try:
        if inner._attributes.__class__ is dict:  # noqa: SLF001 - this file is for that
            return inner._attributes, inner.events if inner._events else ()  # noqa: SLF001 - this file is for that
        return inner._attributes._dict, inner.events if inner._events._dq else ()  # noqa: SLF001 - this file is for that
    except AttributeError:
        return plain_attributes(span.attributes or {}), span.events


def plain_attributes(attributes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return attributes in a form that is quick to walk: the SDK's own mapping locks and copies for each walk, ``copy`` is one C call."""
    copy: Any = getattr(attributes, "copy", None)
    return copy() if copy is not None else attributes


def parts_of_span(span: ReadableSpan) -> tuple[Any, ...]:
    """Return what an encoder needs of an ended span, in one go: each public property is a function in Python.

    The parts are context, parent, name, kind, start, end, attributes, attributes dropped, events, events dropped, links, links dropped,
    status, resource and scope. A class that overrides a property of the SDK's, and an SDK without these names, is asked the public way.
    """
    inner: Any = span
    if inner.__class__ is not ReadableSpan and not _is_read_as_the_sdk_does(inner.__class__):
        return _public_parts_of_span(span)
    try:
        attributes, events, links = inner._attributes, inner._events, inner._links  # noqa: SLF001 - this file is for that
        if attributes.__class__ is BoundedAttributes:
            dropped_attributes, attributes = attributes.dropped, attributes._dict  # noqa: SLF001 - this file is for that
        else:
            dropped_attributes = 0 if attributes.__class__ is dict else span.dropped_attributes
        dropped_events = dropped_links = 0
        if events.__class__ is BoundedList:  # which walks its items under a lock
            dropped_events, events = events.dropped, tuple(events) if inner._events._dq else ()  # noqa: SLF001 - this file is for that
        elif events.__class__ is not tuple:
            dropped_events, events = span.dropped_events, tuple(events)
        if links.__class__ is BoundedList:
            dropped_links, links = links.dropped, tuple(links) if inner._links._dq else ()  # noqa: SLF001 - this file is for that
        elif links.__class__ is not tuple:
            dropped_links, links = span.dropped_links, tuple(links)
        # fmt: off
        return (
            inner._context, inner._parent, inner._name, inner._kind, inner._start_time, inner._end_time,  # noqa: SLF001 - this file is for that
            attributes, dropped_attributes, events, dropped_events, links, dropped_links,
            inner._status, inner._resource, inner._instrumentation_scope,  # noqa: SLF001 - this file is for that
        )
        # fmt: on
    except AttributeError:
        return _public_parts_of_span(span)


def _public_parts_of_span(span: ReadableSpan) -> tuple[Any, ...]:
    return (
        span.get_span_context(),
        span.parent,
        span.name,
        span.kind,
        span.start_time,
        span.end_time,
        span.attributes,
        span.dropped_attributes,
        span.events,
        span.dropped_events,
        span.links,
        span.dropped_links,
        span.status,
        span.resource,
        span.instrumentation_scope,
    )


_READ: tuple[str, ...] = (
    "parent",
    "name",
    "kind",
    "start_time",
    "end_time",
    "attributes",
    "dropped_attributes",
    "events",
    "dropped_events",
    "links",
    "dropped_links",
    "status",
    "resource",
    "instrumentation_scope",
    "get_span_context",
)


@functools.lru_cache(maxsize=64)
def _is_read_as_the_sdk_does(kind: Any) -> bool:
    """Tell whether a class inherits all that is read of a span."""
    return all(getattr(kind, name, None) is getattr(ReadableSpan, name) for name in _READ)


def parts_of_context(context: SpanContext) -> tuple[int, int, bool, Any]:
    """Return trace id, span id, whether it is remote, and the trace state of a context.

    It is a tuple, and its properties are functions in Python.
    """
    try:
        trace_id, span_id, remote, _, state, _ = context
    except (TypeError, ValueError):
        return context.trace_id, context.span_id, context.is_remote, context.trace_state
    return trace_id, span_id, remote, state


def changed_span(span: ReadableSpan, flags: int, attributes: Mapping[str, Any]) -> ReadableSpan:
    """Return a copy of an ended span with further trace flags and attributes; the public way would forget how many were dropped."""
    changed: Any = copy.copy(span)
    context: Any = span.get_span_context()
    changed._context = SpanContext(  # noqa: SLF001 - this file is for that
        context.trace_id, context.span_id, context.is_remote, TraceFlags(context.trace_flags | flags), context.trace_state
    )
    inner = bounded_attributes({**plain_attributes(span.attributes or {}), **attributes}, None, None)
    inner.dropped = span.dropped_attributes
    changed._attributes = inner  # noqa: SLF001 - this file is for that
    return changed  # type: ignore[no-any-return]


# Of the providers; a contract test guards each.


def never_disable(provider: TracerProvider | MeterProvider | LoggerProvider) -> None:
    """Undo what ``OTEL_SDK_DISABLED`` did in the constructor of a provider.

    The SDK reads the variable once, when a provider is made, and such a provider hands out no-ops for ever. We read the variable
    ourselves, and whether a provider passes through is its ``enabled``, which may change while the process runs.
    """
    provider._disabled = False  # noqa: SLF001 - the reason for this file


def replace_resource(provider: TracerProvider | MeterProvider | LoggerProvider, resource: Resource) -> None:
    """Let a provider and all that it has handed out speak of another resource from now on.

    The SDK binds the resource when a provider is made, and OpenTelemetry takes a global provider once, so a process that shuts telemetry
    down and configures it anew under another service name would have to restart.
    """
    target: Any = provider
    if isinstance(provider, MeterProvider):
        target._sdk_config.resource = resource  # noqa: SLF001 - the reason for this file
    else:
        target._resource = resource  # noqa: SLF001 - the reason for this file
        # Merges nothing, and hands the result to every tracer or logger.
        target._update_resource(Resource.get_empty())  # noqa: SLF001 - the reason for this file


def resource_of(provider: MeterProvider) -> Resource:
    """Return what the metrics of a provider are about: the SDK lets it change, after a fork, and tells nobody but itself."""
    resource: Resource = provider._sdk_config.resource  # noqa: SLF001 - the reason for this file
    return resource


def feed_reader(reader: MetricReader, source: Callable[[], MetricsData] | None) -> None:
    """Let a reader of the SDK collect from a function instead of a provider; from nothing, if it is None.

    A reader that is added to a provider has storage of its own, which would double the cost of each measurement.
    """
    collect: Any = None if source is None else lambda _reader, **_limits: source()
    reader._set_collect_callback(collect)  # noqa: SLF001 - the reason for this file


def set_configurator(provider: TracerProvider | MeterProvider | LoggerProvider, configurator: Any) -> None:
    """Let a function decide, scope by scope, which tracers, meters or loggers of a provider are on (experimental in OpenTelemetry)."""
    target: Any = provider
    if isinstance(provider, MeterProvider):
        target._set_meter_configurator(meter_configurator=configurator)  # noqa: SLF001 - the reason for this file
    elif hasattr(provider, "add_span_processor"):
        target._set_tracer_configurator(tracer_configurator=configurator)  # noqa: SLF001 - the reason for this file
    else:
        target._set_logger_configurator(logger_configurator=configurator)  # noqa: SLF001 - the reason for this file


def is_switched_on(logger: Logger) -> bool:
    """Whether no configurator has switched a logger of the SDK off; ``Logger.enabled`` asks every processor besides, for much more."""
    try:
        return bool(logger._logger_config.is_enabled)  # type: ignore[attr-defined] # noqa: SLF001 - the reason for this file
    except AttributeError:
        return logger.enabled()


def counts_its_records(provider: LoggerProvider) -> bool:
    """Whether a provider counts its records in the SDK's own metrics: if ``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED`` says so."""
    return type(getattr(provider, "_logger_metrics", None)).__name__ != "NoOpLoggerMetrics"


def renew_metric_storage(provider: MeterProvider, only: MetricReader | None = None) -> None:
    """Give the readers of a provider empty storage with fresh locks: for a child after fork.

    The SDK renews none of the locks that a measurement takes. A thread of the parent that was adding to a counter during the fork holds
    one for ever in the child, and the child's next measurement, in the application's own thread, hangs on it (60 of 60 forks under three
    recording threads). What the parent had recorded and not yet exported would also be exported by both of them.

    Args:
        provider: whose readers.
        only: the one reader to renew, for a provider of others, whose own readers stay as they are.
    """
    consumer: Any = getattr(provider, "_measurement_consumer", None)
    if consumer is None:  # a provider of others that is no SDK's
        return
    consumer._lock = threading.Lock()  # noqa: SLF001 - the reason for this file
    for reader in list(consumer._reader_storages):  # noqa: SLF001 - the reason for this file
        if only is None or reader is only:
            consumer.remove_metric_reader(reader)
            consumer.add_metric_reader(reader)


def merge_resource_in_child(provider: TracerProvider | MeterProvider | LoggerProvider, resource: Resource) -> None:
    """Let a provider speak of what is different in a child after fork, whether or not the SDK's own hook has run by then."""
    target: Any = provider
    target._handle_fork()  # noqa: SLF001 - new locks; a second time changes nothing
    target._update_resource(resource)  # noqa: SLF001 - the reason for this file


# Of spans and tracers, for the lean span (`pipelines/lean_span.py`); a contract test guards each.


def report_end(processor: SpanProcessor, span: Span, ended: ReadableSpan) -> None:
    """Tell processors that a span has ended, as the SDK's span does: first the span itself, then what is left of it."""
    processor._on_ending(span)  # noqa: SLF001 - the reason for this file
    processor.on_end(ended)


def bounded_attributes(attributes: dict[str, Any], most: int | None, longest: int | None) -> BoundedAttributes:
    """Return the SDK's container around clean attributes: the constructor would clean them again, which is not the same twice."""
    bounded = BoundedAttributes(most, immutable=False, max_value_len=longest)
    bounded._dict = attributes  # noqa: SLF001 - the reason for this file
    return bounded


def make_immutable(attributes: BoundedAttributes) -> None:
    """Let nobody change the attributes of a span that has ended."""
    attributes._immutable = True  # noqa: SLF001 - the reason for this file


is_tracer_on: Callable[[Any], bool] = attrgetter("_tracer_config.is_enabled")
"""Whether a tracer of the SDK makes spans; the experimental configurator can turn each scope off, at any time."""


def parts_of_tracer(tracer: Any) -> tuple[SpanLimits, InstrumentationScope] | None:
    """Return what a tracer of the SDK gives to its spans and does not show.

    None for a tracer that is not as we know it, and for one that counts its own spans (``OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED``).
    """
    try:
        if tracer.__class__ is not Tracer or tracer._tracer_metrics.__class__.__name__ != "NoOpTracerMetrics":  # noqa: SLF001
            return None
        is_tracer_on(tracer)
        return tracer._span_limits, tracer._instrumentation_scope  # noqa: SLF001 - the reason for this file
    except AttributeError:
        return None


def root_of(sampler: ParentBased) -> Sampler:
    """Return what a parent-based sampler asks about new traces."""
    root: Sampler = sampler._root  # noqa: SLF001 - the reason for this file
    return root


class GrpcAnswers:
    """Mixed into the official gRPC exporters, which throw the answer of a successful call away: it may say that records were rejected."""

    answers: list[Any]
    _stub_client: Any = None

    @property
    def _client(self) -> Any:
        return self._stub_client

    @_client.setter
    def _client(self, client: Any) -> None:
        self.answers = []
        self._stub_client = None if client is None else _Listening(client, self.answers)


class _Listening:
    """A gRPC stub whose answers are kept."""

    def __init__(self, client: Any, answers: list[Any]) -> None:
        self._client = client
        self._answers = answers

    def Export(self, *arguments: Any, **options: Any) -> Any:  # noqa: N802 - the name of the call
        """Make the call."""
        answer = self._client.Export(*arguments, **options)
        self._answers.append(answer)
        return answer
