"""Labels that are made once for each subject."""

from __future__ import annotations

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from langswarm_otel import guard, semconv
from langswarm_otel.signals import subjects as module
from langswarm_otel.signals.instruments import Instruments
from langswarm_otel.signals.subjects import Subject, Subjects

OK = (("langswarm.outcome", "ok"),)
HERE = Context()


class Told:
    """Instruments that remember what they were given."""

    def __init__(self):
        self.given = []

    def recorder(self, metric):
        return None if metric.generation == "g2" else lambda *given: self.given.append((metric.name, *given))


@pytest.fixture
def told() -> Told:
    return Told()


def test_one_object_for_all_measurements(told):
    """Whoever aggregates may know labels by their identity: those of a second measurement are the first one's."""
    subjects = Subjects(told)
    made = []

    def labels():
        made.append(1)
        return {"gen_ai.agent.name": "a", "gen_ai.request.model": "m"}

    for _ in range(2):
        subject = subjects.of(("invoke_agent", "a", "m"), labels)
        subject.record(semconv.AGENT_DURATION, 1.0, HERE, OK)
        subject.record(semconv.AGENT_INFERENCE_CALLS, 2, HERE)
    first, calls, second, _ = told.given
    assert first[:2] == ("gen_ai.invoke_agent.duration", 1.0)
    assert first[2] == {"gen_ai.agent.name": "a", "gen_ai.request.model": "m", "langswarm.outcome": "ok"}
    assert calls[2] == {"gen_ai.agent.name": "a"}
    assert second[2] is first[2]
    assert first[3] is HERE
    assert made == [1]


def test_a_metric_of_another_profile_is_not_recorded(told):
    """Nothing is done for it."""
    Subject(told, {}).record(semconv.INFERENCE_DURATION, 1.0, HERE)
    assert told.given == []


def test_subjects_and_forms_are_bounded(told, monkeypatch):
    """Names from outside and types of errors do not pile up; what is measured stays right."""
    monkeypatch.setattr(module, "MAX_SUBJECTS", 3)
    monkeypatch.setattr(module, "MAX_FORMS", 3)
    subjects = Subjects(told)
    for name in "abcdefg":
        subject = subjects.of((name,), lambda name=name: {"gen_ai.tool.name": name})
        assert len(subjects) <= 3
        for kind in "uvwxyz":
            subject.record(semconv.TOOL_DURATION, 1.0, HERE, (("error.type", kind),))
            assert len(subject._forms) <= 3
    seen = [(labels["gen_ai.tool.name"], labels["error.type"]) for _, _, labels, _ in told.given]
    assert seen == [(name, kind) for name in "abcdefg" for kind in "uvwxyz"]


def test_a_meter_that_fails(monkeypatch):
    """It costs the point, and is counted."""

    class Failing:
        def recorder(self, metric):
            def fail(*_):
                raise RuntimeError(metric.name)

            return fail

    Subject(Failing(), {}).record(semconv.TOOL_DURATION, 1.0, HERE)
    assert guard.faults() == {"record metric": 1}


def test_on_the_sdk():
    """The points are those that ``Instruments.record`` makes of the same labels."""
    labels = {"gen_ai.provider.name": "p", "gen_ai.request.model": "m", "gen_ai.operation.name": "chat"}
    points = []
    for by_subject in (True, False):
        reader = InMemoryMetricReader()
        instruments = Instruments(MeterProvider([reader], shutdown_on_exit=False).get_meter("t"), "both")
        for metric in semconv.METRICS:
            more = (("langswarm.cost.basis", "actual"), ("gen_ai.token.type", "input"), ("langswarm.outcome", "ok"))
            if by_subject:
                Subject(instruments, labels).record(metric, 1, HERE, more)
            else:
                instruments.record(metric, 1, {**labels, **dict(more)}, HERE)
        (resource,) = reader.get_metrics_data().resource_metrics
        (scope,) = resource.scope_metrics
        points.append([(metric.name, [dict(point.attributes) for point in metric.data.data_points]) for metric in scope.metrics])
    assert points[0] == points[1]
    assert len(points[0]) == len(semconv.METRICS)
