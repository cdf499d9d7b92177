"""PROTOCOL.md and the code say the same: a code or event that one has, the other has."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
from openai.types.realtime.realtime_server_event import RealtimeServerEvent

from agent.events import EndReason
from agent.state import State
from signaling.codes import Code

ROOT = Path(__file__).parent.parent.parent
PROTOCOL = (ROOT / "PROTOCOL.md").read_text()
NAMES = set(re.findall(r"`([^`\n]+)`", PROTOCOL))
EVENT = re.compile(
    r"(session|response|conversation|input_audio_buffer|output_audio_buffer|voxline)(\.[a-z_]+)+"
)
SOURCES = sorted((ROOT / "signaling").glob("*.py"))


def rows(text):
    """What the rows of tables begin with."""
    return set(re.findall(r"^\| `([a-z_.]+)` \|", text, re.MULTILINE))


def strings(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def events_in_code():
    found = {text for path in SOURCES for text in strings(path) if EVENT.fullmatch(text)}
    found.discard("session.tools")  # a field
    return found | {"error", "conversation.item.added", "conversation.item.done"}


def vendors_events():
    union = get_args(RealtimeServerEvent)[0]
    return {get_args(model.model_fields["type"].annotation)[0] for model in get_args(union)}


@pytest.mark.parametrize("code", list(Code))
def test_every_code_is_explained(code):
    assert code in NAMES


def test_no_other_code_is_explained():
    tables = PROTOCOL.split("### Refusals")[1].split("##")[0] + PROTOCOL.split("### Errors")[1]
    cells = re.findall(r"^\| (`[a-z_`, ]+`) \|", tables, re.MULTILINE)
    assert {code for cell in cells for code in re.findall(r"[a-z_]+", cell)} == set(Code)


def test_every_code_is_in_use():
    """Some by `Calls`, which the server is only given."""
    behind = {Code.INVALID_OFFER, Code.HUNG_UP, Code.SHUTTING_DOWN}
    text = "".join(path.read_text() for path in SOURCES)
    assert [
        code for code in Code if code not in behind and f"Code.{code.name}" not in text
    ] == []


@pytest.mark.parametrize("event", sorted(events_in_code()))
def test_every_event_is_explained(event):
    assert event in NAMES


def test_no_other_event_is_explained():
    assert {name for name in rows(PROTOCOL) if EVENT.fullmatch(name)} <= events_in_code()


def test_the_servers_events_are_the_vendors():
    """Ours have a table of their own."""
    told = rows(PROTOCOL.split("### Server events")[1].split("###")[0])
    assert len(told) > 20
    assert told <= vendors_events()


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_end_is_explained(reason):
    assert reason.value in NAMES


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_explained(state):
    assert state.told in NAMES
