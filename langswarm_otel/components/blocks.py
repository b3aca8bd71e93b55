"""The blocks of one operation that are open, and which of them an ``__exit__`` ends."""

from __future__ import annotations

from threading import get_ident
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from opentelemetry.context import attach, get_current

from langswarm_otel.components.run import RUN_KEY, Run

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from opentelemetry.context import Context

R = TypeVar("R", bound=Run)
_Place = tuple[int, "CodeType"]
"""Identity of the frame that a block stands in, and its code, since a frame that is gone may leave its id to another function's."""
_Block = tuple[R, "Context", _Place, int]
"""What a block yielded; what it made current, held so that nothing else can have its id; its place; the thread that entered it.

A plain tuple, since one is made for each run.
"""


class OpenBlocks(Generic[R]):
    """The open blocks of one operation, which may be in use many times at once.

    A ``with`` statement leaves in the very frame that it entered in, wherever a torn generator is closed from; that tells its block from
    those of other tasks and threads. What was entered otherwise (``ExitStack``, calls by hand) is found by its context.
    """

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: dict[int, _Block[R]] = {}

    def __len__(self) -> int:
        return len(self._blocks)

    def enter(self, run: R, frame: FrameType) -> None:
        """Make a run's context current, and remember its block.

        Args:
            run: a run that has begun in the present context.
            frame: where the block stands.
        """
        context = run.context
        attach(context)
        self._blocks[id(context)] = run, context, (id(frame), frame.f_code), get_ident()

    def leave(self, frame: FrameType) -> R | None:
        """Return the run of the block that ends here, with the context outside current again if its own was; None if there is none.

        Args:
            frame: where the block stands.
        """
        current = get_current()
        place = id(frame), frame.f_code
        block = self._blocks.get(id(current))
        if block is None or block[2] != place:
            block = self._find(current, place) or block
            if block is None:
                return None
        run, context, _, _ = block
        self._blocks.pop(id(context), None)
        if current is context:
            attach(run.previous)
        return run

    def _find(self, current: Context, place: _Place) -> _Block[R] | None:
        """Find the block that stands here, or, unless the current context is one's own, the one that is most likely meant."""
        # One copy; walking the dictionary itself would fail when another thread enters a block meanwhile. Newest first.
        blocks = list(reversed(self._blocks.copy().values()))
        standing = next((block for block in blocks if block[2] == place), None)
        if standing is not None or id(current) in self._blocks:
            return standing
        # Left by hand where its context is not current: after somebody left a context of theirs attached, or in another task.
        by_run = {id(block[0]): block for block in blocks}
        around: Any = current.get(RUN_KEY)
        while around is not None:
            if id(around) in by_run:
                return by_run[id(around)]
            around = around.parent
        thread = get_ident()
        return next((block for block in blocks if block[3] == thread), blocks[0] if blocks else None)
