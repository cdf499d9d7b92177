"""HTTP to one server: a connection that is kept, and a wait that another thread can end.

Knows no chat and no audio. http.client, because it shows its socket: each wait has a limit of
its own (connecting, the first token, the next one), and cutting the socket ends any of them at
once. Not thread-safe, except for `Errand.cancel`.
"""

import http.client
import re
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import SplitResult, urlsplit

from agent.brains.openai_chat.words import of_error
from agent.errors import ConfigError

T = TypeVar("T")

_LINE_BYTES: Final = 1 << 20
_SAID_BYTES: Final = 65_536  # of an error's body
_REST_BYTES: Final = 65_536
_REST_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server is, and what opens it."""

    url: str  # with its /v1
    key: str = ""
    connect_s: float = 2.0

    def __repr__(self) -> str:
        return f"Address({self.url!r})"  # never the key


@dataclass(frozen=True, slots=True)
class Refused:
    """The server answered, but not what was asked for."""

    status: int
    said: str  # its own words, short


class Line:
    """One request at a time. Low-level trouble is raised as OSError or HTTPException."""

    def __init__(self, address: Address) -> None:
        """Connects at the first request. Raises ConfigError for what is no URL or no key."""
        self._address = address
        self._parts = _checked(address)
        self._connection: http.client.HTTPConnection | None = None
        self._sock: socket.socket | None = None  # http.client forgets it after the last answer
        self._response: http.client.HTTPResponse | None = None

    def ask(
        self,
        method: str,
        path: str,
        *,
        patience_s: float,
        unwanted: threading.Event,
        body: bytes = b"",
        kind: str = "application/json",
    ) -> http.client.HTTPResponse | Refused:
        """Send a request; return when the head of its answer is there.

        A kept connection that the server has closed meanwhile is replaced without a word.
        """
        headers = {"Content-Type": kind, "Accept": "*/*"}
        if self._address.key:
            headers["Authorization"] = f"Bearer {self._address.key}"
        try:
            self._response = self._send(method, path, body, headers, patience_s, unwanted)
            if self._response.status == 200:
                return self._response
            said = of_error(self._response.read(_SAID_BYTES), self._address.key)
            refused = Refused(self._response.status, said)
        except BaseException:
            self.hang_up()
            raise
        self.hang_up()
        return refused

    def read_line(self, patience_s: float) -> bytes:
        """The answer's next line; b"" is its end, orderly or not."""
        assert self._response is not None
        self._wait_at_most(patience_s)
        line = self._response.readline(_LINE_BYTES + 1)
        if len(line) > _LINE_BYTES:
            raise http.client.LineTooLong("line of the answer")
        return line

    def finish(self) -> bool:
        """Read the end behind the last line, so that the connection can be kept: whether so."""
        assert self._response is not None
        try:
            self._wait_at_most(_REST_S)
            self._response.read(_REST_BYTES)
        except (OSError, http.client.HTTPException):
            return False
        return self._response.isclosed()

    def cut(self) -> None:
        """End whatever is waited for. From any thread, at any time."""
        if (sock := self._sock) is not None:
            try:
                # the plain socket's, which wakes a reader; TLS's own does not
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass  # it is over already

    def hang_up(self) -> None:
        """Close the connection; the next request makes a new one."""
        if self._response is not None:
            self._response.close()
        if self._connection is not None:
            self._connection.close()
        self._response = self._connection = self._sock = None

    def _send(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: dict[str, str],
        patience_s: float,
        unwanted: threading.Event,
    ) -> http.client.HTTPResponse:
        kept = self._connection is not None and self._connection.sock is not None
        try:
            connection = self._connected(unwanted)
            self._wait_at_most(patience_s)
            connection.request(method, self._parts.path.rstrip("/") + path, body, headers)
            return connection.getresponse()
        except (ConnectionError, http.client.BadStatusLine, http.client.CannotSendRequest):
            self.hang_up()
            if not kept or unwanted.is_set():
                raise
        return self._send(method, path, body, headers, patience_s, unwanted)

    def _connected(self, unwanted: threading.Event) -> http.client.HTTPConnection:
        if self._connection is None:
            https = self._parts.scheme == "https"
            make = http.client.HTTPSConnection if https else http.client.HTTPConnection
            self._connection = make(
                str(self._parts.hostname), self._parts.port, timeout=self._address.connect_s
            )
        if self._connection.sock is None:
            self._connection.connect()
            self._sock = self._connection.sock
        if unwanted.is_set():  # before there was a socket to cut
            raise ConnectionAbortedError("not wanted any more")
        return self._connection

    def _wait_at_most(self, patience_s: float) -> None:
        assert self._sock is not None
        if patience_s <= 0:  # a server may send without end, and nothing of use
            raise TimeoutError("timed out")
        self._sock.settimeout(patience_s)


class Errand(Iterator[T], Generic[T]):
    """A generator that waits on a line, and can be called off from another thread."""

    def __init__(
        self,
        line: Line,
        run: Callable[[threading.Event], Generator[T]],
        beside: "Errand[Any] | None" = None,
    ) -> None:
        """`run` gets the event that says it is unwanted; it looks where no socket wakes it.

        `beside`: an errand that it runs, which is called off with it.
        """
        self._line, self._beside = line, beside
        self._unwanted = threading.Event()
        self._pieces = run(self._unwanted)

    def __next__(self) -> T:
        return next(self._pieces)

    def cancel(self) -> None:
        """From any thread: close the connection, end the wait."""
        self._unwanted.set()
        self._line.cut()
        if self._beside is not None:
            self._beside.cancel()

    @property
    def unwanted(self) -> bool:
        """Whether it was called off."""
        return self._unwanted.is_set()

    def close(self) -> None:
        self._pieces.close()


def _checked(address: Address) -> SplitResult:
    url = address.url
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise ConfigError(
            f"openai_chat.url: {url!r} is not the address of a server; "
            "write http://host:port/v1"
        )
    if parts.username is not None:
        raise ConfigError(
            "openai_chat.url: no secrets in the URL; set VOXLINE_OPENAI_API_KEY instead"
        )
    if address.key and not re.fullmatch(r"[\x21-\x7e]+", address.key):
        raise ConfigError(
            "VOXLINE_OPENAI_API_KEY: a key has no spaces, line ends or letters outside ASCII; "
            "set it again"
        )
    return parts
