import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.speech import Speech


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(1, 30), st.integers(1, 30))
def test_the_end_of_what_was_said_is_there(sizes, most, wanted) -> None:
    speech, whole = Speech(most), np.arange(sum(sizes), dtype=np.float32)
    at = 0
    for size in sizes:
        speech.add(whole[at : at + size])
        at += size
    assert speech.length == min(len(whole), most)
    if sizes:
        kept = min(len(whole), most, wanted)
        assert speech.last(wanted).tolist() == whole[len(whole) - kept :].tolist()


def test_memory_is_bounded() -> None:
    speech = Speech(1000)
    for _ in range(100):
        speech.add(np.zeros(320, np.float32))
    assert sum(map(len, speech._frames)) < 1000 + 320


def test_a_new_utterance_begins_with_nothing() -> None:
    speech = Speech(10)
    speech.add(np.ones(4, np.float32))
    taken = speech.last(10)
    speech.clear()
    speech.add(np.zeros(2, np.float32))
    assert speech.length == 2
    assert taken.tolist() == [1, 1, 1, 1], "what was taken is a copy"
