"""What is shown of a call, and what a script is given."""

import io
from pathlib import Path

from agent.events import EndReason
from benchmarks.call_record import Record
from benchmarks.caller import Event
from benchmarks.turn import Outcome


def event(kind, **body):
    return Event(1.0, kind, {"type": kind, **body})


def a_call(out):
    record = Record(out)
    record.connected(41.6)
    record.take(event("voxline.state", state="listening"))
    record.saying("question")
    record.take(
        event("conversation.item.input_audio_transcription.completed", transcript="what time")
    )
    stages = [{"name": "wait", "begin_ms": 64, "end_ms": 420}]
    record.take(event("voxline.turn.latency", latency_ms=424, stages=stages))
    record.said("question", Outcome.ANSWERED, 512.3)
    record.take(event("response.output_audio_transcript.done", transcript="It is noon."))
    record.take(event("rate_limits.updated"))
    record.ended(None)
    record.saved(Path("heard.wav"), 6.94)
    record.take(event("voxline.state", state="closed"))
    return record


def test_people_read_lines_as_things_happen():
    out = io.StringIO()
    a_call(out)
    assert out.getvalue().splitlines() == [
        "   call  connected after 42 ms",
        "  state  listening",
        "   call  saying question",
        " caller  what time",
        " server  424 ms by its own clock: wait 356",
        "   call  answered after 512 ms",
        "  agent  It is noon.",
        "   call  ended: hung up",
        "   call  6.9 s saved in heard.wav",
    ]


def test_a_strangers_words_do_not_move_the_terminal():
    """Nor forge a line of ours."""
    out = io.StringIO()
    record = Record(out)
    words = "Gr\u00fc\u00dfe \x1b[2J\ncall  ended: hung up\u202e"
    record.take(event("response.output_audio_transcript.done", transcript=words))
    shown = "  agent  Gr\u00fc\u00dfe \\x1b[2J\\ncall  ended: hung up\\u202e\n"
    assert out.getvalue() == shown
    assert record.as_json()["transcript"][0]["words"] == words, "JSON escapes them itself"


def test_scripts_are_given_the_same():
    record = a_call(None)
    assert record.answered == 1
    assert record.as_json() == {
        "connect_ms": 41.6,
        "turns": [{"said": "question", "outcome": "answered", "latency_ms": 512.3}],
        "transcript": [
            {"who": "caller", "words": "what time"},
            {"who": "agent", "words": "It is noon."},
        ],
        "states": ["listening"],
        "ended": "hung up",
        "saved": "heard.wav",
        "heard_s": 6.94,
    }


def test_the_reason_that_the_server_gives_is_the_reason():
    out = io.StringIO()
    record = Record(out)
    record.take(event("voxline.call.ended", reason="silence"))
    record.ended(EndReason.CALLER)
    assert record.as_json()["ended"] == "silence"
    assert "ended: silence" in out.getvalue()


def test_a_connection_that_ends_by_itself_has_its_own_reason():
    record = Record(None)
    record.ended(EndReason.LOST)
    assert record.as_json()["ended"] == "lost"


def test_a_question_without_an_answer_is_told():
    out = io.StringIO()
    record = Record(out)
    record.said("a", Outcome.UNANSWERED, None)
    record.said("b", Outcome.CUT_INTO, 100.0)
    assert record.answered == 1
    assert "no answer to a" in out.getvalue()
    assert "spoke before the end of b" in out.getvalue()


def test_a_reply_that_failed_is_told_and_is_no_interruption():
    """Killed: "was cut off; not heard: " after an apology that was heard to its end."""
    out = io.StringIO()
    record = Record(out)
    details = {"type": "failed", "error": {"code": "engine_failed", "message": "it died"}}
    record.take(event("voxline.response.heard", unheard=""))
    record.take(
        event("response.done", response={"status": "failed", "status_details": details})
    )
    record.take(event("response.done", response={"status": "completed"}))
    assert out.getvalue().split() == ["agent", "failed:", "it", "died"]


def test_an_interruption_and_an_error_are_told():
    out = io.StringIO()
    record = Record(out)
    record.take(event("voxline.response.heard", unheard="and so on"))
    record.take(event("error", error={"message": "no such item"}))
    record.take(event("error", error="broken"))
    assert [line.split(None, 1) for line in out.getvalue().splitlines()] == [
        ["agent", "was cut off; not heard: and so on"],
        ["error", "no such item"],
        ["error", "broken"],
    ]
