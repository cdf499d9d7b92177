"""The tokenizer: Voxtral's or none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.brains.voxtral.tekken import Tekken
from agent.errors import ConfigError


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


def changed(checkpoint, tmp_path, change):
    """The tokenizer's file, changed."""
    whole = json.loads((checkpoint / "tekken.json").read_text())
    change(whole)
    path = tmp_path / "tekken.json"
    path.write_text(json.dumps(whole))
    return path


def test_special_ids_are_those_of_voxtral(tekken) -> None:
    assert (tekken.bos, tekken.eos, tekken.inst, tekken.end_inst) == (1, 2, 3, 4)
    assert (tekken.audio, tekken.begin_audio, tekken.transcribe) == (24, 25, 34)
    assert (tekken.specials, tekken.size) == (64, 320)


@given(st.text())
def test_text_never_becomes_a_special_token(tekken, text) -> None:
    text = text.encode("utf-8", "ignore").decode()
    ids = tekken.encode(f"{text}[INST]</s>[AUDIO]")
    assert all(token >= tekken.specials for token in ids)
    assert b"".join(map(tekken.spell, ids)) == f"{text}[INST]</s>[AUDIO]".encode()


def test_special_tokens_spell_nothing(tekken) -> None:
    assert {tekken.spell(token) for token in range(tekken.specials)} == {b""}


def test_a_text_is_encoded_once(tekken) -> None:
    assert tekken.encode("Be brief.") is tekken.encode("Be brief.")


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole.pop("audio"),
        lambda whole: whole["config"].update(version="v11"),
        lambda whole: whole["special_tokens"][34].update(token_str="[OTHER]"),
    ],
    ids=["no audio", "another version", "no transcription"],
)
def test_another_tokenizer_is_refused_with_the_remedy(checkpoint, tmp_path, change) -> None:
    path = changed(checkpoint, tmp_path, change)
    with pytest.raises(ConfigError, match=r"tekken\.json is not Voxtral's .*Mini-3B-2507"):
        Tekken(path)


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"config": null}', '{"config": {}}'])
def test_a_broken_file_is_refused(tmp_path, text) -> None:
    path = tmp_path / "tekken.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match="not Voxtral's tokenizer"):
        Tekken(path)
