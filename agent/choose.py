"""Which brain and which voice: a plain match, the only place that knows them by name.

`choose` runs in the media process and imports no model; `build` runs in the engine process,
where the libraries are.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from agent import machine
from agent.capable import (
    EXTRA,
    KOKORO_PACKAGES,
    VOXTRAL_PACKAGES,
    kokoro_lacks,
    python_lacks,
    server_lacks,
    voxtral_lacks,
)
from agent.config import Agent, Config, OpenaiChat
from agent.engines import Brain, Style, Voice
from agent.errors import ConfigError, EngineError
from agent.language import narrowed

PLAIN = Style("")  # a voice that cannot say a word in this one is not to be mended by a setting


@dataclass(frozen=True, slots=True)
class Choice:
    """What will run, and in one line why."""

    brain: str
    voice: str
    why: str


def choose(config: Config) -> Choice:
    """Resolve `agent.engine`, then let `agent.brain` and `agent.voice` replace its parts.

    `auto` may ask the driver for GPUs and a named server for its models: seconds, at worst.
    """
    agent = config.agent
    match agent.engine:
        case "scripted":
            brain, voice, why = "scripted", "tone", "agent.engine is scripted"
        case "operator":
            brain, voice, why = "operator", "espeak", "agent.engine is operator"
        case "voxtral":
            brain, voice, why = "voxtral", "kokoro", "agent.engine is voxtral"
        case "vllm":
            brain, why = "openai_chat", "agent.engine is vllm"
            voice, why = _voice_beside(config, why)
        case _:
            brain, voice, why = _best(config)
    return Choice(agent.brain or brain, agent.voice or voice, why)


def build(config: Config, choice: Choice) -> tuple[Brain, Voice]:
    """Load the chosen engines; may take minutes. Raises ConfigError or EngineError."""
    claim_gpu(config, choice)
    if choice.voice == "kokoro":  # a voice it has not is told before anything heavy is loaded
        config = _found_kokoro(config)
    if choice.brain == "voxtral":  # what is wrong there is told before a voice is loaded for it
        config = _found_voxtral(config)
    voice = _voice(choice.voice, config)  # first: the brain takes what memory is left
    return _brain(choice.brain, config), voice


def languages(config: Config, choice: Choice, voices: tuple[str, ...]) -> tuple[str, ...]:
    """Primary subtags of what the voices speak; (): they are named after that, if they tell."""
    if choice.voice != "kokoro":
        return ()
    from agent.voices.kokoro.languages import NEEDS, spoken

    unread = {code for code, names in NEEDS.items() if machine.missing_packages(*names)}
    return spoken(voices, config.agent.voice_name, unread)


def voice_of(choice: Choice, voices: tuple[str, ...], language: str) -> str:
    """Which of the voices speaks a language where none is named; "": theirs does not tell."""
    match choice.voice:
        case "espeak":
            return narrowed(language, voices)
        case "kokoro":
            from agent.voices.kokoro.languages import voice_for

            with suppress(EngineError):  # for one that it does not speak
                return voice_for(language, voices)
    return ""


def unspoken(agent: Agent, error: EngineError) -> ConfigError:
    """What the voice would not say at the start, by the keys of which one is to blame."""
    named = f"agent.voice_name={agent.voice_name!r} and agent.language={agent.language!r}"
    return ConfigError(f"{named}: {error}; change one of the two")


def claim_gpu(config: Config, choice: Choice) -> None:
    """Of several GPUs take one for our own engines; somebody's own class sees them all."""
    names = {choice.brain, choice.voice}
    ours = not any(":" in name for name in names)
    if ours and names & {"voxtral", "kokoro"} and config.torch.device != "cpu":
        machine.claim(os.environ)


def _best(config: Config) -> tuple[str, str, str]:
    """The best that can run, and what is wrong with the better ones.

    A server that somebody named comes first: they named it to use it, and who has both a server
    and a GPU runs the server on it. One that nobody named is not asked.
    """
    if config.agent.brain and config.agent.voice:
        return "", "", "agent.brain and agent.voice name both"
    passed = []
    if config.openai_chat.url != OpenaiChat().url:
        lack = server_lacks(config)
        if not lack:
            voice, why = _voice_beside(config, "auto: openai_chat.url names a server")
            return "openai_chat", voice, why
        passed.append(f"not vllm: {lack}")
    lack = voxtral_lacks(config)
    if not lack:
        why = "auto: a GPU and the weights are there"
        voice, why = _voice_beside(config, "; ".join([why, *passed]))
        return "voxtral", voice, why
    passed.append(f"not voxtral: {lack}")
    return "operator", "espeak", "auto: " + "; ".join(passed)


def _voice_beside(config: Config, why: str) -> tuple[str, str]:
    """Kokoro where it is fast enough to talk with, which is on a GPU."""
    lack = kokoro_lacks(config)
    return ("espeak", f"{why}; not kokoro: {lack}") if lack else ("kokoro", why)


def _brain(name: str, config: Config) -> Brain:
    match name:
        case "scripted":
            from agent.brains.scripted import ScriptedBrain

            return ScriptedBrain()
        case "operator":
            from agent.brains.operator.brain import Operator

            return Operator()
        case "openai_chat":
            from agent.brains.openai_chat.brain import OpenaiChatBrain

            return OpenaiChatBrain(config.openai_chat)
        case "voxtral":
            from agent.brains.voxtral.brain import VoxtralBrain

            calls = config.voxtral.calls or config.limits.calls
            with _reading("voxtral.model"):
                return VoxtralBrain(config.voxtral, config.torch, calls)
        case _:
            from agent import own_engine

            return own_engine.brain(name, config)


def _voice(name: str, config: Config) -> Voice:
    match name:
        case "tone":
            from agent.voices.tone import ToneVoice

            return ToneVoice()
        case "espeak":
            from agent.voices.espeak import EspeakVoice

            return EspeakVoice()
        case "kokoro":
            from agent.voices.kokoro.voice import KokoroVoice

            with _reading("kokoro.model"):
                return KokoroVoice(config.kokoro, config.torch)
        case _:
            from agent import own_engine

            return own_engine.voice(name, config)


def _found_voxtral(config: Config) -> Config:
    """With the folder of its checkpoint, so that the hub is asked once. Raises ConfigError."""
    key = "agent.brain" if config.agent.brain else "agent.engine"
    _wants(key, "voxtral", VOXTRAL_PACKAGES)
    from agent.brains.voxtral.start import found

    with _reading("voxtral.model"):
        folder = found(config.voxtral, config.torch).folder
    return replace(config, voxtral=replace(config.voxtral, model=str(folder)))


def _found_kokoro(config: Config) -> Config:
    """With the folder of its checkpoint, which has the voice asked for. Raises ConfigError."""
    key = "agent.voice" if config.agent.voice else "agent.engine"
    if lack := python_lacks():  # what is missing for that no command installs
        raise ConfigError(f"{key}: {lack}, or set agent.voice to espeak")
    _wants(key, "kokoro", KOKORO_PACKAGES)
    from agent.voices.kokoro.checkpoint import Voices, find
    from agent.voices.kokoro.languages import EXTRAS, NEEDS, chosen

    agent = config.agent
    with _reading("kokoro.model"):
        folder = find(config.kokoro.model)
        voices = Voices(folder / "voices")
    try:
        voice, code = chosen(agent.voice_name, agent.language, voices.names)
    except EngineError as error:
        raise unspoken(agent, error) from error
    if absent := machine.missing_packages(*NEEDS.get(code, ())):
        raise ConfigError(
            f"agent.language={agent.language!r}: Kokoro cannot read it without"
            f" {', '.join(absent)}; run: pip install 'misaki[{EXTRAS[code]}]'"
        )
    try:
        voices.style(voice, 1)
    except EngineError as error:  # the file's fault, and no setting's
        raise ConfigError(f"kokoro.model: {error}") from error
    return replace(config, kokoro=replace(config.kokoro, model=str(folder)))


@contextmanager
def _reading(key: str) -> Iterator[None]:
    """A file that the system does not let us read is the operator's to mend: ConfigError."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            raise
        raise ConfigError(
            f"{key}: {error.filename} cannot be read: {error.strerror}; see what it is, and"
            " let the user that runs Voxline read it"
        ) from error


def _wants(key: str, engine: str, packages: tuple[str, ...]) -> None:
    """Raises ConfigError where the packages of an engine that `key` asks for are missing."""
    if absent := machine.missing_packages(*packages):
        raise ConfigError(
            f"{key}: {engine} needs {', '.join(absent)}; run: {EXTRA}, or choose another"
        )
