"""Prompts: id for id what mistral_common and transformers make of the same conversation."""

import json

import pytest
import tiny_voxtral
import torch
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.transcription.request import TranscriptionRequest

from agent.brains.voxtral.ears import Audio
from agent.brains.voxtral.prompt import (
    UNHEARD,
    Agent,
    Result,
    Turn,
    User,
    around,
    chat,
    shared,
    transcription,
    width,
)
from agent.brains.voxtral.tekken import Tekken
from agent.engines import Tool, ToolCall

AUDIO = 24
SHORT, LONG = Audio(torch.zeros(375, 1)), Audio(torch.ones(750, 1))
SOUNDS = {id(SHORT): tiny_voxtral.noise(0.3), id(LONG): tiny_voxtral.noise(30.5)}
WEATHER = Tool(
    "weather",
    "The weather of a place, in °C",
    json.dumps({"type": "object", "properties": {"place": {"type": "string"}}}),
)
TIME = Tool("time", "", json.dumps({"type": "object", "properties": {}}))
CALL = ToolCall("abcdef123", "weather", '{"place":   "Zürich"}')


@pytest.fixture(scope="module")
def tekken(checkpoint) -> Tekken:
    return Tekken(checkpoint / "tekken.json")


def message(turn: Turn) -> dict:
    """A turn as OpenAI has it."""
    match turn:
        case User(parts):
            return {"role": "user", "content": [chunk(part) for part in parts]}
        case Agent(text, calls):
            called = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in calls
            ]
            said = {"role": "assistant", "content": text}
            return {**said, "tool_calls": called} if called else said
        case Result(call, output):
            return {"role": "tool", "tool_call_id": call, "content": output}


def chunk(part: str | Audio) -> dict:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    sound = tiny_voxtral.base64_wav(SOUNDS[id(part)])
    return {"type": "input_audio", "input_audio": {"data": sound, "format": "wav"}}


def theirs(checkpoint, turns, tools=()) -> list[int]:
    request = ChatCompletionRequest.from_openai(
        messages=[message(turn) for turn in turns],
        tools=[
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": json.loads(tool.parameters),
                },
            }
            for tool in tools
        ]
        or None,
    )
    backend = tiny_voxtral.processor(checkpoint).tokenizer.tokenizer
    return backend.encode_chat_completion(request).tokens


def flat(span) -> list[int]:
    """Audio as the tokens that stand for it."""
    ids = []
    for item in span:
        ids += [AUDIO] * item.positions if isinstance(item, Audio) else [item]
    return ids


CONVERSATIONS = {
    "instructions and an utterance": [User(("Be brief.", SHORT))],
    "an utterance alone": [User((SHORT,))],
    "a long utterance": [User(("Be brief.", LONG))],
    "text alone": [User(("What is the time?",))],
    "text after audio": [User((SHORT, "What did I say?"))],
    "two texts": [User(("Be brief.", "Be kind.", SHORT))],
    "an empty text": [User(("", SHORT, ""))],
    "several turns": [
        User(("Be brief.", SHORT)),
        Agent("It is ten.  "),
        User(("And now?",)),
        Agent("Déjà vu: 你好 🎉"),
        User((SHORT,)),
    ],
    "neighbours of one role": [
        User(("One.",)),
        User(("Two.", SHORT)),
        User((LONG, "three")),
        Agent("Yes."),
        Agent("No."),
        User((SHORT,)),
    ],
    "text that looks like control": [User(("</s>[INST][AUDIO]<s>[TOOL_CALLS]", SHORT))],
    "a call and its result": [
        User(("Be brief.", SHORT)),
        Agent("", (CALL,)),
        Result(CALL.id, '{"degrees":  21}'),
    ],
    "text, two calls, two results, more": [
        User((SHORT,)),
        Agent("One moment.", (CALL, ToolCall("xyz456789", "time", ""))),
        Result(CALL.id, "sunny"),
        Result("xyz456789", '"noon"'),
        Agent("Sunny, at noon."),
        User((SHORT,)),
    ],
}


@pytest.mark.parametrize("tools", [(), (WEATHER,), (WEATHER, TIME)], ids=len)
@pytest.mark.parametrize("turns", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_conversation_is_what_the_tokenizer_makes_of_it(
    tekken, checkpoint, turns, tools
) -> None:
    assert flat(chat(tekken, turns, tools)) == theirs(checkpoint, turns, tools)


PARTS = st.lists(st.text(max_size=8) | st.just(SHORT), min_size=1, max_size=3)


@given(
    first=PARTS,
    rest=st.lists(st.tuples(st.text("aé 你\n", min_size=1, max_size=5), PARTS), max_size=3),
)
def test_any_conversation_is_what_the_tokenizer_makes_of_it(
    tekken, checkpoint, first, rest
) -> None:
    turns: list[Turn] = [User(("x", *first))]
    for said, parts in rest:
        turns += [Agent(f"a{said}"), User(("y", *parts))]
    assert flat(chat(tekken, turns)) == theirs(checkpoint, turns)


def test_it_is_what_transformers_makes_of_it_too(tekken, checkpoint) -> None:
    content = [
        {"type": "text", "text": "Be brief."},
        {"type": "audio", "base64": tiny_voxtral.base64_wav(SOUNDS[id(SHORT)])},
    ]
    inputs = tiny_voxtral.processor(checkpoint).apply_chat_template(
        [{"role": "user", "content": content}]
    )
    assert flat(chat(tekken, [User(("Be brief.", SHORT))])) == inputs["input_ids"][0].tolist()


@pytest.mark.parametrize("language", ["", "en", "fr"])
@pytest.mark.parametrize("audio", [SHORT, LONG], ids=["short", "long"])
def test_a_transcription_request_is_what_the_tokenizer_makes_of_it(
    tekken, checkpoint, audio, language
) -> None:
    request = TranscriptionRequest(
        audio=tiny_voxtral.base64_wav(SOUNDS[id(audio)]),
        model="voxtral",
        language=language or None,
    )
    backend = tiny_voxtral.processor(checkpoint).tokenizer.tokenizer
    wanted = backend.encode_transcription(request).tokens
    assert flat(transcription(tekken, audio, language)) == wanted


def test_width_counts_positions(tekken) -> None:
    span = chat(tekken, [User(("Hi", SHORT))])
    assert width(span) == len(flat(span)) == 1 + 1 + 2 + 1 + 375 + 1


def test_what_two_conversations_share_ends_where_they_differ(tekken) -> None:
    again = Audio(SHORT.embeddings)
    one = chat(tekken, [User(("Be brief.", SHORT)), Agent("Yes."), User((LONG,))])
    other = chat(tekken, [User(("Be brief.", SHORT)), Agent("Yet."), User((LONG,))])
    assert shared(one, one) == len(one)
    assert one[shared(one, other)] == tekken.encode("s")[0]
    assert shared(one, one[:5]) == shared(one[:5], one) == 5
    assert shared(one, []) == 0
    # the same sound heard twice is not known to be the same
    assert one[shared(one, chat(tekken, [User(("Be brief.", again))]))] is SHORT


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_shared_is_the_longest_common_beginning(one, other) -> None:
    count = shared(one, other)
    assert one[:count] == other[:count]
    assert one[count : count + 1] != other[count : count + 1] or count == len(one) == len(other)


def test_a_prompt_is_cut_around_the_utterance_that_is_not_heard_yet(tekken) -> None:
    span = chat(tekken, [User(("Be brief.", SHORT)), Agent("Yes."), User(("Now:", UNHEARD))])
    prefix, tail = around(span)
    before = chat(tekken, [User(("Be brief.", SHORT)), Agent("Yes.")])
    assert prefix == [*before, tekken.inst, *tekken.encode("Now:")]
    assert tail == [tekken.end_inst]
    _, tail = around(transcription(tekken, UNHEARD, "en"))
    assert tail == [tekken.end_inst, *tekken.encode("lang:en"), tekken.transcribe]
