"""What every answer of the server has in common: who may ask, and how it says no.

One middleware: refuses by origin and host, turns each refusal into `{"error": {type, code,
message, param}}`, and adds CORS and safety headers. Faults of ours go on to the edge.
"""

import logging

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, LooseHeaders, Middleware

from agent.errors import RejectedOffer
from signaling.codes import Code
from signaling.edge import SAFE, ends, path_of, shown
from signaling.origins import Origins

log = logging.getLogger(__name__)

CODE = web.ResponseKey("code", str)  # of a response that says no
RETRY_AFTER_S = 5  # a full server: calls last minutes, but seats come free at any moment

_READING = (hdrs.METH_GET, hdrs.METH_HEAD)
_CODES = {
    404: Code.NOT_FOUND,
    405: Code.METHOD_NOT_ALLOWED,
    413: Code.BODY_TOO_LARGE,
    415: Code.MEDIA_TYPE,
}
_CORS = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST, DELETE",
    # The vendor's SDKs send a dozen of their own, which mean nothing here; * leaves out one.
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, *",
    hdrs.ACCESS_CONTROL_MAX_AGE: "600",
}


def guard(origins: Origins) -> Middleware:
    """Build the middleware."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get(hdrs.ORIGIN)
        try:
            _admit(origins, request, origin)
            _tell_of_reader(origins, request, origin)
            if request.method == hdrs.METH_OPTIONS:
                response: web.StreamResponse = web.Response(status=204, headers=_CORS)
            else:
                response = await handler(request)
        except RejectedOffer as error:
            log.info(
                "%s %s refused: %s (Origin %r, Host %r)",
                request.method,
                path_of(request),
                str(error.code),
                shown(origin),
                shown(request.headers.get(hdrs.HOST)),
            )
            response = refusal(error)
        except web.HTTPException as error:
            response = _refused_by_router(error)
        response.headers.update(SAFE)
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        if origin is not None and origins.configured(origin):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = "Location, Retry-After"
        return response

    return guarded


def _tell_of_reader(origins: Origins, request: web.Request, origin: str | None) -> None:
    """The browser refuses the reading: its page stays empty, and only its console says why."""
    if request.method in _READING and not origins.permits(
        origin, request.headers.get(hdrs.HOST, "")
    ):
        log.info(
            "%s %s: pages of %r may not read it; list them in server.cors_origins",
            request.method,
            path_of(request),
            shown(origin),
        )


def refusal(error: RejectedOffer, headers: LooseHeaders | None = None) -> web.Response:
    """Say no, as the vendor does."""
    kind = "invalid_request_error" if error.status < 500 else "server_error"
    body = {
        "type": kind,
        "code": str(error.code),
        "message": error.message,
        "param": error.param,
    }
    response = web.json_response({"error": body}, status=error.status, headers=headers)
    response[CODE] = str(error.code)
    if error.status == 503:
        response.headers[hdrs.RETRY_AFTER] = str(RETRY_AFTER_S)
    return response


def _admit(origins: Origins, request: web.Request, origin: str | None) -> None:
    host = request.headers.get(hdrs.HOST, "")
    if not origins.knows_host(host):
        raise RejectedOffer(
            Code.HOST_NOT_ALLOWED,
            "this server goes by localhost; list a proxy's origin in server.cors_origins",
            status=403,
        )
    # Whoever knows a call may end it; and so says the beacon of a page that names itself to
    # nobody (Referrer-Policy: no-referrer, such as ours): Fetch, section 3.2 (Origin)
    hangs_up = origin == "null" and ends(request)
    if request.method not in _READING and not hangs_up and not origins.permits(origin, host):
        raise RejectedOffer(
            Code.ORIGIN_NOT_ALLOWED,
            "pages of this origin may not call; list it in server.cors_origins",
            status=403,
        )


def _refused_by_router(error: web.HTTPException) -> web.StreamResponse:
    code = _CODES.get(error.status, Code.BAD_REQUEST)
    headers = {key: error.headers[key] for key in (hdrs.ALLOW,) if key in error.headers}
    return refusal(RejectedOffer(code, error.reason.lower(), status=error.status), headers)
