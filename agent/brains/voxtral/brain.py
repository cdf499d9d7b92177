"""Voxtral as config.yaml describes it: loaded, recorded, ready to listen."""

import logging

from agent.brains.voxtral.listener import VoxtralListener
from agent.brains.voxtral.mind import Mind
from agent.brains.voxtral.room import needs_pen
from agent.brains.voxtral.start import start
from agent.config import Config, Limits, Torch, Voxtral

log = logging.getLogger(__name__)


class VoxtralBrain:
    """`Brain` on a checkpoint. Built once a process."""

    def __init__(self, voxtral: Voxtral, torch: Torch, calls: int) -> None:
        """Load it for `calls` at once, or as many as fit; minutes on a GPU.

        Raises ConfigError and EngineError.
        """
        started = start(Config(limits=Limits(calls=calls), torch=torch, voxtral=voxtral))
        if needs_pen(voxtral) and started.runner.slots < 2:
            log.warning(
                "voxtral: the memory holds one call, and nothing beside its replies: there will"
                " be no transcripts, and nobody judges whether a caller has finished"
            )
        self._mind = Mind(started.runner, started.tekken, voxtral)

    def capacity(self) -> int:
        """Calls that its memory holds at once."""
        return self._mind.capacity()

    def listen(self) -> VoxtralListener:
        """Begin a call. Raises EngineError when there is no room for it."""
        return self._mind.listen()

    def close(self) -> None:
        """End its thread; what is under way fails."""
        self._mind.close()
