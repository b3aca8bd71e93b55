"""An OTLP/HTTP receiver for a laptop: the demo, the viewer and tests look at what really travelled.

It is not a Collector: it listens on loopback, keeps a bounded amount in memory and forwards nothing.
"""

from langswarm_otel.receiver.records import (
    ExponentialBuckets,
    MetricPoint,
    ReceivedEvent,
    ReceivedExemplar,
    ReceivedLink,
    ReceivedLog,
    ReceivedSpan,
    Scope,
)
from langswarm_otel.receiver.server import OtlpReceiver

__all__ = [
    "ExponentialBuckets",
    "MetricPoint",
    "OtlpReceiver",
    "ReceivedEvent",
    "ReceivedExemplar",
    "ReceivedLink",
    "ReceivedLog",
    "ReceivedSpan",
    "Scope",
]
