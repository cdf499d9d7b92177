"""Records as files: whole, cut off, damaged, and made to do harm."""

import gzip
import os
import pickle
from dataclasses import replace

import pytest
from flown import flown, silence
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import agent.flight.entries as en
from agent.errors import ConfigError
from agent.flight import record
from agent.flight.record import read, write


@pytest.fixture(scope="module")
def call():
    return flown(["Hello."], speech=silence(0.5), config={"agent.greeting": "Hello there."})


@pytest.fixture
def path(call, tmp_path):
    path = tmp_path / "a.flight"
    write(path, call.header, call.entries)
    return path


def test_a_whole_record_comes_back_whole(call, path) -> None:
    flight = read(path)
    assert flight.damage is None
    assert flight.header.name == "rtc_flown"
    assert len(flight.entries) == len(call.entries)
    kinds = (en.Told, en.Stepped, en.Packet)
    for entry, back in zip(call.entries, flight.entries, strict=True):
        if isinstance(entry, kinds) and not isinstance(entry, en.Told):
            assert type(back) is type(entry)
            assert back.at == pytest.approx(entry.at, abs=1e-6)


def test_the_same_call_is_the_same_file(call, path, tmp_path) -> None:
    again = tmp_path / "b.flight"
    write(again, call.header, call.entries)
    assert again.read_bytes() == path.read_bytes()


def test_the_container_is_gzip_and_msgpack(path) -> None:
    import msgpack

    with gzip.open(path) as file:
        values = list(msgpack.Unpacker(file))
    assert values[0]["format"] == "voxline flight"
    assert all(isinstance(name, str) for name, *_ in values[1:])


@pytest.mark.parametrize("share", [0.6, 0.9, 0.999])
def test_what_is_whole_of_a_file_that_was_cut_off_is_read(path, share) -> None:
    whole = read(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    flight = read(path)
    assert "cut off" in flight.damage
    assert repr(flight.entries) == repr(whole.entries[: len(flight.entries)])


def test_a_file_that_was_cut_off_in_its_header_is_none(path) -> None:
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ConfigError, match="no flight record: it was cut off"):
        read(path)


def test_a_damaged_file_says_so_and_gives_what_is_before(path) -> None:
    data = bytearray(path.read_bytes())
    data[-8] ^= 0xFF  # the checksum
    path.write_bytes(data)
    flight = read(path)
    assert "damaged" in flight.damage
    assert flight.entries


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_is_a_message_and_no_traceback(path, data) -> None:
    """Killed: zlib's own error for a byte that fell over."""
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    hurt = path.with_name("hurt.flight")
    hurt.write_bytes(content)
    try:
        read(hurt)
    except ConfigError as error:
        assert str(hurt) in str(error)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        gzip.compress(b""),
        gzip.compress(b"hello"),
        gzip.compress(pickle.dumps({"format": "voxline flight"})),
        gzip.compress(b"\x81\xa6format\xa5other"),
    ],
    ids=["empty", "text", "empty inside", "text inside", "pickle inside", "other inside"],
)
def test_a_file_that_is_no_record_is_refused_by_name(path, content) -> None:
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"a\.flight is no flight record"):
        read(path)


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"none\.flight.*No such file"):
        read(tmp_path / "none.flight")


def test_a_folder_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(ConfigError, match="directory"):
        read(tmp_path)


def test_another_version_is_refused_with_the_file(call, path, monkeypatch) -> None:
    monkeypatch.setattr("agent.flight.header.VERSION", 2)
    write(path, call.header, call.entries)
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r"a\.flight: it has version 2"):
        read(path)


def test_a_file_that_unpacks_without_end_is_stopped(path, monkeypatch) -> None:
    monkeypatch.setattr(record, "MAX_BYTES", 100_000)
    with gzip.open(path, "ab") as file:
        file.write(bytes(10_000_000))  # each zero is a value that is no entry
    assert read(path).damage is not None
    with gzip.open(path, "wb") as file:
        file.write(b"\xc6\x00\xff\xff\xff" + bytes(10_000_000))
    with pytest.raises(ConfigError, match="larger than 100000 bytes"):
        read(path)


def test_a_record_belongs_to_its_owner_whoever_writes_it(call, path, tmp_path) -> None:
    """It holds what both sides said."""
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    write(path, call.header, call.entries)
    assert path.stat().st_mode & 0o777 == 0o600


def test_time_beyond_what_a_call_may_take_is_damage(call, path) -> None:
    """Killed: a file of 10 KB whose last entry is a million seconds late, and a replay that
    makes sound for all of them.
    """
    longest_s = call.header.config["limits"]["call_s"]
    late = [replace(call.entries[-1], at=at) for at in (longest_s + 59.0, 1e6)]
    write(path, call.header, [*call.entries, *late])
    found = read(path)
    assert len(found.entries) == len(call.entries) + 1
    assert found.entries[-1] == late[0]
    assert found.damage == "it goes on at 1000000 s, longer than a call may"


def test_reading_leaves_no_file_open(path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        read(path)
    assert len(os.listdir("/proc/self/fd")) == before
