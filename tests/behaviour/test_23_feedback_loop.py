"""Exporter logs are exported, for ever.

With a log handler on the root logger, every failed export makes records (of the exporter, of the HTTP client), which are exported in turn.
On the plain SDK one user record becomes eight in 25 s, and it never ends.
"""

from __future__ import annotations

import pytest
from scripts import DEAD, run

PROGRAM = """
    import logging, sys, time
    logging.getLogger().setLevel(logging.DEBUG)
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="b23", endpoint=sys.argv[1], schedule_delay_s=0.05, export_interval_s=0.2,
                                  shutdown_timeout_s=1, log_output="none", log_level="DEBUG", timeout_s=float(sys.argv[2]))
    logging.getLogger("app").warning("the one user record")
    for name in ("opentelemetry.sdk.trace", "opentelemetry", "urllib3.connectionpool", "requests.sessions", "grpc", "langswarm_otel"):
        logging.getLogger(name).error("a record about telemetry")
    time.sleep(4)
    rows = [row for row in obs.health().exporters if row.signal == "logs"]
    print("handed over", sum(row.exported + row.queued + sum(row.dropped.values()) for row in rows))
"""

DISABLED = """
    import logging, sys, threading
    logging.getLogger().setLevel(logging.DEBUG)
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="b23", endpoint=sys.argv[1])
    logging.getLogger("app").warning("the one user record")
    with obs.agent("a"):
        obs.log.info("a line")
    threads = [thread.name for thread in threading.enumerate() if "langswarm" in thread.name]
    print("handed over", sum(row.exported + row.queued for row in obs.health().exporters), threads, obs.health().mode)
"""


def test_one_user_record_is_one_record(verdict):
    """Root at DEBUG and a dead port: exactly the user's record reaches the pipeline, whatever telemetry itself has to say."""
    ended = run(PROGRAM, DEAD, "0.3")
    assert "handed over 1\n" in ended.stdout, ended.stdout + ended.stderr
    assert "RecursionError" not in ended.stderr
    verdict.ours("one record is handed over once")


def test_arrives_once(otlp_server):
    """Against a healthy server the one record arrives once, and nothing else."""
    ended = run(PROGRAM, otlp_server.endpoint, "5")
    assert ended.returncode == 0, ended.stderr
    assert [record.body.string_value for record in otlp_server.log_records] == ["the one user record"]


@pytest.mark.parametrize("variable", ["OTEL_SDK_DISABLED", "LANGSWARM_OTEL_DISABLED"])
def test_disabled_means_nothing(variable, verdict):
    """Switched off: nothing is handed over, no thread runs, nothing recurses, and the program works."""
    ended = run(DISABLED, DEAD, **{variable: "true"})
    assert ended.returncode == 0, ended.stderr
    assert "handed over 0 [] disabled" in ended.stdout
    assert "RecursionError" not in ended.stderr
    verdict.ours("disabled: none, and no recursion")


PLAIN_SDK = """
    import logging, sys, time, warnings
    warnings.simplefilter("ignore")
    from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    handed_over = []

    class Counting(OTLPLogExporter):
        def export(self, batch):
            handed_over.extend(batch)
            return super().export(batch)

    provider = LoggerProvider(shutdown_on_exit=False)
    exporter = Counting(endpoint=sys.argv[1] + "/v1/logs", timeout=1)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=100))
    logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))
    logging.getLogger("app").warning("the one user record")
    time.sleep(8)
    print("handed over", len(handed_over))
    import os; sys.stdout.flush(); os._exit(0)
"""


def test_the_plain_sdk_feeds_itself(verdict):
    """One record of the user, and the exporter's own complaints come after it."""
    ended = run(PLAIN_SDK, DEAD)
    assert int(ended.stdout.split()[-1]) > 1, ended.stderr
    verdict.plain("one user record: records about the export follow for as long as it fails")
