"""The page that Prometheus scrapes."""

from __future__ import annotations

import socket
import sys
import threading
import urllib.request

import pytest
from hub_exporters import RESOURCE
from opentelemetry.sdk.metrics import MeterProvider
from scripts import run

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.prometheus import PrometheusEndpoint


def scrape(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return answer.read().decode()


@pytest.fixture
def endpoint():
    endpoint = PrometheusEndpoint(port=0)
    yield endpoint
    endpoint.close()


def test_it_shows_what_was_recorded(endpoint):
    """A counter and a histogram can be scraped, with the name that Prometheus gives them; the page has the numbers of the moment."""
    provider = MeterProvider(resource=RESOURCE, metric_readers=[endpoint.reader], shutdown_on_exit=False)
    counter = provider.get_meter("m").create_counter("langswarm.gen_ai.cost", unit="{USD}")
    counter.add(2, {"model": "m"})
    assert 'langswarm_gen_ai_cost_total{model="m"' in scrape(endpoint.port)
    counter.add(3, {"model": "m"})
    (line,) = [line for line in scrape(endpoint.port).splitlines() if line.startswith("langswarm_gen_ai_cost_total{")]
    assert line.endswith(" 5.0")


def test_two_endpoints_do_not_mix():
    """Each endpoint has a registry of its own."""
    one, two = PrometheusEndpoint(port=0), PrometheusEndpoint(port=0)
    provider = MeterProvider(resource=RESOURCE, metric_readers=[one.reader], shutdown_on_exit=False)
    provider.get_meter("m").create_counter("c").add(1)
    assert "c_total" in scrape(one.port)
    assert "c_total" not in scrape(two.port)
    one.close()
    two.close()


def test_loopback_by_default(endpoint):
    """It listens at the loopback address only."""
    assert endpoint._server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_named(endpoint):
    """A second process (or handle) on the same port gets an error that names the port and what to do."""
    with pytest.raises(ConfigurationError) as refused:
        PrometheusEndpoint(port=endpoint.port)
    assert str(endpoint.port) in str(refused.value)
    assert "a port of its own" in str(refused.value)
    assert refused.value.field == "prometheus_port"


def test_an_address_that_is_not_ours():
    """An address that cannot be listened at is named, not taken for a busy port."""
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1"):
        PrometheusEndpoint("192.0.2.1", 0)


@pytest.mark.parametrize("port", [-1, 65536])
def test_ports_that_are_none(port):
    """A number that is no port is refused."""
    with pytest.raises(ConfigurationError, match="0 to 65535"):
        PrometheusEndpoint(port=port)


def test_closing_frees_the_port():
    """After ``close`` the port can be taken anew, no thread is left, and a second ``close`` changes nothing."""
    before = threading.active_count()
    endpoint = PrometheusEndpoint(port=0)
    endpoint.close()
    endpoint.close()
    assert not endpoint.is_serving
    assert threading.active_count() <= before
    with socket.create_server(("127.0.0.1", endpoint.port)):
        pass


def test_the_missing_extra_is_named(monkeypatch):
    """Without the package the error says what to install."""
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(ConfigurationError, match=r"pip install langswarm-otel\[prometheus\]"):
        PrometheusEndpoint(port=0)


FORKING = """
    import logging, os, sys, urllib.request
    logging.basicConfig(level=logging.INFO)
    from opentelemetry.sdk.metrics import MeterProvider
    from langswarm_otel.export.prometheus import PrometheusEndpoint
    endpoint = PrometheusEndpoint(port=0)
    provider = MeterProvider(metric_readers=[endpoint.reader], shutdown_on_exit=False)
    provider.get_meter("m").create_counter("parent").add(1)
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        print("child serves", endpoint.is_serving, flush=True)
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        other = PrometheusEndpoint(port=endpoint.port)  # the parent has gone from it
        print("child took it", other.is_serving, flush=True)
        endpoint.close()
        print(urllib.request.urlopen(f"http://127.0.0.1:{other.port}/metrics", timeout=5).status, flush=True)
        os._exit(0)
    os.read(ready[0], 1)
    text = urllib.request.urlopen(f"http://127.0.0.1:{endpoint.port}/metrics", timeout=5).read().decode()
    print("parent shows", "parent_total" in text, endpoint.is_serving, flush=True)
    endpoint.close()
    os.write(go[1], b"x")
    os.waitpid(child, 0)
"""


def test_a_forked_child_does_not_share_it():
    """The parent goes on serving its numbers; the child does not serve, says so once, and does not keep the port taken."""
    ended = run(FORKING)
    assert ended.returncode == 0, ended.stderr
    assert set(ended.stdout.splitlines()) == {"child serves False", "parent shows True True", "child took it True", "200"}
    assert len([line for line in ended.warnings if "shows the parent process" in line]) == 1
