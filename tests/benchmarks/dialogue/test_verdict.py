"""Each kind of expectation, once as it holds and once as it fails, on made-up calls."""

import pytest
from accounts import LOUD, account, done, event, reply, sound

from benchmarks.dialogue.scenario import Expectation, Line, Scenario, Sound, keys
from benchmarks.dialogue.verdict import judge

LINES = ((1.0, 2.0), (5.0, 5.3))  # first and last speech of both
TURN = event(2.3, "input_audio_buffer.committed")
TRANSCRIPT = event(
    2.3, "conversation.item.input_audio_transcription.completed", transcript="What time is it"
)


def verdicts(whole, lines=LINES, **expected):
    caller = tuple(Line((Sound(say="hello"),)) for _ in lines)
    return judge(Scenario("a test", (Expectation(**expected),), caller=caller), whole)


def verdict(whole, lines=LINES, **expected):
    [only] = verdicts(whole, lines, **expected)
    return only


def call(*replies, **more):
    return account(*replies, lines=LINES, **more)


def stopped(at_s):
    return call(reply(2.3, at_s, status="cancelled", words="one two"))


def ducked(from_s, to_s, peak, until_s=8.0):
    """A reply that is softer for a while, and ends."""
    packets = [*sound(2.3, from_s), *sound(from_s, to_s, peak), *sound(to_s, until_s)]
    _, told = reply(2.3, until_s)
    return call((packets, told))


ANSWERED = call(reply(2.3, 4.0), events=[TURN, TRANSCRIPT])
CLOSED = call(
    events=[
        event(7.0, "voxline.state", state="closed"),
        event(7.0, "voxline.call.ended", reason="silence"),
    ]
)
TWICE = call(reply(2.3, 3.0), reply(6.0, 7.0, id="r2"))
GOODBYE = event(7.0, "voxline.call.ended", reason="agent")
OPEN = call(events=[event(7.0, "voxline.state", state="listening")])


@pytest.mark.parametrize(
    ("expected", "good", "bad"),
    [
        # about a line
        ({"line": 1, "answered_ms": 300}, ANSWERED, call(reply(2.32, 4.0))),
        ({"line": 1, "answered_ms": 300}, ANSWERED, call()),
        ({"line": 1, "answered_ms": 300}, ANSWERED, call(reply(1.9, 4.0))),
        ({"line": 1, "cut_ins": 0}, ANSWERED, call(reply(1.5, 4.0))),
        ({"line": 1, "cut_ins": 0}, call(reply(0.5, 4.0)), call(reply(1.0, 4.0))),
        ({"silent_ms": 300}, stopped(5.32), stopped(5.4)),
        ({"silent_ms": 300}, stopped(5.32), ANSWERED),  # it was not speaking
        ({"ducked_ms": 100}, ducked(5.1, 5.5, 0.25 * LOUD), ducked(5.2, 5.5, 0.25 * LOUD)),
        ({"ducked_ms": 100}, ducked(5.1, 5.5, 0.25 * LOUD), ducked(5.1, 5.5, 0.6 * LOUD)),
        ({"ducked_ms": 100}, ducked(5.1, 5.5, 0.25 * LOUD), ducked(5.1, 5.5, 0.0)),
        ({"ducked_ms": 100}, ducked(5.1, 5.5, 0.25 * LOUD), stopped(5.1)),
        ({"resumed_ms": 200}, ducked(5.1, 5.5, 0.25 * LOUD), ducked(5.1, 5.6, 0.25 * LOUD)),
        ({"resumed_ms": 200}, ducked(5.1, 5.5, 0.25 * LOUD), stopped(5.2)),
        ({"resumed_ms": 200}, ducked(5.1, 5.5, 0.25 * LOUD), stopped(5.5)),
        # about the call
        ({"utterances": 1}, ANSWERED, call(events=[TURN, TURN])),
        ({"completed": 1}, ANSWERED, stopped(5.0)),
        ({"cut": 1}, stopped(5.0), ANSWERED),
        ({"heard": ("Two, three!",)}, ANSWERED, stopped(5.0)),
        ({"heard": ("two", "three")}, ANSWERED, stopped(5.0)),
        ({"heard": ("one two",)}, ANSWERED, call(reply(2.3, 4.0, words="one twofold"))),
        ({"heard": ("three one",)}, call(reply(2.3, 4, words="three one")), TWICE),
        ({"unheard": ("three",)}, stopped(5.0), ANSWERED),
        ({"unheard": ("four", "three")}, stopped(5.0), ANSWERED),
        ({"understood": ("what time",)}, ANSWERED, OPEN),
        ({"not_understood": ("time",)}, OPEN, ANSWERED),
        ({"ended_by": "silence"}, CLOSED, OPEN),
        ({"ended_by": "nothing"}, OPEN, CLOSED),
        ({"ended_by": "agent"}, call(events=[GOODBYE]), CLOSED),
        ({"ended_ms": 7000}, CLOSED, OPEN),
        ({"ended_ms": 7000}, CLOSED, call(events=[event(7.01, "voxline.call.ended")])),
        ({"state": "closed"}, CLOSED, OPEN),
    ],
)  # fmt: skip
def test_it_holds_or_it_fails(expected, good, bad) -> None:
    assert verdict(good, **expected).holds
    failed = verdict(bad, **expected)
    assert not failed.holds and not failed.is_good
    assert failed.measured


def test_every_kind_of_expectation_is_shown_above() -> None:
    [mark] = test_it_holds_or_it_fails.pytestmark
    shown = {key for expected, _, _ in mark.args[1] for key in expected}
    some = dict.fromkeys(("heard", "unheard", "understood", "not_understood"), ("a",))
    known = {name: some.get(name, "a") for name in Expectation.__slots__}
    assert set(keys(Expectation(**known))) <= shown


def test_what_was_expected_stands_beside_what_was_measured() -> None:
    found = verdict(call(reply(2.45, 4.0)), line=1, answered_ms=300)
    assert (found.what, found.expected, found.measured) == (
        "line 1 answered_ms",
        "≤ 300 ms",
        "450 ms",
    )
    assert verdict(call(), line=1, answered_ms=300).measured == "never"
    silent = verdict(ANSWERED, silent_ms=300)
    assert (silent.what, silent.measured) == ("line 2 silent_ms", "the agent was not speaking")


def test_the_gap_between_two_words_is_no_silence_of_the_agents() -> None:
    packets = [*sound(2.3, 4.9), *sound(5.05, 5.2)]
    _, told = reply(2.3, 5.2, status="cancelled")
    found = verdict(call((packets, told)), silent_ms=300)
    assert found.holds and found.measured == "190 ms"


def test_each_key_is_a_verdict_of_its_own() -> None:
    found = verdicts(ANSWERED, line=1, answered_ms=100, cut_ins=0, completed=1)
    assert [(each.what, each.holds) for each in found] == [
        ("line 1 answered_ms", False),
        ("line 1 cut_ins", True),
        ("completed", True),
    ]


def test_without_a_number_it_is_about_the_last_line() -> None:
    assert verdict(call(reply(5.5, 6.0)), answered_ms=300).what == "line 2 answered_ms"


def test_what_is_known_to_fail_must_fail() -> None:
    known = {"completed": 1, "fails_because": "nobody built it"}
    failing, holding = verdict(stopped(5.0), **known), verdict(ANSWERED, **known)
    assert (failing.holds, failing.is_good) == (False, True)
    assert (holding.holds, holding.is_good) == (True, False)


def test_a_line_that_was_not_said_is_a_failure_of_its_own() -> None:
    stuck = account(lines=LINES[:1], stuck="line 2: the agent did not speak within 20 s")
    first, second = verdicts(stuck, answered_ms=300)
    assert (first.what, first.holds) == ("the caller's lines", False)
    assert first.measured == "line 2: the agent did not speak within 20 s"
    assert (second.measured, second.holds) == ("not said", False)


def test_words_are_compared_without_case_and_marks() -> None:
    whole = call(events=[done(4.0, "r1", "completed", "It's twenty-one, O'Brien: GO!")])
    assert verdict(whole, heard=("it's twenty-one o'brien go",)).holds
    assert not verdict(whole, heard=("twenty",)).holds
