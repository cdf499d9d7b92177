"""Phrases spoken before they are needed."""

import numpy as np
import pytest
from fakes import FakeEngines

from agent.canned import Canned
from agent.engines import Style
from agent.errors import EngineError
from agent.virtual_time import run

STYLE = Style("")
FASTER = Style("", speed=1.5)


async def recorded():
    engines, canned = FakeEngines(), Canned(STYLE)
    await canned.record(engines, ["Hello there.", "Sorry."])
    engines.spoken.clear()
    return engines, canned


async def speak(canned, engines, phrase, style):
    return [speech async for speech in canned.speak(engines, 1, phrase, style)]


def test_a_recorded_phrase_needs_no_voice_and_is_the_same() -> None:
    async def main():
        engines, canned = await recorded()
        fresh = [s async for s in FakeEngines().speak(1, "Hello there.", STYLE)]
        speech = await speak(canned, engines, "Hello there.", STYLE)
        assert engines.spoken == []
        assert all(
            np.array_equal(a.samples, b.samples) for a, b in zip(speech, fresh, strict=True)
        )
        assert [s.words for s in speech] == [s.words for s in fresh]

    run(main())


def test_any_other_phrase_or_style_is_spoken_live() -> None:
    async def main():
        engines, canned = await recorded()
        await speak(canned, engines, "Something else.", STYLE)
        await speak(canned, engines, "Hello there.", FASTER)
        assert engines.spoken == ["Something else.", "Hello there."]
        assert engines.styles[-1] == FASTER

    run(main())


def test_when_the_voice_dies_a_recording_in_the_wrong_style_beats_silence() -> None:
    async def main():
        engines, canned = await recorded()
        engines.voice_error = EngineError("gone")
        assert await speak(canned, engines, "Sorry.", FASTER)
        with pytest.raises(EngineError, match="gone"):
            await speak(canned, engines, "Something else.", FASTER)

    run(main())


def test_a_phrase_that_cannot_be_recorded_does_not_stop_the_start(caplog) -> None:
    async def main():
        engines, canned = FakeEngines(), Canned(STYLE)
        engines.voice_error = EngineError("no such voice")
        await canned.record(engines, ["Hello."])
        assert "no such voice" in caplog.text
        engines.voice_error = None
        assert await speak(canned, engines, "Hello.", STYLE)

    run(main())


def test_a_voice_that_dies_in_mid_phrase_is_not_patched_with_the_beginning() -> None:
    class Dying(FakeEngines):
        async def speak(self, turn, phrase, style):
            async for speech in super().speak(turn, phrase, style):
                yield speech
                raise EngineError("gone")

    async def main():
        _, canned = await recorded()
        heard = []
        with pytest.raises(EngineError, match="gone"):
            async for speech in canned.speak(Dying(), 1, "Hello there.", FASTER):
                heard.append(speech)
        assert len(heard) == 1

    run(main())
