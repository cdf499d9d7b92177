"""The calls over HTTP: place one, end one.

`POST /v1/realtime/calls` in steps: read the body under a limit, read the session, vet the
offer, have it answered. Whatever goes wrong, by our own fault too, is a refusal and never a
500: clients of this API retry those, and each retry would place another call.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable

from aiohttp import hdrs, web

from agent.call_id import short
from agent.config import Config
from agent.errors import RejectedOffer
from signaling import body
from signaling.codes import Code
from signaling.edge import BEGUN, CALLS_PATH
from signaling.guard import refusal
from signaling.limits import Bucket
from signaling.ports import Calls
from signaling.realtime import RealtimeClient
from signaling.sdp import vet
from signaling.sessions import Session

log = logging.getLogger(__name__)

BODY_S = 10.0  # a body that takes longer is not on its way


class CallRoutes:
    """Knows the calls by what it was given; keeps nothing of them."""

    def __init__(
        self,
        config: Config,
        calls: Calls,
        voices: Callable[[], tuple[str, ...]],
        languages: tuple[str, ...],
        voice_of: Callable[[str], str],
    ) -> None:
        self._config, self._calls = config, calls
        self._voices, self._languages, self._voice_of = voices, languages, voice_of

    def table(self) -> list[web.RouteDef]:
        one = CALLS_PATH + "/{call_id}"
        return [
            web.post(CALLS_PATH, self.place),
            web.delete(one, self.hang_up),
            web.post(f"{one}/hangup", self.hang_up),
            web.post(f"{CALLS_PATH}/hangup", self.hang_up_placed),
        ]

    async def place(self, request: web.Request) -> web.Response:
        """Answer an offer with 201, its SDP and where the call can be ended."""
        call_id = f"rtc_{secrets.token_hex(16)}"  # whoever knows it may hang up
        try:
            answer = await self._place(call_id, request)
            log.info("call %s placed, %d active", short(call_id), self._calls.active)
            return web.Response(
                status=201,
                text=answer,
                content_type="application/sdp",
                headers={hdrs.LOCATION: f"{CALLS_PATH}/{call_id}"},
            )
        except RejectedOffer as error:
            log.info("call refused: %s (%s)", error.code, error.message)
            return refusal(error)
        except Exception:  # the edge of a call: whatever it was, no 500
            log.exception("call %s could not be answered", short(call_id))
            return refusal(
                RejectedOffer(Code.OFFER_FAILED, "the offer could not be answered", status=422)
            )

    async def hang_up(self, request: web.Request) -> web.Response:
        """End a call: 200, or 404 when there is none (any more)."""
        return await self._hang_up([request.match_info["call_id"]])

    async def hang_up_placed(self, request: web.Request) -> web.Response:
        """The same, by the offer that placed it: for a page that goes before it reads the 201.

        The body is the offer, which nobody else knows.
        """
        try:
            offer = vet(await _read(request))
        except RejectedOffer as error:
            return refusal(error)
        return await self._hang_up(self._calls.placed_by(offer.sdp))

    async def _hang_up(self, call_ids: list[str]) -> web.Response:
        ended = False
        try:
            for call_id in call_ids:
                ended = await self._calls.hang_up(call_id) or ended
        except Exception:  # the edge of a call: whatever it was, no 500
            log.exception("call %s could not be hung up", short(call_id))
            return refusal(
                RejectedOffer(Code.HANG_UP_FAILED, "the call did not end cleanly", status=422)
            )
        if not ended:
            return refusal(
                RejectedOffer(Code.CALL_NOT_FOUND, "there is no such call", status=404)
            )
        return web.Response()  # the calls log their end

    async def _place(self, call_id: str, request: web.Request) -> str:
        if self._calls.active >= self._calls.capacity:  # spare the work; they judge themselves
            raise RejectedOffer(Code.SERVER_FULL, "all lines are busy", status=503)
        sdp, patch = body.parse(
            request.headers.get(hdrs.CONTENT_TYPE, ""), await _read(request)
        )
        offer, client = vet(sdp), self._client(patch)
        answer = await self._calls.answer(call_id, offer.sdp, client)
        request[BEGUN] = call_id
        return offer.complete(answer)

    def _client(self, patch: object) -> RealtimeClient:
        id = f"sess_{secrets.token_hex(8)}"
        configured = Session.fresh(
            self._config, id, self._voices(), self._languages, self._voice_of
        )
        session = configured.updated(patch)
        bucket = Bucket()
        return RealtimeClient(
            session,
            session.changes_since(configured),
            salt=secrets.token_hex(6),
            admits=lambda: bucket.take(time.monotonic()),
        )


async def _read(request: web.Request) -> bytes:
    """Read the body; aiohttp stops at `client_max_size`."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.read()
    except TimeoutError:
        raise RejectedOffer(
            Code.BODY_TOO_SLOW, f"the body took over {BODY_S:g} s", status=408
        ) from None
    except web.HTTPRequestEntityTooLarge:
        raise RejectedOffer(
            Code.BODY_TOO_LARGE, f"a body has {body.MAX_BYTES} bytes at most", status=413
        ) from None
    except (ConnectionError, web.RequestPayloadError):
        raise RejectedOffer(
            Code.BODY_MALFORMED, "the body broke off, or is not as encoded as it says"
        ) from None
