"""Environment variables of this distribution, for what OpenTelemetry has no name for.

Everything else is configured by OpenTelemetry's own ``OTEL_*`` variables, which keep their meaning. An argument wins over the environment,
and the environment over the preset. ``langswarm-otel explain`` shows which one each setting came from.
"""

from __future__ import annotations

from typing import Final

LANGSWARM_OTEL_DISABLED: Final = "LANGSWARM_OTEL_DISABLED"
"""``true`` turns this distribution off and leaves all other telemetry alone; ``OTEL_SDK_DISABLED`` turns off both."""

LANGSWARM_OTEL_PRESET: Final = "LANGSWARM_OTEL_PRESET"
"""Preset where the program names none: ``development``, ``testing``, ``production`` or ``serverless``."""

LANGSWARM_OTEL_CAPTURE_USER_ID: Final = "LANGSWARM_OTEL_CAPTURE_USER_ID"
"""``true`` records ``user.id`` as it is, beside its salted hash."""

LANGSWARM_OTEL_LOOKUP_SPANS: Final = "LANGSWARM_OTEL_LOOKUP_SPANS"
"""``true`` makes spans of the look-ups of LangSwarm's memory and sessions."""

LANGSWARM_OTEL_SCRUB_EXEMPT_KEYS: Final = "LANGSWARM_OTEL_SCRUB_EXEMPT_KEYS"
"""Keys of attributes that are never scrubbed, separated by commas."""

LANGSWARM_OTEL_MAX_RECORD_BYTES: Final = "LANGSWARM_OTEL_MAX_RECORD_BYTES"
"""Most bytes that the texts of one span or log record may take."""

LANGSWARM_OTEL_USER_HASH_SALT: Final = "LANGSWARM_OTEL_USER_HASH_SALT"
"""Salt of ``user.hash``; secret."""

LANGSWARM_OTEL_SEMCONV: Final = "LANGSWARM_OTEL_SEMCONV"
"""Generation of the GenAI client metrics: ``g1``, ``g2`` or ``both``."""

LANGSWARM_OTEL_INSTRUMENT: Final = "LANGSWARM_OTEL_INSTRUMENT"
"""``true``, ``false``, or the names of the instrumentations wanted, separated by commas."""

LANGSWARM_OTEL_ON_FOREIGN: Final = "LANGSWARM_OTEL_ON_FOREIGN"
"""What to do where another global provider is set: ``join``, ``private`` or ``error``."""

LANGSWARM_OTEL_HANDLE_SIGNALS: Final = "LANGSWARM_OTEL_HANDLE_SIGNALS"
"""``true`` sends what is left on SIGTERM, before the previous handler runs."""

LANGSWARM_OTEL_SHUTDOWN_TIMEOUT_S: Final = "LANGSWARM_OTEL_SHUTDOWN_TIMEOUT_S"
"""Longest time that the end of the process may take, in seconds."""

LANGSWARM_OTEL_OTLP_EXPORTER: Final = "LANGSWARM_OTEL_OTLP_EXPORTER"
"""Who makes and sends OTLP over HTTP: ``langswarm``, or ``official`` for OpenTelemetry's own exporters."""

LANGSWARM_OTEL_QUEUE_MAX_BYTES: Final = "LANGSWARM_OTEL_QUEUE_MAX_BYTES"
"""Most bytes that wait for one destination."""

LANGSWARM_OTEL_PIPELINE_METRICS: Final = "LANGSWARM_OTEL_PIPELINE_METRICS"
"""``false`` leaves the metrics of our own pipeline out."""

LANGSWARM_OTEL_SPOOL_DIRECTORY: Final = "LANGSWARM_OTEL_SPOOL_DIRECTORY"
"""Directory that keeps what no OTLP endpoint takes."""

LANGSWARM_OTEL_SPOOL_MAX_BYTES: Final = "LANGSWARM_OTEL_SPOOL_MAX_BYTES"
"""Most bytes of the disk that it takes."""

LANGSWARM_OTEL_KEEP_ERRORS: Final = "LANGSWARM_OTEL_KEEP_ERRORS"
"""``true`` exports traces with an error, this process's part of them, also where they are not sampled."""

LANGSWARM_OTEL_KEEP_SLOWER_THAN_S: Final = "LANGSWARM_OTEL_KEEP_SLOWER_THAN_S"
"""The same for traces that take longer, in seconds."""

LANGSWARM_OTEL_KEEP_COSTLIER_THAN: Final = "LANGSWARM_OTEL_KEEP_COSTLIER_THAN"
"""The same for traces whose runs cost more, in US dollars."""

LANGSWARM_OTEL_KEEP_MAX_BYTES: Final = "LANGSWARM_OTEL_KEEP_MAX_BYTES"
"""Most bytes of unsampled traces that wait to be judged."""

LANGSWARM_OTEL_KEEP_FOR_S: Final = "LANGSWARM_OTEL_KEEP_FOR_S"
"""How long they may wait, in seconds."""

LANGSWARM_OTEL_CARDINALITY_LIMIT: Final = "LANGSWARM_OTEL_CARDINALITY_LIMIT"
"""Most attribute sets of one metric."""

LANGSWARM_OTEL_CONFIGURE_STRUCTLOG: Final = "LANGSWARM_OTEL_CONFIGURE_STRUCTLOG"
"""``false`` leaves structlog as it is."""

LANGSWARM_OTEL_LOG_LEVEL: Final = "LANGSWARM_OTEL_LOG_LEVEL"
"""Least level of log lines: DEBUG, INFO, WARNING, ERROR or CRITICAL."""

LANGSWARM_OTEL_LOG_FORMAT: Final = "LANGSWARM_OTEL_LOG_FORMAT"
"""``console`` for people, ``json`` for machines."""

LANGSWARM_OTEL_LOG_OUTPUT: Final = "LANGSWARM_OTEL_LOG_OUTPUT"
"""``console``, ``file``, ``both`` or ``none``."""

LANGSWARM_OTEL_LOG_FILE: Final = "LANGSWARM_OTEL_LOG_FILE"
"""File for ``LANGSWARM_OTEL_LOG_OUTPUT`` ``file`` or ``both``."""
