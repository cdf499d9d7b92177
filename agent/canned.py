"""Phrases known before any call, spoken once at start: a greeting costs nothing, and an apology
can be said even when the voice has just died.
"""

import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from agent.engines import CallEngines, Speech, Style
from agent.errors import EngineError

log = logging.getLogger(__name__)


class Canned:
    """Audio of fixed phrases in the configured style."""

    def __init__(self, style: Style) -> None:
        self._style = style
        self._speech: dict[str, list[Speech]] = {}

    async def record(self, engines: CallEngines, phrases: Iterable[str]) -> None:
        """Have each phrase spoken once. One that fails is spoken live when it is needed."""
        for phrase in phrases:
            try:
                self._speech[phrase] = [s async for s in engines.speak(0, phrase, self._style)]
            except EngineError as error:
                log.warning("could not prepare the phrase %r: %s", phrase, error)

    async def speak(
        self, engines: CallEngines, turn: int, phrase: str, style: Style
    ) -> AsyncGenerator[Speech]:
        """The phrase in `style`: from memory if that is the recorded one, else by the voice.

        If the voice fails at once, a recording in the wrong style beats silence.
        Raises EngineError.
        """
        recorded = self._speech.get(phrase)
        if recorded is not None and style == self._style:
            for speech in recorded:
                yield speech
            return
        begun = False
        try:
            async with aclosing(engines.speak(turn, phrase, style)) as live:
                async for speech in live:
                    begun = True
                    yield speech
        except EngineError:
            if recorded is None or begun:
                raise
            for speech in recorded:
                yield speech
