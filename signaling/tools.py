"""The functions that a client offers in its session: checked field by field, and shown again.

Knows the vendor's shape of a function tool; what a JSON Schema means is between client and
model. Nothing here is called.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signaling.codes import Code
from signaling.fields import Fields

MAX_TOOLS = 64
MAX_DESCRIPTION = 4_096  # characters
MAX_PARAMETERS = 16_384  # characters, as JSON
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True)
class FunctionTool:
    """One function. `schema` is `parameters` as JSON."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    schema: str

    def view(self) -> dict[str, Any]:
        return {
            "type": "function",
            "name": self.name,
            "description": self.description,
            "parameters": self.parameters,
        }

    def flat(self) -> tuple[str, str, str]:
        """Return it as `agent.requests` has it."""
        return self.name, self.description, self.schema


def read_tools(session: Fields, taken: frozenset[str]) -> tuple[FunctionTool, ...]:
    """Read `session.tools`, which is there. Raises RejectedOffer naming tool and field.

    `taken` are names that no client may give a function of its own.
    """
    asked = session.values["tools"]
    if not isinstance(asked, list) or len(asked) > MAX_TOOLS:
        raise session.wrong("tools", f"must be a list of at most {MAX_TOOLS} functions")
    tools = [_read(Fields(tool, f"session.tools[{n}]")) for n, tool in enumerate(asked)]
    names: set[str] = set(taken)
    for n, tool in enumerate(tools):
        if tool.name in names:
            raise Fields({}, f"session.tools[{n}]").wrong("name", f"{tool.name} is taken")
        names.add(tool.name)
    return tuple(tools)


def _read(tool: Fields) -> FunctionTool:
    kind = tool.values.get("type")
    if kind != "function":
        raise tool.wrong("type", "must be function", Code.UNSUPPORTED)
    name = tool.text("name", "", 64)
    if not _NAME.fullmatch(name):
        raise tool.wrong("name", "must have 1 to 64 of A-Z, a-z, 0-9, - and _")
    parameters = tool.inner("parameters").values or _NO_PARAMETERS
    if parameters.get("type") != "object":
        raise tool.wrong("parameters", 'must be a JSON Schema of "type": "object"')
    schema = json.dumps(parameters, ensure_ascii=False)
    if len(schema) > MAX_PARAMETERS:
        raise tool.wrong("parameters", f"has {MAX_PARAMETERS} characters at most, as JSON")
    try:
        schema.encode()
    except UnicodeEncodeError:
        raise tool.wrong("parameters", "holds half a surrogate pair") from None
    description = tool.text("description", "", MAX_DESCRIPTION)
    return FunctionTool(name, description, parameters, schema)


def read_choice(session: Fields) -> str | None:
    """Read `session.tool_choice`: auto, none, or None where it is left out.

    The vendor's others would have the model call a function at any rate. Models here choose
    for themselves, so that is refused rather than promised. Raises RejectedOffer.
    """
    choice = session.values.get("tool_choice")
    if choice in ("auto", "none", None):
        return None if choice is None else str(choice)
    if choice == "required" or isinstance(choice, Mapping):
        raise session.wrong(
            "tool_choice", "must be auto or none: no call can be forced here", Code.UNSUPPORTED
        )
    raise session.wrong("tool_choice", "must be auto or none")
