"""The functions that a client offers: what is taken, and what is named when it is not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime.realtime_function_tool import RealtimeFunctionTool

from agent.errors import RejectedOffer
from signaling.codes import Code
from signaling.fields import Fields
from signaling.tools import (
    MAX_DESCRIPTION,
    MAX_PARAMETERS,
    MAX_TOOLS,
    read_choice,
    read_tools,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = {"type": "function", "name": "weather", "description": "?", "parameters": SCHEMA}
FREE = frozenset()


def read(*tools, taken=FREE):
    return read_tools(Fields({"tools": list(tools)}, "session"), taken)


def refused(*tools, taken=FREE):
    with pytest.raises(RejectedOffer) as caught:
        read(*tools, taken=taken)
    return caught.value.code, caught.value.param


def test_a_function_is_read_and_shown_as_it_came() -> None:
    (tool,) = read(WEATHER)
    assert tool.view() == WEATHER
    assert tool.flat() == ("weather", "?", json.dumps(SCHEMA))
    RealtimeFunctionTool.model_validate(tool.view(), strict=True)


def test_description_and_parameters_may_be_left_out() -> None:
    (tool,) = read({"type": "function", "name": "stop", "strict": True})
    assert tool.view() == {
        "type": "function",
        "name": "stop",
        "description": "",
        "parameters": {"type": "object", "properties": {}},
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "look outside"}, "name"),
        ({"name": "f" * 65}, "name"),
        ({"name": 7}, "name"),
        ({"description": 7}, "description"),
        ({"description": "x" * (MAX_DESCRIPTION + 1)}, "description"),
        ({"description": "\ud800"}, "description"),
        ({"parameters": []}, "parameters"),
        ({"parameters": {"type": "string"}}, "parameters"),
        ({"parameters": {"properties": {}}}, "parameters"),
        ({"parameters": {**SCHEMA, "x": "x" * MAX_PARAMETERS}}, "parameters"),
        ({"parameters": {**SCHEMA, "x": "\ud800"}}, "parameters"),
    ],
)
def test_a_wrong_field_is_named_with_its_place(change, field) -> None:
    assert refused(WEATHER, {**WEATHER, "name": "time", **change}) == (
        Code.INVALID_VALUE,
        f"session.tools[1].{field}",
    )


def test_only_functions_are_taken() -> None:
    assert refused({"type": "mcp"}) == (Code.UNSUPPORTED, "session.tools[0].type")
    assert refused({"name": "f"}) == (Code.UNSUPPORTED, "session.tools[0].type")
    assert refused("weather") == (Code.INVALID_VALUE, "session.tools[0]")


def test_a_name_is_given_once_and_never_the_operators() -> None:
    assert refused(WEATHER, WEATHER) == (Code.INVALID_VALUE, "session.tools[1].name")
    own = frozenset({"weather"})
    assert refused(WEATHER, taken=own) == (Code.INVALID_VALUE, "session.tools[0].name")


def test_the_number_of_functions_is_bounded() -> None:
    many = [{**WEATHER, "name": f"f{n}"} for n in range(MAX_TOOLS)]
    assert len(read(*many)) == MAX_TOOLS
    assert refused(*many, WEATHER) == (Code.INVALID_VALUE, "session.tools")
    with pytest.raises(RejectedOffer):
        read_tools(Fields({"tools": {}}, "session"), FREE)


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_a_choice(choice) -> None:
    assert read_choice(Fields({"tool_choice": choice}, "session")) == choice
    assert read_choice(Fields({}, "session")) is None


@pytest.mark.parametrize(
    ("choice", "code"),
    [
        ("required", Code.UNSUPPORTED),
        ({"type": "function", "name": "weather"}, Code.UNSUPPORTED),
        ("always", Code.INVALID_VALUE),
        (7, Code.INVALID_VALUE),
        ([], Code.INVALID_VALUE),
    ],
)
def test_a_call_that_would_be_forced_is_refused(choice, code) -> None:
    with pytest.raises(RejectedOffer) as caught:
        read_choice(Fields({"tool_choice": choice}, "session"))
    assert (caught.value.code, caught.value.param) == (code, "session.tool_choice")


ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(st.characters(codec=None), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "name", "description", "parameters"]),
            ANYTHING | st.just("function") | st.just({"type": "object"}),
        )
    )
)
def test_whatever_comes_is_read_or_refused_and_can_be_sent_back(tools) -> None:
    try:
        read_all = read(*tools)
    except RejectedOffer as error:
        assert error.param.startswith("session.tools")
    else:
        json.dumps([tool.view() for tool in read_all], ensure_ascii=False).encode()
