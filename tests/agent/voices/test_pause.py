"""The silence behind a phrase."""

import pytest

from agent.audio.frame import SPEAK_HZ
from agent.voices.pause import pause_samples


@pytest.mark.parametrize(
    ("text", "pause_ms"),
    [
        *(("Yes.", 200), ("Yes!", 200), ("Yes?", 200), ("Yes…", 200)),
        *(("Yes,", 100), ("Yes;", 100), ("Yes:", 100), ("Yes—", 100)),
        *(("Yes", 0), ("", 0), ("“Yes.”", 200), ("(Yes.)", 200), (".", 200)),
        *(("ठीक है।", 200), ("ठीक है", 0)),
    ],
)
def test_the_last_mark_decides(text, pause_ms):
    assert pause_samples(text, 1.0) == pause_ms * SPEAK_HZ // 1000


def test_who_speaks_faster_pauses_less():
    assert pause_samples("Yes.", 2.0) == pause_samples("Yes.", 1.0) // 2
