"""OTLP as bytes, in pure Python: message for message what the official encoder makes, in a fraction of its time, without protobuf."""

from __future__ import annotations

from langswarm_otel.export.encoding.errors import EncodingError
from langswarm_otel.export.encoding.group import Group, assemble
from langswarm_otel.export.encoding.logs import LogEncoder
from langswarm_otel.export.encoding.metrics import MetricEncoder
from langswarm_otel.export.encoding.spans import SpanEncoder

__all__ = ["EncodingError", "Group", "LogEncoder", "MetricEncoder", "SpanEncoder", "assemble"]
