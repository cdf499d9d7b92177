"""A brain behind HTTP: any OpenAI-compatible chat server that takes audio.

Written for vLLM serving Voxtral. The audio of an utterance is sent when a reply is asked for,
the audio of the last turns again with it, older turns as text. Reads its key from
VOXLINE_OPENAI_API_KEY and tells it to nobody but the server.
"""

import base64
import http.client
import logging
import math
import os
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from threading import Event
from time import monotonic

from agent.audio.frame import HEAR_HZ, Samples
from agent.audio.pcm16 import to_pcm16
from agent.brains.languages import transcribed
from agent.brains.openai_chat import trouble
from agent.brains.openai_chat.line import Address, Errand, Line, Refused
from agent.brains.openai_chat.request import body
from agent.brains.openai_chat.served import check
from agent.brains.openai_chat.stream import Completion
from agent.brains.openai_chat.transcript import in_time, transcript
from agent.brains.openai_chat.wav import wav
from agent.config import OpenaiChat
from agent.engines import Conversation, Exchange, Heard, Piece
from agent.errors import EngineError

log = logging.getLogger(__name__)

_KEY = "VOXLINE_OPENAI_API_KEY"
_AGAIN_S = 0.1  # before a second attempt; doubled after each
_LONGEST_BYTES = 2 * HEAR_HZ * 300  # of an utterance; of a longer one the end counts
_WORDS_S = 0.3  # for the words over a reply, which has gone on by then


def address(config: OpenaiChat) -> Address:
    """Where the configured server is, with the key from the environment."""
    return Address(config.url, os.environ.get(_KEY, ""), config.connect_s)


class OpenaiChatBrain:
    """Brain. Its calls share nothing but the server."""

    def __init__(self, config: OpenaiChat) -> None:
        """Ask the server for the model. Raises ConfigError when it does not serve it."""
        self._config = config
        self._address = address(config)
        check(config, self._address)

    def capacity(self) -> None:
        """The server queues what it has no room for."""

    def listen(self) -> "OpenaiChatListener":
        return OpenaiChatListener(self._config, self._address)


class OpenaiChatListener:
    """Listener of one call. Keeps the audio of the utterance and of the last turns."""

    def __init__(self, config: OpenaiChat, address: Address) -> None:
        self._config, self._address = config, address
        self._idle: list[Line] = []  # at most one: a reply may begin while another is read
        self._utterance = bytearray()  # 16-bit PCM
        self._recordings: OrderedDict[int, str] = OrderedDict()  # by turn, WAV in base64
        self._turn = 0  # of the last reply
        self._oldest = 0  # the first turn that the server has room for
        self._kept = b""  # the utterance last kept
        self._language = ""  # of the last reply, for transcripts
        self._telling: Errand[Heard] | None = None  # where the last reply tells what was said

    def expect(self, conversation: Conversation) -> None:
        """The server is not told before there is audio."""

    def hear(self, samples: Samples) -> None:
        self._utterance += to_pcm16(samples)
        if len(self._utterance) > 2 * _LONGEST_BYTES:  # in one move now and then
            del self._utterance[:-_LONGEST_BYTES]

    def reply(self, conversation: Conversation) -> Iterator[Piece]:
        self._turn = conversation.turn
        self._language = transcribed(conversation.language)
        said, recordings = _encoded(bytes(self._utterance)), dict(self._recordings)

        def write(past: tuple[Exchange, ...]) -> bytes:
            return body(self._config, replace(conversation, past=past), recordings, said)

        past = tuple(one for one in conversation.past if one.turn >= self._oldest)
        request = _Request(past, write, bool(said) or conversation.waits)
        line = self._idle.pop() if self._idle else Line(self._address)
        telling = None
        if conversation.over_reply and self._utterance and self._config.transcript:
            telling = self._written(bytes(self._utterance), _WORDS_S)
        self._telling = telling
        return Errand(
            line, lambda unwanted: self._reply(line, request, telling, unwanted), telling
        )

    def keep(self) -> None:
        said = bytes(self._utterance)
        self._kept = said if self._telling is None else b""
        self._utterance.clear()
        if said and self._config.audio_turns:
            self._recordings[self._turn] = _encoded(said)
            while len(self._recordings) > self._config.audio_turns:
                self._recordings.popitem(last=False)

    def transcribe(self) -> Iterator[Heard]:
        kept, self._kept = self._kept, b""
        if not kept or not self._config.transcript:
            return iter(())
        return self._written(kept)

    def discard(self) -> None:
        """Nothing was kept of the reply."""

    def forget(self) -> None:
        self._utterance.clear()

    def close(self) -> None:
        for line in self._idle:
            line.hang_up()

    def _written(self, pcm16: bytes, connect_s: float = math.inf) -> Errand[Heard]:
        line = Line(replace(self._address, connect_s=min(connect_s, self._address.connect_s)))
        config, language = self._config, self._language
        return Errand(
            line, lambda unwanted: transcript(line, config, pcm16, language, unwanted)
        )

    def _reply(
        self, line: Line, request: "_Request", telling: Errand[Heard] | None, unwanted: Event
    ) -> Generator[Piece]:
        try:
            if telling is not None:
                told = yield from in_time(telling, _WORDS_S)
                if not told and self._telling is telling:
                    self._telling = None
            if not unwanted.is_set():
                yield from self._ask(line, request, unwanted)
        finally:
            if self._idle:
                line.hang_up()
            else:
                self._idle.append(line)

    def _ask(self, line: Line, request: "_Request", unwanted: Event) -> Generator[Piece]:
        """Ask until a first token comes, or there are no attempts left."""
        config, failed = self._config, 0
        while True:
            completion = Completion(self._turn)
            try:
                refused = yield from self._attempt(line, request.body, completion, unwanted)
                if refused is None:
                    if completion.is_silent and request.awaited:
                        raise EngineError(
                            "the chat server's model said nothing; raise "
                            "openai_chat.max_tokens if its reply was cut"
                        )
                    return
                if trouble.is_too_long(refused) and request.shorten():
                    self._oldest = request.past[0].turn
                    log.info("the chat server's context is full: the oldest turns are left out")
                    continue
                problem: Exception | Refused = refused
                message = trouble.of_refusal(refused, config)
            except (OSError, http.client.HTTPException) as error:
                problem, message = error, trouble.of_network(error, config)
            failed += 1
            if completion.begun or failed > config.retries or not trouble.passes(problem):
                raise EngineError(message)
            if unwanted.wait(_AGAIN_S * 2 ** (failed - 1)):
                return

    def _attempt(
        self, line: Line, request: bytes, completion: Completion, unwanted: Event
    ) -> Generator[Piece, None, Refused | None]:
        config = self._config
        end = monotonic() + config.first_token_s
        answer = line.ask(
            "POST",
            "/chat/completions",
            patience_s=config.first_token_s,
            unwanted=unwanted,
            body=request,
        )
        if isinstance(answer, Refused):
            return answer
        finished = False
        try:
            while not completion.over:
                try:
                    data = line.read_line(end - monotonic())
                except TimeoutError:
                    if completion.done:  # it only forgot to say that this is the end
                        break
                    raise
                if not data:
                    break
                if (text := completion.feed(data)) is not None:
                    yield text
                if completion.begun:
                    end = monotonic() + config.token_s
            if not completion.done:
                raise ConnectionResetError("cut in mid-reply")
            yield from completion.calls()
            finished = completion.over and line.finish()
        finally:
            if not finished:  # the server stops its work when it has nobody to tell
                line.hang_up()
        return None


class _Request:
    """What is asked, and how to ask it with less of the past."""

    def __init__(
        self,
        past: tuple[Exchange, ...],
        write: Callable[[tuple[Exchange, ...]], bytes],
        awaited: bool,
    ) -> None:
        """`awaited`: somebody waits for words, which a function's result may do without."""
        self.past, self._write, self.awaited = past, write, awaited
        self.body = write(past)

    def shorten(self) -> bool:
        """Leave out the older half of the past, if there is one.

        The latest exchange stays: it may hold what was typed, or a tool's result.
        """
        half = len(self.past) // 2
        if not half:
            return False
        self.past = self.past[half:]
        self.body = self._write(self.past)
        return True


def _encoded(pcm16: bytes) -> str:
    return base64.b64encode(wav(pcm16)).decode() if pcm16 else ""
