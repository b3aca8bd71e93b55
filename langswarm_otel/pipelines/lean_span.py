"""The SDK's span, made and filled in a third of the time.

Of what a span costs its caller in the SDK, most is bookkeeping that nobody asked for: each attribute is copied twice and stored under a
lock, and lists for events and links are made for spans that have neither. Here attributes are a plain dictionary, and the rest is made
when it is first needed.

What it must equal: every ``LeanSpan`` behaves as the SDK's span for the same calls, in what it returns, raises, logs and exports. How
that is kept: it *is* an SDK ``Span``, and everything that is not the common case is left to the inherited code. Values other than plain
ones and lists of plain ones, keys that are no text, more attributes than the limit, texts longer than the limit and whatever comes after
the end go there. ``tests/pipelines/test_lean_span.py`` compares both under random sequences of calls. An SDK whose span has other parts
than those known here is noticed (``is_like_the_sdks``), and its own spans are used; ``SwitchTracerProvider.lean`` turns all of this off.

Threads: as in the SDK one lock guards each change and the end, so a change is either in what is exported or is refused with a
warning. It is reentrant, unlike the SDK's: a signal handler that touches the very span its thread was changing does not hang.
"""

# The parts of a span are private to the SDK, and to whatever inherits from it; all of it is compared with the SDK's at each start.
# ruff: noqa: SLF001

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import time_ns
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanKind, Status

from langswarm_otel.content.safe import safe_attributes, safe_value
from langswarm_otel.export.sdk_private import bounded_attributes, make_immutable, report_end
from langswarm_otel.export.sizes import LEAN_SPAN_BYTES
from langswarm_otel.pipelines.lean_attributes import PLAIN, first_attributes, plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from opentelemetry.sdk.trace import Tracer
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import Link, SpanContext
    from opentelemetry.util.types import AnyValue, Attributes

_ReentrantLock: Final[Any] = type(threading.RLock())  # the function `RLock` costs twice as much
_UNSET: Final = Status()


@dataclass(frozen=True, slots=True, kw_only=True)
class TracerParts:
    """What the spans of one tracer have in common."""

    tracer: Tracer
    """The SDK's; its resource, sampler and processors are asked for at each span, since they may change."""

    limits: SpanLimits
    """Read whenever they matter, since they may change."""

    scope: InstrumentationScope
    """Which library makes the spans."""


class EndedSpan(ReadableSpan):
    """What a lean span leaves behind; a ``ReadableSpan`` in everything, only made faster."""

    bytes_when_bare = LEAN_SPAN_BYTES
    """What one without attributes and events takes in memory; ``export.sizes`` asks for it."""

    def __init__(self, span: LeanSpan, attributes: Any) -> None:
        # Not the SDK's constructor: thirteen keyword arguments cost as much as all the rest of an end.
        self._name = span._name
        self._context = span._context
        self._kind = span._kind
        self._instrumentation_info = span._instrumentation_info
        self._instrumentation_scope = span._instrumentation_scope
        self._parent = span._parent
        self._start_time = span._start_time
        self._end_time = span._end_time
        self._attributes = attributes
        self._events = span._events
        self._links = span._links
        self._resource = span._resource
        self._status = span._status


class _Live(Mapping[str, Any]):
    """The attributes of a span that is being written to, safe to walk meanwhile, as the SDK's mapping is."""

    __slots__ = ("_span",)

    def __init__(self, span: LeanSpan) -> None:
        self._span = span

    def __getitem__(self, key: str) -> Any:
        return self._span._attributes[key]

    def __contains__(self, key: object) -> bool:
        return key in self._span._attributes

    def __iter__(self) -> Iterator[str]:
        return iter(self.copy())

    def __len__(self) -> int:
        return len(self._span._attributes)

    def copy(self) -> dict[str, Any]:
        """Return what there is at this moment."""
        copy: dict[str, Any] = self._span._attributes.copy()
        return copy


class LeanSpan(Span):
    """A span of the SDK whose parts are made when they are needed; see the module."""

    _trace_config = None
    _record_end_metrics = None

    def begin(
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext | None,
        kind: SpanKind,
        attributes: Any,
        links: Sequence[Link],
        start_time: int | None,
        parts: TracerParts,
        record_exception: bool,
        set_status_on_exception: bool,
    ) -> None:
        """Fill a span that was made without a constructor; no processor is told."""
        tracer, limits = parts.tracer, parts.limits
        self._name = name
        self._context = context
        self._kind = kind
        self._instrumentation_info = tracer.instrumentation_info
        self._instrumentation_scope = parts.scope
        self._parent = parent
        self._end_time: int | None = None
        self._events: Any = ()
        self._resource = tracer.resource
        self._status = _UNSET
        self._sampler = tracer.sampler
        self._record_exception = record_exception
        self._set_status_on_exception = set_status_on_exception
        self._span_processor = tracer.span_processor
        self._limits = limits
        self._lock = _ReentrantLock()
        self._attributes: Any = first_attributes(attributes, limits)
        self._links: Any = self._new_links(links) if links else ()
        self._start_time = time_ns() if start_time is None else start_time

    @property
    def attributes(self) -> Attributes:
        """What has been set so far, as it is at each look."""
        inner = self._attributes
        if inner.__class__ is not dict or not inner:
            return super().attributes
        return MappingProxyType(inner if self._end_time is not None else _Live(self))

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; as in the SDK."""
        with self._lock:
            attributes = self._attributes
            if self._end_time is None and attributes.__class__ is dict:
                kind, longest = type(value), self._limits.max_span_attribute_length
                is_plain = len(value) <= longest if kind is str and longest is not None else kind in PLAIN
                if is_plain and type(key) is str and key:
                    if key in attributes:
                        del attributes[key]  # the SDK moves it to the end
                    most = self._limits.max_span_attributes
                    if most is None or len(attributes) < most:
                        attributes[key] = value
                        return
                elif self._takes(key, value):
                    return
                self._promote()
            try:
                super().set_attribute(key, value)
            except Exception:  # noqa: BLE001 - the value's own code ran, or it holds itself
                super().set_attribute(key, safe_value(value))

    def _takes(self, key: Any, value: Any) -> bool:
        """Store a value that is a list of plain ones; False if it is none, or there is no room."""
        if (type(value) is not tuple and type(value) is not list) or type(key) is not str:
            return False
        return self._takes_all({key: value})

    def _takes_all(self, attributes: Any) -> bool:
        """Store plain attributes; False where the SDK has to clean or to drop something."""
        own, limits = self._attributes, self._limits
        new = plain(attributes, limits.max_span_attribute_length)
        if new is None or (limits.max_span_attributes is not None and len(own) + len(new) > limits.max_span_attributes):
            return False
        for key in new:
            own.pop(key, None)  # the SDK moves it to the end
        own.update(new)
        return True

    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None:
        """Set several attributes; as in the SDK."""
        with self._lock:
            if self._end_time is None and self._attributes.__class__ is dict:
                if self._takes_all(attributes):
                    return
                self._promote()
            try:
                super().set_attributes(attributes)
            except Exception:
                if not isinstance(attributes, Mapping):
                    raise
                super().set_attributes(safe_attributes(attributes))

    def _promote(self) -> None:
        """Go on with the SDK's own container, which knows what to drop, how to count it and what to log."""
        limits = self._limits
        self._attributes = bounded_attributes(self._attributes, limits.max_span_attributes, limits.max_span_attribute_length)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event; as in the SDK."""
        if self._events.__class__ is tuple:
            with self._lock:
                if self._events.__class__ is tuple and self._end_time is None:
                    self._events = self._new_events()  # type: ignore[no-untyped-call]
        try:
            super().add_event(name, attributes, timestamp)
        except Exception:
            if not isinstance(attributes, Mapping):
                raise
            super().add_event(name, safe_attributes(attributes), timestamp)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Add a link; as in the SDK."""
        if self._links.__class__ is tuple:
            with self._lock:
                if self._links.__class__ is tuple and self._end_time is None:
                    self._links = self._new_links(())
        try:
            super().add_link(context, attributes)
        except Exception:
            if not isinstance(attributes, Mapping):
                raise
            super().add_link(context, safe_attributes(attributes))

    def end(self, end_time: int | None = None) -> None:
        """End the span and tell the processors, once; as in the SDK."""
        with self._lock:
            if self._end_time is not None:
                super().end(end_time)  # only says that it has ended
                return
            self._end_time = time_ns() if end_time is None else end_time
            attributes = self._attributes
            if attributes.__class__ is not dict:
                make_immutable(attributes)
        report_end(self._span_processor, self, EndedSpan(self, attributes))

    def _readable_span(self) -> ReadableSpan:
        attributes = self._attributes
        return EndedSpan(self, _Live(self) if attributes.__class__ is dict and self._end_time is None else attributes)


def is_like_the_sdks(parts: TracerParts) -> bool:
    """Whether this SDK's span has the parts that a lean one has, and no others: what is inherited uses them."""
    try:
        theirs, ours = object.__new__(LeanSpan), object.__new__(LeanSpan)
        Span.__init__(theirs, "", INVALID_SPAN_CONTEXT, resource=parts.tracer.resource)
        ours.begin(
            "", INVALID_SPAN_CONTEXT, None, SpanKind.INTERNAL, None, (), 0, parts, record_exception=True, set_status_on_exception=True
        )
        ended = EndedSpan(ours, {})
        return all(hasattr(ours, name) for name in vars(theirs)) and vars(ended).keys() == vars(Span._readable_span(theirs)).keys()
    except Exception:  # noqa: BLE001 - whatever is different there
        return False
