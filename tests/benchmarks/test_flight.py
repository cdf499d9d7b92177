"""What a record costs is measured on a whole call."""

import json

import pytest
from flown import flown, silence

from agent.flight.record import Flight, read, write
from benchmarks.flight import main, measure


@pytest.fixture(scope="module")
def flight():
    call = flown(["Hello."], speech=silence(2), config={"agent.greeting": "Hello there."})
    return call.flight


def test_every_entry_is_recorded_again(flight, tmp_path) -> None:
    cost = measure(flight, tmp_path, times=3)
    paths = sorted(tmp_path.iterdir())
    assert len(paths) == 3
    again = read(paths[0])
    assert again.damage is None
    assert [type(e) for e in again.entries] == [type(e) for e in flight.entries]
    assert cost.notes_us.count == 3 * len(flight.entries)
    assert 0 < cost.loop_percent < 100
    assert cost.thread_percent > 0
    size = sum(path.stat().st_size for path in paths)
    assert cost.kilobytes_per_s == pytest.approx(size / 3000 / flight.entries[-1].at)


def test_an_empty_record_measures_nothing(flight, tmp_path) -> None:
    with pytest.raises(ValueError, match="nothing to measure"):
        measure(Flight(flight.header, ()), tmp_path, 1)


def test_figures_are_printed_and_kept(flight, tmp_path, capsys) -> None:
    write(tmp_path / "a.flight", flight.header, flight.entries)
    main([str(tmp_path / "a.flight"), "--times", "1", "--out", str(tmp_path)])
    assert "kB/s" in capsys.readouterr().out
    figures = json.loads((tmp_path / "flight.json").read_text())["figures"]
    assert figures["entries_per_s"] > 50
    assert figures["notes_us"]["p99"] >= figures["notes_us"]["p50"]
