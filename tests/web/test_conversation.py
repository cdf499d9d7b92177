"""conversation.js: server events in, transcript, phase and turns out. No call is made here."""

import pytest

RUN = """async (events) => {
  const { Conversation } = await import('/sdk/conversation.js');
  const talk = new Conversation();
  const changes = events.map((event) => event === 'close' ? talk.close() : talk.take(event));
  return { changes, phase: talk.phase, transcript: talk.transcript, turns: talk.turns };
}"""


@pytest.fixture
def heard(bare_page):
    return lambda *events: bare_page.evaluate(RUN, list(events))


def state(name):
    return {"type": "voxline.state", "state": name}


def added(item, role):
    return {
        "type": "conversation.item.added",
        "item": {"id": item, "role": role, "content": []},
    }


def delta(item, text):
    return {"type": "response.output_audio_transcript.delta", "item_id": item, "delta": text}


def transcribed(item, text):
    kind = "conversation.item.input_audio_transcription.completed"
    return {"type": kind, "item_id": item, "transcript": text}


def done(*items):
    return {"type": "response.done", "response": {"output": [{"id": item} for item in items]}}


CREATED = {"type": "response.created", "response": {"id": "r2"}}
STARTED = {"type": "output_audio_buffer.started", "response_id": "r"}
STOPPED = {"type": "output_audio_buffer.stopped", "response_id": "r"}
CLEARED = {"type": "output_audio_buffer.cleared", "response_id": "r"}


@pytest.mark.parametrize(
    ("events", "phase"),
    [
        ([], "listening"),
        ([state("hearing")], "hearing"),
        ([state("hearing"), state("paused")], "hearing"),  # perhaps only for breath
        ([state("paused"), state("replying")], "thinking"),
        ([state("replying"), STARTED], "speaking"),
        ([state("replying"), STARTED, state("overlap")], "speaking"),
        ([state("replying"), STARTED, STOPPED], "listening"),  # the state follows
        ([state("replying"), STARTED, STOPPED, state("listening")], "listening"),
        ([state("replying"), STARTED, STOPPED, CREATED], "thinking"),  # the next one
        ([state("overlap"), STARTED, CLEARED], "hearing"),
        ([state("replying"), STARTED, CLEARED, state("hearing")], "hearing"),
        ([state("replying"), STARTED, CLEARED, state("paused"), state("replying")], "thinking"),
        ([state("replying"), STARTED, "close"], "listening"),
        ([state("a state of the year 2031")], "listening"),
    ],
)
def test_the_phase_follows_the_turn_machine_and_what_can_be_heard(heard, events, phase):
    assert heard(*events)["phase"] == phase


def test_a_phase_is_told_only_when_it_changes(heard):
    assert heard(state("hearing"), state("paused"), state("hearing"))["changes"] == [
        "phase",
        None,
        None,
    ]


def test_words_come_in_pieces(heard):
    talk = heard(added("a", "assistant"), delta("a", "It is "), delta("a", "noon."), done("a"))
    item = {"id": "a", "role": "agent", "text": "It is noon.", "heard": "It is noon."}
    assert talk["transcript"] == [item | {"unheard": "", "done": True}]
    assert talk["changes"] == ["transcript"] * 4


def test_the_caller_stands_before_the_reply_even_when_the_transcript_comes_late(heard):
    talk = heard(
        added("c", "user"),
        added("a", "assistant"),
        delta("a", "Hello."),
        transcribed("c", "hi there"),
    )
    assert [(i["role"], i["text"], i["done"]) for i in talk["transcript"]] == [
        ("caller", "hi there", True),
        ("agent", "Hello.", False),
    ]


def test_what_the_caller_said_is_over_with_the_reply_to_it_written_down_or_not(heard):
    asked = [added("a", "user"), added("b", "assistant")]
    before = heard(*asked, delta("b", "It is"))["transcript"]
    assert [item["done"] for item in before] == [False, False]
    after = heard(*asked, delta("b", "It is"), done("b"))
    assert after["changes"][-1] == "transcript"
    assert [item["done"] for item in after["transcript"]] == [True, True]
    late = heard(*asked, done("b"), transcribed("a", "What time is it?"))["transcript"]
    assert (late[0]["text"], late[0]["done"]) == ("What time is it?", True)


def test_what_the_caller_typed_is_there_at_once(heard):
    typed = {"id": "t", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    [item] = heard({"type": "conversation.item.added", "item": typed})["transcript"]
    assert (item["role"], item["heard"], item["done"]) == ("caller", "Hello", True)


def test_words_that_were_cut_off_are_told_from_those_heard(heard):
    cut = {
        "type": "voxline.response.heard",
        "item_id": "a",
        "heard": "One, two",
        "unheard": ", three",
    }
    whole = {
        "type": "response.output_audio_transcript.done",
        "item_id": "a",
        "transcript": "One, two, three, four",
    }
    talk = heard(added("a", "assistant"), delta("a", "One, two, three"), cut, whole, done("a"))
    assert talk["transcript"] == [
        {
            "id": "a",
            "role": "agent",
            "text": "One, two, three",
            "heard": "One, two",
            "unheard": ", three",
            "done": True,
        }
    ]


def test_a_deleted_item_is_gone(heard):
    talk = heard(added("c", "user"), {"type": "conversation.item.deleted", "item_id": "c"})
    assert talk["transcript"] == []


def test_an_item_added_twice_keeps_its_words(heard):
    talk = heard(added("a", "assistant"), delta("a", "Yes."), added("a", "assistant"))
    assert [item["text"] for item in talk["transcript"]] == ["Yes."]


def test_a_lost_connection_ends_what_was_being_said(heard):
    talk = heard(added("a", "assistant"), delta("a", "I was about to"), "close")
    assert [item["done"] for item in talk["transcript"]] == [True]


def test_a_turn_is_measured_with_its_stages_and_belongs_to_a_reply(heard):
    talk = heard(
        {"type": "response.output_item.added", "response_id": "r", "item": {"id": "a"}},
        {
            "type": "voxline.turn.latency",
            "response_id": "r",
            "latency_ms": 430.5,
            "stages": [{"name": "wait", "begin_ms": 64, "end_ms": 420}],
        },
    )
    assert talk["changes"] == [None, "turn"]
    assert talk["turns"] == [
        {
            "responseId": "r",
            "itemId": "a",
            "latencyMs": 430.5,
            "heardMs": None,
            "stages": [{"name": "wait", "beginMs": 64, "endMs": 420}],
        }
    ]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "rate_limits.updated"},
        {"type": "voxline.of.the.future", "item": None},
        {"type": "conversation.item.added"},
        {"type": "conversation.item.added", "item": {"id": "f", "type": "function_call"}},
        {"type": "conversation.item.deleted", "item_id": "never seen"},
        {"type": "response.output_audio_transcript.delta", "delta": "nobody's"},
        {"type": "response.done"},
        {"type": "response.done", "response": {"output": [None, {}, {"id": "unknown"}]}},
        {"type": "response.output_item.added"},
        {"type": "voxline.turn.latency", "latency_ms": "fast", "stages": []},
        {"type": "voxline.turn.latency", "latency_ms": 4},
        {"type": "voxline.state"},
    ],
    ids=lambda event: event["type"],
)
def test_unknown_late_and_crippled_events_change_nothing(heard, event):
    talk = heard(event)
    assert (talk["changes"], talk["transcript"], talk["turns"]) == ([None], [], [])


def test_who_had_not_finished_ends_with_one_item_of_both_parts(heard):
    """As the server tells of it: PROTOCOL.md, a turn that was none."""
    transcript = "conversation.item.input_audio_transcription.completed"
    gone = "conversation.item.deleted"
    talk = heard(
        added("u1", "user"),
        {"type": transcript, "item_id": "u1", "transcript": "what time"},
        added("r1", "assistant"),
        delta("r1", "It is noon."),
        {
            "type": "voxline.response.heard",
            "item_id": "r1",
            "heard": "It",
            "unheard": " is noon.",
        },
        done("r1"),
        {"type": gone, "item_id": "r1"},
        {"type": gone, "item_id": "u1"},
        added("u2", "user"),
        {"type": transcript, "item_id": "u2", "transcript": "what time is it in Bonn"},
    )
    said = [(item["id"], item["text"]) for item in talk["transcript"]]
    assert said == [("u2", "what time is it in Bonn")]
    assert talk["changes"][6:8] == ["transcript", "transcript"]


def test_a_reply_that_is_cut_again_has_fewer_words_heard(heard):
    def cut(words, rest):
        return {
            "type": "voxline.response.heard",
            "item_id": "a",
            "heard": words,
            "unheard": rest,
        }

    talk = heard(
        added("a", "assistant"),
        delta("a", "One, two, three"),
        done("a"),
        cut("One, two,", " three"),
        cut("One,", " two, three"),
    )
    [item] = talk["transcript"]
    assert (item["heard"], item["unheard"], item["done"]) == ("One,", " two, three", True)
