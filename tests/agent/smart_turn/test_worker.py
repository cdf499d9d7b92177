"""What goes through the socket, and what the worker makes of it, here without a process."""

import io
import json
import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from smart_turn_fakes import load_fatal, load_length, load_wrong

from agent.audio.frame import HEAR_HZ
from agent.audio.pcm16 import to_pcm16
from agent.smart_turn.mel import HEARD_S
from agent.smart_turn.worker import framed, frames, serve, warm

SOUND = np.full(HEAR_HZ, 0.25, np.float32)  # a second


def said_to(load, *questions):
    """What a worker says that was asked so."""
    say = io.BytesIO()
    serve(iter([pickle.dumps(load), *questions]), say)
    return [json.loads(line) for line in say.getvalue().splitlines()]


@given(st.lists(st.binary(max_size=50)), st.integers(0, 60))
def test_frames_are_read_as_they_were_framed(pieces, cut) -> None:
    whole = b"".join(map(framed, pieces))
    assert list(frames(io.BytesIO(whole))) == pieces
    torn = list(frames(io.BytesIO(whole[: max(0, len(whole) - cut)])))
    assert torn == pieces[: len(torn)]  # half a frame is none


def test_it_is_ready_and_then_answers_each_question() -> None:
    ready, *answers = said_to(load_length, to_pcm16(SOUND), to_pcm16(SOUND[:8000]))
    assert ready[0] == "ready"
    assert ready[1] >= 0
    assert answers == [["odds", 0.1], ["odds", 0.05]]


def test_it_is_warmed_with_the_longest_sound_and_its_best_time_counts() -> None:
    lengths = []
    assert warm(lambda samples: lengths.append(len(samples)) or 0.5) >= 0
    assert lengths == [HEARD_S * HEAR_HZ] * 3


@pytest.mark.parametrize(
    ("load", "why"),
    [
        (partial(load_wrong, "config"), "turns.smart_turn: no weights; fetch them"),
        (partial(load_wrong, "bug"), "a bug in the loader"),
        (partial(load_wrong, "file"), "[Errno 2] No such file or directory"),
        (partial(load_fatal, "raises"), "a bug in the model"),
    ],
)
def test_what_fails_is_said_and_ends_it(load, why) -> None:
    *_, last = said_to(load, to_pcm16(SOUND), to_pcm16(SOUND))
    assert last == ["failed", why]


def test_a_server_that_is_gone_needs_no_answer() -> None:
    class Broken(io.BytesIO):
        def flush(self) -> None:
            raise BrokenPipeError

    serve(iter([pickle.dumps(load_length)]), Broken())
