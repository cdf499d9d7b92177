import gc
import json
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime.realtime_server_event import RealtimeServerEvent
from pydantic import TypeAdapter

from agent import notices as nt
from agent import requests as rq
from agent.config_file import load
from agent.notices import CutRefused, ReplyCut, TurnWithdrawn
from signaling.codes import Code
from signaling.limits import EVENT_BYTES, SESSION_EVENT_BYTES, SESSION_EVENT_VALUES
from signaling.realtime import HELD_EVENTS, RealtimeClient
from signaling.sessions import MAX_INSTRUCTIONS, Session

VENDOR = TypeAdapter(RealtimeServerEvent)
SESSION = Session.fresh(load(None), "sess_1", ("nora", "otto"))

REPLY = (nt.ReplyStarted(1), nt.ReplyText(1, "It is noon."), nt.ReplyAudioStarted(1))
WHOLE = nt.ReplyDone(1, "completed", "", "It is noon.", "", 900)
CUT = nt.ReplyDone(1, "cancelled", "turn_detected", "It is", " noon.", 300)
ASKED = (
    nt.UtteranceStarted(1, 0),
    nt.UtteranceStopped(1, 900),
    nt.UtteranceCommitted(1),
    nt.UtteranceTranscribed(1, "what time is it, m\u00fcller?"),
)
U, R = "item_x_u1", "item_x_r1"
TRUNCATE = {"type": "conversation.item.truncate", "item_id": R, "content_index": 0}
WITHDRAWN = nt.ReplyDone(1, "cancelled", "turn_detected", "It", " is noon.", 90)
CALLED = nt.ToolCalled(1, "call_1", "weather", '{"city": "Bonn"}')
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Look outside.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
PAD = " " * EVENT_BYTES  # makes any event a long one
JSON = st.recursive(
    st.none() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)


def client(*notices, **options):
    """A client whose channel is open and who was told `notices`."""
    made = RealtimeClient(SESSION, rq.CallSettings(), "x", **options)
    made.opened()
    for notice in notices:
        made.tell(notice)
    return made


def ask(asked, **event):
    requests, texts = asked.ask(json.dumps(event))
    return requests, checked(texts)


def checked(texts):
    """Decode what is sent; the vendor's own models must take all that is not our own."""
    events = [json.loads(text) for text in texts]
    for event in events:
        if not event["type"].startswith("voxline."):
            VENDOR.validate_python(event, strict=True)
    return events


def error(asked, **event):
    requests, (answer,) = ask(asked, **event)
    assert requests == []
    assert answer["type"] == "error"
    return answer["error"]


class TestContract:
    """Every event of these dialogues is one that the vendor's own client library accepts."""

    @pytest.mark.parametrize(
        "notices",
        [
            (*ASKED, *REPLY, WHOLE),
            (*ASKED, *REPLY, CUT),
            (*REPLY, nt.ReplyDone(1, "cancelled", "client_cancelled", "", "It is", 0)),
            (*REPLY, nt.ReplyDone(1, "cancelled", "call_ended", "", "", 0)),
            (*REPLY, nt.ReplyDone(1, "failed", "the voice died", "It", " is", 90)),
            (nt.ReplyStarted(1), WHOLE),
            (nt.UtteranceStarted(1, 0), nt.UtteranceForgotten(1)),
            (*REPLY, WHOLE, ReplyCut(1, "It", " is noon.", 250)),
            (*REPLY, CutRefused(1, 901, 90)),
            (*ASKED, *REPLY, WITHDRAWN, TurnWithdrawn(1, 1)),
            (*REPLY, CALLED, WHOLE),
            (*REPLY, CALLED, CUT, nt.ToolGivenUp("call_1", '{"error": "late"}')),
            (nt.ReplyStarted(1), CALLED, nt.ReplyDone(1, "completed", "", "", "", 0)),
        ],
    )
    def test_notices(self, notices):
        told = client()
        events = [event for notice in notices for event in checked(told.tell(notice))]
        assert len({event["event_id"] for event in events}) == len(events)

    def test_it_has_teeth(self):
        with pytest.raises(ValueError, match="nope"):
            VENDOR.validate_python({"type": "nope", "event_id": "1"})
        with pytest.raises(ValueError, match="item_id"):
            VENDOR.validate_python({"type": "response.output_audio.done", "event_id": "1"})


class TestPlayoutDelay:
    def test_is_noted(self):
        requests, answers = ask(client(), type="voxline.playout.delay", delay_ms=85)
        assert requests == [rq.NotePlayoutDelay(85)]
        assert answers == []

    @pytest.mark.parametrize("delay_ms", [None, -1, 1001, "85", True, [85]])
    def test_is_a_number_that_can_be(self, delay_ms):
        refused = error(client(), type="voxline.playout.delay", delay_ms=delay_ms)
        assert (refused["code"], refused["param"]) == ("invalid_value", "delay_ms")

    def test_counts_towards_the_rate_as_all_events_do(self):
        asked = client(admits=iter([True, False, False]).__next__)
        told = [ask(asked, type="voxline.playout.delay", delay_ms=n) for n in range(3)]
        assert [requests for requests, _ in told] == [[rq.NotePlayoutDelay(0)], [], []]


class TestMute:
    @pytest.mark.parametrize("muted", [True, False])
    def test_is_noted(self, muted):
        requests, answers = ask(client(), type="voxline.caller.muted", muted=muted)
        assert requests == [rq.NoteMute(muted)]
        assert answers == []

    @pytest.mark.parametrize("muted", [None, 0, 1, "true"])
    def test_is_true_or_false(self, muted):
        refused = error(client(), type="voxline.caller.muted", muted=muted)
        assert (refused["code"], refused["param"]) == ("invalid_value", "muted")


class TestOpening:
    def test_begins_with_the_session(self):
        (created,) = checked(RealtimeClient(SESSION, rq.CallSettings(), "x").opened())
        assert created["type"] == "session.created"
        assert created["session"] == SESSION.view()

    def test_what_happened_before_comes_after_it(self):
        """Audio connects before the data channel does: the greeting has begun by then."""
        early = RealtimeClient(SESSION, rq.CallSettings(), "x")
        assert [text for notice in REPLY for text in early.tell(notice)] == []
        names = [event["type"] for event in checked(early.opened())]
        assert names[0] == "session.created"
        assert names[1] == "response.created"
        assert names[-1] == "output_audio_buffer.started"
        assert early.tell(WHOLE)

    def test_a_channel_that_never_opens_costs_little(self):
        early = RealtimeClient(SESSION, rq.CallSettings(), "x")
        for _ in range(2 * HELD_EVENTS):
            early.tell(nt.StateChanged("hearing"))
        assert len(early.opened()) == 1 + HELD_EVENTS


class TestSessionUpdate:
    def test_changes_the_call_and_is_confirmed(self):
        requests, (updated,) = ask(
            client(), type="session.update", session={"type": "realtime", "instructions": "Hm."}
        )
        assert requests == [rq.ChangeSettings(rq.CallSettings(instructions="Hm."))]
        assert updated["type"] == "session.updated"
        assert updated["session"]["instructions"] == "Hm."

    def test_is_confirmed_even_if_nothing_changes(self):
        """The vendor's JavaScript SDK waits for it before a call counts as connected."""
        requests, (updated,) = ask(client(), type="session.update", session={"tracing": "auto"})
        assert requests == []
        assert updated["type"] == "session.updated"

    def test_adds_up(self):
        asked = client()
        ask(asked, type="session.update", session={"instructions": "Hm."})
        _, (updated,) = ask(
            asked, type="session.update", session={"audio": {"output": {"voice": "otto"}}}
        )
        assert updated["session"]["instructions"] == "Hm."
        assert updated["session"]["audio"]["output"]["voice"] == "otto"

    def test_a_wrong_one_changes_nothing(self):
        asked = client()
        session = {"instructions": "Hm.", "audio": {"output": {"voice": "who"}}}
        refused = error(asked, type="session.update", session=session, event_id="e1")
        assert refused["code"] == "unknown_voice"
        assert refused["param"] == "session.audio.output.voice"
        assert refused["event_id"] == "e1"
        _, (updated,) = ask(asked, type="session.update", session={})
        assert updated["session"] == SESSION.view()

    def test_a_language_that_nobody_speaks_changes_nothing(self):
        """Killed: an apology at every turn from then on."""
        told = Session.fresh(load(None), "sess_1", ("nora",), ("en", "fr"))
        asked = RealtimeClient(told, rq.CallSettings(), "x")
        session = {"audio": {"input": {"transcription": {"language": "de"}}}}
        refused = error(asked, type="session.update", session=session, event_id="e1")
        assert (refused["code"], refused["event_id"]) == ("unknown_language", "e1")
        assert refused["message"].endswith("spoken are en, fr")
        requests, (updated,) = ask(asked, type="session.update", session={})
        assert (requests, updated["session"]) == ([], told.view())

    def test_tools_reach_the_call_and_are_shown(self):
        session = {"tools": [WEATHER], "tool_choice": "auto"}
        requests, (updated,) = ask(client(), type="session.update", session=session)
        flat = ("weather", "Look outside.", json.dumps(WEATHER["parameters"]))
        assert requests == [rq.ChangeSettings(rq.CallSettings(tools=(flat,)))]
        assert updated["session"]["tools"] == [WEATHER]

    def test_many_tools_need_more_room_than_other_events(self):
        tools = [{**WEATHER, "name": f"f{n}", "description": "x" * 900} for n in range(60)]
        text = json.dumps({"type": "session.update", "session": {"tools": tools}})
        assert EVENT_BYTES < len(text) <= SESSION_EVENT_BYTES
        requests, texts = client().ask(text)
        assert len(requests[0].settings.tools) == 60
        assert [event["type"] for event in checked(texts)] == ["session.updated"]

    def test_the_longest_instructions_fit_one_message(self):
        """Theirs, where a letter is a byte; ours, whatever it is."""
        session = {"instructions": "x" * MAX_INSTRUCTIONS}
        _, texts = client().ask(json.dumps({"type": "session.update", "session": session}))
        assert json.loads(texts[0])["type"] == "session.updated"
        worst = SESSION.updated({"instructions": "\x00" * MAX_INSTRUCTIONS})
        (created,) = RealtimeClient(worst, rq.CallSettings(), "x").opened()
        assert len(created.encode()) < 65_536

    def test_instructions_that_cannot_be_sent_on(self):
        refused = error(client(), type="session.update", session={"instructions": "\ud800"})
        assert refused["code"] == "invalid_value"
        assert refused["param"] == "session.instructions"


class TestAskingForReplies:
    def test_create(self):
        assert ask(client(), type="response.create") == ([rq.CreateReply()], [])

    def test_create_during_a_reply(self):
        refused = error(client(*REPLY), type="response.create")
        assert refused["code"] == "conversation_already_has_active_response"

    def test_cancel(self):
        asked = client(*REPLY)
        assert ask(asked, type="response.cancel") == ([rq.CancelCurrentReply()], [])
        assert ask(asked, type="response.cancel", response_id="resp_x_1") == (
            [rq.CancelCurrentReply()],
            [],
        )

    @pytest.mark.parametrize(
        ("notices", "fields"),
        [((), {}), ((*REPLY, WHOLE), {}), (REPLY, {"response_id": "resp_x_2"})],
    )
    def test_cancel_of_nothing(self, notices, fields):
        refused = error(client(*notices), type="response.cancel", **fields)
        assert refused["code"] == "response_cancel_not_active"

    def test_clear_the_output(self):
        clear = {"type": "output_audio_buffer.clear"}
        assert ask(client(*REPLY), **clear) == ([rq.CancelCurrentReply()], [])
        assert ask(client(), **clear) == ([], [])  # after response.cancel nothing is left


class TestTheCallersAudio:
    def test_clear_is_acknowledged_when_it_was_forgotten(self):
        asked = client(nt.UtteranceStarted(1, 0))
        assert ask(asked, type="input_audio_buffer.clear") == ([rq.ClearUtterance()], [])
        (cleared,) = checked(asked.tell(nt.UtteranceForgotten(1)))
        assert cleared["type"] == "input_audio_buffer.cleared"

    def test_clear_of_nothing_is_acknowledged_at_once(self):
        requests, (cleared,) = ask(client(*ASKED), type="input_audio_buffer.clear")
        assert requests == [rq.ClearUtterance()]  # speech not told of yet, perhaps
        assert cleared["type"] == "input_audio_buffer.cleared"

    def test_commit_waits_for_the_response(self):
        asked = client(nt.UtteranceStarted(1, 0))
        assert ask(asked, type="input_audio_buffer.commit") == ([], [])

    def test_a_button_let_go_after_the_turn_had_ended_is_no_mistake(self):
        """Who talks by pressing one commits, then asks, however long after the last word."""
        asked = client(*ASKED)
        assert ask(asked, type="input_audio_buffer.commit") == ([], [])
        assert ask(asked, type="response.create") == ([rq.CreateReply()], [])

    @pytest.mark.parametrize("notices", [(), (*ASKED, *REPLY), (*ASKED, *REPLY, WHOLE)])
    def test_commit_of_nothing(self, notices):
        assert error(client(*notices), type="input_audio_buffer.commit")["code"] == (
            "input_audio_buffer_commit_empty"
        )

    def test_what_was_cleared_cannot_be_committed(self):
        asked = client(*ASKED)
        ask(asked, type="input_audio_buffer.clear")
        assert error(asked, type="input_audio_buffer.commit")["code"] == (
            "input_audio_buffer_commit_empty"
        )

    def test_append(self):
        refused = error(client(), type="input_audio_buffer.append", audio="AAAA")
        assert refused["code"] == "unsupported"


class TestItems:
    def test_retrieve(self):
        _, (event,) = ask(client(*ASKED), type="conversation.item.retrieve", item_id=U)
        assert event["item"]["content"][0]["transcript"] == "what time is it, m\u00fcller?"

    def test_retrieve_what_was_heard(self):
        asked = client(*REPLY, CUT)
        _, (event,) = ask(asked, type="conversation.item.retrieve", item_id=R)
        assert event["item"]["content"][0]["transcript"] == "It is"

    @pytest.mark.parametrize("kind", ["retrieve", "truncate"])
    @pytest.mark.parametrize("item_id", ["item_9", None, 7, ["x"]])
    def test_of_no_item(self, kind, item_id):
        refused = error(client(*ASKED), type=f"conversation.item.{kind}", item_id=item_id)
        assert (refused["code"], refused["param"]) == ("item_not_found", "item_id")

    @pytest.mark.parametrize("notices", [(*REPLY,), (*REPLY, CUT), (*REPLY, WHOLE)])
    @pytest.mark.parametrize("end_ms", [0, 250, 250.0])
    def test_truncate_is_for_the_call_to_answer(self, notices, end_ms):
        requests, answers = ask(client(*notices), **TRUNCATE, audio_end_ms=end_ms)
        assert requests == [rq.TruncateReply(1, int(end_ms))]
        assert answers == []

    def test_a_content_index_may_be_left_out(self):
        requests, _ = ask(
            client(*REPLY), type="conversation.item.truncate", item_id=R, audio_end_ms=5
        )
        assert requests == [rq.TruncateReply(1, 5)]

    @pytest.mark.parametrize(
        ("fields", "param"),
        [
            ({"content_index": 1, "audio_end_ms": 5}, "content_index"),
            ({"content_index": "0", "audio_end_ms": 5}, "content_index"),
            ({"content_index": 0}, "audio_end_ms"),
            ({"content_index": 0, "audio_end_ms": -1}, "audio_end_ms"),
            ({"content_index": 0, "audio_end_ms": True}, "audio_end_ms"),
            ({"content_index": 0, "audio_end_ms": "500"}, "audio_end_ms"),
            ({"content_index": 0, "audio_end_ms": 1e12}, "audio_end_ms"),
        ],
    )
    def test_truncate_must_say_where(self, fields, param):
        refused = error(
            client(*REPLY, WHOLE), type="conversation.item.truncate", item_id=R, **fields
        )
        assert (refused["code"], refused["param"]) == ("invalid_value", param)

    def test_the_item_then_holds_what_the_client_says_was_heard(self):
        asked = client(*REPLY, WHOLE)
        ask(asked, **TRUNCATE, audio_end_ms=250)
        events = checked(asked.tell(ReplyCut(1, "It", " is noon.", 250)))
        truncated, heard = events
        assert truncated == {
            "event_id": truncated["event_id"],
            "type": "conversation.item.truncated",
            "item_id": R,
            "content_index": 0,
            "audio_end_ms": 250,
        }
        assert (heard["heard"], heard["unheard"]) == ("It", " is noon.")
        _, (retrieved,) = ask(asked, type="conversation.item.retrieve", item_id=R)
        assert retrieved["item"]["content"][0]["transcript"] == "It"
        assert retrieved["item"]["status"] == "incomplete"

    @pytest.mark.parametrize(("given", "told"), [("mine", "mine"), (None, None)])
    def test_to_truncate_beyond_the_end_is_refused_as_the_vendor_does(self, given, told):
        asked = client(*REPLY, WHOLE)
        ask(asked, **TRUNCATE, audio_end_ms=901, event_id=given)
        (refused,) = checked(asked.tell(CutRefused(1, 901, 900)))
        assert refused["error"] == {
            "type": "invalid_request_error",
            "code": "invalid_value",
            "message": "audio content of 900ms is already shorter than 901ms",
            "param": "audio_end_ms",
            "event_id": told,
        }

    def test_to_truncate_what_is_long_forgotten_is_refused(self):
        asked = client(*REPLY, WHOLE)
        ask(asked, **TRUNCATE, audio_end_ms=0)
        (refused,) = checked(asked.tell(CutRefused(1, 0, None)))
        assert refused["error"]["code"] == "item_not_found"

    def test_truncate_of_what_the_caller_said(self):
        refused = error(client(*ASKED), type="conversation.item.truncate", item_id=U)
        assert refused["code"] == "item_not_found"

    def test_the_conversation_is_not_edited(self):
        refused = error(client(*ASKED), type="conversation.item.delete", item_id=U)
        assert refused["code"] == "unsupported"


def typing(asked, *texts, **fields):
    parts = [{"type": "input_text", "text": text} for text in texts]
    item = {"type": "message", "role": "user", "content": parts, **fields}
    return ask(asked, type="conversation.item.create", item=item)


class TestTypedText:
    def test_it_is_an_item_and_reaches_the_call(self):
        asked = client(*ASKED)
        requests, (added, done) = typing(asked, "what time is it?")
        assert requests == [rq.TypeText("what time is it?")]
        assert added["previous_item_id"] == U
        assert added["item"] == done["item"]
        assert added["item"]["content"] == [{"type": "input_text", "text": "what time is it?"}]
        id = added["item"]["id"]
        _, (retrieved,) = ask(asked, type="conversation.item.retrieve", item_id=id)
        assert retrieved["item"] == added["item"]

    def test_then_the_reply_is_asked_for(self):
        asked = client()
        typing(asked, "hello")
        assert ask(asked, type="response.create") == ([rq.CreateReply()], [])

    def test_parts_are_lines_and_the_client_may_name_the_item(self):
        requests, (added, _) = typing(client(), "one", "two", id="mine")
        assert requests == [rq.TypeText("one\ntwo")]
        assert added["item"]["id"] == "mine"

    @pytest.mark.parametrize(
        ("fields", "code", "param"),
        [
            ({"role": "system"}, "unsupported", "item.role"),
            ({"role": None}, "unsupported", "item.role"),
            ({"content": None}, "invalid_value", "item.content"),
            ({"content": []}, "invalid_value", "item.content"),
            ({"content": ["hello"]}, "invalid_value", "item.content[0]"),
            ({"content": [{"type": "input_audio"}]}, "unsupported", "item.content[0].type"),
            (
                {"content": [{"type": "input_text", "text": 7}]},
                "invalid_value",
                "item.content[0].text",
            ),
            (
                {"content": [{"type": "input_text", "text": "x" * 2_001}] * 2},
                "invalid_value",
                "item.content",
            ),
            (
                {"content": [{"type": "input_text", "text": " "}]},
                "invalid_value",
                "item.content",
            ),
            ({"id": U}, "invalid_value", "item.id"),
        ],
    )
    def test_a_wrong_field_is_named(self, fields, code, param):
        item = {"type": "message", "role": "user", "content": [], **fields}
        refused = error(client(*ASKED), type="conversation.item.create", item=item)
        assert (refused["code"], refused["param"]) == (code, param)


def returns(asked, output='{"sky": "grey"}', **fields):
    item = {"type": "function_call_output", "call_id": "call_1", "output": output, **fields}
    return ask(asked, type="conversation.item.create", item=item)


def refused_return(asked, **fields):
    item = {"type": "function_call_output", "call_id": "call_1", "output": "x", **fields}
    return error(asked, type="conversation.item.create", item=item)


class TestFunctionResults:
    """conversation.item.create of an output, then response.create."""

    CALLING = (nt.ReplyStarted(1), CALLED)
    OVER = nt.ReplyDone(1, "completed", "", "", "", 0)

    def test_an_output_reaches_the_call_and_is_an_item(self):
        asked = client(*self.CALLING, self.OVER)
        requests, (added, done) = returns(asked)
        assert requests == [rq.ReturnFromTool("call_1", '{"sky": "grey"}')]
        assert (added["type"], done["type"]) == (
            "conversation.item.added",
            "conversation.item.done",
        )
        id = added["item"]["id"]
        _, (retrieved,) = ask(asked, type="conversation.item.retrieve", item_id=id)
        assert retrieved["item"] == done["item"]

    def test_then_the_reply_is_asked_for(self):
        asked = client(*self.CALLING, self.OVER)
        returns(asked)
        assert ask(asked, type="response.create") == ([rq.GoOn()], [])
        assert ask(asked, type="response.create") == ([rq.CreateReply()], [])

    def test_and_may_be_while_the_agent_still_speaks(self):
        asked = client(*REPLY, CALLED)
        returns(asked)
        assert ask(asked, type="response.create") == ([rq.GoOn()], [])
        refused = error(asked, type="response.create")
        assert refused["code"] == "conversation_already_has_active_response"

    def test_a_result_that_a_reply_has_known_needs_no_other(self):
        asked = client(*self.CALLING, self.OVER)
        returns(asked)
        for notice in (nt.ReplyStarted(2), nt.ReplyDone(2, "completed", "", "", "", 0)):
            asked.tell(notice)
        assert ask(asked, type="response.create") == ([rq.CreateReply()], [])

    def test_the_reply_to_a_text_knows_the_result(self):
        asked = client(*self.CALLING, self.OVER)
        returns(asked)
        typing(asked, "and tomorrow?")
        assert ask(asked, type="response.create") == ([rq.CreateReply()], [])

    def test_the_client_may_name_the_item(self):
        asked = client(*self.CALLING)
        _, (added, _) = returns(asked, id="mine")
        assert added["item"]["id"] == "mine"

    def test_an_output_may_be_empty(self):
        assert returns(client(*self.CALLING), output="")[0] == [rq.ReturnFromTool("call_1", "")]

    def test_of_no_call(self):
        refused = refused_return(client(*self.CALLING), call_id="call_2")
        assert (refused["code"], refused["param"]) == (
            "function_call_not_found",
            "item.call_id",
        )

    def test_twice(self):
        asked = client(*self.CALLING)
        returns(asked)
        assert refused_return(asked)["code"] == "function_call_already_answered"

    def test_too_late(self):
        asked = client(*self.CALLING, nt.ToolGivenUp("call_1", "{}"))
        assert refused_return(asked)["code"] == "function_call_already_answered"

    @pytest.mark.parametrize(
        ("fields", "param"),
        [
            ({"output": None}, "item.output"),
            ({"output": {"sky": "grey"}}, "item.output"),
            ({"output": "\ud800"}, "item.output"),
            ({"call_id": 7}, "item.call_id"),
            ({"call_id": ["call_1"]}, "item.call_id"),
            ({"id": "i" * 65}, "item.id"),
            ({"id": "item_x_f1"}, "item.id"),
        ],
    )
    def test_a_wrong_field_is_named(self, fields, param):
        refused = refused_return(client(*self.CALLING), **fields)
        assert (refused["code"], refused["param"]) == ("invalid_value", param)

    def test_other_items_are_refused(self):
        item = {"type": "mcp_call"}
        refused = error(client(), type="conversation.item.create", item=item)
        assert (refused["code"], refused["param"]) == ("unsupported", "item.type")

    def test_an_unanswered_call_cannot_be_truncated(self):
        refused = error(
            client(*self.CALLING), type="conversation.item.truncate", item_id="item_x_f1"
        )
        assert refused["code"] == "item_not_found"


class TestHangingUp:
    def test_hang_up(self):
        assert ask(client(), type="voxline.call.hang_up") == ([rq.HangUp()], [])
        assert ask(client(), type="voxline.call.hang_up", reason="bye")[0] == [rq.HangUp()]


class TestNonsense:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("", "invalid_json"),
            ("{", "invalid_json"),
            ("[]", "invalid_json"),
            ("null", "invalid_json"),
            ('{"type": NaN}', "invalid_json"),
            ("[" * 15_000, "invalid_json"),
            ('{"a":' * 2_500 + "1" + "}" * 2_500, "invalid_json"),
            ("1" * 5_000, "invalid_json"),
            ('{"type": "\\ud800"}', "invalid_json"),
            ('{"type": "nope", "event_id": "\\udfff"}', "invalid_json"),
            ("{}", "unknown_event"),
            ('{"type": 1}', "unknown_event"),
            ('{"type": {"type": "session.update"}}', "unknown_event"),
            ('{"type": ' + '{"a":' * 63 + "1" + "}" * 64, "unknown_event"),
            ('{"type": ' + '{"a":' * 64 + "1" + "}" * 65, "invalid_json"),
            ('{"type": "session.created"}', "unknown_event"),
            ('{"type": "session.update"}', "invalid_value"),
            (" " * (EVENT_BYTES + 1), "event_too_large"),
            ('"' + "\u00e4" * (EVENT_BYTES // 2) + '"', "event_too_large"),  # bytes count
            ("\U0001f600" * (EVENT_BYTES // 4 + 1), "event_too_large"),
        ],
    )
    def test_is_answered_with_an_error(self, text, code):
        requests, texts = client().ask(text)
        (event,) = checked(texts)
        assert requests == []
        assert event["error"]["code"] == code

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ('"session.update"' + " " * SESSION_EVENT_BYTES, "event_too_large"),
            ('{"type": "nope", "x": {"session.update": 1}}' + PAD, "event_too_large"),
            ('["session.update", {}]' + PAD, "invalid_json"),
            ('{"x": "session.update"}' + PAD, "event_too_large"),
            ('["session.update"' + ",1" * SESSION_EVENT_VALUES + "]" + PAD, "event_too_large"),
            ('["session.update", ' + "9" * 401 + "]" + PAD, "invalid_json"),
            ('{"type": "session.update"}' + PAD, "invalid_value"),
        ],
    )
    def test_a_long_one_must_be_a_session_of_few_values(self, text, code):
        requests, texts = client().ask(text)
        (event,) = checked(texts)
        assert requests == []
        assert event["error"]["code"] == code

    def test_an_event_of_just_the_size(self):
        text = '{"type": "nope", "x": "\u00e4"}'
        text += " " * (EVENT_BYTES - len(text.encode()))
        (event,) = checked(client().ask(text)[1])
        assert event["error"]["code"] == "unknown_event"

    @pytest.mark.parametrize(
        "kind", ["response.cancel", "conversation.item.retrieve", "conversation.item.truncate"]
    )
    def test_half_a_surrogate_pair_is_never_sent_back(self, kind):
        fields = {"item_id": "\ud800", "response_id": "\ud800", "\ud800": "\ud800"}
        for text in client(*REPLY).ask(json.dumps({"type": kind, **fields}))[1]:
            assert text.encode()

    @given(st.text(st.characters(codec=None)))
    def test_never_raises(self, text):
        checked(client().ask(text)[1])

    @given(
        st.dictionaries(
            st.sampled_from(["session", "item_id", "response_id", "event_id", "item"]),
            JSON,
        ),
        st.sampled_from(
            [
                "session.update",
                "response.cancel",
                "conversation.item.retrieve",
                "conversation.item.truncate",
                "conversation.item.create",
                "input_audio_buffer.commit",
            ]
        ),
    )
    def test_wrong_fields_never_raise(self, fields, kind):
        for event in ask(client(*ASKED, *REPLY), type=kind, **fields)[1]:
            if event["type"] == "error":
                assert event["error"]["code"] in list(Code)

    def test_an_event_id_is_echoed_but_not_at_any_length(self):
        assert error(client(), type="nope", event_id="e" * 9_999)["event_id"] == "e" * 512
        assert error(client(), type="nope", event_id=7)["event_id"] is None


class TestRate:
    def test_a_flood_is_answered_once(self):
        allowed = [True]
        asked = client(admits=lambda: allowed[0])
        assert ask(asked, type="response.create")[0]
        allowed[0] = False
        assert error(asked, type="response.create")["code"] == "rate_limit_exceeded"
        assert ask(asked, type="response.create") == ([], [])
        allowed[0] = True
        assert ask(asked, type="response.create")[0]
        allowed[0] = False
        assert error(asked, type="response.create")["code"] == "rate_limit_exceeded"


def test_a_client_needs_no_collector() -> None:
    gc.disable()
    try:
        gone = weakref.ref(client(*ASKED, *REPLY, WHOLE))
        assert gone() is None
    finally:
        gc.enable()
