"""The thread that writes: whole batches, bounded sizes, and failures that end no call."""

import errno
import logging
import os
import threading

import pytest

import agent.flight.entries as en
from agent.config import Config, Record
from agent.errors import ConfigError
from agent.flight import writer as writing
from agent.flight.header import Header
from agent.flight.packing import pack_header
from agent.flight.record import read
from agent.flight.writer import NAME, Tape, Writer, open_own
from agent.requests import CallSettings

HEADER = Header.of("rtc_a", "now", Config(), CallSettings(), ())
MIB = 1 << 20


def name(number):
    return f"2026010{number}T000000.000000Z-rtc_{number}.flight"


class Shelf:
    """A folder and a writer for it."""

    def __init__(self, folder, **record) -> None:
        self.folder = folder
        self.writer = Writer(folder, Record(**record))

    def begin(self, number=1):
        tape = Tape(f"rtc_{number}", self.folder / name(number), HEADER)
        self.writer.begin(tape)
        return tape

    def fly(self, tape, packets, began=0.0, size=1000, end=True):
        """Packets that no gzip makes smaller, 20 ms apart."""
        for n in range(packets):
            packet = en.Packet(began + n * 0.02, 1, n % 65536, 0, os.urandom(size))
            self.writer.write(tape, packet)
        if end:
            self.writer.end(tape)

    def sizes(self):
        return {path.name: path.stat().st_size for path in self.folder.iterdir()}


@pytest.fixture
def shelf(tmp_path):
    made = []

    def make(**record):
        made.append(Shelf(tmp_path, **record))
        return made[-1]

    yield make
    for each in made:
        each.writer.close()


def test_what_was_taken_is_in_the_file_in_order(shelf) -> None:
    here = shelf()
    tape = here.begin()
    here.fly(tape, 500)
    here.writer.close()
    flight = read(here.folder / name(1))
    assert flight.damage is None
    assert [packet.sequence for packet in flight.entries] == list(range(500))


def test_only_its_owner_can_read_it(shelf) -> None:
    here = shelf()
    old = os.umask(0)
    try:
        here.fly(here.begin(), 1)
        here.writer.close()
    finally:
        os.umask(old)
    assert (here.folder / name(1)).stat().st_mode & 0o777 == 0o600


def test_several_calls_have_a_file_each(shelf) -> None:
    here = shelf()
    tapes = [here.begin(n) for n in (1, 2, 3)]
    for n, tape in enumerate(tapes):
        here.fly(tape, 10 + n)
    here.writer.close()
    assert [len(read(here.folder / name(n)).entries) for n in (1, 2, 3)] == [10, 11, 12]


def test_a_record_that_is_full_ends_with_a_mark_within_its_size(shelf, caplog) -> None:
    here = shelf(call_mib=1)
    here.fly(here.begin(), 2000)
    here.writer.close()
    [size] = here.sizes().values()
    assert size <= MIB
    flight = read(here.folder / name(1))
    assert flight.damage is None
    assert isinstance(flight.entries[-1], en.Full)
    assert 0.9 * MIB < sum(len(p.payload) for p in flight.entries[:-1])
    assert [packet.sequence for packet in flight.entries[:-1]] == list(
        range(len(flight.entries) - 1)
    )
    assert "rtc_1: its flight record is full; the call goes on" in caplog.text


def test_the_folder_keeps_its_size_and_the_newest(shelf) -> None:
    here = shelf(call_mib=1, folder_mib=2)
    for number in range(1, 6):
        here.fly(here.begin(number), 700)
    here.writer.close()
    sizes = here.sizes()
    assert sum(sizes.values()) <= 2 * MIB
    assert name(5) in sizes
    assert name(1) not in sizes
    assert read(here.folder / name(5)).damage is None


def test_nothing_but_records_is_deleted_to_make_room(shelf, tmp_path) -> None:
    keep = tmp_path / "20250101T000000.000000Z-holiday.txt"
    keep.write_bytes(bytes(3 * MIB))
    elsewhere = tmp_path.with_name("elsewhere")
    elsewhere.write_bytes(bytes(3 * MIB))
    link = tmp_path / name(0)
    link.symlink_to(elsewhere)
    here = shelf(call_mib=1, folder_mib=1)
    here.fly(here.begin(), 100)
    here.writer.close()
    assert keep.exists()
    assert link.is_symlink()
    assert elsewhere.stat().st_size == 3 * MIB


def test_a_record_that_is_being_written_is_not_deleted_for_another(shelf) -> None:
    here = shelf(call_mib=1, folder_mib=1)
    first, second = here.begin(1), here.begin(2)
    here.fly(first, 600, end=False)
    here.fly(second, 600)
    here.writer.end(first)
    here.writer.close()
    assert read(here.folder / name(1)).damage is None
    assert sum(here.sizes().values()) <= MIB


def test_where_there_is_no_room_to_begin_nothing_is_written_at_all(shelf, caplog) -> None:
    """Killed: a record whose header found no room, and whose packets did when another ended."""
    here = shelf(call_mib=1, folder_mib=1)
    first = here.begin(1)
    rest = MIB - 4096 - len(pack_header(HEADER.plain())) - 500
    here.fly(first, 1, size=rest, end=False)
    here.fly(first, 1, began=1.0, size=1, end=False)  # a second has passed: both are written
    second = here.begin(2)
    here.writer.end(first)
    here.fly(second, 500)
    here.writer.close()
    assert "rtc_2: its flight record ends: the folder is full" in caplog.text
    with pytest.raises(ConfigError, match="it is empty"):
        read(here.folder / name(2))


def test_a_disk_that_is_full_ends_the_record_and_is_told_once(
    shelf, caplog, monkeypatch
) -> None:
    here = shelf()
    tape = here.begin()
    here.fly(tape, 60, end=False)

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing._RecordFile, "add", full)
    here.fly(tape, 300, began=2.0)
    other = here.begin(2)
    here.writer.end(other)
    here.writer.close()
    assert tape.stopped
    warnings = [r.message for r in caplog.records if "rtc_1" in r.message]
    assert warnings == ["call rtc_1: its flight record ends: No space left on device"]


def test_a_folder_that_is_gone_ends_the_record_and_not_the_thread(shelf, caplog) -> None:
    here = shelf()
    hidden = here.folder.with_name("hidden")
    here.folder.rename(hidden)
    lost = here.begin(1)
    here.fly(lost, 100)
    hidden.rename(here.folder)
    found = here.begin(2)
    here.fly(found, 5)
    here.writer.close()
    assert {path.name for path in here.folder.iterdir()} <= {name(1), name(2)}
    assert len(read(here.folder / name(2)).entries) == 5


def test_our_own_fault_ends_the_record_and_not_the_thread(shelf, caplog) -> None:
    here = shelf()
    tape = here.begin()
    here.writer.write(tape, en.Wanted(0.0, 1, "speak", object()))
    here.writer.end(tape)
    here.fly(here.begin(2), 5)
    here.writer.close()
    assert "failed by our own fault" in caplog.text
    assert len(read(here.folder / name(2)).entries) == 5


def test_a_disk_that_does_not_answer_ends_the_record_and_holds_nobody(
    shelf, caplog, monkeypatch
) -> None:
    here = shelf()
    waits, asked = threading.Event(), threading.Event()

    def hang(self, data):
        asked.set()
        return waits.wait(30)

    monkeypatch.setattr(writing._RecordFile, "add", hang)
    tape = here.begin()
    assert asked.wait(10)
    here.fly(tape, 50 * 70, size=1, end=False)  # 70 s of a call
    assert tape.stopped
    assert "the disk is too slow" in caplog.text
    waits.set()


def test_a_process_that_is_killed_loses_no_batch_that_was_written(shelf) -> None:
    here = shelf()
    tape = here.begin()
    here.fly(tape, 200, end=False)
    written = threading.Event()
    here.writer._jobs.put((tape, written.set))
    assert written.wait(10)
    flight = read(here.folder / name(1))  # as it lies there now
    assert flight.damage == "it was cut off"
    assert len(flight.entries) > 140


def test_closing_writes_what_is_there_and_may_come_twice(shelf) -> None:
    here = shelf()
    tape = here.begin()
    here.fly(tape, 60, end=False)
    here.writer.close()
    here.writer.close()
    assert read(here.folder / name(1)).entries


def test_a_file_is_never_written_over(tmp_path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(FileExistsError):
        open_own(tmp_path / "a")


@pytest.mark.parametrize(
    ("found", "ours"),
    [
        (name(1), True),
        ("20260101T000000.000000Z-rtc_1.flight.bak", False),
        ("holiday.flight", False),
        ("20260101T000000.000000Z-.flight", False),
        ("20260101T000000.000000Z-a/b.flight", False),
    ],
)
def test_our_names_are_ours(found, ours) -> None:
    assert bool(NAME.fullmatch(found)) is ours


def test_a_tape_hands_over_once_a_second() -> None:
    tape = Tape("rtc_1", None, HEADER)
    handed = [len(tape.take(en.Sent(n * 0.1))) for n in range(31)]
    assert [count for count in handed if count] == [11, 11]
    assert len(tape.rest()) == 9
    assert tape.rest() == []


def test_what_is_said_is_not_logged(shelf, caplog) -> None:
    caplog.set_level(logging.INFO)
    here = shelf(call_mib=1)
    tape = here.begin()
    here.writer.write(tape, en.Wanted(0.0, 1, "speak", "my secret"))
    here.fly(tape, 2000)
    here.writer.close()
    assert "secret" not in caplog.text
