"""structlog over the standard library's logging, as structlog's documentation sets both up together, with a file as the only output.

https://www.structlog.org/en/stable/standard-library.html and https://www.structlog.org/en/stable/frameworks.html#opentelemetry
"""

from __future__ import annotations

from typing import Any


def logger(log_file: str) -> Any:
    """Return a structlog logger whose JSON lines go through ``logging`` into the file and to every other handler of the root logger."""
    import logging

    import structlog
    from opentelemetry import trace

    def add_open_telemetry_spans(_: Any, __: str, event_dict: dict[str, Any]) -> dict[str, Any]:
        # As it stands in structlog's documentation.
        span = trace.get_current_span()
        if not span.is_recording():
            event_dict["span"] = None
            return event_dict
        ctx = span.get_span_context()
        parent = getattr(span, "parent", None)
        event_dict["span"] = {
            "span_id": format(ctx.span_id, "016x"),
            "trace_id": format(ctx.trace_id, "032x"),
            "parent_span_id": None if not parent else format(parent.span_id, "016x"),
        }
        return event_dict

    file = logging.FileHandler(log_file)
    file.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.addHandler(file)
    root.setLevel(logging.INFO)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            add_open_telemetry_spans,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            structlog.processors.UnicodeDecoder(),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger("bench")
