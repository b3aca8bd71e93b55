"""OTLP requests as records. protobuf is imported here, and only when something has to be decoded."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.receiver.body import RequestError
from langswarm_otel.receiver.points import metric_points
from langswarm_otel.receiver.records import ReceivedEvent, ReceivedLink, ReceivedLog, ReceivedSpan, Scope
from langswarm_otel.receiver.values import attributes_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from google.protobuf.message import Message

    from langswarm_otel.receiver.records import Attributes, Record, Signal

PROTOBUF: Final = "application/x-protobuf"
JSON: Final = "application/json"

_STATUS: Final = ("UNSET", "OK", "ERROR")
_KIND: Final = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_ID_FIELDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """The protobuf messages of one signal."""

    signal: Signal
    """The signal."""

    request: type[Message]
    """Its ``Export*ServiceRequest``."""

    response: type[Message]
    """Its ``Export*ServiceResponse``."""

    def decode(self, body: bytes, content_type: str) -> tuple[Record, ...]:
        """Return the records of a request.

        Raises:
            RequestError: 400 when the body is no such request.
        """
        message = self.request()
        try:
            if content_type == JSON:
                _parse_json(body, message)
            else:
                message.ParseFromString(body)
            return tuple(_RECORDS[self.signal](message))
        except RequestError:
            raise
        except (Exception, RecursionError) as error:  # noqa: BLE001 - garbage fails in protobuf, json or here, each in its own way
            raise RequestError(400, f"the body is no OTLP {self.signal} request ({type(error).__name__})") from None

    def answer(self, content_type: str) -> bytes:
        """Return a full success, encoded as the request was."""
        return b"{}" if content_type == JSON else self.response().SerializeToString()


def load_codecs() -> dict[str, Codec]:
    """Return the codec of each path; imports ``opentelemetry-proto``.

    Raises:
        ModuleNotFoundError: naming the extra to install.
    """
    try:
        from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs  # noqa: PLC0415 - on use
        from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics  # noqa: PLC0415 - on use
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces  # noqa: PLC0415 - on use
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"receiving OTLP needs {error.name}: pip install 'langswarm-otel[cli]'", name=error.name) from None

    def codec(signal: Signal, module: ModuleType, stem: str) -> Codec:
        return Codec(signal=signal, request=getattr(module, f"{stem}Request"), response=getattr(module, f"{stem}Response"))

    return {
        "/v1/traces": codec("traces", traces, "ExportTraceService"),
        "/v1/metrics": codec("metrics", metrics, "ExportMetricsService"),
        "/v1/logs": codec("logs", logs, "ExportLogsService"),
    }


def _scope_of(holder: Any) -> Scope:
    """Return the scope of a ``Scope*`` message."""
    scope = holder.scope
    return Scope(name=scope.name, version=scope.version, schema_url=holder.schema_url, attributes=attributes_of(scope.attributes))


def _spans(request: Any) -> Iterator[ReceivedSpan]:
    for group in request.resource_spans:
        resource = attributes_of(group.resource.attributes)
        for holder in group.scope_spans:
            scope = _scope_of(holder)
            for span in holder.spans:
                yield _span(span, resource, scope)


def _span(span: Any, resource: Attributes, scope: Scope) -> ReceivedSpan:
    return ReceivedSpan(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_span_id=span.parent_span_id.hex() or None,
        name=span.name,
        kind=_named(_KIND, span.kind),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=_named(_STATUS, span.status.code),
        status_message=span.status.message,
        attributes=attributes_of(span.attributes),
        events=tuple(
            ReceivedEvent(name=event.name, time_ns=event.time_unix_nano, attributes=attributes_of(event.attributes))
            for event in span.events
        ),
        links=tuple(
            ReceivedLink(trace_id=link.trace_id.hex(), span_id=link.span_id.hex(), attributes=attributes_of(link.attributes))
            for link in span.links
        ),
        trace_state=span.trace_state,
        resource=resource,
        scope=scope,
    )


def _logs(request: Any) -> Iterator[ReceivedLog]:
    for group in request.resource_logs:
        resource = attributes_of(group.resource.attributes)
        for holder in group.scope_logs:
            scope = _scope_of(holder)
            for record in holder.log_records:
                yield ReceivedLog(
                    time_ns=record.time_unix_nano,
                    observed_ns=record.observed_time_unix_nano,
                    severity_number=record.severity_number,
                    severity_text=record.severity_text,
                    body=value_of(record.body),
                    attributes=attributes_of(record.attributes),
                    trace_id=record.trace_id.hex() or None,
                    span_id=record.span_id.hex() or None,
                    event_name=record.event_name,
                    resource=resource,
                    scope=scope,
                )


def _metrics(request: Any) -> Iterator[Record]:
    for group in request.resource_metrics:
        resource = attributes_of(group.resource.attributes)
        for holder in group.scope_metrics:
            scope = _scope_of(holder)
            for metric in holder.metrics:
                yield from metric_points(metric, resource, scope)


def _named(names: tuple[str, ...], number: int) -> str:
    """Return the name of an enumeration's number; protobuf keeps numbers that it does not know."""
    return names[number] if 0 <= number < len(names) else str(number)


def _parse_json(body: bytes, message: Message) -> None:
    """Fill a message from OTLP's JSON, in which ids are hex where protobuf's own JSON has base64."""
    from google.protobuf import json_format  # noqa: PLC0415 - on use

    fields = json.loads(body, object_hook=_ids_to_base64)
    if not isinstance(fields, dict):
        raise RequestError(400, "the body is no JSON object")
    json_format.ParseDict(fields, message, ignore_unknown_fields=True)


def _ids_to_base64(fields: dict[str, Any]) -> dict[str, Any]:
    """Spell the ids of one JSON object as protobuf expects them; attribute keys are values in OTLP and never met here."""
    for name in _ID_FIELDS & fields.keys():
        fields[name] = base64.b64encode(bytes.fromhex(fields[name])).decode("ascii")
    return fields


_RECORDS: Final = {"traces": _spans, "metrics": _metrics, "logs": _logs}
