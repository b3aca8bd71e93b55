"""What happens to every record once, in the worker, before it is encoded: the content gate and safe values.

Our own operations pass the same rules at their edge; this second look is for foreign spans, events and logs that use our pipeline. A
record that needs no change is passed on as it is.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import Gauge
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Status

from langswarm_otel import semconv
from langswarm_otel.content import gate
from langswarm_otel.content.cutting import MAX_RECORD_BYTES, is_small, within_budget
from langswarm_otel.content.safe import safe_attributes, safe_text, safe_value
from langswarm_otel.content.scrubbing import USUAL, Scrubber
from langswarm_otel.export.log_records import are_plain
from langswarm_otel.export.sdk_private import attributes_and_events
from langswarm_otel.foreign_content import FOREIGN_CONTENT_EVENT_NAMES
from langswarm_otel.log_sources import LANGSWARM, WITHHELD, quotes_content
from langswarm_otel.pipelines.fold import add_points, freeze

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics import Exemplar
    from opentelemetry.sdk.metrics.export import MetricsData

    from langswarm_otel.config import ObservabilityConfig

_EMPTY: Mapping[str, Any] = {}
_LOOKED_AT = frozenset((*semconv.CONTENT_EVENT_NAMES, *FOREIGN_CONTENT_EVENT_NAMES))
_KEPT = frozenset(
    {semconv.CONVERSATION_ID, semconv.AGENT_NAME, semconv.EXCEPTION_TYPE, "code.file.path", "code.function.name", "code.line.number"}
)


def scrubber_of(config: ObservabilityConfig) -> Scrubber:
    """Return what replaces credentials under a configuration."""
    if not config.scrub_patterns and not config.scrub_exempt_keys:
        return USUAL
    return Scrubber([(name, re.compile(pattern)) for name, pattern in config.scrub_patterns.items()], config.scrub_exempt_keys)


class Preparation:
    """The rules that hold for everything on its way to the exporters of one handle."""

    def __init__(self, *, capture_content: bool, scrubber: Scrubber = USUAL, max_record_bytes: int = MAX_RECORD_BYTES) -> None:
        self.capture_content = capture_content
        """Whether message content, tool data and exception texts may leave the process; may change while in use."""
        self.scrubber = scrubber
        """What replaces credentials; may change too."""
        self.max_record_bytes = max_record_bytes
        """What the texts of one span or log record may take; the largest values are cut to keep to it."""

    def clean(
        self, attributes: Mapping[str, Any] | None, event_name: str | None = None, *, nested: bool = False
    ) -> Mapping[str, Any] | None:
        """Return the attributes as they may be sent, or None if they may stay as they are.

        Args:
            attributes: of a span, an event, a link or a log record.
            event_name: name of the event or log record; content events carry content under bare keys too.
            nested: whether mappings may stay mappings, as they may on log records.
        """
        if not attributes:
            return None
        # The SDK's attribute mapping is slow to walk, its copy is one C call.
        plain: Mapping[str, Any] = attributes.copy() if hasattr(attributes, "copy") else attributes
        cleaned = safe_attributes(gate.strip_event(event_name, plain, is_open=self.capture_content), nested=nested)
        cleaned = self.scrubber.attributes(cleaned)
        return None if cleaned is plain else cleaned

    def span(self, span: ReadableSpan) -> ReadableSpan:
        """Return the span as it may be sent."""
        attributes = self._of_scope(span, self.clean(span.attributes))
        events = self._events(span.events)
        links = self._links(span.links)
        name = self.scrubber.text(gate.strip_name(safe_text(span.name), span.instrumentation_scope, is_open=self.capture_content))
        status = self._status(span)
        attributes, events = self._within_budget(span, attributes, events)
        if attributes is None and events is None and links is None and name is span.name and status is span.status:
            return span
        return _ChangedSpan(span, name=name, attributes=attributes, events=events, links=links, status=status)

    def _of_scope(self, span: ReadableSpan, cleaned: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return cleaned attributes without what is content in the span's scope alone, or None if they may stay as they are."""
        present = (span.attributes or _EMPTY) if cleaned is None else cleaned
        kept = gate.strip_scope(present, span.instrumentation_scope, is_open=self.capture_content)
        return cleaned if kept is present else kept

    def _status(self, span: ReadableSpan) -> Status:
        status = span.status
        if not status.description:
            return status
        description = gate.strip_description(
            status.description,
            span.attributes or _EMPTY,
            [event.attributes or _EMPTY for event in span.events],
            is_open=self.capture_content,
        )
        if description is not None:
            description = self.scrubber.text(safe_text(description))
        return status if description is status.description else Status(status.status_code, description)

    def _events(self, events: Sequence[Event]) -> list[Event] | None:
        """Return the events as they may be sent, or None if all may stay as they are."""
        changed = False
        kept = []
        for event in events:
            attributes, name = self.clean(event.attributes, event.name), self.scrubber.text(safe_text(event.name))
            if attributes is None and name is event.name:
                kept.append(event)
            else:
                changed = True
                kept.append(Event(name, event.attributes if attributes is None else attributes, event.timestamp))
        return kept if changed else None

    def _links(self, links: Sequence[Link]) -> list[Link] | None:
        """Return the links as they may be sent, or None if all may stay as they are."""
        cleaned = [self.clean(link.attributes) for link in links]
        if all(attributes is None for attributes in cleaned):
            return None
        return [link if attributes is None else Link(link.context, attributes) for link, attributes in zip(links, cleaned, strict=True)]

    def log_record(self, readable: ReadableLogRecord) -> ReadableLogRecord:
        """Return the log record as it may be sent."""
        record = readable.log_record
        if not self.capture_content and _quotes_content(readable):
            return _withheld(readable)
        if _is_plain(record) and self._is_harmless(record):
            return readable
        attributes = self.clean(record.attributes, record.event_name, nested=True)
        body = gate.strip_body(record.body, record.event_name, record.attributes, is_open=self.capture_content)
        body = self.scrubber.value("body", safe_value(body, nested=True))
        texts = [safe_text(text) if text else text for text in (record.severity_text, record.event_name)]
        attributes, body = self._within_record_budget(record, attributes, body)
        same = texts[0] is record.severity_text and texts[1] is record.event_name
        if same and body is record.body and attributes is None:
            return readable
        changed = copy.copy(record)
        changed.body = body
        if attributes is not None:
            changed.attributes = dict(attributes)
        changed.severity_text, changed.event_name = texts
        return dataclasses.replace(readable, log_record=changed)

    def metrics(self, data: MetricsData) -> MetricsData:
        """Make the attributes of every point safe and free of content and user ids, in place of the SDK dropping what cannot be encoded."""
        for resource_metrics in data.resource_metrics:
            for scope_metrics in resource_metrics.scope_metrics:
                for metric in scope_metrics.metrics:
                    points = metric.data.data_points
                    cleaned = [self._point(point) for point in points]
                    if any(new is not old for new, old in zip(cleaned, points, strict=True)):
                        object.__setattr__(metric.data, "data_points", _merged(cleaned, is_gauge=isinstance(metric.data, Gauge)))
        return data

    def _point(self, point: Any) -> Any:
        attributes = gate.strip(point.attributes or _EMPTY, is_open=self.capture_content)
        if semconv.USER_ID in attributes:
            attributes = {key: value for key, value in attributes.items() if key != semconv.USER_ID}
        attributes = self.scrubber.attributes(safe_attributes(attributes))
        given = getattr(point, "exemplars", None) or ()
        exemplars = [self._exemplar(exemplar) for exemplar in given]
        if any(new is not old for new, old in zip(exemplars, given, strict=True)):
            return dataclasses.replace(point, attributes=attributes, exemplars=exemplars)
        return point if attributes is (point.attributes or attributes) else dataclasses.replace(point, attributes=attributes)

    def _exemplar(self, exemplar: Exemplar) -> Exemplar:
        """Return an exemplar whose attributes, those that a view has taken off its series, may be sent."""
        if not exemplar.filtered_attributes:
            return exemplar
        kept = {key: value for key, value in exemplar.filtered_attributes.items() if key != semconv.USER_ID}
        cleaned = self.clean(kept)
        if cleaned is None and len(kept) == len(exemplar.filtered_attributes):
            return exemplar
        return dataclasses.replace(exemplar, filtered_attributes=kept if cleaned is None else cleaned)

    def _is_harmless(self, record: LogRecord) -> bool:
        """Whether a record of plain values holds no credential and is of a usual size."""
        attributes: Any = record.attributes
        body: Any = record.body
        if body is not None and self.scrubber.text(body) is not body:
            return False
        return self.scrubber.attributes(attributes) is attributes and is_small(attributes, body, self.max_record_bytes)

    def _within_budget(
        self, span: ReadableSpan, attributes: Mapping[str, Any] | None, events: list[Event] | None
    ) -> tuple[Mapping[str, Any] | None, list[Event] | None]:
        """Return attributes and events of a span, cut where all together are too large."""
        present, happened = attributes_and_events(span)
        if attributes is not None:
            present = attributes
        if not happened and is_small(present, None, self.max_record_bytes):
            return attributes, events
        happened = span.events if events is None else events
        kept = within_budget([present or _EMPTY, *(event.attributes or _EMPTY for event in happened)], self.max_record_bytes)
        if kept is None:
            return attributes, events
        return kept[0], [Event(event.name, own, event.timestamp) for event, own in zip(happened, kept[1:], strict=True)]

    def _within_record_budget(
        self, record: LogRecord, attributes: Mapping[str, Any] | None, body: Any
    ) -> tuple[Mapping[str, Any] | None, Any]:
        """Return attributes and body of a log record, cut where they are too large together."""
        present = (record.attributes or _EMPTY) if attributes is None else attributes
        kept = within_budget([{"body": body}, present], self.max_record_bytes)
        return (attributes, body) if kept is None else (kept[1], kept[0]["body"])


def _is_plain(record: LogRecord) -> bool:
    """Whether a record may be sent as it is, for sure: what most records are, seen in one look."""
    attributes: Any = record.attributes
    if type(attributes) is not dict or not gate.are_plain_keys(tuple(attributes)) or record.event_name in _LOOKED_AT:
        return False
    for text in (record.body, record.severity_text, record.event_name):
        if text is not None and (type(text) is not str or not text.isascii()):
            return False
    return are_plain(attributes)


def _merged(points: list[Any], *, is_gauge: bool) -> list[Any]:
    """Add up points that are one series now that attributes are gone; of a gauge the last one stays."""
    merged: dict[Any, Any] = {}
    for point in points:
        key = freeze(point.attributes)
        merged[key] = point if is_gauge or key not in merged else add_points(merged[key], point)
    return list(merged.values())


def _quotes_content(readable: ReadableLogRecord) -> bool:
    """Whether the text of a record of somebody's log handler has to be taken for content.

    Instrumentations, LangSwarm's among them, name a version of theirs; log handlers do not.
    """
    scope = readable.instrumentation_scope
    return scope is not None and not scope.version and isinstance(scope.name, str) and quotes_content(scope.name)


def _withheld(readable: ReadableLogRecord) -> ReadableLogRecord:
    """Return what may be sent of a record whose text and extras are content: that it was there, when, how severe, in which span."""
    changed = copy.copy(readable.log_record)
    changed.body = WITHHELD
    changed.attributes = {key: value for key, value in (changed.attributes or _EMPTY).items() if key in _KEPT}
    return dataclasses.replace(readable, log_record=changed, instrumentation_scope=InstrumentationScope(LANGSWARM))


class _ChangedSpan(ReadableSpan):
    """A span with some parts replaced, which still tells how many attributes, events and links the SDK dropped from the original."""

    def __init__(
        self,
        original: ReadableSpan,
        *,
        name: str,
        attributes: Mapping[str, Any] | None,
        events: Sequence[Event] | None,
        links: Sequence[Link] | None,
        status: Status,
    ) -> None:
        super().__init__(
            name=name,
            context=original.get_span_context(),
            parent=original.parent,
            resource=original.resource,
            attributes=original.attributes if attributes is None else attributes,
            events=original.events if events is None else events,
            links=original.links if links is None else links,
            kind=original.kind,
            status=status,
            start_time=original.start_time,
            end_time=original.end_time,
            instrumentation_scope=original.instrumentation_scope,
        )
        self._original = original

    @property
    def dropped_attributes(self) -> int:
        return self._original.dropped_attributes

    @property
    def dropped_events(self) -> int:
        return self._original.dropped_events

    @property
    def dropped_links(self) -> int:
        return self._original.dropped_links
