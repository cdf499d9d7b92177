"""What leaves is what went in, sample for sample; what stops does not click."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.config import Playout
from agent.media.reel import Frame, Reel

FRAME = 480
FADE = 240  # 10 ms
PERIOD = 160  # of the test tone, 150 Hz
ODD = 200  # of one that a frame cuts anywhere
TONE_STEP = 0.5 * 2 * np.pi / PERIOD  # its steepest sample to sample
FADE_STEP = 0.5 * np.pi / 2 / FADE  # the same of a fade from its peak


def a_reel(**settings) -> Reel:
    return Reel(Playout(**settings))


def noise(count: int, seed: int = 0) -> np.ndarray:
    """Samples no two of which are alike, so that one out of place is seen; none is 0."""
    return np.random.default_rng(seed).uniform(0.1, 0.9, count).astype(np.float32)


def tone(count: int, period: int = PERIOD) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * np.arange(count) / period)).astype(np.float32)


def drain(reel: Reel, at_most: int = 10_000) -> list[Frame]:
    frames = []
    while (frame := reel.next()) is not None:
        frames.append(frame)
        assert len(frames) <= at_most, "it never falls silent"
    return frames


def sound(frames: list[Frame]) -> np.ndarray:
    return np.concatenate([frame.samples for frame in frames] or [np.zeros(0, np.float32)])


def is_silent(frame: Frame) -> bool:
    return not frame.samples.any()


# -- a turn ------------------------------------------------------------------------------------


def test_an_empty_reel_sends_nothing():
    assert a_reel().next() is None


def test_a_turn_leaves_as_it_came_and_two_silent_frames_follow():
    reel, samples = a_reel(), noise(3 * FRAME)
    samples[-1] = 0.0  # ends in silence, as speech does
    reel.append(1, samples)
    reel.end(1)
    frames = drain(reel)
    assert len(frames) == 5
    assert np.array_equal(sound(frames[:3]), samples)
    assert all(map(is_silent, frames[3:]))
    assert [frame.left for frame in frames] == [((1, 480),), ((1, 960),), ((1, 1440),), (), ()]
    assert [frame.finished for frame in frames] == [(), (), (1,), (), ()]


def test_a_turn_shorter_than_a_frame_is_padded():
    reel, samples = a_reel(), noise(100)
    reel.append(1, samples)
    reel.end(1)
    frames = drain(reel)
    assert np.array_equal(frames[0].samples[:100], samples)
    assert not frames[0].samples[100 + FADE :].any()
    assert (frames[0].left, frames[0].finished) == (((1, 100),), (1,))
    assert [is_silent(frame) for frame in frames] == [False, True, True]


def test_a_turn_that_stops_in_mid_sound_falls_to_zero_and_does_not_click():
    reel = a_reel()
    reel.append(1, tone(FRAME + PERIOD // 4)[: FRAME + PERIOD // 4])  # ends at the peak
    reel.end(1)
    steps = np.abs(np.diff(sound(drain(reel))))
    assert steps.max() <= TONE_STEP + FADE_STEP


def test_a_turn_without_samples_is_finished_by_one_silent_frame():
    reel = a_reel()
    reel.end(7)
    frames = drain(reel)
    assert [(frame.left, frame.finished) for frame in frames] == [((), (7,))]
    assert is_silent(frames[0])


def test_a_later_turn_follows_without_a_gap():
    reel, first, second = a_reel(), noise(700, 1), noise(900, 2)
    reel.append(1, first)
    reel.end(1)
    reel.append(2, second)
    reel.end(2)
    frames = drain(reel)
    assert np.array_equal(sound(frames)[:1600], np.concatenate([first, second]))
    assert frames[1].left == ((1, 700), (2, 260))
    assert frames[1].finished == (1,)


def test_a_later_turn_ends_the_one_before():
    reel = a_reel()
    reel.append(1, noise(FRAME))
    reel.append(2, noise(FRAME))
    reel.append(1, noise(FRAME))  # too late
    reel.end(2)
    frames = drain(reel)
    assert [turn for frame in frames for turn in frame.finished] == [1, 2]
    assert (reel.left(1), reel.left(2)) == (FRAME, FRAME)


def test_samples_after_the_end_are_ignored():
    reel = a_reel()
    reel.append(1, noise(FRAME))
    reel.end(1)
    reel.append(1, noise(FRAME))
    reel.end(1)
    drain(reel)
    reel.append(1, noise(FRAME))
    assert reel.next() is None
    assert reel.left(1) == FRAME


def test_the_caller_may_reuse_its_buffer():
    reel, buffer = a_reel(), noise(FRAME)
    kept = buffer.copy()
    reel.append(1, buffer)
    buffer[:] = 0
    assert np.array_equal(reel.next().samples, kept)


# -- the start ---------------------------------------------------------------------------------


def test_a_turn_begins_once_enough_of_it_is_in_hand():
    reel = a_reel(start_ms=60)
    reel.append(1, noise(3 * FRAME - 1))
    assert reel.next() is None
    reel.append(1, noise(1))
    assert reel.next().left == ((1, FRAME),)


def test_a_turn_known_to_be_shorter_begins_at_once():
    reel = a_reel(start_ms=60)
    reel.append(1, noise(FRAME))
    assert reel.next() is None
    reel.end(1)
    assert reel.next().left == ((1, FRAME),)


def test_a_later_turn_too_waits_until_enough_of_it_is_in_hand():
    reel = a_reel(start_ms=60)
    reel.append(1, noise(700))
    reel.end(1)
    reel.append(2, noise(FRAME))
    frames = drain(reel)
    assert [turn for frame in frames for turn, _ in frame.left] == [1, 1]
    assert reel.underruns == 0  # turn 1 was whole


# -- flush -------------------------------------------------------------------------------------


def test_a_flush_fades_from_the_exact_sample_and_then_is_silent():
    reel, samples = a_reel(), noise(10 * FRAME)
    reel.append(1, samples)
    reel.next()
    reel.flush()
    assert reel.left(1) == FRAME + FADE
    fading, *silent = drain(reel)
    ratio = fading.samples[:FADE] / samples[FRAME : FRAME + FADE]
    assert ratio[0] > 0.99
    assert ratio[-1] == 0
    assert np.all(np.diff(ratio) <= 1e-6)
    assert not fading.samples[FADE:].any()
    assert len(silent) == 2
    assert all(map(is_silent, silent))
    assert not any(frame.finished or frame.left for frame in [fading, *silent])


def test_a_fade_may_be_longer_than_a_frame():
    reel = a_reel(fade_ms=50)
    reel.append(1, noise(10 * FRAME))
    reel.next()
    reel.flush()
    assert [is_silent(frame) for frame in drain(reel)] == [False, False, False, True, True]
    assert reel.left(1) == FRAME + 1200


def test_a_flush_with_less_in_hand_than_the_fade_does_not_click():
    reel = a_reel()
    reel.append(1, tone(FRAME + 60))
    first = reel.next()
    reel.flush()
    assert reel.left(1) == FRAME + 60
    steps = np.abs(np.diff(sound([first, *drain(reel)])))
    assert steps.max() <= TONE_STEP + FADE_STEP


def test_a_flush_at_the_exact_end_of_what_is_in_hand_does_not_click():
    reel = a_reel()
    reel.append(1, tone(FRAME + 40)[40:])  # ends far from zero
    first = reel.next()
    reel.flush()
    steps = np.abs(np.diff(sound([first, *drain(reel)])))
    assert steps.max() <= TONE_STEP + FADE_STEP


def test_a_flushed_turn_stays_silent_and_the_next_one_plays():
    reel = a_reel()
    reel.append(1, noise(10 * FRAME))
    reel.next()
    reel.flush()
    reel.append(1, noise(FRAME))
    reel.end(1)
    drain(reel)
    samples = noise(FRAME, 3)
    reel.append(2, samples)
    assert np.array_equal(reel.next().samples, samples)


def test_a_flush_before_anything_has_left_sends_nothing_at_all():
    reel = a_reel()
    reel.append(1, noise(10 * FRAME))
    reel.flush()
    assert reel.next() is None
    assert reel.left(1) == 0


@pytest.mark.parametrize("rest", [0, 50])
def test_a_turn_that_has_not_begun_does_not_begin_in_the_fade_of_another(rest):
    reel = a_reel()
    reel.append(1, noise(FRAME + rest))
    reel.end(1)
    reel.append(2, noise(10 * FRAME))
    reel.next()
    reel.flush()
    drain(reel)
    assert (reel.left(1), reel.left(2)) == (FRAME + rest, 0)


def test_a_second_flush_changes_nothing():
    reel, twin = a_reel(), a_reel()
    for one in (reel, twin):
        one.append(1, noise(10 * FRAME))
        one.next()
        one.flush()
    reel.flush()
    assert np.array_equal(sound(drain(reel)), sound(drain(twin)))


def test_a_flush_while_fading_in_does_not_darken_the_next_turn():
    reel = a_reel(fade_ms=50)
    reel.append(1, noise(FRAME))
    drain(reel)
    reel.append(1, noise(2 * FRAME))  # back from an underrun, with less in hand than the fade
    reel.next()
    reel.flush()
    drain(reel)
    samples = noise(3 * FRAME)
    reel.append(2, samples)
    assert np.array_equal(reel.next().samples, samples[:FRAME])


def test_a_turn_that_ends_while_fading_in_does_not_darken_the_next_one():
    reel, samples = a_reel(fade_ms=50), noise(3 * FRAME)
    reel.append(1, noise(FRAME))
    drain(reel)
    reel.append(1, noise(FRAME))  # back from an underrun
    reel.end(1)
    reel.append(2, samples)
    reel.next()
    assert np.array_equal(reel.next().samples, samples[:FRAME])


def test_a_flush_ends_the_wait_of_an_underrun():
    reel = a_reel()
    reel.append(1, noise(FRAME))
    reel.next()
    reel.next()  # the fall; up to ten silent frames would follow
    reel.flush()
    assert [is_silent(frame) for frame in drain(reel)] == [True, True]


# -- hold and resume ---------------------------------------------------------------------------


def test_what_is_held_fades_as_a_flush_does_and_sends_nothing_more():
    reel, twin, samples = a_reel(), a_reel(), noise(10 * FRAME)
    for one in (reel, twin):
        one.append(1, samples)
        one.next()
    reel.hold()
    twin.flush()
    assert np.array_equal(sound(drain(reel)), sound(drain(twin)))
    assert reel.left(1) == twin.left(1) == FRAME + FADE
    assert reel.next() is None
    assert not reel.starving


def test_a_turn_goes_on_at_the_exact_sample_where_it_began_to_fade():
    reel, samples = a_reel(), noise(10 * FRAME)
    reel.append(1, samples)
    reel.next()
    reel.hold()
    faded = drain(reel)[0].samples
    reel.resume()
    assert reel.left(1) == FRAME
    risen = reel.next()
    assert risen.left == ((1, 2 * FRAME),)
    assert np.allclose((faded + risen.samples)[:FADE], samples[FRAME : FRAME + FADE], atol=1e-6)
    assert np.array_equal(risen.samples[FADE:], samples[FRAME + FADE : 2 * FRAME])
    assert np.array_equal(reel.next().samples, samples[2 * FRAME : 3 * FRAME])


def test_a_turn_may_be_added_to_and_ended_while_it_is_held():
    reel, samples = a_reel(), noise(4 * FRAME)
    reel.append(1, samples[: 2 * FRAME])
    reel.next()
    reel.hold()
    drain(reel)
    reel.append(1, samples[2 * FRAME :])
    reel.end(1)
    assert reel.next() is None
    reel.resume()
    frames = drain(reel)
    assert np.array_equal(sound(frames)[FRAME : 3 * FRAME], samples[2 * FRAME :])
    assert [turn for frame in frames for turn in frame.finished] == [1]


def test_a_turn_that_ends_while_it_is_held_is_not_over_before_it_goes_on():
    reel = a_reel()
    reel.append(1, noise(FRAME))
    reel.next()
    reel.hold()
    reel.end(1)
    assert not any(frame.finished for frame in drain(reel))
    reel.resume()
    assert [turn for frame in drain(reel) for turn in frame.finished] == [1]


def test_what_is_held_may_be_dropped_and_what_faded_has_left():
    reel = a_reel()
    reel.append(1, noise(10 * FRAME))
    reel.next()
    reel.hold()
    drain(reel)
    reel.flush()
    reel.resume()  # of nothing
    assert reel.next() is None
    assert reel.left(1) == FRAME + FADE
    samples = noise(FRAME, 3)
    reel.append(2, samples)
    assert np.array_equal(reel.next().samples, samples)


@pytest.mark.parametrize("begun", [False, True])
def test_a_turn_that_is_silent_when_it_is_held_goes_on_where_it_was(begun):
    reel, samples = a_reel(start_ms=40), noise(4 * FRAME)
    if begun:
        reel.append(1, samples[: 2 * FRAME])
        drain(reel)  # it has run dry
    reel.hold()
    reel.append(1, samples[2 * FRAME :])
    assert reel.next() is None
    reel.resume()
    assert np.array_equal(reel.next().samples[FADE:], samples[2 * FRAME + FADE : 3 * FRAME])


def test_a_second_hold_changes_nothing():
    reel, samples = a_reel(), noise(4 * FRAME)
    reel.append(1, samples)
    reel.next()
    reel.hold()
    reel.hold()
    drain(reel)
    reel.resume()
    reel.next()
    assert np.array_equal(reel.next().samples, samples[2 * FRAME : 3 * FRAME])


@given(
    holds=st.lists(st.tuples(st.integers(1, 6), st.integers(0, 8)), max_size=5),
    fade_ms=st.sampled_from([1, 10, 20]),
)
def test_law_over_any_number_of_holds_each_sample_leaves_once(holds, fade_ms):
    """Killed: a resume that goes on behind the fade, or that does not rise."""
    samples = noise(40 * FRAME)
    reel, fade = a_reel(fade_ms=fade_ms), fade_ms * 24
    reel.append(1, samples)
    reel.end(1)
    total = np.zeros(len(samples) + 8 * FRAME)
    at = 0  # where in the turn the next frame belongs

    def listen(frames):
        nonlocal at
        for _ in range(frames):
            frame = reel.next()
            if frame is not None:
                total[at : at + FRAME] += frame.samples
                at += FRAME

    for played, silent in holds:
        listen(played)
        stopped = reel.left(1)
        reel.hold()
        listen(silent + 4)  # all of the fall, and the silence after it
        reel.resume()
        assert reel.left(1) == stopped
        at = stopped
    listen(200)
    assert np.allclose(total[: len(samples)], samples, atol=1e-5)
    assert not total[len(samples) + fade :].any()
    assert reel.left(1) == len(samples)


# -- underruns ---------------------------------------------------------------------------------


def test_an_underrun_is_counted_once_and_waited_for_in_silence():
    reel = a_reel()
    reel.append(1, tone(FRAME + 40))
    assert not reel.starving
    reel.next()
    assert reel.starving
    frames = drain(reel)
    assert reel.underruns == 1
    assert np.array_equal(frames[0].samples[:40], tone(FRAME + 40)[FRAME:])
    assert frames[0].left == ((1, FRAME + 40),)
    assert len(frames) == 11  # the wait is bounded
    assert all(map(is_silent, frames[1:]))
    assert not any(frame.finished for frame in frames)


def test_after_an_underrun_the_turn_fades_in_where_it_was():
    reel, samples = a_reel(), noise(5 * FRAME)
    reel.append(1, samples[:FRAME])
    reel.next()
    reel.next()
    reel.append(1, samples[FRAME:])
    frame = reel.next()
    assert frame.left == ((1, 2 * FRAME),)
    ratio = frame.samples[:FADE] / samples[FRAME : FRAME + FADE]
    assert ratio[0] < 0.01
    assert ratio[-1] == 1
    assert np.array_equal(frame.samples[FADE:], samples[FRAME + FADE : 2 * FRAME])
    assert np.array_equal(reel.next().samples, samples[2 * FRAME : 3 * FRAME])


def test_after_an_underrun_the_start_threshold_holds_again():
    reel = a_reel(start_ms=40)
    reel.append(1, noise(2 * FRAME))
    drain(reel)
    reel.append(1, noise(FRAME))
    assert reel.next() is None
    reel.append(1, noise(FRAME))
    assert reel.next().left == ((1, 3 * FRAME),)
    assert reel.underruns == 1


@pytest.mark.parametrize("waited_frames", [0, 1, 5, 50])
def test_an_end_that_comes_late_is_reported_and_followed_by_a_short_tail(waited_frames):
    reel = a_reel()
    reel.append(1, tone(PERIOD * 3))  # exactly a frame, ends near zero
    reel.next()
    for _ in range(waited_frames):
        reel.next()
    reel.end(1)
    frames = drain(reel)
    assert frames[0].finished == (1,)
    assert len(frames) <= 3


# -- bounds ------------------------------------------------------------------------------------


def test_depth_is_what_has_not_left():
    reel = a_reel(depth_ms=100)
    reel.append(1, noise(2399))
    assert not reel.full
    reel.append(1, noise(1))
    assert reel.full
    assert reel.queued_ms == 100
    reel.next()
    assert not reel.full
    assert reel.queued == 2400 - FRAME


def test_whoever_never_waits_for_room_is_told():
    reel = a_reel(depth_ms=100)
    with pytest.raises(BufferError, match="wait for room"):
        for _ in range(100):
            reel.append(1, noise(FRAME))
    assert reel.queued <= 4 * 2400 + FRAME


def test_a_stale_turn_is_ignored_even_when_there_is_too_much_in_hand():
    reel = a_reel(depth_ms=100)
    reel.append(2, noise(5 * 2400))
    reel.append(1, noise(FRAME))
    assert reel.queued == 5 * 2400


def test_only_so_many_past_turns_are_remembered():
    reel = a_reel()
    for turn in range(1, 101):
        reel.append(turn, noise(FRAME))
        reel.end(turn)
        reel.next()
    assert reel.left(100) == reel.left(80) == FRAME
    assert reel.left(1) == 0


# -- laws --------------------------------------------------------------------------------------

lengths = st.integers(0, 2000)


@given(
    turns=st.lists(st.lists(lengths, max_size=6), min_size=1, max_size=5),
    start_ms=st.sampled_from([20, 60, 200]),
)
def test_law_whole_turns_leave_bit_for_bit_and_gapless(turns, start_ms):
    """Killed: the rest of a piece begins with the last sample that left."""
    reel = a_reel(start_ms=start_ms, depth_ms=60_000)
    everything = [np.zeros(0, np.float32)]
    for number, pieces in enumerate(turns, 1):
        for piece in pieces:
            everything.append(noise(piece, seed=len(everything)))
            reel.append(number, everything[-1])
        reel.end(number)
    expected = np.concatenate(everything)
    frames = drain(reel)
    assert np.array_equal(sound(frames)[: len(expected)], expected)
    assert not sound(frames)[len(expected) + FADE :].any()
    assert [turn for frame in frames for turn in frame.finished] == list(
        range(1, len(turns) + 1)
    )
    for number, pieces in enumerate(turns, 1):
        assert reel.left(number) == sum(pieces)
    assert (reel.underruns, reel.queued) == (0, 0)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 3000)),
        st.tuples(st.just("next"), st.sampled_from([1, 2, 3, 15])),
        st.tuples(st.sampled_from(["end", "flush", "stale"]), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(
    steps=steps, fade_ms=st.sampled_from([1, 10, 45]), start_ms=st.sampled_from([20, 40, 100])
)
def test_law_any_interleaving_counts_exactly_and_never_clicks(steps, fade_ms, start_ms):
    """One turn after the other, of a tone that begins and ends at zero, cut and starved.

    Killed: a flush that is silent at once; the tone is not at zero where a frame ends.
    """
    reel = a_reel(fade_ms=fade_ms, start_ms=start_ms, depth_ms=60_000)
    fade = fade_ms * 24
    heard, said, reported, finished = [], {1: 0}, {}, []
    seen, flushed = set(), set()
    turn = 1

    def say(count):
        seen.add(turn)
        reel.append(turn, tone(said[turn] + count, ODD)[said[turn] :])
        said[turn] += count

    def listen():
        frame = reel.next()
        if frame is None:
            heard.append(np.zeros(FRAME, np.float32))
            return False
        heard.append(frame.samples)
        finished.extend(frame.finished)
        for number, total in frame.left:
            before = reported.get(number, 0)
            assert before < total <= said[number]
            assert number not in flushed
            reported[number] = total
            assert reel.left(number) == total
            _is_in(frame.samples, tone(total, ODD)[before:], fade)
        return True

    for name, count in [*steps, ("end", 0)]:
        match name:
            case "append":
                say(count)
            case "next":
                for _ in range(count):
                    listen()
            case "stale" if turn - 1 in seen:
                reel.append(turn - 1, tone(FRAME))
                reel.end(turn - 1)
            case "end":
                say(-said[turn] % ODD)
                reel.end(turn)
            case "flush":
                reel.flush()
                flushed.update(t for t in said if t not in finished)
                assert reel.queued == 0
                for number in said:
                    assert 0 <= reel.left(number) - reported.get(number, 0) <= fade
                    assert reel.left(number) <= said[number]
        if name in ("end", "flush"):
            turn += 1
            said[turn] = 0
    for _ in range(5000):
        if not listen():
            break
    assert reel.next() is None
    assert finished == [number for number in said if number not in flushed and number != turn]
    for number in finished:
        assert reel.left(number) == said[number]
    clicks = np.abs(np.diff(np.concatenate([np.zeros(1), *heard])))
    assert clicks.max() <= TONE_STEP + 0.5 * np.pi / 2 / fade + 1e-6


def _is_in(frame: np.ndarray, expected: np.ndarray, fade: int) -> None:
    """`expected` stands in `frame`, sample for sample, but for a rise at its beginning."""
    for offset in range(FRAME - len(expected) + 1):
        if np.array_equal(frame[offset : offset + len(expected)], expected):
            return
    for offset in range(FRAME - len(expected) + 1):
        there = frame[offset : offset + len(expected)]
        if np.array_equal(there[fade:], expected[fade:]) and np.all(
            np.abs(there[:fade]) <= np.abs(expected[:fade])
        ):
            return
    raise AssertionError("the samples that were reported are not in the frame")
