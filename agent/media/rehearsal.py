"""A call to ourselves before the first caller: what is slow only once is slow then.

The first handshake of a process loads OpenSSL's tables (4 ms), the first packets make caches
and types. Knows a peer connection; neither the engines nor HTTP.
"""

import asyncio
import logging
from dataclasses import replace

import numpy as np

from agent.audio.frame import SPEAK_FRAME
from agent.config import Config
from agent.errors import RejectedOffer
from agent.media.opus import Encoder
from agent.media.peer import Peer
from agent.media.playout import Playout

_log = logging.getLogger(__name__)

_LIMIT_S = 2.0
_FRAMES = 5
_TURN = 1


async def rehearse(config: Config) -> bool:
    """Connect, exchange a message and a few packets, hang up; a tenth of a second.

    False when that did not come about in two seconds: the network may be such that we cannot
    call ourselves, and the first caller then waits for what was to be done here.
    """
    config = replace(config, ice=replace(config.ice, servers=()))  # which may not answer
    caller, agent = _Side(config), _Side(config)
    try:
        async with asyncio.timeout(_LIMIT_S):
            await caller.peer.accept(await agent.peer.answer(await caller.peer.offer()))
            for side in (caller, agent):
                side.speak()
            await asyncio.gather(caller.heard_all.wait(), agent.heard_all.wait())
        return True
    except (TimeoutError, RejectedOffer):
        _log.info("no rehearsal: this machine cannot call itself")
        return False
    finally:
        await caller.peer.close()
        await agent.peer.close()


class _Side:
    """One end, which is content when it heard a message and some sound."""

    def __init__(self, config: Config) -> None:
        self.heard_all = asyncio.Event()
        self._missing = {"message", "sound"}
        self._playout = Playout(config.playout, Encoder(config.send).encode)
        self.peer = Peer(
            config,
            self._playout,
            on_connected=lambda: None,
            on_audio=lambda samples: self._hear("sound"),
            on_message=lambda text: self._hear("message"),
            on_closed=lambda reason: None,
        )

    def speak(self) -> None:
        """Say something; it leaves as soon as there is a connection."""
        self.peer.send("rehearsal")
        noise = np.random.default_rng(0).standard_normal(SPEAK_FRAME * _FRAMES)
        self._playout.play(_TURN, (0.01 * noise).astype(np.float32))
        self._playout.end(_TURN)

    def _hear(self, what: str) -> None:
        self._missing.discard(what)
        if not self._missing:
            self.heard_all.set()
