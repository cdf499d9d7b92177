"""Scenarios in real time: over peer connections, against servers of the benchmark's own.

Those that want the same server share one, and several are on the line at once.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agent.audio.frame import SPEAK_HZ
from agent.config import Config
from agent.media import upstream
from benchmarks import own_server
from benchmarks.caller import CallFailed, dial
from benchmarks.dialogue.account import Account
from benchmarks.dialogue.play import play
from benchmarks.dialogue.scenario import configured, settings
from benchmarks.dialogue.world import Part, Settings

# Of four on two cores the operator answered some half a second late: each takes a recogniser.
AT_ONCE = 2


class LiveWorld:
    """A `World` on this machine's network."""

    name = "live"

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """`at_once`: calls on the line; more than the machine bears make each other late."""
        self._at_once = at_once

    def play(
        self, parts: Sequence[Part], settings: Settings, done: Callable[[Part, Account], None]
    ) -> None:
        upstream.check()
        upstream.install(Config())
        for part in parts:  # what is wrong is told before any server starts
            configured(part.scenario, settings.config, settings.overrides)
        # not uvloop, whose clock stands still within a round and counts whole milliseconds
        asyncio.run(self._play_all(parts, settings, done))

    async def _play_all(
        self, parts: Sequence[Part], settings: Settings, done: Callable[[Part, Account], None]
    ) -> None:
        for command, group in _groups(parts, settings):
            async with own_server.running(command) as url:
                seats = asyncio.Semaphore(self._at_once)
                try:
                    async with asyncio.TaskGroup() as calls:
                        for part in sorted(group, key=_length, reverse=True):
                            calls.create_task(_one(url, part, seats, done))
                except* CallFailed as failed:
                    raise CallFailed(_message(failed)) from failed


async def _one(
    url: str, part: Part, seats: asyncio.Semaphore, done: Callable[[Part, Account], None]
) -> None:
    async with seats:
        async with dial(url, session=part.session) as call:
            account = await play(part, call)
        done(part, account)


def _message(failed: BaseExceptionGroup[CallFailed]) -> str:
    """What went wrong first."""
    error: BaseException = failed
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def _length(part: Part) -> float:
    """About how much it takes: the longest begin first."""
    return (
        sum(len(line.samples) for line in part.sound.lines) / SPEAK_HZ + part.scenario.listen_s
    )


def _groups(parts: Sequence[Part], outer: Settings) -> Iterator[tuple[list[str], list[Part]]]:
    """Parts that want the same server, with its command line."""
    groups: dict[str, tuple[list[str], list[Part]]] = {}
    for part in parts:
        laid = settings(part.scenario, outer.overrides)
        command = _command(laid, outer)
        groups.setdefault(" ".join(command), (command, []))[1].append(part)
    yield from groups.values()


def _command(laid: dict[str, Any], outer: Settings) -> list[str]:
    engine = str(laid.pop("agent.engine"))
    overrides = [f"{key}={json.dumps(value)}" for key, value in laid.items()]
    config = None if outer.config is None else str(outer.config)
    return own_server.command(engine, overrides, config)
