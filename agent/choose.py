"""Which brain and which voice: a plain match, the only place that knows them by name.

`build` runs in the engine process; the libraries are imported there, not in the media process.
"""

from dataclasses import dataclass

from agent.config import Config
from agent.engines import Brain, Voice


@dataclass(frozen=True, slots=True)
class Choice:
    """What will run, and in one line why."""

    brain: str
    voice: str
    why: str


def choose(config: Config) -> Choice:
    """Resolve `agent.engine`, then let `agent.brain` and `agent.voice` replace its parts."""
    agent = config.agent
    match agent.engine:
        case "scripted":
            brain, voice, why = "scripted", "tone", "agent.engine is scripted"
        case "operator":
            brain, voice, why = "operator", "espeak", "agent.engine is operator"
        case _:
            brain, voice = "operator", "espeak"
            why = "agent.engine is auto, and this version has no engine for a GPU yet"
    return Choice(agent.brain or brain, agent.voice or voice, why)


def build(config: Config) -> tuple[Brain, Voice]:
    """Load the chosen engines; may take seconds. Raises ConfigError or EngineError."""
    choice = choose(config)
    return _brain(choice.brain), _voice(choice.voice)


def _brain(name: str) -> Brain:
    match name:
        case "scripted":
            from agent.brains.scripted import ScriptedBrain

            return ScriptedBrain()
        case _:
            from agent.brains.operator.brain import Operator

            return Operator()


def _voice(name: str) -> Voice:
    match name:
        case "tone":
            from agent.voices.tone import ToneVoice

            return ToneVoice()
        case _:
            from agent.voices.espeak import EspeakVoice

            return EspeakVoice()
