"""Prompts: id for id what mistral_common and transformers make of the same conversation."""

import json

import pytest
import tiny_voxtral
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.transcription.request import TranscriptionRequest

from agent.brains.voxtral.prompt import (
    Agent,
    Result,
    Turn,
    User,
    chat,
    transcription,
)
from agent.brains.voxtral.span import Utterance, positions
from agent.brains.voxtral.tekken import Tekken
from agent.engines import Tool, ToolCall

AUDIO, BEGIN_AUDIO = 24, 25
SHORT, LONG = Utterance(tiny_voxtral.noise(0.3)), Utterance(tiny_voxtral.noise(30.5))
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


def chunk(part: str | Utterance) -> dict:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    sound = tiny_voxtral.base64_wav(part.samples)
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
    """Utterance as the tokens that stand for it."""
    ids = []
    for item in span:
        sound = [BEGIN_AUDIO, *[AUDIO] * (positions([item]) - 1)]
        ids += [item] if isinstance(item, int) else sound
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
        {"type": "audio", "base64": tiny_voxtral.base64_wav(SHORT.samples)},
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
        audio=tiny_voxtral.base64_wav(audio.samples),
        model="voxtral",
        language=language or None,
    )
    backend = tiny_voxtral.processor(checkpoint).tokenizer.tokenizer
    wanted = backend.encode_transcription(request).tokens
    assert flat(transcription(tekken, audio, language)) == wanted


@pytest.mark.parametrize("cut", [0, 1, 5, 9])
def test_tokens_are_taken_as_they_are(tekken, cut) -> None:
    """Each token of the tiny tokenizer is a byte, so that where the text is cut cannot show."""
    text = "Yes, it is."
    known = Agent(text[cut:], tokens=tekken.encode(text[:cut]))
    before, after = User(("Is it?",)), User(("Why?",))
    assert chat(tekken, [before, known, after]) == chat(tekken, [before, Agent(text), after])
    told = [before, Agent("Well."), known, Agent("Really."), after]
    assert chat(tekken, told) == chat(
        tekken, [before, Agent("Well."), Agent(text), Agent("Really."), after]
    )


def test_tokens_need_not_be_what_the_tokenizer_would_write(tekken) -> None:
    odd = (200, 201, 300)
    span = chat(tekken, [User(("Hi",)), Agent(" there", (CALL,), odd)])
    at = span.index(200)
    assert span[at : at + 3] == list(odd)
    assert span[at + 3 : at + 9] == list(tekken.encode(" there"))
    assert span[at + 9] == tekken.tool_calls
