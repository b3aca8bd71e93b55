"""Resource detectors that block, fail or contradict (standards.md 3.9), and values of a resource that cannot be encoded (4 row 12)."""

from __future__ import annotations

import threading
import time

import pytest
from opentelemetry.sdk.resources import OsResourceDetector, Resource, ResourceDetector
from scripts import run

from langswarm_otel import guard, presets
from langswarm_otel.pipelines import resource as ours


def build(**settings) -> dict[str, object]:
    return dict(ours.build_resource(presets.testing(**settings)).attributes)


class Fixed(ResourceDetector):
    def detect(self):
        return Resource({"service.name": "detected", "team": "detected", "host.name": "detected"})


class Broken(ResourceDetector):
    def detect(self):
        raise OSError("no such metadata")


class Blocked(ResourceDetector):
    release = threading.Event()

    def detect(self):
        self.release.wait(50)
        return Resource({"too": "late"})


@pytest.fixture
def detectors(monkeypatch):
    """Let some detectors be installed, as a package would offer them."""

    def install(*found: ResourceDetector) -> None:
        monkeypatch.setattr(ours, "_detectors", lambda names: list(found) if names else [])

    return install


def test_3_9_a_detector_that_blocks_is_left_out(detectors, monkeypatch, caplog):
    """It costs its own attributes and the time limit, once for all of them; the SDK waits for it for ever."""
    monkeypatch.setattr(ours, "DETECTION_S", 0.3)
    Blocked.release.clear()
    detectors(Blocked(), OsResourceDetector(), Blocked())
    begin = time.monotonic()
    found = build(resource_detectors=("os",), service_name="s")
    assert time.monotonic() - begin < 5
    assert "too" not in found
    assert (found["os.type"], found["service.name"]) == ("linux", "s")
    assert [record.getMessage() for record in caplog.records if "Blocked does not answer" in record.getMessage()]
    Blocked.release.set()


def test_3_9_a_detector_that_blocks_does_not_hold_up_the_end():
    """Nor does the interpreter wait for it at its end, as it does for threads of a pool."""
    program = """
        import time
        from opentelemetry.sdk.resources import ResourceDetector
        from langswarm_otel import configure_observability
        from langswarm_otel.pipelines import resource

        class Blocked(ResourceDetector):
            def detect(self):
                time.sleep(120)

        resource._detectors = lambda names: [Blocked()]
        resource.DETECTION_S = 0.2
        configure_observability("testing", instrument=False, log_output="none")
        print("end", time.time(), flush=True)
    """
    ended = run(program)
    assert ended.returncode == 0, ended.stderr
    assert ended.exit_s < 10


def test_3_9_a_detector_that_fails_costs_nothing_else(detectors):
    """The others count, and the fault is counted."""
    detectors(Broken(), Fixed())
    assert build(resource_detectors=("os",))["host.name"] == "detected"
    assert guard.faults() == {"resource detector Broken": 1}


def test_3_9_what_is_configured_wins_over_what_is_detected(detectors):
    """A detector fills in what nobody has configured."""
    detectors(Fixed())
    found = build(resource_detectors=("os",), service_name="mine", resource_attributes={"team": "ours"})
    assert (found["service.name"], found["team"], found["host.name"]) == ("mine", "ours", "detected")


def test_3_9_detectors_given_as_argument_win_over_the_environment(monkeypatch):
    """``Resource.create`` would run those of the environment too, and log a traceback for a name that is not installed."""
    monkeypatch.setenv("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "process,nonsense")
    found = build(resource_detectors=("os",))
    assert found["os.type"]
    assert "process.pid" not in found


def test_3_9_the_defaults_are_those_of_the_sdk(monkeypatch):
    """Without a name the service is ``unknown_service:<program>``, as ``Resource.create`` has it, and so is all else that it finds."""
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"):
        monkeypatch.delenv(name, raising=False)
    found = {key: value for key, value in build().items() if not key.startswith("telemetry.distro.")}
    found.pop("deployment.environment.name", None)
    assert found == dict(Resource.create({}).attributes)


def test_4_12_odd_resource_attributes_arrive():
    """A lone surrogate, as ``os.environ`` has for bytes that are no UTF-8, would be missing in every request."""
    found = build(resource_attributes={"team": "caf\udce9", "big": 2**70})
    assert (found["team"], found["big"]) == ("caf\ufffd", str(2**70))
