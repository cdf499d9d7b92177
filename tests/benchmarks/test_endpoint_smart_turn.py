"""Another model's word on the same pauses: asked at the right moments, trusted in time."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from recordings import recording

from agent.endpoint.odds import Pause
from agent.endpoint.prosody import Cues
from agent.errors import ConfigError
from agent.smart_turn.model import Encoded
from agent.smart_turn.opinion import ASKED_MS
from benchmarks import endpoint_smart_turn as smart
from benchmarks.endpoint_corpus import CLEAN, Observed, Recording, observe
from benchmarks.endpoint_smart_turn import THINKING_MS, Answer

ENCODED = np.zeros(4, np.float32)


@pytest.fixture
def spoken():
    return Recording("goforward", "goforward", recording("goforward"), 2100.0, complete=True)


def test_it_is_asked_in_each_pause_about_what_was_heard_by_then(spoken) -> None:
    lengths = []

    def encode(samples):
        lengths.append(len(samples))
        return Encoded(0.5, ENCODED)

    found = smart.ask(spoken, CLEAN, observe(spoken, CLEAN), encode)
    end_ms = max(found)
    assert abs(end_ms - 3100) <= 30
    assert [each.silent_ms for each in found[end_ms]] == list(ASKED_MS)
    # from half a second before the first speech up to the moment it is asked
    assert lengths[-1] == (end_ms + ASKED_MS[-1] - 500) * 16


def turn(*pauses):
    rows = [
        (begin + silent, Pause(silent, Cues(), 0.0, True, 180.0))
        for begin, length in pauses
        for silent in range(80, length + 1, 20)
    ]
    return Observed("a", "a", "clean", True, 1000.0, 2000.0, tuple(rows))


def answers(*said):
    return {("a", "clean"): {1000: [Answer(ms, odds, ENCODED) for ms, odds in said]}}


def test_a_verdict_holds_from_when_it_is_there() -> None:
    told = answers((80, 0.95), (140, 0.96), (200, 0.5))
    waits = smart.verdict_waits_ms([turn((1000, 300))], told, 0.9)
    assert dict(zip(range(80, 301, 20), waits, strict=True)) == {
        **dict.fromkeys((80, 100, 120), smart.LONGEST_MS),
        **dict.fromkeys((140, 160, 180), smart.LEAST_MS),
        **dict.fromkeys((200, 220, 240), 200.0),
        **dict.fromkeys((260, 280, 300), smart.LONGEST_MS),  # it changed its mind
    }


def test_who_is_never_convinced_is_answered_after_the_longest_wait() -> None:
    waits = smart.verdict_waits_ms([turn((400, 100), (1000, 300))], answers((80, 0.6)), 0.9)
    assert set(waits) == {smart.LONGEST_MS}


def test_the_latest_answer_counts_once_it_is_there() -> None:
    observed, told = turn((400, 100), (1000, 300)), answers((60, 0.2), (140, 0.3))
    there = {at: smart.in_time(told, observed, at, pause) for at, pause in observed.pauses}
    assert there[480] is there[500] is None  # another pause
    assert there[1000 + 100] is None
    assert there[1060 + THINKING_MS].odds == there[1140 + THINKING_MS - 20].odds == 0.2
    assert there[1140 + THINKING_MS].odds == there[1300].odds == 0.3


class FakeEncoder:
    def __call__(self, samples):
        return Encoded(0.25, ENCODED)


@pytest.fixture
def installed(monkeypatch):
    """In the threads, which stand for processes."""
    monkeypatch.setattr(smart, "ProcessPoolExecutor", ThreadPoolExecutor)
    monkeypatch.setattr(smart, "model_path", lambda: None)
    monkeypatch.setattr(smart, "Encoder", FakeEncoder)
    smart._encoder.cache_clear()
    yield
    smart._encoder.cache_clear()


def test_answers_are_written_and_read(installed, spoken, tmp_path, monkeypatch, capsys) -> None:
    seen = [observe(spoken, CLEAN)]
    monkeypatch.setattr(smart, "recordings", lambda: iter([spoken]))
    monkeypatch.setattr(smart, "observe_all", lambda cache, more: seen)
    out = tmp_path / "answers"
    monkeypatch.setattr("sys.argv", ["smart", str(out)])
    smart.main()
    assert b"Answer" not in out.read_bytes()  # `__main__`'s would be nobody's
    (read,) = smart.load_answers(out).values()
    assert {each.odds for said in read.values() for each in said} == {0.25}
    assert "answers, 0 ms each" in capsys.readouterr().out


def test_a_cache_about_others_is_refused(
    installed, spoken, tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(smart, "recordings", lambda: iter([]))
    monkeypatch.setattr(smart, "observe_all", lambda cache, more: [observe(spoken, CLEAN)])
    monkeypatch.setattr("sys.argv", ["smart", str(tmp_path / "answers"), "--cache", "old"])
    with pytest.raises(SystemExit):
        smart.main()
    assert "old is about goforward, too: give its folder as --more" in capsys.readouterr().err


def test_what_was_not_asked_about_is_refused() -> None:
    observed = turn((1000, 300))
    with pytest.raises(ConfigError, match=r"no answers about a, clean; run .*smart_turn"):
        smart.in_time({}, observed, *observed.pauses[0])


def test_without_the_model_it_ends_before_it_begins(tmp_path, monkeypatch, capsys) -> None:
    def missing():
        raise ConfigError("turns.smart_turn: it is not installed; run: pip install")

    monkeypatch.setattr(smart, "model_path", missing)
    monkeypatch.setattr(smart, "observe_all", None)
    monkeypatch.setattr("sys.argv", ["smart", str(tmp_path / "answers")])
    with pytest.raises(SystemExit):
        smart.main()
    assert "it is not installed" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"no pickle"])
def test_what_holds_no_answers_is_refused(tmp_path, content) -> None:
    path = tmp_path / "answers"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        ConfigError, match=r"answers: .*benchmarks.endpoint_smart_turn writes it"
    ):
        smart.load_answers(path)
