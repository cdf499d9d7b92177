"""What a caller makes of packets and events."""

import pytest
from accounts import account, event, reply, sound

from benchmarks.dialogue.account import Replied


def test_a_reply_is_from_its_first_to_its_last_packet_with_speech() -> None:
    [heard] = account(reply(2.0, 3.0), peaks=sound(3.0, 3.1, peak=0.001)).replies
    assert heard.began_s == 2.0
    assert heard.ended_s == pytest.approx(2.98)


@pytest.mark.parametrize("late_s", [-0.05, 0.0, 0.05])
def test_event_and_packet_take_different_ways(late_s) -> None:
    packets, _ = reply(2.0, 3.0)
    told = [event(2.0 + late_s, "output_audio_buffer.started", response_id="r1")]
    [heard] = account((packets, told)).replies
    assert heard.began_s == 2.0


def test_what_sounds_before_the_next_reply_is_the_last_ones() -> None:
    first, second = account(
        reply(2.0, 3.0, status="cancelled", words="one"), reply(4.0, 5.0, id="r2")
    ).replies
    assert first == Replied(2.0, pytest.approx(2.98))
    assert second.began_s == 4.0


def test_a_reply_of_which_nothing_was_heard_is_none() -> None:
    _, told = reply(2.0, 3.0)
    assert account(([], told), reply(4.0, 5.0, id="r2")).replies[0].began_s == 4.0
    assert account().replies == []


def test_heard_are_the_words_of_all_replies_that_are_over() -> None:
    whole = account(
        reply(2.0, 3.0, words="Hello."),
        reply(4.0, 5.0, id="r2", status="cancelled", words="It is"),
        reply(6.0, 7.0, id="r3", status=""),
    )
    assert whole.heard == ("Hello.", "It is")


def test_a_reply_without_a_message_has_no_words() -> None:
    response = {"id": "r1", "status": "completed", "output": []}
    calls = {"id": "r2", "status": "completed", "output": [{"type": "function_call"}]}
    told = [event(1.0, "response.done", response=each) for each in (response, calls)]
    assert account(events=told).heard == ()


def test_understood_is_what_the_engine_tells() -> None:
    kind = "conversation.item.input_audio_transcription.completed"
    told = [event(1.0, kind, transcript="hello"), event(2.0, kind, transcript="you there")]
    assert account(events=told).understood == ("hello", "you there")


def test_the_last_state_and_the_end() -> None:
    told = [
        event(1.0, "voxline.state", state="hearing"),
        event(2.0, "voxline.state", state="closed"),
        event(2.0, "voxline.call.ended", reason="silence"),
    ]
    assert account(events=told).state == "closed"
    assert account(events=told).ended_by.body["reason"] == "silence"
    assert account().state == "listening"
    assert account().ended_by is None


def test_loudness_is_that_of_the_loudest_packet_in_a_stretch() -> None:
    whole = account(peaks=[*sound(1.0, 2.0, 0.1), *sound(2.0, 3.0, 0.4)])
    assert whole.loudness(1.0, 2.0) == 0.1
    assert whole.loudness(1.5, 2.5) == 0.4
    assert whole.loudness(5.0, 6.0) is None
