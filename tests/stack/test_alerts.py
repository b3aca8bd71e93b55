"""From a Collector that is down to a page, and back: Prometheus, Alertmanager and its PagerDuty integration, with a PagerDuty of ours.

And from a backend that is away to an alert, on what a real Collector says of itself.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from otlp_server import OtlpServer
from stack_processes import ROOT, Collector, RawServer, ServerProcess, free_ports, get_json, make_trace, post_spans, program, until

pytestmark = pytest.mark.timeout(120)
DEPLOY = ROOT / "deploy" / "compose"
KEY = "0123456789abcdef0123456789abcdef"


class PagerDuty:
    """Takes events of the Events API v2 as PagerDuty does, with 202."""

    def __init__(self):
        self.events = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                owner.events.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(202)
                self.end_headers()
                self.wfile.write(b'{"status": "success"}')

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v2/enqueue"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()


def written(folder, name, *changes):
    """A file of the stack with this test's addresses and without its patience."""
    text = (DEPLOY / name).read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    file = folder / name.replace("/", "-")
    file.write_text(text)
    return file


def version_2_reads(config, prometheus):
    """Take out what Prometheus 2 does not know, if it is one: Debian's serves where Go is absent. Return the program."""
    done = subprocess.run([prometheus, "--version"], capture_output=True, text=True, timeout=20, check=True)
    if "version 2." in done.stdout + done.stderr:
        config.write_text(re.sub(r"^otlp:\n(  .*\n)+", "", config.read_text(), flags=re.MULTILINE))
    return prometheus


def prometheus_of(folder, port, rules, target, *changes):
    """Prometheus with the file of the stack, which scrapes one address, and without its patience."""
    config = written(
        folder,
        "prometheus.yml",
        ("scrape_interval: 15s", "scrape_interval: 500ms"),
        ("evaluation_interval: 15s", "evaluation_interval: 500ms"),
        ("collector:8888", target),
        ("/etc/prometheus/rules/*.yml", str(rules)),
        *changes,
    )
    command = [
        version_2_reads(config, program("prometheus", installed="prometheus")),
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--rules.alert.resend-delay=1s",  # the first may be sent before Alertmanager is known
    ]
    return ServerProcess(command, ready=f"http://127.0.0.1:{port}/-/ready", log=folder / "prometheus.log")


def test_a_collector_that_is_down_pages_and_its_return_resolves(tmp_path):
    """The event names the alert and its severity and carries the key of the file; the watchdog pages nobody."""
    metrics, prometheus_port, alertmanager_port = free_ports(3)
    (tmp_path / "key").write_text(KEY)
    rules = written(tmp_path, "rules/pipeline.yml", ("for: 2m", "for: 0s"))
    with PagerDuty() as pager:
        routes = written(
            tmp_path,
            "alertmanager.yml",
            ("/run/secrets/pagerduty_routing_key", str(tmp_path / "key")),
            ("        severity: '{{", f"        url: {pager.url}\n        severity: '{{{{"),
            ("group_wait: 30s", "group_wait: 0s"),
            ("group_interval: 5m", "group_interval: 1s"),
        )
        prometheus = prometheus_of(
            tmp_path, prometheus_port, rules, f"127.0.0.1:{metrics}", ("alertmanager:9093", f"127.0.0.1:{alertmanager_port}")
        )
        alertmanager = [
            program("alertmanager", installed="prometheus-alertmanager"),
            f"--config.file={routes}",
            f"--web.listen-address=127.0.0.1:{alertmanager_port}",
            f"--storage.path={tmp_path / 'alerts'}",
            "--cluster.listen-address=",
        ]
        with (
            ServerProcess(alertmanager, ready=f"http://127.0.0.1:{alertmanager_port}/-/ready", log=tmp_path / "alertmanager.log"),
            prometheus,
        ):
            assert until(lambda: pager.events, 30)
            event = pager.events[0]
            assert (event["event_action"], event["routing_key"]) == ("trigger", KEY)
            assert (event["payload"]["class"], event["payload"]["severity"]) == ("CollectorDown", "critical")
            standing = f"http://127.0.0.1:{alertmanager_port}/api/v2/alerts"
            assert until(lambda: {"Watchdog", "CollectorDown"} <= {one["labels"]["alertname"] for one in get_json(standing)})
            with RawServer(metrics, b"HTTP/1.0 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n\r\notelcol_exporter_queue_size 0\n"):
                assert until(lambda: pager.events[-1]["event_action"] == "resolve", 40)
            assert {one["payload"]["class"] for one in pager.events if one.get("payload")} == {"CollectorDown"}
            assert {one["dedup_key"] for one in pager.events} == {event["dedup_key"]}


def test_a_backend_that_is_away_is_an_alert_until_it_is_back(tmp_path):
    """The real Collector's own metrics, scraped by Prometheus: something waits and nothing goes, though nothing has failed for good."""
    (port,) = free_ports(1)
    rules = written(tmp_path, "rules/pipeline.yml", ("for: 5m", "for: 2s"), ("[5m]", "[5s]"))
    with OtlpServer() as far_side:
        far_side.refuse()
        with Collector(tmp_path, "local.yaml", TRACES_ENDPOINT=far_side.endpoint, METRICS_ENDPOINT=far_side.endpoint) as collector:
            prometheus = prometheus_of(tmp_path, port, rules, collector.metrics_url.removeprefix("http://").removesuffix("/metrics"))

            def firing():
                alerts = get_json(f"http://127.0.0.1:{port}/api/v1/alerts")["data"]["alerts"]
                return {one["labels"]["alertname"]: one["labels"].get("exporter") for one in alerts if one["state"] == "firing"}

            with prometheus:
                assert until(lambda: set(firing()) == {"Watchdog"}, 30)
                dice = random.Random(9)
                assert post_spans(collector.endpoint, make_trace(dice)) == 200
                assert until(lambda: firing().get("CollectorDeliversNothing") == "otlp_http/traces", 30), firing()
                far_side.healthy()
                assert until(lambda: post_spans(collector.endpoint, make_trace(dice)) == 200 and set(firing()) == {"Watchdog"}, 30), (
                    firing()
                )
