"""The error event."""

import pytest
from openai.types.realtime.realtime_error_event import RealtimeErrorEvent

from signaling.codes import Code
from signaling.refusals import refusal


@pytest.mark.parametrize("code", [Code.INVALID_VALUE, "engine_failed"])
def test_it_is_the_vendors(code) -> None:
    event = {"event_id": "event_1", **refusal(code, "for people", "audio_end_ms")}
    read = RealtimeErrorEvent.model_validate(event, strict=True)
    assert read.error.code == str(code)
    assert (read.error.message, read.error.param) == ("for people", "audio_end_ms")


def test_nobody_asked_until_somebody_says_who() -> None:
    assert refusal("x", "y")["error"]["event_id"] is None
