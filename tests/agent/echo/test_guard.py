"""The agent's voice from a loudspeaker is known for what it is, and a caller's is not."""

from functools import cache
from itertools import product

import numpy as np
import pytest
import soxr
from loudspeaker import TEXT, call_with, echo, frames, room_noise
from spoken import say, voice

from agent.audio.frame import HEAR_HZ, SPEAK_HZ
from agent.echo.guard import EchoGuard
from agent.engines import Style

LEAD_S = 1.0
OTHER = "I would like to know when the next one leaves please"


@cache
def agent():
    """What the agent says, [n] at SPEAK_HZ, after a second of silence, as a call begins."""
    speech = np.concatenate([s.samples for s in voice().speak(TEXT, Style("en-us"))])
    return np.pad(speech, (int(LEAD_S * SPEAK_HZ), 0)).astype(np.float32)


@cache
def at_hearing_rate():
    return soxr.resample(agent(), SPEAK_HZ, HEAR_HZ).astype(np.float32)


def caller(at_s, level_db=-22.0):
    """[n] at HEAR_HZ, as long as the agent's: another voice from `at_s` on."""
    words = say(OTHER, "en-us+f3")
    words = words * 10 ** (level_db / 20) / np.sqrt(np.mean(words[np.abs(words) > 0.01] ** 2))
    sound = np.zeros(len(at_hearing_rate()), np.float32)
    at = int(at_s * HEAR_HZ)
    count = min(len(words), len(sound) - at)
    sound[at : at + count] = words[:count]
    return sound


def explained(heard, guard=None, played=None, **arrival):
    """For each 30 ms in which something is audible, (second, whether the guard explains it)."""
    guard = guard or EchoGuard()
    heard = heard + room_noise(len(heard))
    sent = frames(agent()) if played is None else played
    told = []
    for hop in call_with(guard, sent, heard, **arrival):
        loud = np.sqrt(np.mean(heard[max(0, hop - 2) * 160 : (hop + 1) * 160] ** 2)) > 0.003
        if hop % 3 == 2 and loud:
            told.append(((hop + 1) / 100, guard.explains()))
    return told


def share(told, begin_s=0.0, end_s=99.0):
    within = [explains for at_s, explains in told if begin_s <= at_s < end_s]
    assert len(within) > 3
    return sum(within) / len(within)


@pytest.mark.parametrize("delay_ms", [50, 180, 400])
@pytest.mark.parametrize("level_db", [-6, -18])
def test_an_echo_is_explained_from_its_first_syllable_on(level_db, delay_ms) -> None:
    assert share(explained(echo(at_hearing_rate(), level_db, delay_ms))) == 1


@pytest.mark.parametrize("fall_s", [0.2, 0.6])
def test_any_room_will_do(fall_s) -> None:
    assert share(explained(echo(at_hearing_rate(), fall_s=fall_s, seed=5))) == 1


def test_packets_that_jitter_do_not_matter() -> None:
    random = np.random.default_rng(0)
    late = random.uniform(0, 0.03, 2000)
    told = explained(
        echo(at_hearing_rate()), at_s=lambda n: n * 0.02 + 0.4 * late[n] * (n > 60) * 0.02
    )
    assert share(told) == 1


def test_a_caller_is_not_explained_while_the_agent_speaks() -> None:
    """Headphones, or a browser that cancels: the usual case, in which nothing may be lost."""
    assert share(explained(caller(2.5))) <= 0.1


def test_a_caller_over_the_echo_is_not_explained() -> None:
    told = explained(echo(at_hearing_rate(), -12) + caller(4.0))
    assert share(told, 1.0, 4.0) == 1
    assert share(told, 4.2, 5.5) < 0.5


def test_a_caller_in_a_room_that_rings_is_no_other_path_of_the_echo() -> None:
    """Killed: another path that is hardly nearer than the one it is known to take. Words over a
    loud echo are near many: five of 120 interruptions were noticed 0.2 to 0.6 s later.
    """
    shares = []
    for delay_ms, at_s in product((120, 240, 300), (2.5, 5.0)):
        sound = echo(at_hearing_rate(), -6, delay_ms, fall_s=0.6, seed=2) + caller(at_s, -26)
        told = explained(sound[: int((at_s + 1) * HEAR_HZ)])
        shares.append(share(told, at_s + 0.1, at_s + 0.9))
    assert np.mean(shares) < 0.73


def test_a_caller_before_any_echo_was_heard_is_not_explained() -> None:
    assert share(explained(caller(LEAD_S + 0.1)), LEAD_S + 0.2, 99) <= 0.1


def breath_explained(sound, at_s):
    """Whether a breath at `at_s` over that sound is: too faint to be compared with anything."""
    end = int(at_s * HEAR_HZ) + 320
    heard = sound[:end] + room_noise(end)
    heard[-320:] += room_noise(320, -57, seed=4)
    guard = EchoGuard()
    for hop in call_with(guard, frames(agent()), heard):
        if hop % 3 == 2:
            guard.explains()
    return guard.explains()


def test_what_is_too_faint_to_tell_is_an_echo_only_where_there_may_be_one() -> None:
    """Killed: one too faint is always explained, and a caller who begins with a hiss over a
    reply is noticed a window late; or never, and a reply grows softer as its echo begins.
    """
    silence = np.zeros(len(at_hearing_rate()), np.float32)
    assert breath_explained(silence, LEAD_S + 0.5)  # it may yet come
    assert not breath_explained(silence, LEAD_S + 1.5)
    known = echo(at_hearing_rate())
    known[int(3.5 * HEAR_HZ) :] = 0
    assert breath_explained(known, 4.2)


def test_what_is_said_when_nothing_was_played_is_never_explained() -> None:
    nothing = np.zeros((0, 480), np.float32)
    assert share(explained(caller(1.0), played=nothing)) == 0


def test_an_echo_that_outlives_the_reply_is_explained() -> None:
    """A caller who says nothing must not be answered because a room rings."""
    whole = np.pad(at_hearing_rate(), (0, HEAR_HZ))
    told = explained(echo(whole, -6, delay_ms=400, fall_s=0.6))
    assert share(told, len(agent()) / SPEAK_HZ) == 1


def test_long_after_the_reply_nothing_is_explained() -> None:
    sound = np.pad(echo(at_hearing_rate(), -6), (0, 4 * HEAR_HZ))
    at = len(at_hearing_rate()) + 2 * HEAR_HZ
    words = say(OTHER, "en-us+f3")[: len(sound) - at]
    sound[at : at + len(words)] += words
    assert share(explained(sound), at / HEAR_HZ) == 0


def test_an_echo_that_moves_is_found_again() -> None:
    """A jitter buffer that grew: from one moment on all comes 120 ms later."""
    near, far = (echo(at_hearing_rate(), -12, delay_ms) for delay_ms in (100, 220))
    at = int(4 * HEAR_HZ)
    told = explained(np.concatenate([near[:at], far[at:]]))
    assert share(told, 1, 4) == 1
    assert share(told, 4.4, 99) == 1


def test_time_that_is_missing_from_the_stream_does_not_blind_it() -> None:
    """Another SSRC follows, and nothing fills the time between. Killed: a clock that goes by
    the least delay ever seen, by which an echo comes before it was played.
    """
    before_s, hole_s = 8.0, 0.15
    quiet = np.zeros(int((before_s - hole_s) * HEAR_HZ), np.float32)
    heard = np.concatenate([quiet, echo(at_hearing_rate(), delay_ms=60)])
    told = explained(heard, at_s=lambda n: before_s + n * 0.02, hole_hop=100, hole_s=hole_s)
    assert share(told) == 1


def test_a_caller_who_puts_on_headphones_is_heard_again() -> None:
    first = echo(at_hearing_rate(), -6)
    first[4 * HEAR_HZ :] = 0
    told = explained(first + caller(4.5))
    assert share(told, 4.8, 6) < 0.2


@pytest.mark.parametrize("level_db", [-34, -38, -42])
def test_nor_need_they_speak_louder_than_the_echo_was(level_db) -> None:
    """Killed: a path that explains all that is no louder than its echo, and one that is kept
    although what it covers was none: it follows the caller, and explains a third of the words.
    """
    first = echo(at_hearing_rate(), delay_ms=100, seed=3)
    first[int(3.5 * HEAR_HZ) :] = 0
    assert share(explained(first + caller(4.0, level_db)), 4.2, 7.0) < 0.05


def test_a_known_path_is_not_given_up_for_what_is_hardly_nearer() -> None:
    """Killed: any echo will do, and it explains most words of one who speaks softly over it."""
    told = explained(echo(at_hearing_rate(), -6, delay_ms=100, seed=3) + caller(4.0, -28))
    assert share(told, 1.0, 4.0) == 1
    assert share(told, 4.2, 7.0) < 0.8  # 0.61 or 0.73 by the state of espeak-ng; 0.86 if killed


def test_noise_in_the_room_does_not_blind_it() -> None:
    noisy = echo(at_hearing_rate(), -12) + room_noise(len(at_hearing_rate()), -45, seed=3)
    assert share(explained(noisy), LEAD_S + 0.3, 99) > 0.97


def test_it_listens_only_while_an_echo_may_come() -> None:
    guard = EchoGuard()
    assert not guard.listening
    list(call_with(guard, frames(agent()), np.zeros(3 * HEAR_HZ, np.float32)))
    assert guard.listening
    quiet = np.zeros(2 * HEAR_HZ, np.float32)
    for hops in quiet.reshape(-1, 2, 160):
        guard.hear(hops)
        guard.go_on()
        guard.go_on()
    assert not guard.listening


def test_what_left_before_anything_arrived_does_not_count() -> None:
    guard = EchoGuard()
    guard.played(np.full(480, 0.5, np.float32), 3.0)
    assert not guard.listening
