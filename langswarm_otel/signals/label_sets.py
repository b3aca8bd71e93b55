"""The labels of metrics, made once for each subject: one run of an agent has the same ones as the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from langswarm_otel.semconv import Metric

MAX_SUBJECTS: Final = 1000
"""Subjects whose labels are kept; names may come from outside."""

MAX_FORMS: Final = 200
"""Forms of one subject's labels that are kept; types of errors may be many."""


class Labels:
    """The labels of one subject, such as a model that an agent asks, in the form that each metric takes."""

    __slots__ = ("_forms", "_given")

    def __init__(self, given: dict[str, Any]) -> None:
        """Take the labels of a subject.

        Args:
            given: what all of its metrics may carry.
        """
        self._given = given
        self._forms: dict[tuple[str, tuple[tuple[str, str], ...]], dict[str, Any]] = {}

    def of(self, metric: Metric, more: tuple[tuple[str, str], ...] = ()) -> dict[str, Any]:
        """Return the labels that a metric takes: the same object each time, which nobody may change.

        Args:
            metric: metric of the catalogue; labels that it does not allow are left out.
            more: labels beside those of the subject.
        """
        form = (metric.name, more)
        labels = self._forms.get(form)
        if labels is None:
            if len(self._forms) >= MAX_FORMS:
                self._forms.clear()
            labels = {key: value for key, value in (*self._given.items(), *more) if key in metric.attributes}
            self._forms[form] = labels
        return labels


class LabelSets:
    """The labels of every subject of one telemetry; names beyond the bound of ``Instruments.fold`` are folded as they were at first."""

    __slots__ = ("_subjects",)

    def __init__(self) -> None:
        self._subjects: dict[tuple[object, ...], Labels] = {}

    def __len__(self) -> int:
        return len(self._subjects)

    def of(self, subject: tuple[object, ...], make: Callable[[], dict[str, Any]]) -> Labels:
        """Return the labels of a subject.

        Args:
            subject: everything that the labels are made of.
            make: makes them, when the subject is seen for the first time.
        """
        labels = self._subjects.get(subject)
        if labels is None:
            if len(self._subjects) >= MAX_SUBJECTS:
                self._subjects.clear()
            labels = self._subjects[subject] = Labels(make())
        return labels
