"""The batches of one spool in their order, on disk or about to be, and what the account book says of them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.guard import record_fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.delivery import Delivery, Receipt
    from langswarm_otel.export.spool_account import SpoolAccount
    from langswarm_otel.export.spool_file import SpoolFile
    from langswarm_otel.export.spool_folder import SpoolFolder
    from langswarm_otel.export.spool_space import SpoolSpace

_left_by: dict[Path, int] = {}
"""Batches that spools of this process have left on disk, and the process: they are in its account already when it takes them over again."""


class Letter:
    """A batch on its way."""

    __slots__ = ("body", "failed", "file", "is_counted", "order", "outcome", "units")

    def __init__(self, units: int, order: int, *, body: bytes | None = None, file: SpoolFile | None = None) -> None:
        self.units = units
        self.order: Final = order
        self.body = body
        self.file = file
        self.is_counted = file is not None
        """Whether the account says that it is on disk."""
        self.failed = False
        """Whether it was tried in vain."""
        self.outcome: Delivery | None = None
        """What became of it, if it was settled while it was in memory only."""


class NoRoomError(OSError):
    """The spool is full of what others keep, or smaller than a batch."""


class SpoolQueue:
    """See the module; the lane's worker puts in, the spool's thread takes out, and any thread may make room."""

    def __init__(self, folder: SpoolFolder, space: SpoolSpace, signal: Signal) -> None:
        self.signal: Final = signal
        self.changed: Final = threading.Condition()
        """Notified whenever something has become of a batch; guards everything here."""
        self.sending: Letter | None = None
        """The batch that is being sent."""
        self.is_closed = False
        self._account: SpoolAccount
        self._folder: Final = folder
        self._space: Final = space
        self._letters: Final[deque[Letter]] = deque()
        self._order = 0

    def __len__(self) -> int:
        return len(self._letters)

    def __contains__(self, letter: Letter) -> bool:
        return letter in self._letters

    def attach(self, account: SpoolAccount) -> None:
        """Tell this account what becomes of what is kept."""
        self._account = account
        self._space.join(self)

    @property
    def last_order(self) -> int:
        """Number of the newest batch that there ever was."""
        return self._order

    @property
    def first_order(self) -> float:
        """Number of the oldest batch; infinite if there is none."""
        with self.changed:
            return self._letters[0].order if self._letters else float("inf")

    @contextlib.contextmanager
    def sending_first(self) -> Iterator[Letter | None]:
        """Give the oldest batch to be sent, which nobody throws out for as long as this lasts."""
        with self.changed:
            self.sending = self._letters[0] if self._letters else None
        try:
            yield self.sending
        finally:
            self.sending = None

    def new(self, body: bytes, units: int) -> Letter:
        """Return a batch that is not in the queue yet."""
        with self.changed:
            self._order += 1
            return Letter(units, self._order, body=body)

    def append(self, letter: Letter) -> None:
        """Put a batch behind all others, in memory only."""
        with self.changed:
            self._letters.append(letter)

    def keep(self, letter: Letter, body: bytes) -> Delivery | None:
        """Write a batch to disk; it may be on its way at the same time.

        Returns:
            What became of it meanwhile, and None if it is on disk now.

        Raises:
            NoRoomError: there is no room, and nothing that can be given up for it.
            OSError: it cannot be written.
        """
        content = self._folder.content(body)
        if not self._space.make_room(len(content)):
            raise NoRoomError("the spool is full of what other processes keep, or smaller than this batch")
        file = self._folder.append(content, letter.units)
        self._space.add(file.size)
        with self.changed:
            if letter.outcome is not None:
                self._unlink(file)
                return letter.outcome
            letter.is_counted = self._account.keep(letter.units, file.size)
            letter.file, letter.body = file, None
            if letter not in self._letters:
                self._letters.append(letter)
        return None

    def read(self, letter: Letter) -> bytes:
        """Return the body of a batch; see ``read_file``."""
        body = letter.body
        return body if body is not None else self._folder.read(self._file(letter))

    def set_aside(self, letter: Letter, receipt: Receipt) -> None:
        """Let go of a batch that cannot be read."""
        with self.changed:
            self._folder.set_aside(self._file(letter).path)
            self.drop(letter, receipt)

    def forget(self, letter: Letter, outcome: Delivery | None = None) -> None:
        """Take a batch out that is in memory only: it was settled, or goes back to where it came from."""
        with self.changed:
            letter.outcome = outcome
            self._letters.remove(letter)
            self.changed.notify_all()

    def drop(self, letter: Letter, receipt: Receipt) -> None:
        """Let go of a batch that is on disk."""
        with self.changed:
            file = self._file(letter)
            self._letters.remove(letter)
            self._unlink(file)
            if letter.is_counted:
                self._settle(receipt, letter.units, file.size)
            if not self._letters:
                self._folder.tidy()
            self.changed.notify_all()

    def shorten(self, letter: Letter, receipt: Receipt, body: bytes, units: int) -> None:
        """Keep what is left of a batch in its place."""
        with self.changed:
            file = self._file(letter)
            try:
                shorter = self._folder.replace(file, body, units)
            except OSError as error:  # all of it will be sent once more
                record_fault("Spool.shorten", error)
                return
            freed = file.size - shorter.size
            self._space.add(-freed)
            if letter.is_counted:
                self._settle(receipt, letter.units - units, freed)
            letter.file, letter.units = shorter, units

    def take_over(self) -> None:
        """Take over what other processes have left, or this one before it was configured anew."""
        with self.changed:
            for file in self._folder.take_over():
                self._order += 1
                self._letters.append(Letter(file.units, self._order, file=file))
                if _left_by.pop(file.path, 0) != os.getpid():
                    self._account.take_over(file.units, file.size)

    def close(self) -> None:
        """Leave what is on disk to whoever comes next."""
        with self.changed:
            self.is_closed = True
            _left_by.update({letter.file.path: os.getpid() for letter in self._letters if letter.file is not None and letter.is_counted})
            self._folder.close()
            self.changed.notify_all()

    def _unlink(self, file: SpoolFile) -> None:
        self._folder.remove(file)
        self._space.add(-file.size)

    def _settle(self, receipt: Receipt, units: int, size: int) -> None:
        self._account.settle(units, size, exported=receipt.exported, dropped=receipt.dropped, cause=receipt.cause)

    @staticmethod
    def _file(letter: Letter) -> Any:
        return letter.file

    # What ``SpoolSpace`` asks for.

    def oldest(self) -> int | None:
        """Return the number of the oldest file that is not being sent."""
        with self.changed:
            letter = self._spare()
            return None if letter is None or letter.file is None else letter.file.number

    def give_up_oldest(self) -> int:
        """Remove that file and count its records as lost; return the bytes that became free."""
        with self.changed:
            letter = self._spare()
            if letter is None or letter.file is None:
                return 0
            size = letter.file.size
            self._letters.remove(letter)
            self._folder.remove(letter.file)
            if letter.is_counted:
                self._account.settle(letter.units, size, dropped={"spool_full": letter.units}, cause="the spool is full")
            return size

    def count_lost(self, units: int) -> None:
        """Count records as lost that a process which has ended left behind."""
        self._account.take_over(units, 0)
        self._account.settle(units, 0, dropped={"spool_full": units}, cause="the spool is full")

    def _spare(self) -> Letter | None:
        return next((letter for letter in self._letters if letter.file is not None and letter is not self.sending), None)
