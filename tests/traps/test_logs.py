"""Log recursion and log noise of the SDK's own making (standards.md 3.1, 4 rows 10 and 15)."""

from __future__ import annotations

from scripts import run

DEPRECATED = """
    import sys, warnings
    warnings.simplefilter("error")
    import logging
    import langswarm_otel
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="d", endpoint=sys.argv[1], instrument=False, log_output="none",
                                  resource_detectors=("process",), prometheus_port=0)
    with obs.agent("a", provider="openai", model="gpt-4o") as agent:
        agent.usage(input_tokens=1, output_tokens=1)
        obs.log.info("from structlog")
        logging.getLogger("app").warning("from the stdlib")
    assert obs.flush(10)
    configure_observability("development", service_name="d", resource_detectors=("process",), instrument=False, log_output="none")
    obs.shutdown()
    print(sorted(name for name in sys.modules if "langswarm_otel.export" in name and "otlp" in name))
"""

INVALID = """
    import logging, sys, threading
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s|%(message)s")
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="i", endpoint=sys.argv[1], instrument=False)
    sys.setrecursionlimit(300)

    class Logs:
        # A value whose own text logs: each look at it makes another record.
        def __str__(self):
            logging.getLogger("app.value").warning("a value speaks")
            return "text"

    def work():
        for _ in range(5):
            logging.getLogger("app").warning("line", extra={"bad": object(), "odd": Logs(), "deep": {"a": {1: {2, 3}}}})
            obs.log.warning("event", bad=object(), odd=Logs())
            obs.tracer.start_span("s", attributes={"bad": object(), "odd": Logs()}).end()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    print("alive", sum(thread.is_alive() for thread in threads))
    print("flushed", obs.flush(10), obs.health().internal_errors)
"""

OVERFLOW = """
    import sys, warnings
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="o", endpoint=sys.argv[1], instrument=False, log_output="none")
    for _ in range(50):
        obs.log.info("many", **{f"key{number}": number for number in range(300)})
    assert obs.flush(10)
"""

PLAIN_OVERFLOW = """
    import warnings
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    provider = LoggerProvider(shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(InMemoryLogRecordExporter()))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for _ in range(3):
            provider.get_logger("l").emit(LogRecord(body="many", attributes={f"key{number}": number for number in range(300)}))
    print(len(seen))
"""


def test_3_1_no_deprecated_name_is_used(otlp_server):
    """All three signals, every handler and exporter of ours, a re-configuration and a shutdown, with every warning an error."""
    ended = run(DEPRECATED, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    assert "Warning" not in ended.stderr
    assert "otlp_http" in ended.stdout
    assert sorted(record.body.string_value for record in otlp_server.log_records) == ["from structlog", "from the stdlib"]


def test_4_10_values_that_log_neither_recurse_nor_deadlock(otlp_server):
    """The SDK warns about odd attributes by a log record, and values may log too; each line is one record."""
    ended = run(INVALID, otlp_server.endpoint)
    assert "alive 0" in ended.stdout, (ended.stdout, ended.stderr)
    assert "flushed True 0" in ended.stdout, (ended.stdout, ended.stderr)
    assert "RecursionError" not in ended.stderr
    bodies = [record.body.string_value for record in otlp_server.log_records]
    assert (bodies.count("line"), bodies.count("event")) == (20, 20)
    assert not [body for body in bodies if "Invalid type" in body]


def test_4_15_an_overflow_of_attributes_warns_once(otlp_server):
    """Fifty records with too many attributes: at most one warning, all fifty arrive, cut to the limit and saying how much was dropped."""
    ended = run(OVERFLOW, otlp_server.endpoint)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr.count("LogRecordDroppedAttributesWarning") <= 1, ended.stderr
    assert [len(record.attributes) for record in otlp_server.log_records] == [128] * 50
    assert all(record.dropped_attributes_count >= 172 for record in otlp_server.log_records)


def test_4_15_the_plain_sdk_warns_each_time():
    """The pain is real."""
    assert run(PLAIN_OVERFLOW).stdout.strip() == "3"
