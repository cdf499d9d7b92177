"""A dialogue as data: who says what when, and what must come of it. Read from a YAML file.

    about: a line on what this dialogue is about
    set: {turns.eagerness: low}            # keys of config.yaml
    background: {noise_ms: 1000, gain_db: -30}   # under all that the caller says; a Sound
    agent:
      engine: scripted                     # or operator; both speak in tones of 150 ms a word
      answers:                             # of the scripted engine: the first, the second, ...
        - counts_to: 20                    # or text: "..."
          thinks_ms: 300
    caller:                                # lines, said in this order, numbered from 1
      - when: start                        # previous | agent_speaks | agent_silent
        after_ms: 500
        sounds:                            # one behind the other, one of these each:
          - say: Could you [300 ms] tell me [250 ms breath] why   # by espeak-ng; voice, speed
          - silence_ms: 320
          - play: jfk                      # a recording; from_s, to_s
          - noise_ms: 200                  # white, at -20 dBFS; gain_db goes with every sound
    listen_s: 4                            # after the last line, or the start if there is none
    expect:                                # any number of keys each
      - line: 1                            # left out: the last line
        answered_ms: 700
        cut_ins: 0
      - utterances: 1
      - ducked_ms: 150
        fails_because: why it does not hold yet; that it holds is then a failure

Knows files and values; knows no call. What each key means stands beside it below.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any

from agent.config import Between, Config, OneOf
from agent.config_file import build, load, read_yaml
from agent.errors import ConfigError
from agent.events import EndReason
from agent.state import State

FOLDER = Path(__file__).parents[1] / "dialogues"
STILL_ON = "nothing"  # what ended a call that goes on

_Ms = Annotated[int, Between(0, 600_000)]
_Count = Annotated[int, Between(0, 1000)]


@dataclass(frozen=True, slots=True)
class Sound:
    """One of `say`, `play`, `noise_ms`, `silence_ms`."""

    say: str = ""
    voice: str = "en-us"  # espeak-ng's name
    speed: Annotated[float, Between(0.5, 2.0)] = 1.0
    play: str = ""  # a file in the recordings' folder, without its suffix
    from_s: Annotated[float, Between(0, 600)] = 0.0
    to_s: Annotated[float, Between(0, 600)] | None = None
    noise_ms: _Ms | None = None
    silence_ms: _Ms | None = None
    gain_db: Annotated[float, Between(-80, 20)] = 0.0

    @property
    def kinds(self) -> list[str]:
        """Which of the four it is; a good one is one."""
        lengths = {"noise_ms": self.noise_ms, "silence_ms": self.silence_ms}
        given = {"say": self.say, "play": self.play}
        return [key for key, text in given.items() if text] + [
            key for key, ms in lengths.items() if ms is not None
        ]


@dataclass(frozen=True, slots=True)
class Line:
    """What the caller says in one go, and when: so long after what `when` names.

    start: the call is connected. previous: the line before ends. agent_speaks: the first sound
    of the agent after the line before. agent_silent: a reply is over, after the line before.
    """

    sounds: tuple[Sound, ...]
    when: Annotated[str, OneOf("start", "previous", "agent_speaks", "agent_silent")] = (
        "previous"
    )
    after_ms: _Ms = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the scripted engine says: a text, or the numbers from one to `counts_to`."""

    text: str = ""
    counts_to: Annotated[int, Between(1, 100)] | None = None
    thinks_ms: Annotated[int, Between(0, 10_000)] = 0


@dataclass(frozen=True, slots=True)
class Agent:
    """The other side."""

    engine: Annotated[str, OneOf("scripted", "operator")] = "scripted"
    answers: tuple[Answer, ...] = (Answer(counts_to=10),)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be so. The first part is about a line, the rest about the whole call."""

    line: Annotated[int, Between(1, 1000)] | None = None
    answered_ms: _Ms | None = None  # a reply begins so soon after the line's last speech
    cut_ins: _Count | None = None  # so many replies at most begin within the line
    silent_ms: _Ms | None = None  # from the line's first speech until the reply is silent
    ducked_ms: _Ms | None = None  # from there until it is heard at -8 dB or less, and goes on
    resumed_ms: _Ms | None = None  # from the line's end until it goes on at full level

    utterances: _Count | None = None  # taken for turns; a turn that was answered too soon: two
    completed: _Count | None = None  # replies that were heard to their end, prompts included
    cut: _Count | None = None  # replies that were stopped
    heard: tuple[str, ...] = ()  # each within what was heard of one reply
    unheard: tuple[str, ...] = ()  # in none
    understood: tuple[str, ...] = ()  # each within one turn of the caller's, by the engine
    not_understood: tuple[str, ...] = ()
    ended_by: Annotated[str, OneOf(STILL_ON, *(each.value for each in EndReason))] = ""
    ended_ms: _Ms | None = None  # so soon after the start
    state: Annotated[str, OneOf(*(each.name.lower() for each in State))] = ""  # at the end

    fails_because: str = ""


OF_A_LINE = ("answered_ms", "cut_ins", "silent_ms", "ducked_ms", "resumed_ms")
_QUALIFIERS = ("line", "fails_because")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A file's content."""

    about: str
    expect: tuple[Expectation, ...]
    set: Mapping[str, Any] = field(default_factory=dict)
    background: Sound | None = None
    agent: Agent = field(default_factory=Agent)
    caller: tuple[Line, ...] = ()
    listen_s: Annotated[float, Between(0, 600)] = 4.0

    @property
    def sounds(self) -> tuple[Sound, ...]:
        """All that the caller makes heard."""
        behind = () if self.background is None else (self.background,)
        return (*behind, *(sound for line in self.caller for sound in line.sounds))


def read(path: Path) -> Scenario:
    """Read a scenario. Raises ConfigError naming file, key, value and what is allowed."""
    tree = read_yaml(path)
    try:
        scenario: Scenario = build(Scenario, tree, "")
        _check(scenario)
    except ConfigError as error:
        raise ConfigError(f"{path.name}: {error}") from None
    return scenario


def configured(scenario: Scenario, path: Path | None, overrides: Mapping[str, Any]) -> Config:
    """The configuration of the scenario's server; `overrides` win over what it sets itself.

    `path` is a config.yaml, None: all defaults. Raises ConfigError.
    """
    return load(path, settings(scenario, overrides))


def settings(scenario: Scenario, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What is laid over config.yaml: keys with their values."""
    plain = {"agent.greeting": "", "agent.brain": "", "agent.voice": "tone", "agent.tools": []}
    return {**plain, "agent.engine": scenario.agent.engine, **scenario.set, **overrides}


def _check(scenario: Scenario) -> None:
    load(None, settings(scenario, {}))
    for n, line in enumerate(scenario.caller, 1):
        if not line.sounds:
            raise ConfigError(f"caller[{n}].sounds: a line has at least one sound")
        for m, sound in enumerate(line.sounds, 1):
            _check_sound(sound, f"caller[{n}].sounds[{m}]")
    if scenario.background is not None:
        _check_sound(scenario.background, "background")
    for n, answer in enumerate(scenario.agent.answers, 1):
        if bool(answer.text) == bool(answer.counts_to) or "\n" in answer.text:
            raise ConfigError(f"agent.answers[{n}]: needs a text of one line, or counts_to")
    if not scenario.agent.answers:
        raise ConfigError("agent.answers: needs at least one")
    if not scenario.expect:
        raise ConfigError("expect: a scenario that expects nothing shows nothing")
    for n, expected in enumerate(scenario.expect, 1):
        _check_expectation(expected, len(scenario.caller), f"expect[{n}]")


def _check_sound(sound: Sound, where: str) -> None:
    if len(sound.kinds) != 1:
        found = f"found {' and '.join(sound.kinds)}" if sound.kinds else "found none"
        raise ConfigError(f"{where}: needs one of say, play, noise_ms, silence_ms; {found}")
    if sound.to_s is not None and not sound.from_s < sound.to_s:
        raise ConfigError(
            f"{where}.to_s: {sound.to_s:g} is not allowed; it must be above from_s "
            f"({sound.from_s:g})"
        )


def _check_expectation(expected: Expectation, lines: int, where: str) -> None:
    given = keys(expected)
    if not given:
        known = ", ".join(f.name for f in fields(Expectation) if f.name not in _QUALIFIERS)
        raise ConfigError(f"{where}: expects nothing; known are {known}")
    about_line = [key for key in given if key in OF_A_LINE]
    if about_line and not lines:
        raise ConfigError(f"{where}.{about_line[0]}: is about a line, and there is none")
    if expected.line is not None and expected.line > lines:
        raise ConfigError(
            f"{where}.line: {expected.line} is not allowed; there are {lines} lines"
        )


def keys(expected: Expectation) -> tuple[str, ...]:
    """What it expects: the names of its keys that were given."""
    return tuple(
        each.name
        for each in fields(Expectation)
        if each.name not in _QUALIFIERS and getattr(expected, each.name) not in (None, "", ())
    )
