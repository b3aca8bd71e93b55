"""The blocks of one operation that are open, and which of them an ``__exit__`` ends."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from opentelemetry.context import attach, get_current

from langswarm_otel.components.run import RUN_KEY, Run

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from opentelemetry.context import Context

R = TypeVar("R", bound=Run)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block(Generic[R]):
    """One block that is open."""

    run: R
    """What it yielded."""

    context: Context
    """What was made current; held, so that nothing else can have its id."""

    place: tuple[int, CodeType]
    """Identity of the frame that the block stands in, and its code, since a frame that is gone may leave its id to another function's."""

    thread: int
    """Thread that it was entered in."""


class OpenBlocks(Generic[R]):
    """The open blocks of one operation, which may be in use many times at once.

    A ``with`` statement leaves in the very frame that it entered in, wherever a torn generator is closed from; that tells its block from
    those of other tasks and threads. What was entered otherwise (``ExitStack``, calls by hand) is found by its context.
    """

    def __init__(self) -> None:
        self._blocks: dict[int, _Block[R]] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def enter(self, run: R, frame: FrameType) -> None:
        """Make a run's context current, and remember its block.

        Args:
            run: a run that has begun.
            frame: where the block stands.
        """
        run.enter()
        context = run.context
        self._blocks[id(context)] = _Block(run=run, context=context, place=(id(frame), frame.f_code), thread=threading.get_ident())

    def leave(self, frame: FrameType) -> R | None:
        """Return the run of the block that ends here, with the context outside current again if its own was; None if there is none.

        Args:
            frame: where the block stands.
        """
        current = get_current()
        block = self._find(current, (id(frame), frame.f_code))
        if block is None:
            return None
        self._blocks.pop(id(block.context), None)
        if current is block.context:
            attach(block.run.previous)
        return block.run

    def _find(self, current: Context, place: tuple[int, CodeType]) -> _Block[R] | None:
        here = self._blocks.get(id(current))
        if here is not None and here.place == place:
            return here
        # One copy; walking the dictionary itself would fail when another thread enters a block meanwhile. Newest first.
        blocks = list(reversed(self._blocks.copy().values()))
        standing = next((block for block in blocks if block.place == place), None)
        if standing is not None or here is not None:
            return standing or here
        # Left by hand where its context is not current: after somebody left a context of theirs attached, or in another task.
        by_run = {id(block.run): block for block in blocks}
        around: Any = current.get(RUN_KEY)
        while around is not None:
            if id(around) in by_run:
                return by_run[id(around)]
            around = around.parent
        thread = threading.get_ident()
        return next((block for block in blocks if block.thread == thread), blocks[0] if blocks else None)
