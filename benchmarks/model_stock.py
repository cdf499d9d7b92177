"""The same work the stock way: transformers' generate() with its processor, kokoro's own model.

What a reader would get from the model cards' examples; measured beside ours in the same run.
"""

import base64
import io
import time
from collections.abc import Callable
from importlib import import_module
from statistics import median
from typing import Any

import soundfile
import torch

from agent.accelerator.device import DTYPES, accelerator
from agent.audio.frame import HEAR_HZ, Samples
from agent.config import Config

_TOKENS = 17  # of the longer answer: sixteen more than the shorter one's
_INSTRUCTIONS = "You are a friendly telephone agent. Answer in one or two short sentences."


class StockVoxtral:
    """generate() on the processor's inputs, one conversation at a time."""

    def __init__(self, config: Config, utterance: Samples) -> None:
        hub: Any = import_module("transformers")
        folder, dtype = config.voxtral.model, DTYPES[config.voxtral.dtype]
        self._device = accelerator(config.torch).device
        self._processor: Any = hub.AutoProcessor.from_pretrained(folder)
        self._model: Any = (
            hub.VoxtralForConditionalGeneration.from_pretrained(folder, dtype=dtype)
            .to(self._device)
            .eval()
        )
        self._dtype, self._wav = dtype, _wav(utterance)

    def first_ms(self, repeats: int) -> float:
        """From the utterance to the first token, p50: processor included, as in a call."""
        return median(times_ms(lambda: self._answer(1), repeats))

    def token_ms(self, repeats: int) -> float:
        """One token more."""
        longer = median(times_ms(lambda: self._answer(_TOKENS), repeats))
        return max(0.0, longer - self.first_ms(repeats)) / (_TOKENS - 1)

    def _answer(self, tokens: int) -> None:
        content = [
            {"type": "text", "text": _INSTRUCTIONS},
            {"type": "audio", "base64": self._wav},
        ]
        asked = self._processor.apply_chat_template([{"role": "user", "content": content}])
        inputs = asked.to(self._device, dtype=self._dtype)
        answer = self._model.generate(
            **inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False
        )
        answer.cpu()  # waits for the device


class StockKokoro:
    """KModel's own forward on the phonemes that kokoro's pipeline would give it."""

    def __init__(self, config: Config) -> None:
        from agent.voices.kokoro.checkpoint import load
        from agent.voices.kokoro.g2p import reader

        checkpoint = load(config.kokoro.model)
        self._device = accelerator(config.torch).device
        self._model: Any = checkpoint.model.to(self._device)
        self._style = checkpoint.voices.style
        self._voice = checkpoint.voices.names[0]
        self._reader = reader("a")

    def phrase_ms(self, phrase: str, repeats: int) -> float:
        """From the phonemes to the samples in memory, p50."""
        phonemes = " ".join(self._reader.read(phrase.split()))
        style = self._style(self._voice, len(phonemes)).view(1, -1).to(self._device)

        @torch.no_grad()
        def speak() -> None:
            self._model(phonemes, style).cpu()

        return median(times_ms(speak, repeats))


def times_ms(
    work: Callable[[], object], repeats: int, before: Callable[[], object] | None = None
) -> list[float]:
    """How long `work` takes, so many times, after once to warm up; `before` is not counted."""
    taken = []
    for number in range(repeats + 1):
        if before is not None:
            before()
        began = time.perf_counter()
        work()
        if number:
            taken.append(1000 * (time.perf_counter() - began))
    return taken


def _wav(samples: Samples) -> str:
    written = io.BytesIO()
    soundfile.write(written, samples, HEAR_HZ, format="WAV", subtype="PCM_16")
    return base64.b64encode(written.getvalue()).decode()
