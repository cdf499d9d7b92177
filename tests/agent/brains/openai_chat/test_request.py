"""What the server is told: checked by reading, and by Mistral's own validator and tokenizer."""

import base64
import json
from dataclasses import replace

import numpy as np
import pytest

from agent.audio.pcm16 import to_pcm16
from agent.brains.openai_chat.request import body, messages
from agent.brains.openai_chat.wav import wav
from agent.config import OpenaiChat
from agent.engines import Conversation, Exchange, Tool, ToolCall, ToolUse
from agent.errors import EngineError

SAID = base64.b64encode(wav(to_pcm16(np.zeros(3200, np.float32)))).decode()
OLD = base64.b64encode(wav(to_pcm16(np.ones(1600, np.float32)))).decode()
AUDIO = {"type": "input_audio", "input_audio": {"data": SAID, "format": "wav"}}
OLD_AUDIO = {"type": "input_audio", "input_audio": {"data": OLD, "format": "wav"}}
WEATHER = Tool("weather", "Tells the weather.", '{"type": "object", "properties": {}}')
CALL = ToolCall("abcdefgh1", "weather", '{"city": "Paris"}')
PLAIN = Conversation("Be brief.", "en-US", turn=3)


def text(words):
    return {"type": "text", "text": words}


def talk(*past, **more):
    return replace(PLAIN, past=past, **more)


def test_instructions_are_a_text_before_the_first_audio():
    assert messages(PLAIN, {}, SAID) == [
        {"role": "user", "content": [text("Be brief."), AUDIO]},
    ]


def test_without_instructions_there_is_only_the_audio():
    assert messages(replace(PLAIN, instructions=""), {}, SAID) == [
        {"role": "user", "content": [AUDIO]}
    ]


def test_another_language_than_english_is_asked_for():
    for said, told in (("Be brief.", "Be brief. Always answer in German."), ("", None)):
        talk = replace(PLAIN, instructions=said, language="de-DE")
        first = messages(talk, {}, SAID)[0]["content"][0]
        assert first == text(told or "Always answer in German.")


def test_what_neither_side_understood_is_heard_again():
    """Its reply was cut before a word of it was heard, and there is no transcript yet."""
    assert messages(talk(Exchange("", "", 2)), {2: OLD}, SAID) == [
        {"role": "user", "content": [text("Be brief."), OLD_AUDIO, AUDIO]},
    ]
    assert messages(talk(Exchange("", "", 2)), {}, SAID) == messages(PLAIN, {}, SAID)


def test_what_was_recorded_is_sent_as_audio_and_what_is_older_as_text():
    past = (Exchange("what time is it", "It is noon.", 1), Exchange("thanks", "Welcome.", 2))
    assert messages(talk(*past), {2: OLD}, SAID) == [
        {"role": "user", "content": [text("Be brief."), text("what time is it")]},
        {"role": "assistant", "content": "It is noon."},
        {"role": "user", "content": [OLD_AUDIO]},
        {"role": "assistant", "content": "Welcome."},
        {"role": "user", "content": [AUDIO]},
    ]


def test_a_reply_cut_to_nothing_takes_nothing_of_the_callers_away():
    """Their sound is there, and nobody has understood it."""
    assert messages(talk(Exchange("", "", 2)), {2: OLD}, SAID) == [
        {"role": "user", "content": [text("Be brief."), OLD_AUDIO, AUDIO]},
    ]


def test_a_greeting_follows_the_instructions():
    assert messages(talk(Exchange("", "Hello.", 1)), {}, SAID) == [
        {"role": "user", "content": [text("Be brief.")]},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": [AUDIO]},
    ]


def test_neighbours_of_one_role_are_one_message():
    past = (
        Exchange("", "Hello.", 1),
        Exchange("", "Are you still there?", 2),
        Exchange("yes", "", 3),  # nothing of the answer was heard
    )
    assert messages(talk(*past), {}, SAID)[1:] == [
        {"role": "assistant", "content": "Hello. Are you still there?"},
        {"role": "user", "content": [text("yes"), AUDIO]},
    ]


def test_a_tool_is_called_by_the_assistant_and_answered_by_the_tool():
    use = ToolUse(CALL, "sunny")
    past = (Exchange("weather?", "Let me see.", 1, (use,)),)
    assert messages(talk(*past, tools=(WEATHER,)), {}, "")[1:] == [
        {
            "role": "assistant",
            "content": "Let me see.",
            "tool_calls": [
                {
                    "id": "abcdefgh1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "abcdefgh1", "content": "sunny"},
    ]


def test_a_call_of_a_silent_reply_is_a_message_of_its_own():
    past = (Exchange("", "Hello.", 1), Exchange("", "", 2, (ToolUse(CALL, "sunny"),)))
    roles = [each["role"] for each in messages(talk(*past), {}, "")]
    assert roles == ["user", "assistant", "assistant", "tool"]


def test_a_call_that_has_not_returned_says_so():
    past = (Exchange("weather?", "", 1, (ToolUse(CALL),)),)
    assert messages(talk(*past), {}, SAID)[2]["content"] == "(no result yet)"


def test_where_nobody_spoke_and_no_tool_returned_that_is_said():
    assert messages(talk(Exchange("hi", "Hello.", 1)), {}, "")[-1] == {
        "role": "user",
        "content": [text("(The caller says nothing.)")],
    }


def test_the_body_holds_the_settings_and_the_tools():
    config = OpenaiChat(model="m", temperature=0.3, top_p=0.8, max_tokens=99)
    sent = json.loads(body(config, replace(PLAIN, tools=(WEATHER,)), {}, SAID))
    assert sent.pop("messages")
    assert sent.pop("tools") == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "Tells the weather.",
                "parameters": {"type": "object", "properties": {}},
            },
        }
    ]
    assert sent == {
        "model": "m",
        "temperature": 0.3,
        "top_p": 0.8,
        "max_tokens": 99,
        "stream": True,
    }
    assert "tools" not in json.loads(body(config, PLAIN, {}, SAID))


def test_the_same_conversation_is_the_same_bytes_and_a_longer_one_begins_with_them():
    """What keeps a server's prefix cache."""
    config, past = OpenaiChat(), (Exchange("", "Hello.", 1), Exchange("", "Noon.", 2))
    first = messages(talk(*past[:1]), {}, OLD)
    second = messages(talk(*past), {2: OLD}, SAID)
    assert second[: len(first)] == first
    assert body(config, talk(*past), {2: OLD}, SAID) == body(
        config, talk(*past), {2: OLD}, SAID
    )


def test_a_tool_with_a_broken_schema_is_named():
    broken = replace(PLAIN, tools=(replace(WEATHER, parameters="{"),))
    with pytest.raises(EngineError, match=r"weather are no JSON.*correct its schema"):
        body(OpenaiChat(), broken, {}, SAID)


USED = Exchange("", "Let me see.", 2, (ToolUse(CALL, "sunny"),))


@pytest.mark.parametrize(
    ("conversation", "said"),
    [
        (PLAIN, SAID),
        (talk(Exchange("", "Hello.", 1)), SAID),
        (talk(Exchange("", "Hello.", 1), Exchange("", "Still there?", 2)), SAID),
        (talk(Exchange("hi", "", 1), Exchange("what", "It.", 2)), SAID),
        (talk(Exchange("hi", "Hello.", 1)), ""),
        (talk(Exchange("hi", "", 1), USED, tools=(WEATHER,)), ""),
        (talk(Exchange("hi", "", 1), USED, tools=(WEATHER,)), SAID),
        (talk(USED, Exchange("", "It is sunny.", 3), tools=(WEATHER,)), SAID),
        (talk(Exchange("", "", 2, (ToolUse(CALL),)), tools=(WEATHER,)), SAID),
    ],
)
def test_voxtrals_own_tokenizer_takes_it(conversation, said, tmp_path):
    """The rules that vLLM applies: who may follow whom, audio and tools in their places."""
    mistral = pytest.importorskip("mistral_common")
    request = pytest.importorskip("mistral_common.protocol.instruct.request")
    tokens = pytest.importorskip("mistral_common.tokens.tokenizers.mistral")
    tokenizer = tokens.MistralTokenizer.from_file(str(tekken(tmp_path)))
    sent = json.loads(body(OpenaiChat(), conversation, {2: OLD}, said))
    asked = request.ChatCompletionRequest.from_openai(
        messages=sent["messages"], tools=sent.get("tools")
    )
    encoded = tokenizer.encode_chat_completion(asked)
    audios = json.dumps(sent).count('input_audio", "input_audio')
    assert len(encoded.audios) == audios
    assert mistral.__version__


def tekken(folder):
    """A tokenizer of the version that Voxtral 2507 has, of single bytes."""
    names = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]"]
    names += ["[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]"]
    names += ["[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]"]
    names += ["[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"]
    names += [f"<SPECIAL_{n}>" for n in range(20, 24)] + ["[AUDIO]", "[BEGIN_AUDIO]"]
    names += [f"<SPECIAL_{n}>" for n in range(26, 34)] + ["[TRANSCRIBE]"]
    mel = {"num_mel_bins": 128, "hop_length": 160, "window_size": 400}
    path = folder / "tekken.json"
    path.write_text(
        json.dumps(
            {
                "config": {
                    "pattern": r"[^\s]+|\s+",
                    "num_vocab_tokens": 256,
                    "default_vocab_size": 320,
                    "default_num_special_tokens": 64,
                    "version": "v7",
                },
                "vocab": [
                    {
                        "rank": n,
                        "token_bytes": base64.b64encode(bytes([n])).decode(),
                        "token_str": chr(n) if n < 128 else None,
                    }
                    for n in range(256)
                ],
                "special_tokens": [
                    {"rank": n, "token_str": name, "is_control": True}
                    for n, name in enumerate(names)
                ],
                "audio": {
                    "sampling_rate": 16_000,
                    "frame_rate": 12.5,
                    "chunk_length_s": 30.0,
                    "audio_encoding_config": mel,
                },
                "version": 1,
                "type": "Tekken",
            }
        )
    )
    return path
