"""The folder of records, from config.yaml to a file for each call."""

import asyncio
import re

import pytest
from fakes import FakeClient, FakeEngines, FakeFunctions

from agent.canned import Canned
from agent.commands import SayPrompt
from agent.config_file import load
from agent.engines import Style
from agent.errors import ConfigError
from agent.events import EndReason
from agent.flight.entries import Joined, Packet, decisions, hung_up
from agent.flight.record import read
from agent.flight.recorder import Unwatched
from agent.flight.replay import replay
from agent.flight.store import NoRecords, Store, open_records
from agent.flight.writer import NAME
from agent.media import upstream
from agent.media.opus import Encoder
from agent.media.peer import Peer
from agent.media.playout import Playout
from agent.metrics import Metrics
from agent.notices import CallEnding
from agent.requests import CallSettings
from agent.switchboard import Switchboard


class FakeHost:
    """Engines for each call."""

    calls = None

    def open_call(self, name):
        return FakeEngines()


class Caller:
    """The other end, which listens."""

    def __init__(self, config) -> None:
        self.audible = asyncio.Event()
        self.peer = Peer(
            config,
            Playout(config.playout, Encoder(config.send).encode),
            on_connected=lambda: None,
            on_audio=lambda samples: None,
            on_message=lambda text: None,
            on_closed=lambda reason: None,
            on_packet=lambda packet, now: self.audible.set(),
        )


def config(folder, **more):
    return load(
        None,
        {
            "record.folder": str(folder),
            "record.callers_agreed": True,
            "ice.addresses": ["127.0.0.1"],
            "agent.greeting": "Hello there.",
            **more,
        },
    )


def test_nothing_is_recorded_unless_a_folder_is_named() -> None:
    records = open_records(load(None))
    assert isinstance(records, NoRecords)
    assert isinstance(records.watch("rtc_a", CallSettings(), ()), Unwatched)
    records.close()


def test_a_folder_without_the_callers_consent_stops_the_start(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"record\.folder.*callers_agreed is false.*consent"):
        load(None, {"record.folder": str(tmp_path)})


def test_consent_without_a_folder_records_nothing() -> None:
    assert isinstance(open_records(load(None, {"record.callers_agreed": True})), NoRecords)


def test_a_record_may_not_be_larger_than_its_folder(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"record\.call_mib: 64 .*folder_mib \(32\)"):
        config(tmp_path, **{"record.folder_mib": 32})


def test_a_folder_is_made_for_its_owner_alone(tmp_path) -> None:
    store = Store(config(tmp_path / "a" / "b"))
    store.close()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_file_in_place_of_the_folder_stops_the_start(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"record\.folder: cannot write to .*file"):
        Store(config(tmp_path / "file"))


def test_a_folder_that_cannot_be_made_stops_the_start() -> None:
    with pytest.raises(ConfigError, match=r"cannot write to /proc/.*name another folder"):
        Store(config("/proc/voxline"))


def test_a_full_disk_stops_the_start() -> None:
    """/dev/full takes no byte, and is no folder: what the folder's probe meets there."""
    with pytest.raises(ConfigError, match=r"record\.folder: cannot write to /dev/full"):
        Store(config("/dev/full"))


def test_a_call_is_recorded_and_can_be_replayed(tmp_path) -> None:
    """Over a real peer connection, from the switchboard to the file."""
    given = config(tmp_path)
    upstream.install(given)
    client = FakeClient()

    async def main():
        store = open_records(given)
        canned = Canned(Style(""))
        board = Switchboard(given, FakeHost(), canned, Metrics(), FakeFunctions(), store)
        caller = Caller(given)
        answer = await board.answer("rtc_0123456789abcdef", await caller.peer.offer(), client)
        await caller.peer.accept(answer)
        await asyncio.wait_for(caller.audible.wait(), 10)
        assert await board.hang_up("rtc_0123456789abcdef")
        await caller.peer.close()
        store.close()

    asyncio.run(main())
    [path] = tmp_path.iterdir()
    assert NAME.fullmatch(path.name)
    assert path.name.endswith("Z-rtc_01234567.flight")  # the whole id may hang up
    assert path.stat().st_mode & 0o777 == 0o600
    flight = read(path)
    assert flight.damage is None
    assert flight.header.name == "rtc_01234567"
    assert re.match(r"\d{4}-\d\d-\d\dT", flight.header.when)
    assert any(isinstance(entry, Joined) for entry in flight.entries)
    first = next(decisions(flight.entries))
    assert isinstance(first.command, SayPrompt)
    assert [hung_up(e).reason for e in flight.entries if hung_up(e)] == [EndReason.CALLER]
    assert client.of(CallEnding) == [CallEnding(EndReason.CALLER)]
    assert not any(isinstance(entry, Packet) for entry in flight.entries)  # it said nothing
    outcome = replay(flight)
    assert outcome.difference.identical, outcome.difference


def test_no_secret_and_no_address_of_a_call_is_in_its_record(tmp_path) -> None:
    import gzip

    given = config(tmp_path, **{"ice.servers": ["turn:turn.secret.example"]})
    store = Store(given)

    async def main():
        store.watch("rtc_a", CallSettings(instructions="be kind"), ()).close()

    asyncio.run(main())
    store.close()
    [path] = tmp_path.iterdir()
    content = gzip.decompress(path.read_bytes())
    assert b"be kind" in content
    for private in (b"secret", b"127.0.0.1", b"fingerprint", b"ice-pwd", b"candidate"):
        assert private not in content
