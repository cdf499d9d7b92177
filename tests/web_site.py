"""A little web server for browser tests: `web/` as the real server lays it out, and fake calls.

Runs in a thread of its own, because playwright's synchronous interface owns the test's.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

WEB = Path(__file__).parents[1] / "web"
STRICT_POLICY = "default-src 'none'; script-src 'self' {0}; connect-src {0}"


@dataclass
class Site:
    """What the test sets before the page asks, and what it finds afterwards."""

    origin: str = ""
    pages: dict[str, tuple[str, str]] = field(default_factory=dict)  # path: (body, policy)
    refusal: web.Response | None = None  # in place of an answer to an offer
    allows: str = ""  # Access-Control-Allow-Origin
    offers: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    hung_up: list[str] = field(default_factory=list)

    def page(self, path: str, body: str, *, policy: str = "") -> str:
        """Serve `body` at `path`; gives its URL."""
        self.pages[path] = (body, policy)
        return self.origin + path

    def refuse(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": message, "param": None}
        self.refusal = web.json_response({"error": error}, status=status)
        if retry_after_s is not None:
            self.refusal.headers["Retry-After"] = str(retry_after_s)

    async def offer(self, request: web.Request) -> web.Response:
        if request.content_type == "multipart/form-data":
            form = await request.post()
            self.offers.append(str(form["sdp"]))
            self.sessions.append(str(form["session"]))
        else:
            assert request.content_type == "application/sdp"
            self.offers.append(await request.text())
        headers = {"Location": f"/v1/realtime/calls/rtc_{len(self.offers)}"} | self.cors()
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            refusal.headers.update(self.cors())
            return refusal
        return web.Response(
            status=201,
            text="v=0 fake answer",
            content_type="application/sdp",
            headers=headers,
        )

    async def hang_up(self, request: web.Request) -> web.Response:
        self.hung_up.append(request.match_info["call"])
        return web.Response(headers=self.cors())

    async def healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def preflight(self, _: web.Request) -> web.Response:
        allowed = {"Access-Control-Allow-Headers": "Content-Type"} if self.allows else {}
        return web.Response(status=204, headers=self.cors() | allowed)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if path in self.pages:
            body, policy = self.pages[path]
            headers = {"Content-Security-Policy": policy} if policy else {}
            return web.Response(text=body, content_type="text/html", headers=headers)
        name = "index.html" if path == "/" else path.removeprefix("/sdk/")
        file = WEB / name
        if not file.is_file():
            raise web.HTTPNotFound
        # Scripts of another origin are modules, and modules are fetched with CORS.
        return web.FileResponse(file, headers={"Access-Control-Allow-Origin": "*"})

    def cors(self) -> dict[str, str]:
        if not self.allows:
            return {}
        return {
            "Access-Control-Allow-Origin": self.allows,
            "Access-Control-Expose-Headers": "Location, Retry-After",
        }


@contextmanager
def served() -> Iterator[Site]:
    site = Site()
    app = web.Application()
    calls = "/v1/realtime/calls"
    app.router.add_post(calls, site.offer)
    app.router.add_route("OPTIONS", calls, site.preflight)
    app.router.add_post(calls + "/{call}/hangup", site.hang_up)
    app.router.add_get("/healthz", site.healthz)
    app.router.add_get("/{path:.*}", site.serve)
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def run() -> None:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
