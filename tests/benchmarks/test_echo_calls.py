"""Calls over a loudspeaker, against a small real server that follows a script."""

import asyncio
from functools import wraps

import numpy as np
import pytest
from answering_machine import CONFIG, AnsweringMachine, answering, tone
from recordings import recording

from benchmarks import echo_calls
from benchmarks.caller import dial
from benchmarks.echo_calls import Tally, _speak_over, _speaks, spoken


def realtime(test):
    @wraps(test)
    def run(*args, **named):
        asyncio.run(test(*args, **named))

    return run


def test_callers_begin_at_once_and_are_as_loud_as_each_other() -> None:
    for name in ("sb-spk1_snt5", "jfk"):
        recording(name)  # or skip
        samples = spoken(name)
        power = np.mean(samples[: len(samples) // 480 * 480].reshape(-1, 480) ** 2, axis=1)
        loud = power[power > power.max() / 300]
        assert 10 * np.log10(loud.mean()) == pytest.approx(-26, abs=0.2)
        assert power[0] > power.max() / 300


async def spoken_over(stops_after_s, after_s=0.3):
    """The caller speaks `after_s` after a reply began; the server stops it when told to."""
    tally = Tally()
    machine = AnsweringMachine(greeting=tone(3.0), wait_ms=60_000)
    async with answering(machine), dial(machine.url, config=CONFIG) as call:
        assert await call.until(lambda: _speaks(call) and bool(call.heard.speech_s), 20)

        def stop():
            machine.lines[0].playout.flush()
            machine.lines[0].tell("output_audio_buffer.cleared")

        stopping = asyncio.get_running_loop().call_later(stops_after_s, stop)
        await _speak_over(call, tone(0.8), after_s, tally)
        stopping.cancel()
    return tally


@pytest.mark.slow
@realtime
async def test_an_interruption_that_is_heard_is_found_with_its_delay():
    tally = await spoken_over(0.6)
    assert (tally.spoken_over, tally.found) == (1, 1)
    assert 100 < tally.found_ms[0] < 800


@pytest.mark.slow
@realtime
async def test_an_interruption_that_is_not_heard_is_not_found():
    tally = await spoken_over(60)
    assert (tally.spoken_over, tally.found, tally.found_ms) == (1, 0, [])


@pytest.mark.slow
@realtime
async def test_a_reply_that_stops_by_itself_is_counted_as_that():
    tally = await spoken_over(0.1, after_s=2.0)
    assert (tally.self_interrupted, tally.spoken_over) == (1, 0)


@pytest.mark.slow
@realtime
async def test_replies_amid_noise_are_counted(monkeypatch):
    recording("sb-spk1_snt4")  # the question, or skip
    monkeypatch.setattr(echo_calls, "_QUIET_S", 0.3)
    machine = AnsweringMachine(wait_ms=700)
    machine.answer = tone(1.5)
    async with answering(machine):
        tally = await echo_calls.amid(machine.url, [np.zeros(12_000, np.float32)] * 2)
    assert (tally.replies, tally.self_interrupted, tally.false_turns) == (2, 0, 0)
