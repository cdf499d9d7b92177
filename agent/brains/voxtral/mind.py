"""A started Voxtral as a `Brain`: a slot for each call, and one for questions beside."""

from agent.brains.voxtral.filling import Runner
from agent.brains.voxtral.listener import Shared, VoxtralListener
from agent.brains.voxtral.room import needs_pen
from agent.brains.voxtral.scheduler import Scheduler
from agent.brains.voxtral.tekken import Tekken
from agent.config import Voxtral

_PATIENCE_S = 2.0  # for a slot that its last call is about to leave


class Mind:
    """`Brain` on a runner; `close` ends its thread."""

    def __init__(self, runner: Runner, tekken: Tekken, config: Voxtral) -> None:
        """Of two slots or more one is the pen's, if that is wanted."""
        self._scheduler = Scheduler(runner, begin_audio=tekken.begin_audio, stop=tekken.eos)
        pen = None
        if needs_pen(config) and runner.slots > 1:
            pen = self._scheduler.take(0.0)
        self._calls = runner.slots - (pen is not None)
        self._shared = Shared(self._scheduler, tekken, config, runner.context, pen)

    def capacity(self) -> int:
        return self._calls

    def listen(self) -> VoxtralListener:
        """Begin a call. Raises EngineError when every slot is taken."""
        return VoxtralListener(self._shared, self._scheduler.take(_PATIENCE_S))

    def close(self) -> None:
        """No more is answered."""
        self._scheduler.close()
