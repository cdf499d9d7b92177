"""Text as it comes: every character as soon as it is whole, none lost, none invented."""

import pytest
import tiny_voxtral
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.tokens.tokenizers.base import SpecialTokenPolicy

from agent.brains.voxtral.detok import Detokenizer
from agent.brains.voxtral.tekken import Tekken

BROKEN = "\N{REPLACEMENT CHARACTER}"


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


def pieces(tekken, ids) -> list[str]:
    detokenizer = Detokenizer(tekken)
    return [detokenizer.push(token) for token in ids]


@given(st.text())
def test_text_comes_back_whole(tekken, text) -> None:
    text = text.encode("utf-8", "ignore").decode()
    assert "".join(pieces(tekken, tekken.encode(text))) == text


@given(st.lists(st.integers(0, tiny_voxtral.VOCABULARY - 1)))
def test_any_tokens_are_decoded_as_by_the_tokenizer(tekken, checkpoint, ids) -> None:
    theirs = tiny_voxtral.processor(checkpoint).tokenizer.tokenizer
    decode = theirs.instruct_tokenizer.tokenizer.decode
    words = [token for token in ids if token >= tekken.specials]
    wanted = decode(words, special_token_policy=SpecialTokenPolicy.IGNORE)
    text = "".join(pieces(tekken, ids))
    assert wanted.startswith(text)
    assert wanted[len(text) :] in ("", BROKEN)  # what is unfinished at the end is not told


def test_a_character_is_there_with_its_last_byte(tekken) -> None:
    assert pieces(tekken, tekken.encode("a🎉b")) == ["a", "", "", "", "🎉", "b"]


def test_no_word_is_held_back(tekken) -> None:
    assert pieces(tekken, tekken.encode("Hel")) == ["H", "e", "l"]


def test_special_tokens_write_nothing(tekken) -> None:
    ids = [tekken.tool_calls, *tekken.encode("[]"), tekken.eos]
    assert pieces(tekken, ids) == ["", "[", "]", ""]


def test_a_character_that_is_cut_off_by_another_is_broken(tekken) -> None:
    cut = [tekken.encode("é")[0], *tekken.encode("a")]
    assert pieces(tekken, cut) == ["", f"{BROKEN}a"]


def test_replies_do_not_leak_into_each_other(tekken) -> None:
    first, second = Detokenizer(tekken), Detokenizer(tekken)
    first.push(tekken.encode("é")[0])
    assert second.push(tekken.encode("x")[0]) == "x"
