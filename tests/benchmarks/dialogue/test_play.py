"""The caller of a scenario says each line when its moment has come; in virtual time."""

import pytest
from dialogues import part, played

LISTENED_S = 3.0
HELLO = {"say": "Can you hear me?"}
NOISE = {"noise_ms": 200, "gain_db": -40}  # what a caller may do without being answered


def test_lines_are_said_at_their_time_from_the_start_and_from_each_other() -> None:
    account = played(
        {"when": "start", "after_ms": 500, "sounds": [NOISE]},
        {"when": "previous", "after_ms": 300, "sounds": [NOISE]},
        {"when": "start", "after_ms": 2000, "sounds": [NOISE]},
    )
    begins = [line.began_s - account.start_s for line in account.lines]
    assert begins == pytest.approx([0.5, 1.0, 2.0], abs=0.025)
    ends = [line.ended_s - line.began_s for line in account.lines]
    assert ends == pytest.approx([0.18] * 3, abs=0.001)  # the frame with the last sample


def test_the_first_line_follows_the_start_if_it_says_nothing_else() -> None:
    account = played({"after_ms": 400, "sounds": [NOISE]})
    assert account.lines[0].began_s - account.start_s == pytest.approx(0.4, abs=0.025)


def test_a_moment_that_is_past_is_now() -> None:
    account = played(
        {"when": "start", "after_ms": 1000, "sounds": [NOISE]},
        {"when": "start", "after_ms": 100, "sounds": [NOISE]},
    )
    first, second = account.lines
    assert second.began_s == pytest.approx(first.ended_s + 0.02, abs=0.025)


def test_a_line_may_follow_the_first_sound_of_the_agent() -> None:
    account = played(
        {"when": "start", "after_ms": 800, "sounds": [HELLO]},
        {"when": "agent_speaks", "after_ms": 700, "sounds": [NOISE]},
    )
    [reply] = account.replies
    assert account.lines[1].began_s - reply.began_s == pytest.approx(0.7, abs=0.025)


def test_a_line_may_follow_the_end_of_a_reply() -> None:
    account = played(
        {"when": "start", "after_ms": 800, "sounds": [HELLO]},
        {"when": "agent_silent", "after_ms": 600, "sounds": [HELLO]},
    )
    first, second = account.replies
    assert account.lines[1].began_s - first.ended_s == pytest.approx(0.6, abs=0.06)
    assert second.began_s > account.lines[1].ended_s


def test_it_listens_on_after_the_last_line() -> None:
    account = played({"when": "start", "after_ms": 100, "sounds": [NOISE]}, listen_s=1.5)
    assert account.end_s - account.lines[0].ended_s == pytest.approx(1.5, abs=0.05)


def test_a_caller_may_say_nothing_at_all() -> None:
    account = played(listen_s=2.0)
    assert account.lines == () and account.replies == []
    assert account.end_s - account.start_s == pytest.approx(2.0, abs=0.001)


def test_an_agent_that_does_not_speak_is_waited_for_and_no_longer() -> None:
    unasked = {"turns.silence_prompt_s": 60}
    account = played({"when": "agent_speaks", "sounds": [NOISE]}, set=unasked)
    assert account.stuck == "line 1: the agent did not speak within 20 s"
    assert account.end_s - account.start_s == pytest.approx(20.0, abs=0.1)
    account = played(
        {"when": "start", "sounds": [NOISE]},
        {"when": "agent_silent", "sounds": [NOISE]},
        set=unasked,
    )
    assert account.stuck == "line 2: the agent did not finish within 20 s"
    assert len(account.lines) == 1


def test_a_call_that_ends_ends_the_dialogue() -> None:
    silence = {"turns.silence_prompt_s": 1, "turns.silence_prompts": 0}
    late = {"when": "start", "after_ms": 15_000, "sounds": [NOISE]}
    account = played(late, set=silence)
    assert account.stuck == "line 1: the call has ended"
    assert account.ended_by.body["reason"] == "silence"
    assert account.end_s - account.start_s < 8
    account = played(set=silence, listen_s=30)
    assert account.stuck == "" and account.end_s - account.start_s < 8


def test_a_call_that_ends_in_a_line_ends_it() -> None:
    silence = {"turns.silence_prompt_s": 1, "turns.silence_prompts": 0}
    account = played({"when": "start", "sounds": [{"silence_ms": 20_000}]}, set=silence)
    assert account.stuck == "line 1: the call ended while the caller was speaking"
    assert account.lines == ()


def test_a_background_lies_under_everything() -> None:
    """So loud a noise that nothing of the question is understood as speech any more."""
    line = {"when": "start", "after_ms": 800, "sounds": [HELLO]}
    assert len(played(line).replies) == 1
    assert played(line, background={"noise_ms": 500, "gain_db": 15}).replies == []


def test_the_account_holds_what_was_told_and_what_was_heard() -> None:
    account = played({"when": "start", "after_ms": 800, "sounds": [HELLO]})
    assert account.events[0].type == "session.created"
    assert account.of("response.done")
    assert len(account.speech_s) > 20
    assert account.heard == ("one two three four five six seven eight nine ten",)
    assert account.late_ms < 1.0
    assert part(listen_s=1).scenario.listen_s == 1
