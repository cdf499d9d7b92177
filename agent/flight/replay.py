"""Flies a recorded call again: the real receiver, ear, turns, replies and playout, in virtual
time, with engines, functions and client that say what they said then.

First everything is kept in the order of the record. Where the decisions differ all the same
(other thresholds, other code), it is flown again with timers that are never late, and that
counts.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from aiortc.mediastreams import MediaStreamError

import agent.flight.entries as en
from agent.audio.frame import Samples
from agent.call import Call
from agent.canned import Canned
from agent.config import Config
from agent.endpoint.odds import ADVISER, OPINIONS
from agent.engines import Style
from agent.events import EndReason
from agent.flight.compare import TOLERANCE_S, Difference, compare
from agent.flight.loop import ReplayLoop
from agent.flight.paced import PacedPlayout, PacedReceiver
from agent.flight.played import (
    Answers,
    PlayedClient,
    PlayedEngines,
    PlayedFunctions,
    PlayedSlots,
)
from agent.flight.record import Flight
from agent.flight.recorder import Parts, Recorder
from agent.flight.script import Kind, Script
from agent.media.playout import Playout
from agent.media.receiver import Receiver
from agent.metrics import Metrics
from agent.shared import Shared
from agent.vad.silero import Silero

log = logging.getLogger(__name__)

_LATE_S = 0.25  # no timer of a live call is later


@dataclass(frozen=True, slots=True)
class Replayed:
    """What happened now, and the sound of both sides with its times."""

    entries: list[en.Entry] = field(default_factory=list)
    caller: list[tuple[float, Samples]] = field(default_factory=list)  # [n] at HEAR_HZ each
    agent: list[tuple[float, Samples]] = field(default_factory=list)  # [SPEAK_FRAME] each


@dataclass(frozen=True, slots=True)
class Outcome:
    """A replay, held against its record."""

    replayed: Replayed
    difference: Difference


def replay(flight: Flight, overrides: Mapping[str, Any] | None = None) -> Outcome:
    """Raises ConfigError where the recorded configuration does not fit this Voxline."""
    config = flight.header.configured(overrides or {})
    outcome = _fly(flight, config, _LATE_S)
    return outcome if outcome.difference.identical else _fly(flight, config, 0.0)


def _fly(flight: Flight, config: Config, late_s: float) -> Outcome:
    script = Script(flight.entries, late_s)
    with asyncio.Runner(loop_factory=partial(ReplayLoop, script)) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, ReplayLoop)
        cockpit = _Cockpit(flight, config, loop)
        # it returns nothing: Runner formats what its task returns, here megabytes of sound
        runner.run(cockpit.fly())
    replayed = cockpit.replayed
    return Outcome(replayed, compare(flight.entries, replayed.entries, _whole_until(flight)))


def _whole_until(flight: Flight) -> float:
    """Before which time nothing is missing from the record."""
    if not flight.entries or any(map(en.hung_up, flight.entries)):
        return float("inf")
    return flight.entries[-1].at - TOLERANCE_S


def _kind(callback: Callable[..., object]) -> Kind:
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, Receiver):
        return en.Heard
    if isinstance(owner, Playout):
        return en.Sent
    return en.Ticked if isinstance(owner, Call) else None


class _Line:
    round_trip_s = 0.0  # where the caller was when they spoke over a reply decides nothing

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, text: str) -> None:
        pass

    def closed(self, reason: EndReason) -> None:
        pass


class _Cockpit:
    """One replay."""

    def __init__(self, flight: Flight, config: Config, loop: ReplayLoop) -> None:
        self._flight, self._config, self._loop = flight, config, loop
        self.replayed = Replayed()
        self._over = False

    async def fly(self) -> None:
        loop = self._loop
        over = asyncio.Event()
        recorder = Recorder(self._note)
        self._client = PlayedClient(self._flight.header.settings)
        parts = recorder.parts(self._parts(Answers(self._flight.entries)))
        self._playout = PacedPlayout(self._config.playout, parts.encode)
        self._call = Call(
            parts.shared,
            parts.client,
            _Line(self._flight.header.name),
            self._playout,
            parts.engines,
            parts.vad,
        )
        self._taps = recorder.taps(self._call, self._playout)
        sounded, slots = self._playout.on_sound, PlayedSlots(self._flight.entries)
        assert sounded is not None
        self._playout.on_sound = lambda samples, at_s: sounded(samples, slots.like(at_s))
        self._receiver = PacedReceiver(self._config.receive, self._hear, self._taps.packet)
        self._pump: asyncio.Task[None] | None = None
        loop.kind, loop.give = _kind, self._give
        loop.finish = over.set
        await over.wait()
        self._over = True
        self._receiver.close()
        self._call.end(EndReason.ERROR)
        self._playout.stop()

    def _parts(self, answers: Answers) -> Parts:
        functions = PlayedFunctions(answers, self._flight.header.tools)
        return Parts(
            Shared(self._config, Canned(Style("")), Metrics(), functions),
            self._client,
            PlayedEngines(answers),
            Silero(),
            self._say,
        )

    def _note(self, entry: en.Entry) -> None:
        if not self._over:
            self.replayed.entries.append(entry)
            self._loop.happened(entry)

    def _hear(self, samples: Samples) -> None:
        self.replayed.caller.append((self._loop.now, samples))
        self._taps.hear(samples)

    def _say(self, samples: Samples) -> bytes:
        self.replayed.agent.append((self._loop.now, np.array(samples)))
        return b"-"

    def _give(self, entry: en.Cause | en.Stepped) -> None:
        try:
            self._take(entry)
        except Exception:  # as in a live call: it goes on
            log.exception("the call failed to take what was recorded at %.3f s", entry.at)

    def _take(self, entry: en.Cause | en.Stepped) -> None:
        match entry:
            case en.Packet(_, ssrc, sequence, timestamp, payload):
                self._receiver.take(ssrc, sequence, timestamp, payload)
            case en.Joined():
                self._taps.connected()
            case en.Opened():
                self._taps.channel_opened()
            case en.Began():
                self._pump = asyncio.create_task(self._send())
            case en.Asked(_, requests):
                self._client.requests = requests
                self._call.message("")
            case en.Opined(_, who, odds):
                if who in OPINIONS and (
                    who != ADVISER or self._config.turns.smart_turn != "never"
                ):
                    self._call.opined(who, odds)
            case en.Stepped():
                if event := en.hung_up(entry):
                    self._call.end(event.reason)

    async def _send(self) -> None:
        with suppress(MediaStreamError):
            while True:
                await self._playout.recv()
