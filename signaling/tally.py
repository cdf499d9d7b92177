"""Counts the calls that were refused, by whomever: the guard, the routes, the calls."""

from collections.abc import Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from signaling.guard import CODE
from signaling.routes import CALLS_PATH


def tally(refused: Callable[[str], None]) -> Middleware:
    """Build the middleware, which goes around the guard; `refused` gets one of `Code`."""

    @web.middleware
    async def tallied(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if request.method == hdrs.METH_POST and request.path == CALLS_PATH:
            code = response.get(CODE)
            if code is not None:
                refused(code)
        return response

    return tallied
