"""Plays the caller of a scenario: says each line when its moment has come, and takes account.

Knows a connected caller, whatever it is connected by.
"""

import asyncio
from collections.abc import Callable

from agent.audio.frame import FRAME_MS
from benchmarks.caller import Caller, CallFailed
from benchmarks.dialogue.account import Account, Uttered
from benchmarks.dialogue.scenario import Line
from benchmarks.dialogue.world import Part

PATIENCE_S = 20.0  # for the agent to do what a line waits for


class Stuck(Exception):
    """The agent did not do what the next line waits for."""


async def play(part: Part, call: Caller) -> Account:
    """Go through a scenario on a call just connected."""
    scenario, lines, background = part.scenario, part.sound.lines, part.sound.background
    start_s = call.heard.began_s
    if background is not None:
        call.microphone.surround(background)
    said: list[Uttered] = []
    stuck = ""
    over_s = start_s
    try:
        for n, (line, spoken) in enumerate(zip(scenario.caller, lines, strict=True), 1):
            try:
                since_s = said[-1].ended_s if said else start_s
                moment_s = await _moment(line, call, start_s, since_s, over_s)
                await _wait_until(moment_s + line.after_ms / 1000, call)
                utterance = await call.say(spoken.samples)
            except (Stuck, CallFailed) as error:
                raise Stuck(f"line {n}: {error}") from error
            over_s = utterance.handed_s(len(spoken.samples) - 1) + FRAME_MS / 1000
            said.append(
                Uttered(utterance.handed_s(spoken.first), utterance.handed_s(spoken.last))
            )
        await call.silence(scenario.listen_s)
    except Stuck as error:
        stuck = str(error)
    end_s = asyncio.get_running_loop().time()
    return Account(
        start_s,
        end_s,
        tuple(said),
        call.heard.peaks,
        tuple(call.events),
        stuck,
        call.worst_late_ms,
    )


async def _moment(
    line: Line, call: Caller, start_s: float, since_s: float, over_s: float
) -> float:
    """When what the line waits for came about, since the last speech of the line before."""
    match line.when:
        case "start":
            return start_s
        case "previous":
            return over_s
        case "agent_speaks":
            heard = call.heard
            await _until(call, lambda: heard.speech_from(since_s) is not None, "speak")
            return heard.speech_from(since_s) or since_s
        case "agent_silent":
            await _until(call, lambda: _reply_over_s(call, since_s) is not None, "finish")
            return _reply_over_s(call, since_s) or since_s
    raise AssertionError(line.when)


async def _until(call: Caller, condition: Callable[[], bool], what: str) -> None:
    if not await call.until(condition, PATIENCE_S):
        if call.ended is not None:
            raise Stuck("the call has ended")
        raise Stuck(f"the agent did not {what} within {PATIENCE_S:g} s")


async def _wait_until(at_s: float, call: Caller) -> None:
    await call.silence(max(0.0, at_s - asyncio.get_running_loop().time()))
    if call.ended is not None:
        raise Stuck("the call has ended")


def _reply_over_s(call: Caller, since_s: float) -> float | None:
    over = ("output_audio_buffer.stopped", "output_audio_buffer.cleared")
    times = (e.at_s for e in call.events if e.type in over and e.at_s >= since_s)
    return next(times, None)
