"""A conversation as the messages of a chat completion. No I/O, no clock.

Instructions are the first text of the first user turn: Voxtral's tokenizer refuses a system
message beside audio. Neighbours of one role become one message, since chat templates want the
roles to alternate. What was sent before is sent again byte for byte where it can be: servers
keep the cache of a prefix that they know.
"""

import json
from collections.abc import Mapping
from typing import Any

from agent.brains.languages import instructions
from agent.config import OpenaiChat
from agent.engines import Conversation, Exchange, Tool, ToolUse
from agent.errors import EngineError

_SILENCE = "(The caller says nothing.)"
_NO_RESULT = "(no result yet)"

Message = dict[str, Any]


def body(
    config: OpenaiChat, conversation: Conversation, recordings: Mapping[int, str], said: str
) -> bytes:
    """The JSON of a request.

    `recordings` holds past utterances by turn, `said` the new one, "" for none; each is a WAV
    file in base64. Raises EngineError for a tool whose parameters are no JSON.
    """
    request: Message = {
        "model": config.model,
        "messages": messages(conversation, recordings, said),
        "temperature": config.temperature,
        "top_p": config.top_p,
        "max_tokens": config.max_tokens,
        "stream": True,
    }
    if conversation.tools:
        request["tools"] = [_tool(tool) for tool in conversation.tools]
    return json.dumps(request).encode()


def messages(
    conversation: Conversation, recordings: Mapping[int, str], said: str
) -> list[Message]:
    """All that the server has to know of the conversation, oldest first."""
    script: list[Message] = []
    if told := instructions(conversation):
        _user(script, _text(told))
    for exchange in conversation.past:
        if exchange.turn in recordings:
            _user(script, _audio(recordings[exchange.turn]))
        elif exchange.caller:
            _user(script, _text(exchange.caller))
        _agent(script, exchange)
    if said:
        _user(script, _audio(said))
    elif not script or script[-1]["role"] == "assistant":
        _user(script, _text(_SILENCE))  # nobody answers an answer of their own
    return script


def _user(script: list[Message], part: Message) -> None:
    if script and script[-1]["role"] == "user":
        script[-1]["content"].append(part)
    else:
        script.append({"role": "user", "content": [part]})


def _agent(script: list[Message], exchange: Exchange) -> None:
    """What the caller heard of our reply, and what was called on the way."""
    if exchange.agent:
        last = script[-1] if script else {}
        if last.get("role") == "assistant" and "tool_calls" not in last:
            last["content"] += f" {exchange.agent}"
        else:
            script.append({"role": "assistant", "content": exchange.agent})
    if exchange.tools:
        if not exchange.agent:
            script.append({"role": "assistant", "content": ""})
        script[-1]["tool_calls"] = [_call(use) for use in exchange.tools]
        script.extend(_result(use) for use in exchange.tools)


def _text(text: str) -> Message:
    return {"type": "text", "text": text}


def _audio(wav_base64: str) -> Message:
    return {"type": "input_audio", "input_audio": {"data": wav_base64, "format": "wav"}}


def _call(use: ToolUse) -> Message:
    function = {"name": use.call.name, "arguments": use.call.arguments}
    return {"id": use.call.id, "type": "function", "function": function}


def _result(use: ToolUse) -> Message:
    content = _NO_RESULT if use.output is None else use.output
    return {"role": "tool", "tool_call_id": use.call.id, "content": content}


def _tool(tool: Tool) -> Message:
    try:
        parameters = json.loads(tool.parameters)
    except ValueError as error:
        raise EngineError(
            f"the parameters of the tool {tool.name} are no JSON: {error}; correct its schema"
        ) from error
    function = {"name": tool.name, "description": tool.description, "parameters": parameters}
    return {"type": "function", "function": function}
