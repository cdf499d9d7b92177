"""The thread that packs, compresses and writes flight records, so that no disk and no gzip
makes a packet late. A call only appends to a list, and hands it over once a second.

Sizes are bounded: a record ends when it has grown to its limit, and the oldest records go when
the folder has. Whatever goes wrong ends a record, with a warning, and no call.
"""

import contextlib
import gzip
import logging
import os
import queue
import re
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from agent.config import Record
from agent.flight.entries import Entry, Full
from agent.flight.header import Header
from agent.flight.packing import pack, pack_header

log = logging.getLogger(__name__)

NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-[\w-]{1,32}\.flight")  # ours, and nobody else's
_BATCH_S = 1.0
_BEHIND = 60  # batches of one call that the disk may be behind
_MIB = 1 << 20
_SPARE_BYTES = 4096  # for the end of a record and of a file
_CLOSE_S = 10.0


class Tape:
    """One call's entries, on their way to the thread. For the event loop."""

    def __init__(self, call: str, path: Path, header: Header) -> None:
        """`call` is its name in the log."""
        self.call, self.path, self.header = call, path, header
        self.stopped = False  # nothing more is taken; the thread may say so
        self.written = 0  # batches, counted by the thread
        self._handed = 0
        self._batch: list[Entry] = []

    def take(self, entry: Entry) -> list[Entry]:
        """Return what is to be written now, if anything."""
        if self.stopped:
            return []
        self._batch.append(entry)
        if entry.at - self._batch[0].at < _BATCH_S:
            return []
        if self._handed - self.written >= _BEHIND:
            self.stopped = True
            log.warning("call %s: the disk is too slow; its flight record ends", self.call)
            return []
        return self.rest()

    def rest(self) -> list[Entry]:
        """What was not handed over yet."""
        batch, self._batch = self._batch, []
        self._handed += bool(batch)
        return batch


class Writer:
    """One thread for all calls of a server."""

    def __init__(self, folder: Path, record: Record) -> None:
        self._record_bytes = record.call_mib * _MIB
        self._shelf = _Shelf(folder, record.folder_mib * _MIB)
        self._files: dict[Tape, _RecordFile] = {}
        self._jobs: queue.SimpleQueue[tuple[Tape, Callable[[], None]] | None]
        self._jobs = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="flight records", daemon=True)
        self._thread.start()

    # -- for the event loop

    def begin(self, tape: Tape) -> None:
        self._jobs.put((tape, lambda: self._begin(tape)))

    def write(self, tape: Tape, entry: Entry) -> None:
        """Take one more entry of a call."""
        if batch := tape.take(entry):
            self._jobs.put((tape, lambda: self._write(tape, batch)))

    def end(self, tape: Tape) -> None:
        """There will be no more of them."""
        rest, stopped = tape.rest(), tape.stopped
        tape.stopped = True
        self._jobs.put((tape, lambda: self._end(tape, [] if stopped else rest)))

    def close(self) -> None:
        """Return when everything is written, or when that takes too long."""
        self._jobs.put(None)
        self._thread.join(_CLOSE_S)

    # -- in the thread

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            tape, work = job
            try:
                work()
            except OSError as error:
                self._give_up(tape, error.strerror or str(error))
            except Exception:  # the edge of a call: the others are recorded on
                log.exception("call %s: a flight record failed by our own fault", tape.call)
                self._give_up(tape, "our own fault")
        for file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()

    def _begin(self, tape: Tape) -> None:
        self._shelf.look(file.path for file in self._files.values())
        self._files[tape] = _RecordFile(tape.path, self._record_bytes)
        if not self._add(tape, pack_header(tape.header.plain())):
            self._give_up(tape, "the folder is full of records that are being written")

    def _write(self, tape: Tape, batch: list[Entry]) -> None:
        tape.written += 1
        if tape in self._files and not self._add(tape, b"".join(map(pack, batch))):
            tape.stopped = True
            self._close(tape, pack(Full(batch[0].at)))
            log.warning("call %s: its flight record is full; the call goes on", tape.call)

    def _end(self, tape: Tape, rest: list[Entry]) -> None:
        if rest:
            self._write(tape, rest)
        self._close(tape, b"")

    def _add(self, tape: Tape, data: bytes) -> bool:
        open_bytes = sum(file.size for file in self._files.values())
        return self._shelf.make_room(open_bytes + len(data)) and self._files[tape].add(data)

    def _close(self, tape: Tape, last: bytes) -> None:
        if file := self._files.pop(tape, None):
            try:
                file.close(last)
            finally:
                self._shelf.put(file.path)

    def _give_up(self, tape: Tape, why: str) -> None:
        if not tape.stopped or tape in self._files:
            log.warning("call %s: its flight record ends: %s", tape.call, why)
        tape.stopped = True
        with contextlib.suppress(OSError):
            self._close(tape, b"")


class _RecordFile:
    """A file that does not grow beyond its limit. What was added is on its way to the disk."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        """Raises OSError."""
        self.path = path
        self._limit_bytes = limit_bytes
        self._file = open_own(path)
        self._packed = gzip.GzipFile("", "wb", fileobj=self._file, mtime=0)

    @property
    def size(self) -> int:
        return self._file.tell()

    def add(self, data: bytes) -> bool:
        """Write, unless it might not fit. Raises OSError."""
        if self.size + len(data) + _SPARE_BYTES > self._limit_bytes:
            return False
        self._packed.write(data)
        self._packed.flush()  # a process that is killed loses nothing that was added
        self._file.flush()
        return True

    def close(self, last: bytes = b"") -> None:
        with self._file:
            self._packed.write(last)
            self._packed.close()


class _Shelf:
    """The records in the folder that are finished, and how much they may take up."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder, self._limit_bytes = folder, limit_bytes
        self._sizes: dict[Path, int] = {}

    def look(self, still_open: Iterable[Path]) -> None:
        """See what there is. Raises OSError."""
        being_written = set(still_open)
        self._sizes = {
            path: found.stat(follow_symlinks=False).st_size
            for found in os.scandir(self._folder)
            if NAME.fullmatch(found.name) and found.is_file(follow_symlinks=False)
            if (path := Path(found.path)) not in being_written
        }

    def put(self, path: Path) -> None:
        """One more is finished. Raises OSError."""
        self._sizes[path] = path.stat().st_size

    def make_room(self, open_bytes: int) -> bool:
        """Delete the oldest until there is room; False if there cannot be. Raises OSError."""
        while sum(self._sizes.values()) + open_bytes + _SPARE_BYTES > self._limit_bytes:
            if not self._sizes:
                return False
            oldest = min(self._sizes)  # names begin with the time
            del self._sizes[oldest]
            oldest.unlink(missing_ok=True)
        return True


def open_own(path: Path) -> BinaryIO:
    """Create a file that only its owner can read. Raises OSError."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
