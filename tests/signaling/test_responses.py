"""A response on the wire, alone. In the midst of a call: test_conversation, test_realtime."""

import pytest
from openai.types.realtime import RealtimeResponse

from agent.notices import ReplyDone
from signaling.items import FunctionCall, Message
from signaling.responses import Response, cut


def response():
    said = Message("item_1", "assistant", "incomplete", "It is", None, 3, 300)
    called = FunctionCall("item_2", "call_1", "weather", "{}", "item_1", "completed")
    return Response(3, "resp_3", said, [said, called])


def done(status, reason=""):
    return ReplyDone(3, status, reason, "It is", " noon.", 300)


def test_its_items_have_their_places() -> None:
    made = response()
    said, called = made.items
    assert made.place(called) == {"response_id": "resp_3", "output_index": 1}
    part = {"response_id": "resp_3", "output_index": 0, "item_id": "item_1"}
    assert made.part(said) == {**part, "content_index": 0}


def test_an_item_is_itself_and_not_one_that_looks_like_it() -> None:
    twin = Message("a", "assistant", "in_progress", None, None)
    made = Response(1, "resp_1", None, [Message("a", "assistant", "in_progress", None, None)])
    made.items.append(twin)
    assert made.place(twin)["output_index"] == 1


@pytest.mark.parametrize(
    ("over", "status", "reason"),
    [
        (None, "in_progress", None),
        (done("completed"), "completed", None),
        (done("cancelled", "turn_detected"), "cancelled", "turn_detected"),
        (done("cancelled", "client_cancelled"), "cancelled", "client_cancelled"),
        (done("cancelled", "call_ended"), "cancelled", None),
        (done("failed", "the voice died"), "failed", None),
    ],
)
def test_the_vendor_reads_it(over, status, reason) -> None:
    view = response().view(over, "conv_1", "nora")
    read = RealtimeResponse.model_validate(view, strict=True)
    assert read.status == status
    details = read.status_details
    assert (details and details.reason) == reason
    assert len(read.output) == (0 if over is None else 2)


def test_a_failure_says_why() -> None:
    error = response().view(done("failed", "the voice died"), "c", "v")["status_details"][
        "error"
    ]
    assert (error["code"], error["message"]) == ("engine_failed", "the voice died")


def test_a_cut_tells_how_much_and_which_words() -> None:
    truncated, heard = cut("resp_3", response().message, " noon.", 120)
    assert truncated["audio_end_ms"] == heard["audio_ms"] == 300
    assert heard["heard"] + heard["unheard"] == "It is noon."
    assert heard["speech_at_ms"] == 120
