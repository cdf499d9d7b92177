"""The espeak-ng library of the espeakng-loader wheel, by ctypes: text in, int16 audio out.

The library is one set of global variables, so one thread owns it and everybody else asks that
thread. A phrase takes it 1.6 ms for each second of speech: whoever asks meanwhile waits for one
phrase at most. Own binding because the kept ones (py-espeak-ng, espeakng) run the command-line
program or give no word events. Source: espeak-ng/speak_lib.h, API revision 12.
"""

import ctypes as c
import queue
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

from agent.errors import EngineError

ESPEAK_HZ = 22_050
_BUFFER_MS = 60  # of audio between two callbacks

_SYNCHRONOUS = (
    2  # AUDIO_OUTPUT_SYNCHRONOUS. RETRIEVAL (1) polls: each phrase takes 20 ms longer
)
_NO_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: by default missing data ends the process
_UTF8 = 1  # espeakCHARS_UTF8; without _SSML and _PHONEMES nothing in a text is a command
_RATE = 1  # espeakRATE, words a minute
_LIST_END, _WORD = 0, 1  # espeakEVENT_LIST_TERMINATED, espeakEVENT_WORD


class _EventId(c.Union):
    _fields_ = (("number", c.c_int), ("name", c.c_char_p), ("string", c.c_char * 8))


class _Event(c.Structure):
    _fields_ = (
        ("type", c.c_int),
        ("unique_identifier", c.c_uint),
        ("text_position", c.c_int),  # in characters, from 1
        ("length", c.c_int),
        ("audio_position", c.c_int),  # ms
        ("sample", c.c_int),
        ("user_data", c.c_void_p),
        ("id", _EventId),
    )


class _VoiceEntry(c.Structure):
    _fields_ = (
        ("name", c.c_char_p),
        ("languages", c.c_void_p),  # (priority byte, name, 0)..., 0
        ("identifier", c.c_char_p),
        ("gender", c.c_ubyte),
        ("age", c.c_ubyte),
        ("variant", c.c_ubyte),
        ("xx1", c.c_ubyte),
        ("score", c.c_int),
        ("spare", c.c_void_p),
    )


_Callback = c.CFUNCTYPE(c.c_int, c.POINTER(c.c_short), c.c_int, c.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one callback delivered."""

    samples: NDArray[np.int16]  # [n] at ESPEAK_HZ
    words: tuple[tuple[int, int], ...]  # (index in the text, sample of the text's audio)


@dataclass(slots=True, eq=False)
class _Job:
    text: str
    voice: str
    words_a_minute: int
    out: queue.SimpleQueue[Stretch | EngineError | None] = field(
        default_factory=queue.SimpleQueue
    )  # bounded by the audio of one phrase
    unwanted: bool = False


class EspeakLibrary:
    """`languages` maps BCP 47 tags in lower case to what `say` takes as voice."""

    def __init__(self) -> None:
        """Raises EngineError when the library or its data cannot be loaded."""
        self._data = Path(espeakng_loader.get_data_path())
        try:
            self._lib: Any = c.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise EngineError(f"espeak-ng cannot be loaded: {error}") from error
        self._lib.espeak_ListVoices.restype = c.POINTER(c.POINTER(_VoiceEntry))
        self._callback = _Callback(self._deliver)  # kept: the library does not
        rate_hz = self._lib.espeak_Initialize(
            _SYNCHRONOUS, _BUFFER_MS, bytes(self._data), _NO_EXIT
        )
        if rate_hz != ESPEAK_HZ:
            raise EngineError(f"espeak-ng cannot start with its data in {self._data}")
        self._lib.espeak_SetSynthCallback(self._callback)
        self.languages = self._list_languages()
        # Asked of the folder: the library takes an unknown variant for none, silently.
        self.variants = tuple(
            sorted(path.name for path in (self._data / "voices/!v").iterdir())
        )
        self._voice = ""
        self._job: _Job | None = None
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()  # one for each waiting thread
        threading.Thread(target=self._work, name="espeak", daemon=True).start()

    def say(self, text: str, voice: str, words_a_minute: int) -> Iterator[Stretch]:
        """Yield the audio of `text` as it is made. Closing the generator ends the making."""
        job = _Job(text, voice, words_a_minute)
        self._jobs.put(job)
        try:
            while (item := job.out.get()) is not None:
                if isinstance(item, EngineError):
                    raise item
                yield item
        finally:
            job.unwanted = True

    def _list_languages(self) -> dict[str, str]:
        best: dict[str, tuple[int, str]] = {}
        entries = self._lib.espeak_ListVoices(None)
        index = 0
        while entry := entries[index]:
            index += 1
            identifier = entry[0].identifier.decode()
            if identifier.startswith("mb/") or not self._has_words(identifier):
                continue  # mb/: wants the MBROLA program
            address = entry[0].languages
            while priority := c.string_at(address, 1)[0]:
                language = c.string_at(address + 1)
                address += len(language) + 2
                tag = language.decode().lower()
                best[tag] = min(best.get(tag, (priority, identifier)), (priority, identifier))
        return {tag: identifier for tag, (_, identifier) in best.items()}

    def _has_words(self, identifier: str) -> bool:
        """Whether the wheel has the voice's dictionary. It leaves out some: Faroese is mute."""
        path = self._data / "lang" / identifier
        named = re.search(r"^dictionary\s+(\S+)", path.read_text(), re.MULTILINE)
        name = named[1] if named else path.name.partition("-")[0].lower()
        return (self._data / f"{name}_dict").exists()

    # -- in the library's own thread

    def _work(self) -> None:
        while True:
            job = self._job = self._jobs.get()
            if not job.unwanted:
                self._synthesise(job)
            job.out.put(None)

    def _synthesise(self, job: _Job) -> None:
        if job.voice != self._voice:
            if self._lib.espeak_SetVoiceByName(job.voice.encode()) != 0:
                job.out.put(EngineError(f"espeak-ng cannot load the voice {job.voice}"))
                return
            self._voice = job.voice
        self._lib.espeak_SetParameter(_RATE, job.words_a_minute, 0)
        data = job.text.encode()
        size = c.c_size_t(len(data) + 1)
        failed = self._lib.espeak_Synth(data, size, 0, 0, 0, _UTF8, None, None)
        if failed:
            job.out.put(EngineError(f"espeak-ng failed with code {failed}"))

    def _deliver(self, wave: Any, count: int, events: Any) -> int:
        """Called by the library with audio and what happens in it. 1 ends the synthesis."""
        job = self._job
        if job is None or job.unwanted:
            return 1
        words = []
        index = 0
        while events[index].type != _LIST_END:
            if events[index].type == _WORD:
                words.append((events[index].text_position - 1, events[index].sample))
            index += 1
        data = (
            c.string_at(wave, 2 * count) if wave else b""
        )  # a copy; as_array is ten times slower
        job.out.put(Stretch(np.frombuffer(data, np.int16), tuple(words)))
        return 0


@cache
def espeak_library() -> EspeakLibrary:
    """The one library of this process."""
    return EspeakLibrary()
