"""The pull endpoint: exponential histograms, workers that share a port (standards.md 3.8)."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from scripts import run

pytest.importorskip("opentelemetry.exporter.prometheus")

from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest

from langswarm_otel import ConfigurationError, configure_observability, guard
from langswarm_otel.export.prometheus import PrometheusEndpoint
from langswarm_otel.pipelines.reader import SwitchReader
from langswarm_otel.pipelines.switch_metrics import SwitchMeterProvider

QUIET = {"log_output": "none", "configure_structlog": False, "instrument": False, "install_global": False}


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return answer.read().decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_3_8_the_plain_exporter_fails_every_scrape():
    """The pain is real: one exponential histogram and nothing can be scraped."""
    from opentelemetry.exporter.prometheus import PrometheusMetricReader

    registry = CollectorRegistry()
    reader = PrometheusMetricReader(registry=registry)
    views = [View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())]
    provider = MeterProvider([reader], views=views, shutdown_on_exit=False)
    provider.get_meter("m").create_histogram("h").record(1.0)
    with pytest.raises(AttributeError):
        generate_latest(registry)


def test_3_8_exponential_histograms_and_a_scrape_side_by_side(otlp_server):
    """With ``histogram_aggregation`` exponential OTLP gets exponential histograms, and a scrape the same numbers in explicit buckets."""
    port = free_port()
    settings = {"histogram_aggregation": "base2_exponential_bucket_histogram", "prometheus_port": port, "service_name": "p"}
    with configure_observability("production", endpoint=otlp_server.endpoint, **settings, **QUIET) as obs:
        for _ in range(3):
            with obs.tool("t"):
                pass
        page = scrape(port)
        counts = [line for line in page.splitlines() if line.startswith("gen_ai_execute_tool_duration_seconds_count{")]
        assert [line.rsplit(" ", 1)[1] for line in counts] == ["3.0"]
        assert "gen_ai_execute_tool_duration_seconds_bucket{" in page
        assert obs.flush(5)
    sent = {metric.name: metric for metric in otlp_server.metrics}["gen_ai.execute_tool.duration"]
    assert sent.WhichOneof("data") == "exponential_histogram"
    assert sent.exponential_histogram.data_points[0].count == 3
    assert guard.faults() == {}


def test_3_8_a_page_costs_no_measurement_anything():
    """It shows the totals that we have anyway: those of our exports, whatever their temporality, and from before it was opened."""
    endpoint = PrometheusEndpoint(port=0)
    reader = SwitchReader(temporality="delta")
    provider = SwitchMeterProvider(resource=Resource({"service.name": "p"}), reader=reader)
    provider.add_metric_reader(endpoint.reader)
    assert scrape(endpoint.port) == ""
    provider.remove_metric_reader(endpoint.reader)
    endpoint.close()
    endpoint = PrometheusEndpoint(port=0)
    meter = provider.get_meter("m")
    counter, updown, gauge = meter.create_counter("c"), meter.create_up_down_counter("u"), meter.create_gauge("g")
    histogram = meter.create_histogram("h", explicit_bucket_boundaries_advisory=[1, 10])
    counter.add(1)
    reader.take()
    provider.add_metric_reader(endpoint.reader)
    for turn in (1, 2):
        counter.add(2)
        updown.add(-1)
        histogram.record(5)
        gauge.set(turn)
        page = [line for line in scrape(endpoint.port).splitlines() if not line.startswith("#")]
        shown = {line.split("{")[0]: float(line.rsplit(" ", 1)[1]) for line in page}
        assert 'target_info{service_name="p"} 1.0' in page
        wanted = {"c_total": 1 + 2 * turn, "u": -turn, "h_count": turn, "h_sum": 5 * turn, "g": turn}
        assert {name: shown[name] for name in wanted} == wanted
        assert [line.rsplit(" ", 1)[1] for line in page if 'le="10' in line] == [f"{turn:.1f}"]
        (told,) = [metric for metric in reader.take().resource_metrics[0].scope_metrics[0].metrics if metric.name == "c"]
        assert [point.value for point in told.data.data_points] == [2]
    assert provider.by_tally
    assert list(provider._measurement_consumer._reader_storages) == [reader]
    provider.remove_metric_reader(endpoint.reader)
    assert "c_total" not in scrape(endpoint.port)
    endpoint.close()
    assert guard.faults() == {}


def test_3_8_a_view_of_others_costs_its_histogram_and_is_named(caplog):
    """Where a joined provider has a view that makes histograms exponential, a scrape shows the rest, and one line names what is missing."""
    endpoint = PrometheusEndpoint(port=0)
    views = [View(instrument_type=Histogram, aggregation=ExponentialBucketHistogramAggregation())]
    provider = MeterProvider([endpoint.reader], views=views, shutdown_on_exit=False)
    provider.get_meter("m").create_histogram("latency").record(1.0)
    provider.get_meter("m").create_counter("requests").add(2)
    for _ in range(2):
        page = scrape(endpoint.port)
        assert "requests_total{" in page
        assert "latency" not in page
    assert [record.getMessage().split(" ")[1] for record in caplog.records if record.name == "langswarm_otel"] == ["latency"]
    endpoint.close()


def test_3_8_closing_is_no_fault():
    """The provider shuts down the reader that it forgets; the exporter raises at the second time, which must not be counted."""
    port = free_port()
    for _ in range(2):
        with configure_observability("testing", prometheus_port=port, service_name="p", **QUIET) as obs:
            obs.meter.create_counter("c").add(1)
            assert "c_total{" in scrape(port)
        assert guard.faults() == {}
    assert obs.health().internal_errors == 0


def test_3_8_a_second_worker_on_the_port_is_refused():
    """Not the numbers of one of them by chance, but an error that names the port and what to do; another process gets the same."""
    port = free_port()
    program = """
        import sys
        from langswarm_otel import ConfigurationError, configure_observability
        try:
            configure_observability("testing", prometheus_port=int(sys.argv[1]), instrument=False, log_output="none")
        except ConfigurationError as error:
            print(error)
    """
    with configure_observability("testing", prometheus_port=port, service_name="p", **QUIET):
        with pytest.raises(ConfigurationError, match=rf"prometheus_port={port}.*another worker.*OTLP"):
            configure_observability("testing", prometheus_port=port, service_name="q", **QUIET)
        ended = run(program, str(port))
        assert f"prometheus_port={port}" in ended.stdout
        assert "another worker" in ended.stdout


def test_3_8_a_forked_worker_does_not_serve_and_may_ask_for_a_port_of_its_own():
    """It says so once; asking for the parent's port again is refused, and a free one shows the worker's own numbers only."""
    program = """
        import os, sys, urllib.request
        from langswarm_otel import ConfigurationError, configure_observability
        settings = dict(instrument=False, log_output="none", configure_structlog=False, service_name="w")

        def page(port):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                return answer.read().decode()

        mine, other = int(sys.argv[1]), int(sys.argv[2])
        obs = configure_observability("testing", prometheus_port=mine, **settings)
        counter = obs.meter.create_counter("work")
        counter.add(7)
        pid = os.fork()
        if not pid:
            try:
                configure_observability("testing", prometheus_port=mine, sample_ratio=0.5, **settings)
                os._exit(1)
            except ConfigurationError as error:
                print(error, flush=True)
            configure_observability("testing", prometheus_port=other, **settings)
            counter.add(2)
            os._exit(0 if "} 2.0" in page(other) and "} 7.0" not in page(other) else 2)
        print(os.waitpid(pid, 0)[1], "} 7.0" in page(mine), "} 2.0" in page(mine))
    """
    port = free_port()
    ended = run(program, str(port), str(free_port()))
    lines = ended.stdout.splitlines()
    assert lines[-1] == "0 True False", (ended.stdout, ended.stderr)
    assert f"prometheus_port={port}" in lines[0]
    assert ended.stderr.count("shows the parent process") == 1, ended.stderr


def test_the_page_shows_no_user_and_no_content():
    """What may not leave over OTLP may not be scraped either, and series that differed in nothing else are one."""
    ended = run(
        """
        import urllib.request
        from opentelemetry import metrics
        from langswarm_otel import configure_observability
        obs = configure_observability("testing", service_name="p", prometheus_port=0)
        counter = metrics.get_meter("m").create_counter("calls")
        for user in ("alice", "bob"):
            counter.add(2, {"route": "/x", "user.id": user, "gen_ai.input.messages": "secret"})
        from prometheus_client import generate_latest
        port = obs._installation.pipelines.pull._endpoint.port
        print(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
        """
    )
    assert "alice" not in ended.stdout + ended.stderr
    assert "secret" not in ended.stdout
    (line,) = [line for line in ended.stdout.splitlines() if line.startswith("calls_total{")]
    assert line.endswith(" 4.0"), ended.stdout
