"""The whole product over real peer connections on this machine, without a browser.

Server and caller share the process and its event loop; engines run in their own, as always.
The caller's words are spoken by espeak-ng, and what is answered is read from the events and,
where the sound itself matters, from the packets.
"""

import asyncio
import gc
import re
import threading
from functools import cache
from pathlib import Path

import numpy as np
import psutil
import pytest

from agent.config import Agent
from agent.config_file import load
from agent.engines import Style
from agent.serve import running
from agent.voices.espeak import EspeakVoice
from benchmarks.caller import Loss, dial

pytestmark = pytest.mark.slow

OPERATOR = {"agent.engine": "operator", "server.port": 0, "agent.greeting": ""}
OPERATOR["receive.stall_ms"] = 2000  # what a busy machine holds back is late, and no silence
SCRIPTED = {**OPERATOR, "agent.engine": "scripted"}
PATIENCE_S = 60.0


@cache
def words(text):
    """Speech [n] at SPEAK_HZ."""
    speech = EspeakVoice().speak(text, Style(voice=""))
    return np.concatenate([piece.samples for piece in speech])


def of(call, kind):
    return [event for event in call.events if event.type == kind]


async def answered(call, turns=1):
    """Wait until so many replies are over; the transcript of the last."""
    assert await call.until(lambda: len(of(call, "response.done")) >= turns, PATIENCE_S)
    return of(call, "response.output_audio_transcript.done")[-1].body["transcript"]


async def ask(call, text):
    turns = len(of(call, "response.done")) + 1
    await call.say(words(text))
    return await answered(call, turns)


def understood(call):
    done = of(call, "conversation.item.input_audio_transcription.completed")
    return [event.body["transcript"] for event in done]


def test_the_operator_understands_and_speaks() -> None:
    async def main():
        async with running(load(None, OPERATOR)) as url, dial(url) as call:
            assert "It is" in await ask(call, "What time is it?")
            assert "thirteen" not in (joke := await ask(call, "Tell me a joke."))
            assert len(joke) > 20
            assert (
                "go forward ten meters"
                in (await ask(call, "Repeat after me: go forward ten meters.")).lower()
            )
            assert understood(call) == [
                "What time is it",
                "Tell me a joke",
                "Repeat after me go forward ten meters",
            ]
            assert len(call.heard.speech_s) > 100

    asyncio.run(main())


def test_a_greeting_of_several_phrases_is_there_before_the_call() -> None:
    """Killed: a greeting that was made anew in each call, and an apology where none was."""
    voice = {"agent.voice": "host_fakes:OnceVoice", "agent.greeting": Agent().greeting}

    async def main():
        async with running(load(None, {**SCRIPTED, **voice})) as url:
            for _ in range(2):
                async with dial(url) as call:
                    assert await answered(call) == Agent().greeting

    asyncio.run(main())


def test_speech_over_a_reply_silences_it_and_is_answered() -> None:
    async def main():
        async with running(load(None, OPERATOR)) as url, dial(url) as call:
            await call.say(words("Count to fifty."))
            assert await call.until(lambda: len(call.heard.speech_s) > 100, PATIENCE_S)
            await call.say(words("What time is it please?"))
            await answered(call, 2)
            first, second = (event.body["response"] for event in of(call, "response.done"))
            assert first["status"] == "cancelled"
            assert first["status_details"]["reason"] == "turn_detected"
            [cut] = [event.body for event in of(call, "voxline.response.heard")]
            assert cut["heard"].startswith("One, two, three")
            assert cut["heard"][-1].isalpha() and "twenty," in cut["unheard"]
            told = of(call, "response.output_audio_transcript.done")[0].body["transcript"]
            assert cut["heard"] + cut["unheard"] == told
            assert second["status"] == "completed"
            cleared = of(call, "output_audio_buffer.cleared")[0].at_s
            silent_from, answer = cleared + 0.2, of(call, "output_audio_buffer.started")[1].at_s
            assert not [at for at in call.heard.speech_s if silent_from < at < answer - 0.2]

    asyncio.run(main())


def test_goodbye_is_answered_and_the_agent_hangs_up() -> None:
    async def main():
        async with running(load(None, OPERATOR)) as url, dial(url) as call:
            await call.say(words("Goodbye."))
            await call.until(lambda: False, PATIENCE_S)  # until the call ends
            assert call.ended is not None
            assert of(call, "voxline.call.ended")[0].body["reason"] == "agent"
            assert of(call, "response.done")[0].body["response"]["status"] == "completed"

    asyncio.run(main())


def test_lost_packets_cost_no_understanding() -> None:
    async def main():
        loss = Loss(up=0.05, down=0.05, seed=3)
        async with running(load(None, OPERATOR)) as url, dial(url, loss=loss) as call:
            assert "It is" in await ask(call, "What time is it?")
            assert understood(call) == ["What time is it"]

    asyncio.run(main())


def test_a_dead_engine_costs_an_apology_and_comes_back() -> None:
    async def main():
        async with running(load(None, OPERATOR)) as url, dial(url) as call:
            await call.say(words("Count to fifty."))
            assert await call.until(lambda: len(call.heard.speech_s) > 50, PATIENCE_S)
            [engines] = psutil.Process().children()
            engines.kill()
            await answered(call)
            await call.quiet(1.0, PATIENCE_S)
            async with asyncio.timeout(60):
                while "It is" not in await ask(call, "What time is it?"):
                    pass  # it apologises until the engines are there again

    asyncio.run(main())


WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Look outside.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def test_the_clients_function_is_called_and_its_result_spoken() -> None:
    """The whole round trip: offered in the session, called, answered, spoken of."""

    async def main():
        async with running(load(None, SCRIPTED)) as url, dial(url) as call:
            script = 'say: Let me look. [weather {"city": "Bonn"}]\nsay: Goodbye.'
            session = {"tools": [WEATHER], "instructions": script}
            assert await call.until(lambda: bool(of(call, "session.created")), PATIENCE_S)
            call.send({"type": "session.update", "session": session})
            assert await call.until(lambda: bool(of(call, "session.updated")), PATIENCE_S)
            assert of(call, "session.updated")[0].body["session"]["tools"] == [WEATHER]
            await call.say(words("What is the weather like?"))
            calls = lambda: [  # noqa: E731
                event.body["item"]
                for event in of(call, "response.output_item.done")
                if event.body["item"]["type"] == "function_call"
            ]
            assert await call.until(lambda: bool(calls()), PATIENCE_S)
            [called] = calls()
            assert (called["name"], called["arguments"]) == ("weather", '{"city": "Bonn"}')
            assert called["status"] == "completed"
            output = {"type": "function_call_output", "call_id": called["call_id"]}
            output["output"] = "rain"
            call.send({"type": "conversation.item.create", "item": output})
            call.send({"type": "response.create"})
            assert await answered(call, 2) == "weather: rain"
            first, second = (event.body["response"] for event in of(call, "response.done"))
            assert [item["type"] for item in first["output"]] == ["message", "function_call"]
            assert [item["type"] for item in second["output"]] == ["message"]
            assert of(call, "error") == []
            assert await ask(call, "Thank you.") == "Goodbye."

    asyncio.run(main())


def test_what_is_typed_is_answered_aloud() -> None:
    async def main():
        async with running(load(None, OPERATOR)) as url, dial(url) as call:
            assert await call.until(lambda: bool(of(call, "session.created")), PATIENCE_S)
            part = {"type": "input_text", "text": "What time is it?"}
            item = {"type": "message", "role": "user", "content": [part]}
            call.send({"type": "conversation.item.create", "item": item})
            call.send({"type": "response.create"})
            assert "It is" in await answered(call)
            assert len(call.heard.speech_s) > 20

    asyncio.run(main())


def test_the_operators_function_is_called_and_the_agent_goes_on_by_itself(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "weather_report.py").write_text(
        "async def weather(city: str) -> dict[str, str]:\n"
        '    """Look outside."""\n'
        '    return {city: "rain"}\n'
    )
    config = {
        **SCRIPTED,
        "agent.tools": ["weather_report:weather"],
        "agent.instructions": 'say: [weather {"city": "Bonn"}]',
    }

    async def main():
        async with running(load(None, config)) as url, dial(url) as call:
            await call.say(words("What is the weather like?"))
            assert await answered(call, 2) == 'weather: {"Bonn":"rain"}'
            items = [event.body["item"] for event in of(call, "conversation.item.added")]
            kinds = [item["type"] for item in items]
            assert kinds == ["message", "message"]  # of the function the client learns nothing
            assert of(call, "session.created")[0].body["session"]["tools"] == []

    asyncio.run(main())


def test_200_calls_in_a_row_leave_nothing() -> None:
    """Threads, files and tasks return; memory does not grow with the second hundred.

    Memory is what was asked for, in RAM or swapped out: where RAM is short, the system takes
    pages away and brings them back, and what is in RAM says nothing.
    """
    process = psutil.Process()

    async def one(url):
        async with dial(url) as call:
            assert await call.until(lambda: bool(call.events), PATIENCE_S)

    def counts():
        gc.collect()
        return threading.active_count(), process.num_fds(), len(asyncio.all_tasks())

    def held_kb():
        status = Path("/proc/self/status").read_text()
        return sum(map(int, re.findall(r"^(?:RssAnon|VmSwap):\s+(\d+) kB", status, re.M)))

    async def main():
        async with running(load(None, {**SCRIPTED, "limits.calls": 2})) as url:
            for _ in range(20):
                await one(url)
            before = counts()
            for _ in range(80):
                await one(url)
            memory_kb = held_kb()
            for _ in range(100):
                await one(url)
            after = counts()
            assert after[0] <= before[0]
            assert after[1] <= before[1] + 2
            assert after[2] <= before[2] + 2
            assert held_kb() < memory_kb + 5_000  # 50 kB a call
            [engines] = process.children()
            assert engines.num_fds() < 20
            assert engines.num_threads() < 20

    asyncio.run(main())
