"""The files of web/: the page, the SDK, the element. Only those found at the start are served.

index.html is /, every other file /sdk/NAME: modules find one another as neighbours, and a
browser loads a module once per address, so each has one.
"""

from collections.abc import Iterator
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

_TYPES = {  # not asked of the system: some know .js as text/plain, which browsers refuse
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
SDK_MAX_AGE_S = 60  # a reload costs nothing, and an update reaches every site soon
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'self'",
    )
)


def routes(web_root: Path) -> Iterator[web.RouteDef]:
    """Return a route for every file there is."""
    for path in sorted(web_root.iterdir()) if web_root.is_dir() else ():
        if path.suffix in _TYPES and path.is_file():
            name = "/" if path.name == "index.html" else f"/sdk/{path.name}"
            yield web.get(name, _server(path))


def _server(path: Path) -> Handler:
    is_page = path.suffix == ".html"
    headers = {
        "Content-Type": _TYPES[path.suffix],
        "Cache-Control": "no-cache" if is_page else f"max-age={SDK_MAX_AGE_S}",
    }
    if is_page:
        headers["Content-Security-Policy"] = _POLICY
        headers["Permissions-Policy"] = "microphone=(self)"

    async def serve(request: web.Request) -> web.FileResponse:
        return web.FileResponse(path, headers=headers)  # with ETag and Last-Modified

    return serve
