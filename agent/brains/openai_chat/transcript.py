"""What the caller said, as the server writes it down: after the reply's release, or sooner."""

import http.client
import json
import logging
from collections.abc import Generator
from threading import Event, Timer
from typing import Final

from agent.brains.openai_chat import trouble
from agent.brains.openai_chat.line import Errand, Line, Refused
from agent.brains.openai_chat.wav import wav
from agent.config import OpenaiChat
from agent.engines import Heard
from agent.errors import EngineError

log = logging.getLogger(__name__)

_PATIENCE_S: Final = 30.0  # nobody waits for it
_BYTES: Final = 1 << 20
# Between the parts of the form. It cannot occur in them: names are JSON's, and in 16-bit
# samples these 38 bytes would be a sound nobody makes.
_BOUNDARY: Final = b"--voxline-7d0c1f5e2b9a4c6f8e3d5a1b7c9f"


def transcript(
    line: Line, config: OpenaiChat, pcm16: bytes, language: str, unwanted: Event
) -> Generator[Heard]:
    """Ask for it, hang up, and yield it, unless nothing was said. Raises EngineError.

    `language` is a code such as "de"; "" leaves it to the server.
    """
    fields = {"model": config.model, "response_format": "json"}
    if language:
        fields["language"] = language
    try:
        answer = line.ask(
            "POST",
            "/audio/transcriptions",
            patience_s=_PATIENCE_S,
            unwanted=unwanted,
            body=form(fields, wav(pcm16)),
            kind=f"multipart/form-data; boundary={_BOUNDARY.decode()}",
        )
        if isinstance(answer, Refused):
            raise EngineError(trouble.of_refusal(answer, config))
        text = json.loads(answer.read(_BYTES))["text"].strip()
    except (OSError, http.client.HTTPException) as error:
        raise EngineError(trouble.of_network(error, config)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(
            "the chat server sent no transcript; set openai_chat.transcript to false if it "
            "has none to give"
        ) from error
    finally:
        line.hang_up()
    if text:
        yield Heard(text)


def in_time(errand: Errand[Heard], within_s: float) -> Generator[Heard, None, bool]:
    """What an errand for a transcript brings within `within_s`; whether it came to its end.

    Not to know what was said is no reason not to answer it: what went wrong is only logged.
    """
    late = Event()

    def give_up() -> None:
        late.set()
        errand.cancel()

    alarm = Timer(within_s, give_up)
    alarm.daemon = True
    alarm.start()
    try:
        heard = list(errand)
    except EngineError as error:
        cause = f"none came within {within_s:g} s" if late.is_set() else str(error)
        if late.is_set() or not errand.unwanted:
            log.warning("no words of what was said over a reply: %s", cause)
        return False
    finally:
        alarm.cancel()
    yield from heard
    return True


def form(fields: dict[str, str], file: bytes) -> bytes:
    """A form with an audio file, as RFC 7578 writes it."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode()
        for name, value in fields.items()
    ]
    parts.append(
        b'Content-Disposition: form-data; name="file"; filename="utterance.wav"\r\n'
        b"Content-Type: audio/wav\r\n\r\n" + file
    )
    body = b"".join(b"--" + _BOUNDARY + b"\r\n" + part + b"\r\n" for part in parts)
    return body + b"--" + _BOUNDARY + b"--\r\n"
