"""One model for all calls: room, and who gets it. Calls themselves: test_listener.py."""

import threading

import pytest
from fake_runner import FakeRunner

from agent.brains.voxtral import mind as module
from agent.brains.voxtral.mind import Mind
from agent.brains.voxtral.tekken import Tekken
from agent.config import Voxtral
from agent.errors import EngineError


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


@pytest.mark.parametrize(
    ("slots", "aside", "calls"),
    [
        *((1, {}, 1), (2, {}, 1), (5, {}, 4), (5, {"transcript": False}, 5)),
        *((5, {"judge_end": True}, 4), (5, {"transcript": False, "judge_end": True}, 4)),
    ],
    ids=str,
)
def test_a_slot_is_for_what_is_asked_beside_where_there_are_several(
    tekken, slots, aside, calls
) -> None:
    mind = Mind(FakeRunner(slots=slots), tekken, Voxtral(**aside))
    assert mind.capacity() == calls
    listeners = [mind.listen() for _ in range(calls)]
    mind.close()
    assert len({listener._slot for listener in listeners}) == calls


def test_a_new_call_waits_for_a_slot_that_is_about_to_be_left(tekken, monkeypatch) -> None:
    """The caller before may be gone from the media before their listener is."""
    monkeypatch.setattr(module, "_PATIENCE_S", 20.0)
    mind = Mind(FakeRunner(slots=2), tekken, Voxtral())
    first, got = mind.listen(), []
    waiting = threading.Thread(target=lambda: got.append(mind.listen()))
    waiting.start()
    first.close()
    waiting.join(20)
    assert len(got) == 1
    mind.close()


def test_after_closing_nothing_is_taken(tekken) -> None:
    mind = Mind(FakeRunner(), tekken, Voxtral())
    mind.close()
    with pytest.raises(EngineError, match="closed"):
        mind.listen()
