"""Do one thing again and again, back to back, and see what it costs the calling thread, and the process until all is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.clocks import Clocks

if TYPE_CHECKING:
    from collections.abc import Callable

WARM_UP = 200


def repeat(do: Callable[[int], Any], without: Callable[[int], Any], flush: Callable[[], Any], size: int) -> dict[str, Any]:
    """Return microseconds of CPU an item: of the calling thread, and of the process until everything was flushed.

    Args:
        do: makes one item.
        without: does what the program itself does for one item, which is taken off.
        flush: sends everything.
        size: how many items.
    """
    for number in range(WARM_UP):
        without(number)
        do(number)
    flush()
    clock = Clocks()
    for number in range(size):
        without(number)
    own_s = clock.thread()
    clock = Clocks()
    for number in range(size):
        do(number)
    thread_s = clock.thread() - own_s
    flush()
    return {"thread_us": thread_s / size * 1e6, "process_us": (clock.process() - own_s) / size * 1e6, "wall_s": clock.wall()}
