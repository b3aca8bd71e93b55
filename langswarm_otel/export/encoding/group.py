"""Under which resource and scope a record is sent, and the body of a request from records that know it.

All three signals have the same outer layout: a request has resources (1), a resource entry has the resource (1), scopes (2) and a schema
URL (3), a scope entry has the scope (1), records (2) and a schema URL (3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.export.encoding.wire import VARINTS, text_field, with_length

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    from langswarm_otel.export.encoding.attributes import AttributeFields

MAX_GROUPS: Final = 256
"""Groups that an encoder remembers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """A resource and a scope, with their schema URLs, encoded.

    Groups are equal as the official encoder sees it: equal resource (whatever the order of its attributes), name, version, schema URL and
    attributes of the scope; but ``1``, ``True`` and ``1.0`` differ.
    """

    resource: bytes
    """Resource and its schema URL, as fields of an entry of a request."""

    scope: bytes
    """Scope and its schema URL, as fields of an entry of a resource."""

    resource_identity: tuple[Any, ...]
    """Equal for resources that are equal."""

    scope_identity: tuple[Any, ...]
    """Equal for scopes that are equal."""

    number: int = field(init=False)
    """The hash, computed once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "number", hash((self.resource_identity, self.scope_identity)))

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, Group) and self.resource_identity == other.resource_identity and self.scope_identity == other.scope_identity
        )


COMPLETE: Final = Group(resource=b"", scope=b"", resource_identity=(), scope_identity=())
"""The group of records that the official encoder made: each is a whole entry of a request, with its resource and scope."""


class Groups:
    """The groups of an encoder, remembered by the identity of resource and scope; when it is full it starts anew."""

    def __init__(self, attributes: AttributeFields) -> None:
        self._attributes = attributes
        self._by_objects: dict[tuple[int, int], tuple[Any, Any, Group]] = {}  # holds the objects, so that no other can have their ids

    def of(self, resource: Resource, scope: InstrumentationScope | None) -> Group:
        """Return the group of a resource and a scope.

        Raises:
            UnicodeEncodeError: a name or an URL has a lone surrogate.
        """
        found = self._by_objects.get((id(resource), id(scope)))
        if found is not None:
            return found[2]
        group = self._encode(resource, scope)
        if len(self._by_objects) >= MAX_GROUPS:
            self._by_objects.clear()
        self._by_objects[id(resource), id(scope)] = (resource, scope, group)
        return group

    def _encode(self, resource: Resource, scope: InstrumentationScope | None) -> Group:
        fields = self._fields(resource.attributes)
        resource_bytes = with_length(b"\x0a", b"\x0a".join(fields)) + text_field(b"\x1a", resource.schema_url)
        resource_identity = (resource.schema_url, *sorted(fields))
        if scope is None:
            return Group(resource=resource_bytes, scope=b"\x0a\x00", resource_identity=resource_identity, scope_identity=())
        fields = self._fields(scope.attributes)
        name_version = text_field(b"\x0a", scope.name) + text_field(b"\x12", scope.version)
        return Group(
            resource=resource_bytes,
            scope=with_length(b"\x0a", name_version + b"\x1a".join(fields)) + text_field(b"\x1a", scope.schema_url),
            resource_identity=resource_identity,
            scope_identity=(scope.name, scope.version, scope.schema_url, *sorted(fields)),
        )

    def _fields(self, attributes: Any) -> list[bytes]:
        fields = [b""]
        self._attributes.append(fields, attributes or {})
        return fields


def assemble(records: Iterable[tuple[Group, bytes]]) -> bytes:
    """Return the body of a request: ExportTraceServiceRequest, ExportLogsServiceRequest or ExportMetricsServiceRequest.

    Args:
        records: of one signal, from its encoder, in any order; equal groups are sent together, in the order in which they first come.
    """
    runs: dict[Group, list[bytes]] = {}
    last: Group | None = None
    run: list[bytes] = []
    for group, record in records:
        if group is not last:
            last = group
            run = runs.setdefault(group, [])
        run.append(record)
    complete = b"".join(runs.pop(COMPLETE, ()))
    resources: dict[tuple[Any, ...], list[bytes]] = {}
    for group, run in runs.items():
        entry = resources.setdefault(group.resource_identity, [group.resource])
        entry += _entry(b"\x12", [group.scope, *run])  # scope_spans, scope_logs, scope_metrics
    return b"".join([part for entry in resources.values() for part in _entry(b"\x0a", entry)]) + complete


def _entry(tag: bytes, parts: Sequence[bytes]) -> list[bytes]:
    """Return a field in parts, so that its content is copied once only, when all is put together."""
    return [tag, VARINTS[sum(map(len, parts))], *parts]
