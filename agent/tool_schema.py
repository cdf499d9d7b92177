"""A Python function as a tool: what a model is told of it, and how it is called by JSON.

The annotations become a JSON Schema and check what the model sends, both by pydantic; the
docstring is the description, and its "Args:" section, if any, describes the parameters.
Knows no call; runs nothing by itself.
"""

import inspect
import json
import re
from collections.abc import Callable
from typing import Any

from pydantic import PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import ArgsKwargs, CoreSchema, PydanticSerializationError, to_json

from agent.engines import Tool
from agent.errors import first_line

OUTPUT_BYTES = 16_384  # of a result, as UTF-8: it is read by a model while the caller waits
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # of a tool, for models and in the Realtime API
_SECTION = re.compile(r"^(Args|Arguments|Parameters):\s*$", re.MULTILINE)
_PARAMETER = re.compile(r"^\s+\*{0,2}(\w+)\s*(?:\([^)]*\))?:\s*(.+)$")


class _WithoutTitles(GenerateJsonSchema):
    """ "city" needs no title "City": each costs tokens of every prompt."""

    def field_title_should_be_set(self, schema: CoreSchema | Any) -> bool:
        return False


def describe(function: Callable[..., Any]) -> Tool:
    """Return what a model is told. Raises ValueError saying what the function lacks."""
    name = function.__name__
    if not NAME.fullmatch(name):
        raise ValueError("its name may have ASCII letters, digits, - and _, 64 at most")
    text, described = _read_docstring(inspect.getdoc(function) or "")
    if not text:
        raise ValueError("it needs a docstring: that is what the model is told of it")
    for given in inspect.signature(function).parameters.values():
        if given.kind in (given.VAR_POSITIONAL, given.VAR_KEYWORD):
            raise ValueError(f"*{given.name} cannot be described: name each parameter")
        if given.kind is given.POSITIONAL_ONLY:
            raise ValueError(f"{given.name} cannot be given by name: take the / away")
        if given.annotation is given.empty:
            raise ValueError(f"{given.name} needs an annotation, such as str")
    try:
        schema = _adapter(function).json_schema(schema_generator=_WithoutTitles)
    except (PydanticUserError, NameError) as error:  # NameError: an annotation that is nowhere
        raise ValueError(f"its annotations have no JSON Schema: {first_line(error)}") from error
    for parameter, meaning in described.items():
        if parameter in schema["properties"]:
            schema["properties"][parameter].setdefault("description", meaning)
    return Tool(name, text, json.dumps(schema, ensure_ascii=False))


def caller_of(function: Callable[..., Any]) -> Callable[[str], Any]:
    """Return a function of a JSON text that calls `function` with the object's fields.

    It raises ValueError for arguments that do not fit, saying which, and whatever `function`
    raises; of an async one it returns the coroutine.
    """
    adapter = _adapter(function)

    def call(arguments: str) -> Any:
        fields = json.loads(arguments or "{}")
        if not isinstance(fields, dict):
            raise ValueError("the arguments must be a JSON object")
        try:
            return adapter.validate_python(ArgsKwargs((), fields))
        except ValidationError as error:
            raise ValueError(_explain(error)) from error

    return call


def as_output(result: Any) -> str:
    """Return a function's result as JSON; text as it is. Raises ValueError for what is none."""
    try:
        output = _whole(result if isinstance(result, str) else to_json(result).decode())
    except PydanticSerializationError as error:
        raise ValueError(f"the result is no JSON: {error}") from error
    if (size := len(output.encode())) > OUTPUT_BYTES:
        raise ValueError(f"the result has {size} bytes; {OUTPUT_BYTES} at most can be read")
    return output


def as_failure(reason: str) -> str:
    """Return what a model is told instead of a result."""
    return json.dumps({"error": _whole(reason)}, ensure_ascii=False)


def _whole(text: str) -> str:
    """With "?" for each half of a surrogate pair, which names of files may hold and no encoder
    takes: the text goes to other processes, and stays in the memory of the call.
    """
    return text.encode(errors="replace").decode()


def _adapter(function: Any) -> TypeAdapter[Any]:
    return TypeAdapter(function)


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Split it into the description and what it says of each parameter."""
    section = _SECTION.search(text)
    if section is None:
        return text, {}
    described: dict[str, str] = {}
    latest = ""
    for line in text[section.end() :].strip("\n").splitlines():
        if line and not line[0].isspace():
            break  # another section: Returns, Raises
        if match := _PARAMETER.match(line):
            latest = match[1]
            described[latest] = match[2].strip()
        elif latest and line.strip():
            described[latest] += f" {line.strip()}"
    return text[: section.start()].strip(), described


def _explain(error: ValidationError) -> str:
    faults = (
        f"{'.'.join(map(str, fault['loc'])) or 'arguments'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False)
    )
    return "; ".join(faults)
