"""The Realtime `session` object: what a client may change of a call; checked, merged, shown.

A session shows what holds, not what was asked for: fields that mean nothing here (formats,
tracing, noise reduction, a model's name) are accepted, so that clients made for the vendor's
server connect unchanged, and do not appear. Knows the vendor's field names and the bounds of
config.yaml; does not know calls.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_type_hints

from agent.config import Agent, Between, Config, VadConfig
from agent.language import primary
from agent.requests import CallSettings
from signaling.codes import Code
from signaling.fields import Fields
from signaling.tools import FunctionTool, read_choice, read_tools

T = TypeVar("T")

MODEL = "voxline"
MAX_INSTRUCTIONS = 10_000  # characters; as JSON they must fit one data-channel message
# The vendor's own voices; clients ask for them by default, and get ours.
VENDOR_VOICES = frozenset(
    ("alloy", "ash", "ballad", "cedar", "coral", "echo", "marin", "sage", "shimmer", "verse")
)
_NAMED = 8  # voices or languages that an error names
_FIXED_MS = Between(50, 10_000)  # config.yaml has 0 besides: to judge
_EAGERNESS = ("low", "medium", "high", "auto")
_LANGUAGE = re.compile(  # RFC 5646, 2.1, without extensions: language, script, region, variants
    r"[A-Za-z]{2,3}(-[A-Za-z]{3}){0,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?"
    r"(-([A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"
)


@dataclass(frozen=True, slots=True)
class Detection:
    """`turn_detection`, in the vendor's words. `kind` None: the client says when to answer."""

    kind: str | None  # server_vad | semantic_vad | None
    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int
    create_response: bool = True
    interrupt_response: bool = True
    eagerness: str = "auto"

    @property
    def fixed_wait_ms(self) -> int:
        """0 where the end of a turn is judged."""
        return self.silence_duration_ms if self.kind == "server_vad" else 0

    def view(self) -> dict[str, Any] | None:
        answers = {
            "create_response": self.create_response,
            "interrupt_response": self.interrupt_response,
        }
        match self.kind:
            case None:
                return None
            case "semantic_vad":
                return {"type": self.kind, "eagerness": self.eagerness, **answers}
            case _:
                return {
                    "type": self.kind,
                    "threshold": self.threshold,
                    "prefix_padding_ms": self.prefix_padding_ms,
                    "silence_duration_ms": self.silence_duration_ms,
                    **answers,
                }


@dataclass(frozen=True, slots=True)
class Session:
    """One call's session as it stands; `updated` makes the next one."""

    id: str
    instructions: str
    # by the client; "": none, and the language chooses if config.yaml does not
    named_voice: str
    speed: float
    language: str
    detection: Detection
    configured: Detection  # what turn_detection begins from whenever its type changes
    voices: tuple[str, ...]  # names that `voice` may have, the default first
    languages: tuple[str, ...]  # primary subtags of what they speak, if they tell
    voice_of: Callable[[str], str]  # the one for a language where none is named, if known
    own_tools: frozenset[str]  # names of the operator's functions, which are not shown
    tools: tuple[FunctionTool, ...] = ()
    tool_choice: str = "auto"  # auto | none

    @classmethod
    def fresh(
        cls,
        config: Config,
        id: str,
        voices: tuple[str, ...],
        languages: tuple[str, ...] = (),
        voice_of: Callable[[str], str] = lambda language: "",
    ) -> "Session":
        """Begin with what config.yaml says.

        `languages` are those that the voices speak; of () the voices are named after them, or
        say nothing of them. `voice_of` is the voice of a language where none is named, if the
        engine tells.
        """
        agent = config.agent
        default = agent.voice_name or next(iter(voices), "default")
        turns = config.turns
        detection = Detection(
            "server_vad" if turns.end_of_turn_ms else "semantic_vad",
            config.vad.start_threshold,
            config.vad.preroll_ms,
            turns.end_of_turn_ms or turns.longest_wait_ms,
            eagerness=turns.eagerness,
        )
        return cls(
            id=id,
            instructions=agent.instructions,
            named_voice="",
            speed=agent.speed,
            language=agent.language,
            detection=detection,
            configured=detection,
            voices=tuple(dict.fromkeys((default, *voices))),
            languages=tuple(dict.fromkeys(map(primary, languages or (default, *voices)))),
            # the one that config.yaml names speaks whatever is asked for
            voice_of=(lambda language: agent.voice_name) if agent.voice_name else voice_of,
            own_tools=frozenset(path.rpartition(":")[2] for path in agent.tools),
        )

    @property
    def voice(self) -> str:
        """The one that is spoken, as far as the engine tells."""
        return self.named_voice or self.voice_of(self.language) or self.voices[0]

    @property
    def _fixed_wait_ms(self) -> int:
        """Where the client says when to answer, a turn still ends: as it is configured."""
        detection = self.configured if self.detection.kind is None else self.detection
        return detection.fixed_wait_ms

    def updated(self, patch: Any) -> "Session":
        """Lay a client's partial session over this one; a null leaves a field as it is.

        Raises RejectedOffer naming the field, and then nothing of the patch holds.
        """
        fields = Fields(patch, "session")
        fields.one_of("type", ("realtime",))
        modalities = fields.values.get("output_modalities")
        if modalities is not None and (
            not isinstance(modalities, list) or "audio" not in modalities
        ):
            raise fields.wrong("output_modalities", "must hold audio: this agent speaks")
        tools = self.tools
        if fields.values.get("tools") is not None:
            tools = read_tools(fields, self.own_tools)
        audio = fields.inner("audio")
        heard, spoken = audio.inner("input"), audio.inner("output")
        return replace(
            self,
            instructions=fields.text("instructions", self.instructions, MAX_INSTRUCTIONS),
            named_voice=self._named_voice(spoken),
            speed=spoken.number("speed", self.speed, _bounds(Agent, "speed")),
            language=self._language(heard.inner("transcription")),
            detection=self._detection(heard),
            tools=tools,
            tool_choice=read_choice(fields) or self.tool_choice,
        )

    def _named_voice(self, spoken: Fields) -> str:
        asked = spoken.values.get("voice")
        if asked is None:
            return self.named_voice
        name = asked.get("id") if isinstance(asked, Mapping) else asked
        if name in self.voices:
            return str(name)
        if isinstance(name, str) and name in VENDOR_VOICES:
            return ""
        known = f"is not known; known are {_some(self.voices)}"
        raise spoken.wrong("voice", known, Code.UNKNOWN_VOICE)

    def _language(self, transcription: Fields) -> str:
        tag = transcription.text("language", self.language, 35)
        if not _LANGUAGE.fullmatch(tag):
            raise transcription.wrong("language", "must be a language tag such as en-US")
        # Voices named after people say nothing of their language; ours among them does.
        told = primary(self.language) in self.languages
        chosen = self.voice_of(self.language)
        if (told and primary(tag) not in self.languages) or (chosen and not self.voice_of(tag)):
            known = f"is {tag}, for which there is no voice; spoken are {_some(self.languages)}"
            raise transcription.wrong("language", known, Code.UNKNOWN_LANGUAGE)
        return tag

    def _detection(self, heard: Fields) -> Detection:
        if "turn_detection" not in heard.values:
            return self.detection
        if heard.values["turn_detection"] is None:
            return replace(
                self.configured, kind=None, create_response=False, interrupt_response=False
            )
        fields = heard.inner("turn_detection")
        kind = fields.one_of("type", ("server_vad", "semantic_vad"))
        if kind is None and fields.values.get("silence_duration_ms") is not None:
            kind = "server_vad"
        kind = kind or self.detection.kind or self.configured.kind
        now = self.detection if kind == self.detection.kind else self.configured
        return Detection(
            kind=kind,
            threshold=fields.number(
                "threshold", now.threshold, _bounds(VadConfig, "start_threshold")
            ),
            prefix_padding_ms=fields.whole(
                "prefix_padding_ms", now.prefix_padding_ms, _bounds(VadConfig, "preroll_ms")
            ),
            silence_duration_ms=fields.whole(
                "silence_duration_ms",
                now.silence_duration_ms,
                _FIXED_MS,
            ),
            create_response=fields.flag("create_response", now.create_response),
            interrupt_response=fields.flag("interrupt_response", now.interrupt_response),
            eagerness=fields.one_of("eagerness", _EAGERNESS) or now.eagerness,
        )

    def view(self) -> dict[str, Any]:
        """Return it as the wire has it."""
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": self.id,
            "model": MODEL,
            "output_modalities": ["audio"],
            "instructions": self.instructions,
            "tools": [tool.view() for tool in self.tools],
            "tool_choice": self.tool_choice,
            "audio": {
                "input": {
                    "transcription": {"model": MODEL, "language": self.language},
                    "turn_detection": self.detection.view(),
                },
                "output": {"voice": self.voice, "speed": self.speed},
            },
        }

    def changes_since(self, before: "Session") -> CallSettings:
        """Return what a call must change when `before` held until now."""
        new, old = self.detection, before.detection
        return CallSettings(
            instructions=_changed(self.instructions, before.instructions),
            voice=_changed(self.named_voice, before.named_voice),
            speed=_changed(self.speed, before.speed),
            language=_changed(self.language, before.language),
            vad_threshold=_changed(new.threshold, old.threshold),
            end_of_turn_ms=_changed(self._fixed_wait_ms, before._fixed_wait_ms),
            eagerness=_changed(new.eagerness, old.eagerness),
            preroll_ms=_changed(new.prefix_padding_ms, old.prefix_padding_ms),
            create_response=_changed(new.create_response, old.create_response),
            interrupt_response=_changed(new.interrupt_response, old.interrupt_response),
            tools=None if self.tools == before.tools else tuple(t.flat() for t in self.tools),
            may_call_tools=_changed(self.tool_choice == "auto", before.tool_choice == "auto"),
        )


def _changed(new: T, old: T) -> T | None:
    return None if new == old else new


def _some(names: tuple[str, ...]) -> str:
    """Name the first of them, and say how many there are besides."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _bounds(section: type, field: str) -> Between:
    """Return what config.yaml allows there: a caller may ask for what an operator could."""
    bound: Between = get_type_hints(section, include_extras=True)[field].__metadata__[0]
    return bound
