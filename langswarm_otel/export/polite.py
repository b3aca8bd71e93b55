"""Workers that let the application go first.

A thread that wants the interpreter lock gets it after 5 ms, and then keeps it for as long: a worker that encodes 512 spans in one go takes
20 ms, and holds up whoever is busy by 5 ms, four times. So a worker rests after each fifth of a millisecond, which gives the lock back at
once (a thousand operations back to back: 99th percentile 0.5 ms instead of 3). That slows down the worker, and where the application keeps
the lock busy it slows it down much; so it rests only while there is time: nobody waits for a flush, and the queue is not filling up.

The official exporters encode in one loop over the batch. The batch is a list that rests while it is walked.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from opentelemetry.sdk.metrics.export import MetricsData

T = TypeVar("T")

WORK_S: Final = 0.0002
"""How long a worker works before it rests, in seconds."""

REST_S: Final = 0.0005
"""How long it rests: enough for another thread to wake up and take the interpreter lock."""


class PoliteList(list[T]):
    """A list whose reader rests now and then while walking it."""

    def __init__(self, items: Iterable[T], has_time: Callable[[], bool]) -> None:
        """Make a list.

        Args:
            items: its elements.
            has_time: asked before each rest; False goes on without.
        """
        super().__init__(items)
        self._has_time = has_time

    def __iter__(self) -> Iterator[T]:
        return walk(super().__iter__(), self._has_time)


def walk(items: Iterable[T], has_time: Callable[[], bool]) -> Iterator[T]:
    """Yield the items, resting between them after each ``WORK_S`` of work with them."""
    begun = time.perf_counter()
    for item in items:
        yield item
        if time.perf_counter() - begun > WORK_S:
            if has_time():
                time.sleep(REST_S)
            begun = time.perf_counter()


def polite_metrics(data: MetricsData, has_time: Callable[[], bool]) -> MetricsData:
    """Return the same metrics in lists that rest while they are walked."""
    return dataclasses.replace(
        data,
        resource_metrics=[
            dataclasses.replace(
                resource_metrics,
                scope_metrics=[
                    dataclasses.replace(
                        scope_metrics, metrics=PoliteList((_polite_metric(metric, has_time) for metric in scope_metrics.metrics), has_time)
                    )
                    for scope_metrics in resource_metrics.scope_metrics
                ],
            )
            for resource_metrics in data.resource_metrics
        ],
    )


def _polite_metric(metric: Any, has_time: Callable[[], bool]) -> Any:
    points = PoliteList(metric.data.data_points, has_time)
    return dataclasses.replace(metric, data=dataclasses.replace(metric.data, data_points=points))
