"""Items as the vendor's own models have them."""

import pytest
from openai.types.realtime.conversation_item import ConversationItem
from pydantic import TypeAdapter

from signaling.items import FunctionCall, FunctionOutput, Message, TypedMessage, news

VENDOR = TypeAdapter(ConversationItem)
ITEMS = [
    Message("i", "user", "completed", None, None),
    Message("i", "user", "completed", "hello", None),
    Message("i", "assistant", "in_progress", None, "h"),
    Message("i", "assistant", "incomplete", "Hel", "h", audio_ms=300),
    TypedMessage("i", "hello", "h"),
    FunctionCall("i", "c", "weather", '{"city": "Bonn"}', None),
    FunctionCall("i", "c", "weather", "{}", None, "completed"),
    FunctionOutput("i", "c", "rain", "h"),
]


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: type(item).__name__)
def test_is_what_the_vendor_calls_an_item(item) -> None:
    VENDOR.validate_python(item.view(), strict=True)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: type(item).__name__)
def test_news_say_what_it_stands_behind(item) -> None:
    assert news(item, "added") == {
        "type": "conversation.item.added",
        "previous_item_id": item.previous,
        "item": item.view(),
    }


def test_a_message_under_way_has_no_content_yet() -> None:
    assert Message("i", "assistant", "in_progress", None, None).view()["content"] == []


def test_arguments_are_shown_when_the_call_is_whole() -> None:
    call = FunctionCall("i", "c", "weather", '{"city": "Bonn"}', None)
    assert call.view()["arguments"] == ""
    call.status = "completed"
    assert call.view()["arguments"] == '{"city": "Bonn"}'
