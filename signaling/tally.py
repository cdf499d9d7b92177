"""Counts the calls that were refused, by whomever: the guard, the routes, the calls."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from signaling.codes import Code
from signaling.edge import places
from signaling.guard import CODE


def tally(refused: Callable[[str], None]) -> Middleware:
    """Build the middleware, between the edge and the guard; `refused` gets one of `Code`."""

    @web.middleware
    async def tallied(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            response = await handler(request)
        except Exception:
            if places(request):
                refused(Code.OFFER_FAILED)  # as the edge will say
            raise
        code = response.get(CODE)
        if code is not None and places(request):
            refused(code)
        return response

    return tallied
