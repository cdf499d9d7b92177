"""What Voxtral is asked about the end of a turn, and what its answer tells."""

import numpy as np
import pytest
import tiny_voxtral

from agent.brains.voxtral.finished import QUESTION, answers, odds, question
from agent.brains.voxtral.span import Utterance
from agent.brains.voxtral.tekken import Tekken


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


def test_the_question_is_asked_as_the_chat_template_has_it(tekken, checkpoint) -> None:
    samples = tiny_voxtral.noise(0.7)
    content = [
        {"type": "audio", "base64": tiny_voxtral.base64_wav(samples)},
        {"type": "text", "text": QUESTION},
    ]
    inputs = tiny_voxtral.processor(checkpoint).apply_chat_template(
        [{"role": "user", "content": content}]
    )
    utterance = Utterance(samples)
    ours = []
    for item in question(tekken, utterance):
        ours += [item] if isinstance(item, int) else [tekken.begin_audio, *[tekken.audio] * 375]
    assert ours == inputs["input_ids"][0].tolist()


def test_every_answer_begins_with_a_token_of_its_own(tekken) -> None:
    tokens = answers(tekken)
    assert len(set(tokens)) == 4
    assert [tekken.spell(token) for token in tokens] == [b"Y", b"y", b"N", b"n"]


@pytest.mark.parametrize(
    ("chances", "told"),
    [
        ((0.6, 0.1, 0.1, 0.2), 0.7),
        ((0.0, 0.0, 1.0, 0.0), 0.0),
        ((0.4, 0.1, 0.0, 0.0), 1.0),
        ((0.2, 0.1, 0.15, 0.04), None),  # it says something else
        ((0.0, 0.0, 0.0, 0.0), None),
    ],
)
def test_the_odds_are_those_of_yes_among_its_answers(chances, told) -> None:
    found = odds(chances)
    assert found == (told if told is None else pytest.approx(told))


def test_an_utterance_is_one_item_of_the_question(tekken) -> None:
    utterance = Utterance(np.ones(9, np.float32))
    asked = question(tekken, utterance)
    assert [item for item in asked if not isinstance(item, int)] == [utterance]
