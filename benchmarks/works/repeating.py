"""Do one thing again and again, back to back, and see what it costs the calling thread, and the process until all is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.clocks import Clocks

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 200


def repeat(do: Callable[[int], Any], flush: Callable[[], Any], size: int) -> dict[str, Any]:
    """Return microseconds of CPU an item: of the calling thread, and of the process until everything was flushed."""
    for number in range(WARM_UP):
        do(number)
    flush()
    clock = Clocks()
    for number in range(size):
        do(number)
    thread_s = clock.thread()
    flush()
    return {"thread_us": thread_s / size * 1e6, "process_us": clock.process() / size * 1e6, "wall_s": clock.wall()}
