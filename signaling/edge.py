"""The outermost layer of the server: whatever fails in the others, there is an answer.

What the routes and calls raise, the routes refuse with themselves; this is for the layers
around them, headers and counting. An offer and a hang-up are no 5xx here either: clients repeat
those, and each repeated offer would place another call. The log has the traceback, and the
answer is made of as little as can be, since it is not known what still works. A call that had
begun is ended where its caller will not hear of it: they are told no, or are gone meanwhile.
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler, Middleware

from agent.call_id import short
from signaling.codes import Code

log = logging.getLogger(__name__)

CALLS_PATH = "/v1/realtime/calls"
BEGUN = web.RequestKey("begun", str)  # the id of the call that a request has begun
SAFE = {  # headers of every answer, names that aiohttp may not know among them
    "Server": "voxline",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_ID = re.compile("rtc_[0-9a-f]+")
_PLACED = 201
_SHOWN = 100  # characters of a stranger's words in the log


def plain(record: logging.LogRecord) -> bool:
    """Let what a stranger sent that cannot be read take one line in aiohttp's log.

    Its traceback is of no use to whoever runs the server, and holds their headers.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError | web.RequestPayloadError):
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "a request cannot be read: %s", (type(error).__name__,)
        record.exc_info = None
    return logging.getLogger(record.name).isEnabledFor(record.levelno)


def edge(hang_up: Callable[[str], Awaitable[object]]) -> Middleware:
    """Build the middleware, which answers for everything else; `hang_up` ends a call."""

    @web.middleware
    async def edged(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
            told = BEGUN not in request or await _told(request, response)
        except Exception:  # the edge: logged, and the server lives
            log.exception("%s %s failed", request.method, path_of(request))
            response, told = _apology(request), BEGUN not in request
        if not told:
            try:
                await hang_up(request[BEGUN])
            except Exception:  # the edge of a call
                log.exception("call %s could not be hung up", short(request[BEGUN]))
        return response

    return edged


async def _told(request: web.Request, response: web.StreamResponse) -> bool:
    """Write that a call was placed, here, where it is seen to break; else it is not written.

    False where its caller will not read it, as far as can be known.
    """
    if response.status != _PLACED or request.transport is None:
        return False
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return False
    await asyncio.sleep(0)  # a connection that broke under it is lost in the loop's next pass
    return request.transport is not None


def shown(words: str | None) -> str:
    """Of what a stranger wrote, as much as the log may have."""
    return (words or "")[:_SHOWN]


def path_of(request: web.Request) -> str:
    """For the log: of a call's id, which is the right to end it, only the beginning."""
    return shown(_ID.sub(lambda id: short(id[0]), request.rel_url.raw_path))


def places(request: web.BaseRequest) -> bool:
    """Whether a call is to be placed."""
    return request.method == "POST" and request.path == CALLS_PATH


def ends(request: web.BaseRequest) -> bool:
    """Whether a call is to be ended."""
    return request.path.startswith(f"{CALLS_PATH}/")


def _apology(request: web.Request) -> web.Response:
    if places(request):
        status, code, message = 422, Code.OFFER_FAILED, "the offer could not be answered"
    elif ends(request):
        status, code, message = 422, Code.HANG_UP_FAILED, "the call did not end cleanly"
    else:
        status, code, message = 500, Code.INTERNAL, "internal error"
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"type": kind, "code": code, "message": message, "param": None}
    return web.Response(
        status=status,
        body=json.dumps({"error": error}).encode(),
        headers={**SAFE, "Content-Type": "application/json"},
    )
