"""The engines' process: builds brain and voice, then serves calls until its parent is gone.

Three lanes a call: one for the listener (mind), one for the voice (mouth), so that the next
sentence is thought of while this one is spoken, and one for transcripts (pen), which nobody
waits for. No call waits for another. The main thread builds, a second one reads. Started by
`agent.host.process`.
"""

import gc
import logging
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import assert_never

from agent.accelerator.taken import ways
from agent.audio.frame import Samples
from agent.engines import Brain, Conversation, Listener, Voice
from agent.errors import ConfigError, EngineError
from agent.host import wire
from agent.host.lane import Lane, Pieces

log = logging.getLogger(__name__)

BuildEngines = Callable[[], tuple[Brain, Voice]]
_Send = Callable[[wire.FromEngines], None]

_LANE = "call "  # so begin the names of the threads that belong to one
_BACKLOG = 1500  # commands a listener may be behind: 30 s of 20 ms frames
# A thread that computes in Python lets the others in after this. Beside one such call another's
# first audio from espeak takes 5 ms (p50), with Python's own 5 ms interval 37 ms.
_SWITCH_S = 0.0005
_TELLTALES = ("httpx", "httpx2")  # log each request with all of its address, which may sign it


class Server:
    """Carries messages to the engines of each call."""

    def __init__(self, brain: Brain, voice: Voice, send: _Send) -> None:
        self._brain, self._voice, self._send = brain, voice, send
        self._calls: dict[int, _Call] = {}

    def receive(self, message: wire.ToEngines) -> None:
        """Take one message; never waits for an engine."""
        match message:
            case wire.Build():
                raise AssertionError("the engines are built already")
            case wire.OpenCall(number, name):
                name = f"{_LANE}{name or number}"
                self._calls[number] = _Call(name, self._brain, self._voice, self._send)
            case wire.CloseCall(number):
                self._calls.pop(number).close()
            case wire.Ping():
                self._send(wire.Pong())
            case _:
                self._calls[message.call].receive(message)

    def close(self) -> None:
        """End every call."""
        for call in self._calls.values():
            call.close()
        self._calls.clear()


class _Call:
    def __init__(self, name: str, brain: Brain, voice: Voice, send: _Send) -> None:
        self._brain, self._voice, self._send = brain, voice, send
        self._mind = Lane(f"{name}, mind", send)
        self._mouth = Lane(f"{name}, mouth", send)
        self._pen = Lane(f"{name}, pen", send)
        # All below belongs to the mind's thread.
        self._listener: Listener | None = None
        self._replied = 0  # turn of the last reply
        self._reply = 0  # and its request
        self._failure = ""  # what went wrong where nobody waited: the next reply says it
        self._mind.do(self._listen)

    def receive(
        self,
        message: wire.Expect
        | wire.Hear
        | wire.StartReply
        | wire.StartTranscript
        | wire.StartSpeech
        | wire.Took
        | wire.Cancel
        | wire.Keep
        | wire.Discard
        | wire.Forget,
    ) -> None:
        mind, mouth = self._mind, self._mouth
        match message:
            case wire.Expect(_, conversation):
                mind.do(partial(self._tell, lambda listener: listener.expect(conversation)))
            case wire.Hear(_, samples):
                if mind.backlog() < _BACKLOG:
                    mind.do(partial(self._hear, samples))
                elif mind.backlog() == _BACKLOG:
                    mind.do(partial(self._fail, "the listener cannot keep up with the caller"))
            case wire.StartReply(_, request, turn, conversation):
                mind.start(request, partial(self._begin_reply, request, turn, conversation))
            case wire.StartTranscript(_, request):
                mind.do(partial(self._begin_transcript, request))
            case wire.StartSpeech(_, request, phrase, style):
                mouth.start(request, partial(self._voice.speak, phrase, style))
            case wire.Took(_, request, pieces):
                for lane in (mind, mouth, self._pen):
                    lane.took(request, pieces)
            case wire.Cancel(_, request):
                for lane in (mind, mouth, self._pen):
                    lane.cancel(request)
                mind.do(partial(self._pen.cancel, request))  # one that has yet to begin
            case wire.Keep(_, turn):
                mind.do(partial(self._keep, turn))
            case wire.Discard(_, turn):
                mind.do(partial(self._discard, turn))
            case wire.Forget():
                mind.do(partial(self._tell, lambda listener: listener.forget()))
            case _:
                assert_never(message)

    def close(self) -> None:
        self._mouth.end()
        self._pen.end()
        self._mind.end(self._leave)

    # -- in the mind's thread

    def _listen(self) -> None:
        try:
            self._listener = self._brain.listen()
        except EngineError as error:
            self._failure = str(error)
        except Exception:  # the edge of a call: its replies will say so
            log.exception("the brain cannot begin a call")
            self._failure = wire.FAILED

    def _leave(self) -> None:
        self._tell(lambda listener: listener.close())

    def _hear(self, samples: Samples) -> None:
        self._tell(lambda listener: listener.hear(samples))

    def _begin_reply(self, request: int, turn: int, conversation: Conversation) -> Pieces:
        failure = self._failure
        if self._listener is None:
            raise EngineError(failure)
        self._replied, self._reply = turn, request
        if failure:
            self._failure = ""
            raise EngineError(failure)
        return self._listener.reply(conversation)

    def _begin_transcript(self, request: int) -> None:
        """Ask now, which fixes what it is about; wait for it elsewhere."""
        try:
            pieces: Pieces = iter(())
            if self._listener is not None:
                pieces = self._listener.transcribe()
        except Exception as error:  # the edge of a call: there is no transcript
            if not isinstance(error, EngineError):
                log.exception("the listener cannot transcribe")
            reason = str(error) if isinstance(error, EngineError) else wire.FAILED
            self._send(wire.Failed(request, reason))
            return
        self._pen.start(request, lambda: pieces)

    def _keep(self, turn: int) -> None:
        """A reply made before a restart, or by nobody: the utterance is over all the same."""
        if turn == self._replied:
            self._tell(lambda listener: listener.keep())
        else:
            self._tell(lambda listener: listener.forget())

    def _discard(self, turn: int) -> None:
        if turn == self._replied:
            self._mind.drop(self._reply)
            self._tell(lambda listener: listener.discard())

    def _fail(self, reason: str) -> None:
        self._failure = reason

    def _tell(self, word: Callable[[Listener], None]) -> None:
        if self._listener is None:
            return
        try:
            word(self._listener)
        except EngineError as error:
            self._failure = str(error)
        except Exception:  # the edge of a call: the next reply says it
            log.exception("the listener broke down")
            self._failure = wire.FAILED


class _LogToParent(logging.Handler):
    """One log for both processes. What a call's own thread says is said of that call."""

    def __init__(self, connection: wire.Connection) -> None:
        super().__init__()
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            if (record.threadName or "").startswith(_LANE):
                line = f"{record.threadName}: {line}"
            self._connection.send(wire.Logged(record.levelno, record.name, line))
        except Exception:  # noqa: BLE001  who logs must not fail by it; stderr has it
            self.handleError(record)


def main() -> None:
    """Serve the socket whose file descriptor is the first argument; end when its peer does."""
    connected = socket.socket(fileno=int(sys.argv[1]))
    connected.set_inheritable(False)  # a worker of torch's must not keep the line open
    connection = wire.Connection(connected)
    messages = connection.messages()
    order = next(messages, None)
    if not isinstance(order, wire.Build):
        return
    logging.basicConfig(
        level=order.log_level, format="%(message)s", handlers=[_LogToParent(connection)]
    )
    for telltale in _TELLTALES:
        logging.getLogger(telltale).setLevel(logging.WARNING)
    sys.setswitchinterval(_SWITCH_S)
    server: Server | None = None

    def read() -> None:
        try:
            for message in messages:
                assert server is not None, "nothing is sent to us before Ready"
                server.receive(message)
        except Exception:  # our own bug: a new process is better than a deaf one
            log.exception("the engines' process breaks down")
        os._exit(0)  # the parent is gone. Threads inside native code make an orderly end unsafe

    reader = threading.Thread(target=read, name="reader", daemon=True)
    reader.start()
    try:
        build: BuildEngines = pickle.loads(order.pickled)
        brain, voice = build()
        run = tuple((each.what, each.way) for each in ways())
        ready = wire.Ready(tuple(voice.voices()), brain.capacity(), run)
    except (ConfigError, EngineError) as error:
        connection.send(wire.BuildFailed(str(error), isinstance(error, ConfigError)))
        return
    except Exception as error:  # whatever it is, the parent must hear of it
        log.exception("the engines cannot be built")
        connection.send(wire.BuildFailed(f"the engines cannot be built: {error!r}", False))
        return
    server = Server(brain, voice, connection.send)
    # what is loaded stays: half a million objects, and a collection of them takes up to 0.4 s
    gc.collect()
    gc.freeze()
    connection.send(ready)
    reader.join()


if __name__ == "__main__":
    main()
