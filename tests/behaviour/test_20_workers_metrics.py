"""Workers overwrite each other's metrics.

Processes with one identity send the same series, and the last one wins; behind one scrape port a scrape shows one of them by chance
(open-telemetry/opentelemetry-python#3885, #4390, prometheus/client_python#127).
"""

from __future__ import annotations

import socket

import pytest
from otlp_server import attributes
from scripts import run

from langswarm_otel import configure_observability
from langswarm_otel.errors import ConfigurationError

PROGRAM = """
    import os, sys
    from opentelemetry import metrics
    from langswarm_otel import configure_observability
    obs = configure_observability("production", service_name="b20", endpoint=sys.argv[1], log_output="none", pipeline_metrics=False)
    counter = metrics.get_meter("app").create_counter("work")
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            for _ in range(250):
                counter.add(1)
            obs.flush(10)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
"""

PLAIN_SDK = """
    import os, sys
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    for _ in range(4):
        if os.fork() == 0:
            exporter = OTLPMetricExporter(endpoint=sys.argv[1] + "/v1/metrics")
            provider = MeterProvider([PeriodicExportingMetricReader(exporter)], resource=Resource({"service.name": "b20"}))
            counter = provider.get_meter("app").create_counter("work")
            for _ in range(250):
                counter.add(1)
            provider.force_flush()
            os._exit(0)
    for _ in range(4):
        os.wait()
"""


def series(server):
    """The last value of each series, by all that identifies it."""
    found = {}
    for message in server.messages("metrics"):
        for resource in message.resource_metrics:
            identity = tuple(sorted((key, str(value)) for key, value in attributes(resource.resource.attributes).items()))
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.sum.data_points if metric.name == "work" else ():
                        found[identity] = point.as_int
    return found


def test_the_plain_sdk_overwrites(otlp_server, verdict):
    """Four workers of 250 increments with the usual resource are one series of 250."""
    run(PLAIN_SDK, otlp_server.endpoint)
    assert list(series(otlp_server).values()) == [250]
    verdict.plain("4 workers of 250: one series of 250")


def test_four_workers_are_four_series(otlp_server, verdict):
    """Each has an instance id of its own, and the sum is right."""
    run(PROGRAM, otlp_server.endpoint)
    assert sorted(series(otlp_server).values()) == [250] * 4
    verdict.ours("4 workers of 250: 4 series, 1 000 in all")


def test_two_workers_on_one_scrape_port_are_refused(verdict):
    """The second one gets an error that names the port, and no wrong numbers."""
    pytest.importorskip("prometheus_client")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=str(port)) as caught:
            configure_observability("production", prometheus_port=port, install_global=False)
    assert str(caught.value).startswith("prometheus_port")
    verdict.ours("a scrape port that is taken is refused by name")
