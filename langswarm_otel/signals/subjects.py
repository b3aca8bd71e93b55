"""Whom measurements are about: labels are made once for each agent, model or tool, and not for each of its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel import semconv
from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

    from langswarm_otel.semconv import Metric
    from langswarm_otel.signals.instruments import Instruments

MAX_SUBJECTS: Final = 1000
"""Subjects that are remembered; names may come from outside."""

MAX_FORMS: Final = 200
"""Forms of one subject's labels that are remembered; types of errors may be many."""

_Form = tuple["Callable[..., None] | None", dict[str, Any]]
"""What records a metric, if the profile emits it, and the labels for it: one object for all measurements, which nobody may change."""


class Subject:
    """One subject, such as a model that an agent asks, with its labels in the form that each metric takes."""

    __slots__ = ("_forms", "_has_ended", "_instruments", "_labels")

    def __init__(self, instruments: Instruments, labels: dict[str, Any]) -> None:
        """Make a subject.

        Args:
            instruments: what records.
            labels: what its metrics may carry; each takes those that the catalogue allows it.
        """
        self._instruments = instruments
        self._labels = labels
        self._forms: dict[tuple[str, tuple[tuple[str, str], ...]], _Form] = {}
        self._has_ended = False

    def count_end(self, operation: str, is_error: bool, context: Context) -> None:
        """Count an operation that has ended with an error; the first end counts also without one, as none, so that the series is there.

        Args:
            operation: value of ``gen_ai.operation.name``.
            is_error: whether it ended so.
            context: whose span the exemplar names.
        """
        if is_error or not self._has_ended:
            self._has_ended = True
            self.record(semconv.OPERATION_ERRORS, int(is_error), context, ((semconv.OPERATION_NAME, operation),))

    def record(self, metric: Metric, value: float, context: Context, more: tuple[tuple[str, str], ...] = ()) -> None:
        """Record one measurement; nothing happens for a metric of another profile, and nothing is ever raised.

        Args:
            metric: metric of the catalogue.
            value: measurement in its unit; what is added, for counters.
            context: whose span the exemplar names.
            more: labels beside those of the subject.
        """
        recorder, labels = self._forms.get((metric.name, more)) or self._form(metric, more)
        if recorder is not None:
            try:
                recorder(value, labels, context)
            except Exception as error:  # noqa: BLE001 - a meter that fails must not fail the application
                record_fault("record metric", error)

    def _form(self, metric: Metric, more: tuple[tuple[str, str], ...]) -> _Form:
        if len(self._forms) >= MAX_FORMS:
            self._forms.clear()
        labels = {key: value for key, value in (*self._labels.items(), *more) if key in metric.attributes}
        form = self._forms[metric.name, more] = self._instruments.recorder(metric), labels
        return form


class Subjects:
    """All subjects of one telemetry."""

    __slots__ = ("_instruments", "_known")

    def __init__(self, instruments: Instruments) -> None:
        """Start without any.

        Args:
            instruments: what records their measurements.
        """
        self._instruments = instruments
        self._known: dict[tuple[object, ...], Subject] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, identity: tuple[object, ...], make_labels: Callable[[], dict[str, Any]]) -> Subject:
        """Return a subject.

        Args:
            identity: everything that its labels are made of.
            make_labels: makes them, when the subject is seen for the first time.
        """
        subject = self._known.get(identity)
        if subject is None:
            if len(self._known) >= MAX_SUBJECTS:
                self._known.clear()
            subject = self._known[identity] = Subject(self._instruments, make_labels())
        return subject
