"""A conversation as the span of ids and audio that Voxtral was trained on.

What mistral_common's version 7 tokenizer makes of a chat or transcription request, written out,
so that two conversations can be compared position by position: what they share at the beginning
is cached already. The tokenizer allows no system prompt beside audio; instructions are text
before the first audio.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch

from agent.brains.voxtral.ears import Audio
from agent.brains.voxtral.tekken import Tekken
from agent.engines import Tool, ToolCall

_BETWEEN = "\n\n"  # neighbouring texts of one role
UNHEARD = Audio(torch.empty(0, 0))  # in place of an utterance that is not embedded yet

Item = int | Audio


@dataclass(frozen=True, slots=True)
class User:
    """What the caller said: texts and utterances, in order."""

    parts: tuple[str | Audio, ...]


@dataclass(frozen=True, slots=True)
class Agent:
    """What the agent said, and which functions it called after that."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a called function returned."""

    id: str  # of the call
    output: str


Turn = User | Agent | Result


def chat(tekken: Tekken, turns: Sequence[Turn], tools: Sequence[Tool] = ()) -> list[Item]:
    """The prompt for the turn that follows; `tools` stand before the last of the user's."""
    grouped = [(kind, list(group)) for kind, group in groupby(turns, type)]
    last = max((i for i, (kind, _) in enumerate(grouped) if kind is User), default=-1)
    span: list[Item] = [tekken.bos]
    for i, (_, group) in enumerate(grouped):
        if i == last and tools:
            span += [tekken.tools, *tekken.encode(_tools(tools)), tekken.end_tools]
        span += _turns(tekken, group)
    return span


def transcription(tekken: Tekken, audio: Audio, language: str = "") -> list[Item]:
    """The prompt for what was said, in `language` ("en") or whichever is heard."""
    span: list[Item] = [tekken.bos, tekken.inst, tekken.begin_audio, audio, tekken.end_inst]
    if language:
        span += tekken.encode(f"lang:{language}")
    return [*span, tekken.transcribe]


def width(span: Sequence[Item]) -> int:
    """Positions that a span takes."""
    return sum(item.positions if isinstance(item, Audio) else 1 for item in span)


def shared(cached: Sequence[Item], wanted: Sequence[Item]) -> int:
    """How many items two spans share at the beginning."""
    for i, (one, other) in enumerate(zip(cached, wanted, strict=False)):
        if one != other:
            return i
    return min(len(cached), len(wanted))


def around(span: Sequence[Item]) -> tuple[list[Item], list[int]]:
    """What stands before the [BEGIN_AUDIO] of the unheard utterance, and the ids after it."""
    at = span.index(UNHEARD)
    tail = [item for item in span[at + 1 :] if isinstance(item, int)]
    assert len(tail) == len(span) - at - 1, "audio after the unheard utterance"
    return list(span[: at - 1]), tail


def _turns(tekken: Tekken, group: list[Turn]) -> Iterator[Item]:
    """Neighbouring turns of one kind, which the tokenizer takes for one, except results."""
    match group[0]:
        case User():
            yield tekken.inst
            yield from _parts(tekken, [turn.parts for turn in group if isinstance(turn, User)])
            yield tekken.end_inst
        case Agent():
            said = [turn for turn in group if isinstance(turn, Agent)]
            text = _BETWEEN.join(turn.text for turn in said if turn.text)
            yield from tekken.encode(text.rstrip(" "))
            if calls := [call for turn in said for call in turn.calls]:
                yield tekken.tool_calls
                yield from tekken.encode(_calls(calls))
            yield tekken.eos
        case Result():
            for turn in group:
                assert isinstance(turn, Result)
                yield tekken.tool_results
                yield from tekken.encode(turn.id)
                yield tekken.tool_content
                yield from tekken.encode(turn.output)
                yield tekken.end_tool_results


def _parts(tekken: Tekken, contents: Sequence[tuple[str | Audio, ...]]) -> Iterator[Item]:
    """Neighbouring texts are joined before they are encoded."""
    texts: list[str] = []
    for part in (part for content in contents for part in content if part):
        if isinstance(part, str):
            texts.append(part)
            continue
        yield from tekken.encode(_BETWEEN.join(texts))
        texts = []
        yield tekken.begin_audio
        yield part
    yield from tekken.encode(_BETWEEN.join(texts))


def _tools(tools: Sequence[Tool]) -> str:
    listed = [
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
    return json.dumps(listed, ensure_ascii=False)


def _calls(calls: Sequence[ToolCall]) -> str:
    listed = [
        {"name": call.name, "arguments": _json(call.arguments), "id": call.id} for call in calls
    ]
    return json.dumps(listed, ensure_ascii=False)


def _json(text: str) -> object:
    """A model may write arguments that are none; they are then kept as the text they are."""
    try:
        return json.loads(text or "{}")
    except json.JSONDecodeError:
        return text
