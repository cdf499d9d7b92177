"""What a client is told, event by event. Texts, ids and JSON: test_realtime."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent import events as ev
from agent import notices as nt
from agent.notices import ReplyCut, TurnWithdrawn
from signaling.conversation import MAX_ITEMS, Conversation

U, R = "item_x_u1", "item_x_r1"


def conversation():
    return Conversation("x", "nora")


def told(*notices, by=None):
    talk = by or conversation()
    return [event for notice in notices for event in talk.tell(notice)]


def kinds(events):
    return [event["type"] for event in events]


def done(status="completed", reason="", heard="It is noon.", unheard="", audio_ms=900, turn=1):
    return nt.ReplyDone(turn, status, reason, heard, unheard, audio_ms)


SPEAKING = (nt.UtteranceStarted(1, 700),)
ASKED = (*SPEAKING, nt.UtteranceStopped(1, 1900), nt.UtteranceCommitted(1))
REPLYING = (
    nt.ReplyStarted(1),
    nt.UtteranceTranscribed(1, "what time is it"),
    nt.ReplyText(1, "It is "),
    nt.ReplyText(1, "noon."),
    nt.ReplyAudioStarted(1),
)
CUT = done("cancelled", "turn_detected", "It is", " noon.", 300)


class TestOneTurn:
    """The sequence of a whole turn, as the vendor has it."""

    def test_the_caller(self):
        assert told(*ASKED) == [
            {
                "type": "input_audio_buffer.speech_started",
                "audio_start_ms": 700,
                "item_id": U,
            },
            {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": 1900, "item_id": U},
            {
                "type": "input_audio_buffer.committed",
                "previous_item_id": None,
                "item_id": U,
            },
            {"type": "conversation.item.added", "previous_item_id": None, "item": user(None)},
            {"type": "conversation.item.done", "previous_item_id": None, "item": user(None)},
        ]

    def test_the_reply_begins(self):
        events = told(nt.ReplyStarted(1), nt.ReplyText(1, "It "), nt.ReplyText(1, "is"))
        assert kinds(events) == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.content_part.added",
            "response.output_audio_transcript.delta",
            "response.output_audio_transcript.delta",
        ]

    def test_a_reply_without_words_has_no_item(self):
        events = told(nt.ReplyStarted(1), done(heard="", audio_ms=0))
        assert kinds(events) == ["response.created", "response.done"]
        assert events[-1]["response"]["output"] == []

    def test_the_transcript_is_told_and_kept(self):
        talk = conversation()
        (event,) = told(*ASKED, nt.UtteranceTranscribed(1, "hello"), by=talk)[5:]
        assert event["transcript"] == "hello"
        assert event["usage"] == {"type": "duration", "seconds": 1.2}
        assert talk.items[U].view() == user("hello")

    def test_a_transcript_is_told_though_the_caller_has_spoken_again(self):
        """A brain that writes down what it heard does so beside the reply, and takes long."""
        talk = conversation()
        next_one = (nt.UtteranceStarted(2, 2500), nt.UtteranceCommitted(2))
        told(*ASKED, *REPLYING[:1], CUT, *next_one, by=talk)
        (event,) = told(nt.UtteranceTranscribed(1, "what time is it"), by=talk)
        assert (event["item_id"], event["transcript"]) == (U, "what time is it")
        assert event["usage"]["seconds"] == 1.2
        assert talk.items[U].view() == user("what time is it")
        (event,) = told(nt.UtteranceTranscribed(2, "and the date"), by=talk)
        assert event["item_id"] == "item_x_u2"

    def test_the_reply_is_heard_to_its_end(self):
        assert kinds(told(*ASKED, *REPLYING, done())[-7:]) == [
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "response.done",
            "output_audio_buffer.stopped",
        ]

    def test_the_reply_is_cut_off(self):
        assert kinds(told(*ASKED, *REPLYING, CUT)[-9:]) == [
            "output_audio_buffer.cleared",
            "response.output_audio.done",
            "response.output_audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "conversation.item.done",
            "conversation.item.truncated",
            "voxline.response.heard",
            "response.done",
        ]


def user(transcript):
    return {
        "id": U,
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": transcript}],
    }


class TestWithdrawn:
    """The caller had not finished: of the turn that was none nothing is left."""

    GOES_ON = (
        nt.UtteranceStarted(2, 2100),
        nt.UtteranceStopped(2, 3900),
        nt.UtteranceCommitted(2),
    )

    def withdrawn(self, talk):
        return told(*ASKED, *REPLYING, CUT, TurnWithdrawn(1, 1), by=talk)

    def test_the_items_of_both_are_deleted_after_the_response_is_done(self):
        events = self.withdrawn(conversation())
        assert kinds(events)[-3:] == ["response.done", *["conversation.item.deleted"] * 2]
        assert [event["item_id"] for event in events[-2:]] == [R, U]
        assert events[-3]["response"]["status_details"]["reason"] == "turn_detected"

    def test_one_item_holds_both_parts(self):
        talk = conversation()
        self.withdrawn(talk)
        said = nt.UtteranceTranscribed(2, "what time is it in Bonn")
        events = told(*self.GOES_ON, said, by=talk)
        assert list(talk.items) == ["item_x_u2"]
        assert events[2]["previous_item_id"] is None  # not one that is gone
        assert events[-1]["usage"]["seconds"] == pytest.approx((3900 - 700) / 1000)

    def test_who_goes_on_twice_still_has_said_one_thing(self):
        talk = conversation()
        self.withdrawn(talk)
        again = (nt.ReplyStarted(2), nt.ReplyText(2, "It"), done("cancelled", turn=2))
        told(*self.GOES_ON, *again, TurnWithdrawn(2, 2), by=talk)
        assert talk.items == {}
        told(
            nt.UtteranceStarted(3, 4100),
            nt.UtteranceStopped(3, 5000),
            nt.UtteranceCommitted(3),
            by=talk,
        )
        (event,) = told(nt.UtteranceTranscribed(3, "all of it"), by=talk)
        assert event["usage"]["seconds"] == pytest.approx((5000 - 700) / 1000)

    def test_a_reply_that_had_said_nothing_leaves_only_the_callers_item(self):
        talk = conversation()
        events = told(*ASKED, nt.ReplyStarted(1), CUT, TurnWithdrawn(1, 1), by=talk)
        assert [event["item_id"] for event in events if "deleted" in event["type"]] == [U]

    def test_what_came_before_stays_and_is_what_comes_next_to(self):
        talk = conversation()
        told(*REPLYING, done(), by=talk)
        second = (nt.UtteranceStarted(2, 0), nt.UtteranceCommitted(2), nt.ReplyStarted(2))
        told(*second, nt.ReplyText(2, "Hm"), done("cancelled", turn=2), by=talk)
        told(TurnWithdrawn(2, 2), by=talk)
        assert list(talk.items) == [R]
        events = told(nt.UtteranceStarted(3, 0), nt.UtteranceCommitted(3), by=talk)
        assert events[1]["previous_item_id"] == R

    def test_a_transcript_of_what_is_gone_is_told_to_nobody(self):
        talk = conversation()
        self.withdrawn(talk)
        assert told(nt.UtteranceTranscribed(1, "what time"), by=talk) == []


class TestCutLater:
    CUT_LATER = ReplyCut(1, "It", " is noon.", 250)

    def test_the_item_is_cut(self):
        talk = conversation()
        events = told(*REPLYING, done(), self.CUT_LATER, by=talk)
        assert kinds(events)[-2:] == ["conversation.item.truncated", "voxline.response.heard"]
        item = talk.items[R]
        assert (item.transcript, item.audio_ms, item.status) == ("It", 250, "incomplete")

    def test_of_an_item_that_nobody_knows_any_more_nothing_is_told(self):
        assert told(self.CUT_LATER) == []

    def test_where_the_caller_began_to_speak_is_told_if_they_did(self):
        over = nt.ReplyDone(1, "cancelled", "turn_detected", "It is", " noon.", 300, 120)
        heard = {event["type"]: event for event in told(*REPLYING, over)}
        assert heard["voxline.response.heard"]["speech_at_ms"] == 120


class TestWhatIsRemembered:
    """An item holds what the caller heard; the transcript events hold what was said."""

    def test_of_a_whole_reply_everything(self):
        talk = conversation()
        told(*REPLYING, done(), by=talk)
        assert talk.items[R].transcript == "It is noon."
        assert talk.items[R].status == "completed"

    def test_of_a_cut_reply_only_what_was_heard(self):
        talk = conversation()
        events = {event["type"]: event for event in told(*REPLYING, CUT, by=talk)}
        assert talk.items[R].transcript == "It is"
        assert talk.items[R].status == "incomplete"
        assert events["response.done"]["response"]["output"] == [talk.items[R].view()]
        transcript = events["response.output_audio_transcript.done"]["transcript"]
        assert transcript == "It is noon."
        assert events["conversation.item.truncated"]["audio_end_ms"] == 300
        assert events["voxline.response.heard"] == {
            "type": "voxline.response.heard",
            "response_id": "resp_x_1",
            "item_id": R,
            "heard": "It is",
            "unheard": " noon.",
            "audio_ms": 300,
            "speech_at_ms": None,
        }

    def test_items_form_a_chain(self):
        talk = conversation()
        told(*ASKED, *REPLYING, done(), nt.UtteranceStarted(2, 5000), by=talk)
        told(nt.UtteranceCommitted(2), nt.ReplyStarted(2), nt.ReplyText(2, "Yes."), by=talk)
        order = [U, R, "item_x_u2", "item_x_r2"]
        assert list(talk.items) == order
        assert [item.previous for item in talk.items.values()] == [None, *order[:-1]]

    def test_only_so_many_items_are_kept(self):
        talk = conversation()
        for turn in range(1, 2 * MAX_ITEMS):
            told(nt.ReplyStarted(turn), nt.ReplyText(turn, "x"), done(turn=turn), by=talk)
        assert len(talk.items) == MAX_ITEMS
        assert talk.items[f"item_x_r{2 * MAX_ITEMS - 1}"].previous in talk.items


CALLED = nt.ToolCalled(1, "call_1", "weather", '{"city": "Bonn"}')
F = "item_x_f1"
CALL = {
    "id": F,
    "object": "realtime.item",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "weather",
    "arguments": '{"city": "Bonn"}',
}


class TestFunctions:
    def test_a_call_is_told_as_the_vendor_does(self):
        """Its consumers take the call from response.output_item.done."""
        events = told(*ASKED, nt.ReplyStarted(1), CALLED)[6:]
        place = {"response_id": "resp_x_1", "output_index": 0}
        named = {**place, "item_id": F, "call_id": "call_1"}
        begun = {**CALL, "status": "in_progress", "arguments": ""}
        assert events == [
            {"type": "response.output_item.added", **place, "item": begun},
            {"type": "conversation.item.added", "previous_item_id": U, "item": begun},
            {
                "type": "response.function_call_arguments.delta",
                **named,
                "delta": '{"city": "Bonn"}',
            },
            {
                "type": "response.function_call_arguments.done",
                **named,
                "name": "weather",
                "arguments": '{"city": "Bonn"}',
            },
            {"type": "response.output_item.done", **place, "item": CALL},
            {"type": "conversation.item.done", "previous_item_id": U, "item": CALL},
        ]

    def test_a_response_of_a_call_alone_outputs_that(self):
        events = told(nt.ReplyStarted(1), CALLED, done(heard="", audio_ms=0))
        assert events[-1]["type"] == "response.done"
        assert events[-1]["response"]["output"] == [CALL]

    def test_speech_and_calls_have_an_index_each(self):
        also = nt.ToolCalled(1, "call_2", "time", "{}")
        events = told(*REPLYING, CALLED, also, done())
        added = [e for e in events if e["type"] == "response.output_item.added"]
        assert [(e["output_index"], e["item"]["type"]) for e in added] == [
            (0, "message"),
            (1, "function_call"),
            (2, "function_call"),
        ]
        (ended,) = [e for e in events if e["type"] == "response.output_audio.done"]
        assert ended["output_index"] == 0
        output = events[-2]["response"]["output"]
        assert [item["id"] for item in output] == [R, F, "item_x_f2"]

    def test_speech_may_come_after_a_call(self):
        events = told(nt.ReplyStarted(1), CALLED, nt.ReplyText(1, "Wait."), done(heard="Wait."))
        (delta,) = [e for e in events if e["type"].endswith("transcript.delta")]
        assert delta["output_index"] == 1

    def test_a_call_cut_off_with_its_reply_is_still_whole(self):
        events = told(*REPLYING, CALLED, CUT)
        assert events[-1]["response"]["status"] == "cancelled"
        assert events[-1]["response"]["output"][1] == CALL

    def test_a_call_of_a_reply_that_is_over_is_not_told(self):
        talk = conversation()
        told(*REPLYING, done(), by=talk)
        assert told(CALLED, by=talk) == []
        assert talk.calls == {}

    def test_a_result_is_an_item_behind_the_latest(self):
        talk = conversation()
        told(nt.ReplyStarted(1), CALLED, done(heard=""), *SPEAKING, by=talk)
        told(nt.UtteranceCommitted(1), by=talk)
        added, ended = talk.returned(talk.calls["call_1"], "rain", "mine")
        assert added["previous_item_id"] == U
        assert (
            added["item"]
            == ended["item"]
            == {
                "id": "mine",
                "object": "realtime.item",
                "type": "function_call_output",
                "status": "completed",
                "call_id": "call_1",
                "output": "rain",
            }
        )
        assert talk.calls["call_1"].answered

    def test_results_are_claimed_once(self):
        talk = conversation()
        told(nt.ReplyStarted(1), CALLED, by=talk)
        assert not talk.claim_results()
        talk.returned(talk.calls["call_1"], "rain", "")
        assert talk.claim_results()
        assert not talk.claim_results()

    def test_what_the_agent_was_told_instead_of_a_result_is_an_item_too(self):
        talk = conversation()
        events = told(nt.ReplyStarted(1), CALLED, nt.ToolGivenUp("call_1", "late"), by=talk)
        assert kinds(events)[-2:] == ["conversation.item.added", "conversation.item.done"]
        assert events[-1]["item"]["output"] == "late"
        assert talk.calls["call_1"].answered
        assert not talk.claim_results()
        assert told(nt.ToolGivenUp("call_9", "late"), by=talk) == []

    def test_calls_are_forgotten_with_their_items(self):
        talk = conversation()
        told(nt.ReplyStarted(1), CALLED, done(heard=""), by=talk)
        for turn in range(2, 2 + MAX_ITEMS):
            told(nt.ReplyStarted(turn), nt.ReplyText(turn, "x"), done(turn=turn), by=talk)
        assert talk.calls == {}


class TestHowAReplyEnds:
    @pytest.mark.parametrize(
        ("status", "reason", "details"),
        [
            ("completed", "", {"type": "completed"}),
            ("cancelled", "turn_detected", {"type": "cancelled", "reason": "turn_detected"}),
            (
                "cancelled",
                "client_cancelled",
                {"type": "cancelled", "reason": "client_cancelled"},
            ),
            ("cancelled", "call_ended", {"type": "cancelled"}),
            (
                "failed",
                "the voice died",
                {
                    "type": "failed",
                    "error": {
                        "type": "server_error",
                        "code": "engine_failed",
                        "message": "the voice died",
                    },
                },
            ),
        ],
    )
    def test_status_details(self, status, reason, details):
        events = told(nt.ReplyStarted(1), done(status, reason))
        (response,) = [e["response"] for e in events if e["type"] == "response.done"]
        assert response["status"] == status
        assert response["status_details"] == details

    @pytest.mark.parametrize("end", [done(), CUT], ids=["whole", "cut"])
    def test_a_reply_that_never_sounded_has_no_buffer(self, end):
        events = told(nt.ReplyStarted(1), end)
        assert not [kind for kind in kinds(events) if kind.startswith("output_audio_buffer")]

    def test_a_failed_reply_was_cut_too(self):
        assert "voxline.response.heard" in kinds(told(*REPLYING, done("failed", "x")))


class TestLateAndDouble:
    """News of what is over, or never was, tells nothing."""

    @pytest.mark.parametrize(
        "notice",
        [
            nt.ReplyText(1, "late"),
            nt.ReplyAudioStarted(1),
            done(),
            nt.UtteranceStopped(1, 9),
            nt.UtteranceCommitted(1),
            nt.UtteranceForgotten(1),
        ],
    )
    def test_nothing_is_told(self, notice):
        talk = conversation()
        assert told(notice, by=talk) == []
        told(*ASKED, *REPLYING, done(), by=talk)
        assert told(notice, by=talk) == []

    @pytest.mark.parametrize("notice", [nt.ReplyText(1, "late"), done()])
    def test_of_another_reply_than_the_one_under_way(self, notice):
        assert told(nt.ReplyStarted(1), done(), nt.ReplyStarted(2), notice)[-1]["type"] == (
            "response.created"
        )

    def test_a_transcript_of_nothing(self):
        assert told(nt.ReplyStarted(1), nt.UtteranceTranscribed(0, "x"))[1:] == []

    def test_a_forgotten_utterance_is_cleared_and_makes_no_item(self):
        talk = conversation()
        events = told(*SPEAKING, nt.UtteranceForgotten(1), nt.UtteranceCommitted(1), by=talk)
        assert kinds(events)[1:] == ["input_audio_buffer.cleared"]
        assert talk.items == {}

    def test_an_end_before_the_beginning(self):
        """An answer asked for in mid-speech stops the utterance at an older pause."""
        events = told(nt.UtteranceStarted(1, 700), nt.UtteranceStopped(1, 200))
        assert events[1]["audio_end_ms"] == 700


class TestOwnEvents:
    def test_state(self):
        (event,) = told(nt.StateChanged("hearing"))
        assert event == {"type": "voxline.state", "state": "hearing"}

    def test_latency(self):
        measured = nt.TurnMeasured(1, 431.26, (("wait", 0.0, 420.0), ("voice", -3.04, 11.0)))
        assert told(measured) == [
            {
                "type": "voxline.turn.latency",
                "response_id": "resp_x_1",
                "latency_ms": 431.3,
                "stages": [
                    {"name": "wait", "begin_ms": 0.0, "end_ms": 420.0},
                    {"name": "voice", "begin_ms": -3.0, "end_ms": 11.0},
                ],
            }
        ]

    @pytest.mark.parametrize("reason", list(ev.EndReason))
    def test_the_end(self, reason):
        assert told(nt.CallEnding(reason)) == [
            {"type": "voxline.call.ended", "reason": reason.value}
        ]


# -- laws -------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 3)
NOTICES = st.one_of(
    st.builds(nt.UtteranceStarted, NUMBERS, NUMBERS),
    st.builds(nt.UtteranceStopped, NUMBERS, NUMBERS),
    st.builds(nt.UtteranceCommitted, NUMBERS),
    st.builds(nt.UtteranceTranscribed, NUMBERS, st.just("a")),
    st.builds(nt.UtteranceForgotten, NUMBERS),
    st.builds(nt.ReplyStarted, NUMBERS),
    st.builds(nt.ReplyText, NUMBERS, st.just("b")),
    st.builds(nt.ReplyAudioStarted, NUMBERS),
    st.builds(done, st.sampled_from(["completed", "cancelled", "failed"]), turn=NUMBERS),
    st.builds(nt.ToolCalled, NUMBERS, st.sampled_from("abc"), st.just("f"), st.just("{}")),
    st.builds(nt.ToolGivenUp, st.sampled_from("abc"), st.just("late")),
    st.builds(nt.TurnMeasured, NUMBERS, st.just(1.0), st.just(())),
)


@given(st.lists(NOTICES, max_size=30))
def test_whatever_the_order_each_response_ends_at_most_as_often_as_it_begins(notices):
    events = told(*notices)
    for turn in range(4):
        names = [
            event["type"]
            for event in events
            if event.get("response", {}).get("id") == f"resp_x_{turn}"
        ]
        begun = ended = 0
        for name in names:
            begun += name == "response.created"
            ended += name == "response.done"
            assert ended <= begun
