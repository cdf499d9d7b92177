"""What a model is told of a function, and what it may send."""

import asyncio
import json
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import Field

from agent.tool_schema import OUTPUT_BYTES, as_failure, as_output, caller_of, describe


class Unit(Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclass
class Place:
    city: str
    country: str = "de"


def weather(
    place: Place,
    days: Annotated[int, Field(ge=1, le=7)] = 1,
    unit: Unit = Unit.CELSIUS,
    *,
    detail: Literal["short", "long"] | None = None,
) -> dict[str, Any]:
    """Say what the weather will be.

    Knows nothing of the past.

    Args:
        place: where
        days (int): how many,
            counted from today
        unit: of the temperatures
        detail: how much to say
        nobody: not a parameter

    Returns:
        a forecast
    """
    return {"city": place.city, "days": days, "unit": unit, "detail": detail}


async def tide(harbour: str) -> str:
    """When the water is high."""
    await asyncio.sleep(0)
    return f"{harbour}: noon"


def stop() -> None:
    """Stop everything."""


def schema(function):
    return json.loads(describe(function).parameters)


def test_the_description_is_the_docstring_without_its_sections() -> None:
    tool = describe(weather)
    assert tool.name == "weather"
    assert tool.description == "Say what the weather will be.\n\nKnows nothing of the past."


def test_parameters_become_a_json_schema() -> None:
    told = schema(weather)
    Draft202012Validator.check_schema(told)
    assert told["type"] == "object"
    assert told["required"] == ["place"]
    assert told["additionalProperties"] is False
    assert told["properties"]["days"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 7,
        "default": 1,
        "description": "how many, counted from today",
    }
    assert told["properties"]["place"]["description"] == "where"
    assert "nobody" not in told["properties"]


def test_a_function_without_parameters() -> None:
    assert schema(stop)["properties"] == {}
    assert caller_of(stop)("{}") is None
    assert caller_of(stop)("") is None


def test_parameters_need_no_titles() -> None:
    def shout(title: str) -> None:
        """Shout."""

    assert schema(shout)["properties"] == {"title": {"type": "string"}}


def test_a_call_gets_what_the_annotations_say() -> None:
    call = caller_of(weather)
    assert call('{"place": {"city": "Bonn"}, "days": "3", "unit": "f"}') == {
        "city": "Bonn",
        "days": 3,
        "unit": Unit.FAHRENHEIT,
        "detail": None,
    }


def test_an_async_function_gives_a_coroutine() -> None:
    assert schema(tide)["required"] == ["harbour"]
    assert asyncio.run(caller_of(tide)('{"harbour": "Cuxhaven"}')) == "Cuxhaven: noon"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("", "place: Missing required argument"),
        ("{", "Expecting property name"),
        ("[1]", "must be a JSON object"),
        ('{"place": {"city": "Bonn"}, "days": 8}', "days: Input should be less than or equal"),
        ('{"place": {"city": "Bonn"}, "moon": 1}', "moon: Unexpected keyword argument"),
        ('{"place": "Bonn"}', "place: Input should be"),
        ('{"place": {"city": 7}}', "place.city: Input should be a valid string"),
    ],
)
def test_arguments_that_do_not_fit_are_named(arguments, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        caller_of(weather)(arguments)


def bare():
    return 1


def starred(*names: str):
    """Doc."""


def keyed(**names: str):
    """Doc."""


def placed(a: int, /):
    """Doc."""


def unannotated(a, b: int):
    """Doc."""


def impossible(a: object, b: asyncio.Event):
    """Doc."""


def dangling(a: "Nowhere"):  # noqa: F821
    """Doc."""


def naïve(a: int):
    """Doc."""


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (bare, "needs a docstring"),
        (starred, "names cannot be described"),
        (keyed, "names cannot be described"),
        (placed, "a cannot be given by name"),
        (unannotated, "a needs an annotation"),
        (impossible, "annotations have no JSON Schema"),
        (dangling, "annotations have no JSON Schema"),
        (naïve, "ASCII letters"),
    ],
)
def test_a_function_that_cannot_be_told_of_says_why(function, reason) -> None:
    with pytest.raises(ValueError, match=reason):
        describe(function)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_json_value_is_a_result(value) -> None:
    output = as_output(value)
    assert output == value if isinstance(value, str) else json.loads(output) == value


def test_text_is_told_as_it_is() -> None:
    assert as_output("It rains.") == "It rains."
    assert as_output(None) == "null"
    assert as_output(Place("Bonn")) == '{"city":"Bonn","country":"de"}'


def test_half_a_surrogate_pair_does_not_get_into_the_call() -> None:
    """A file's name may hold one. Killed: no reply of the call could be asked for any more."""
    name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")
    assert as_output(name) == "caf?.txt"
    assert json.loads(as_failure(name)) == {"error": "caf?.txt"}


def test_what_is_no_json_and_what_is_too_long_is_no_result() -> None:
    with pytest.raises(ValueError, match="no JSON"):
        as_output(object())
    assert as_output("x" * OUTPUT_BYTES)
    with pytest.raises(ValueError, match="16385 bytes"):
        as_output("x" * (OUTPUT_BYTES + 1))


def test_a_failure_is_json() -> None:
    assert json.loads(as_failure('no "city"')) == {"error": 'no "city"'}


@given(
    st.builds(
        lambda city, days: {"place": {"city": city}, "days": days}, st.text(), st.integers()
    )
)
def test_the_schema_and_the_call_agree(arguments) -> None:
    valid = Draft202012Validator(schema(weather)).is_valid(arguments)
    try:
        caller_of(weather)(json.dumps(arguments))
    except ValueError:
        assert not valid
    else:
        assert valid
