"""What recording a call costs: CPU of the media loop and of the writing thread, and disk.

    python -m benchmarks.flight FILE               a record, whose call is recorded again
    python -m benchmarks.flight FILE --times 20

What the record holds is noted once more, as fast as it goes, and written by the same thread as
in a server. The law of the media loop is 2 ms a pass; noting is a small part of one. Writes
flight.json into benchmarks/out.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from agent.config import Record
from agent.flight.entries import Entry
from agent.flight.record import Flight, read
from agent.flight.writer import Tape, Writer
from benchmarks import report

HEADERS = ("loop % of a core", "p99 us", "worst us", "thread % of a core", "kB/s", "entries/s")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one call."""

    loop_percent: float  # of a core, in the media loop
    notes_us: report.Summary  # of one entry in the loop; the worst hands a second's over
    thread_percent: float  # of a core, in the writing thread
    kilobytes_per_s: float
    entries_per_s: float

    def row(self) -> tuple[object, ...]:
        return (
            *(self.loop_percent, self.notes_us.p99, self.notes_us.worst),
            *(self.thread_percent, self.kilobytes_per_s, self.entries_per_s),
        )


def measure(flight: Flight, folder: Path, times: int) -> Cost:
    """Record the same call `times` times. Raises ValueError for a record without entries."""
    if not flight.entries or not flight.entries[-1].at:
        raise ValueError("the record holds nothing to measure by")
    lasted_s = flight.entries[-1].at * times
    parts = [_parts(entry) for entry in flight.entries]
    writer = Writer(folder, Record(call_mib=1024, folder_mib=1_048_576))
    notes_us: list[float] = []
    gc.collect()
    gc.freeze()  # as a server does when it has started
    before_s, own_before_s = time.process_time(), time.thread_time()
    for number in range(times):
        path = folder / f"20260101T000000.{number:06}Z-rtc.flight"
        tape = Tape("rtc", path, flight.header)
        writer.begin(tape)
        for kind, values in parts:
            began_ns = time.thread_time_ns()
            writer.write(tape, kind(*values))
            notes_us.append((time.thread_time_ns() - began_ns) / 1000)
        writer.end(tape)
    own_s = time.thread_time() - own_before_s
    writer.close()
    all_s = time.process_time() - before_s
    gc.unfreeze()
    size = sum(path.stat().st_size for path in folder.iterdir())
    return Cost(
        100 * sum(notes_us) / 1e6 / lasted_s,
        report.summarize(notes_us),
        100 * (all_s - own_s) / lasted_s,
        size / 1000 / lasted_s,
        len(parts) * times / lasted_s,
    )


def _parts(entry: Entry) -> tuple[Callable[..., Entry], list[object]]:
    """What it takes to make it again."""
    return type(entry), [getattr(entry, field.name) for field in fields(entry)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write flight.json."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.flight",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a flight record")
    parser.add_argument("--times", type=int, default=5, help="record it so often (default 5)")
    parser.add_argument("--out", type=Path, default=report.OUT, help="folder for the JSON")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        cost = measure(read(asked.file), Path(folder), asked.times)
    print(report.table(HEADERS, [cost.row()]))
    settings = {"file": asked.file.name, "times": asked.times}
    figures = {**asdict(cost), "notes_us": cost.notes_us}
    report.write_json(asked.out / "flight.json", settings, figures)


if __name__ == "__main__":
    main()
