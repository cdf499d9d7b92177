"""A call answered by Voxtral in Kokoro's voice, over a real peer connection: tiny, random, and
the real classes.

What it says means nothing, so what is looked at is the way: sound in, text out, spoken, and a
process that dies in mid-reply and comes back.
"""

import asyncio

import psutil
import pytest
import test_loopback as loopback
import tiny_kokoro
import tiny_voxtral
from safetensors.torch import load_file, save_file

from agent.config_file import load
from agent.serve import running
from benchmarks.caller import dial

pytestmark = pytest.mark.slow

PATIENCE_S = 60.0  # Kokoro's smallest is a large model for a CPU


def speak_on(folder) -> None:
    """Let the model say "a a a ..." until it is stopped, whatever it hears.

    An answer of many words: the engines hold most of it back when its first one is heard.
    """
    letter, space = (64 + ord(character) for character in "a ")  # ids of the tiny tokenizer
    weights = load_file(folder / "model.safetensors")
    [head] = [weights[name] for name in weights if "lm_head" in name]
    [embedding] = [weights[name] for name in weights if "embed_tokens" in name]
    embedding[letter, 0], embedding[space, 0] = 100, -100  # drowns out all else
    head[:] = 0
    head[space, 0], head[letter, 0] = 1, -1
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tiny_voxtral.make(tmp_path_factory.mktemp("voxtral"))
    speak_on(folder)
    voice = tiny_kokoro.make(tmp_path_factory.mktemp("kokoro"))
    return load(
        None,
        {
            "agent.engine": "voxtral",
            "agent.greeting": "",
            "agent.goodbye": "Bye.",
            "agent.still_there": "Hello?",
            "agent.apology": "Sorry.",
            "server.port": 0,
            "limits.calls": 2,
            "limits.engine_s": PATIENCE_S,
            "kokoro.model": str(voice),
            "torch.device": "cpu",
            "voxtral.model": str(folder),
            "voxtral.dtype": "float32",
            "voxtral.context_tokens": 2048,
            "voxtral.max_new_tokens": 60,
            "playout.depth_ms": 100,
        },
    )


def replies(call):
    return [event.body["response"] for event in loopback.of(call, "response.done")]


async def ask(call, text):
    """Say it; the reply once it is over."""
    count = len(replies(call)) + 1
    await call.say(loopback.words(text))
    assert await call.until(lambda: len(replies(call)) >= count, PATIENCE_S)
    return replies(call)[-1]


def test_callers_are_answered_also_after_the_engines_died(config) -> None:
    async def main():
        async with running(config) as url, dial(url) as call:
            async with dial(url) as other:
                answers = await asyncio.gather(
                    ask(call, "What time is it?"), ask(other, "Tell me a joke.")
                )
            assert [answer["status"] for answer in answers] == ["completed"] * 2
            said = loopback.of(call, "response.output_audio_transcript.done")
            assert said[0].body["transcript"].split() == ["a"] * 30

            heard, done = len(call.heard.speech_s), len(replies(call))
            await call.say(loopback.words("Count to thirty."))
            assert await call.until(lambda: len(call.heard.speech_s) > heard, PATIENCE_S)
            [engines] = psutil.Process().children()
            engines.kill()
            assert await call.until(lambda: len(replies(call)) > done, PATIENCE_S)
            assert replies(call)[-1]["status"] == "failed"
            last = loopback.of(call, "response.output_audio_transcript.done")[-1]
            assert last.body["transcript"].endswith(config.agent.apology)

            await call.quiet(1.0, PATIENCE_S)
            async with asyncio.timeout(120):
                while (await ask(call, "What time is it?"))["status"] != "completed":
                    pass  # it apologises until the model is loaded again

    asyncio.run(main())
