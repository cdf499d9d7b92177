"""A little web server for browser tests: `web/` as the real server lays it out, and fake calls.

Runs in a thread of its own, because playwright's synchronous interface owns the test's.
"""

import asyncio
import itertools
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

WEB = Path(__file__).parents[1] / "web"
CALLS = "/v1/realtime/calls"


def strict_policy(server: str) -> str:
    """What a careful site sends that embeds the element of `server`."""
    return (
        f"default-src 'none'; script-src {server}; connect-src {server}; "
        "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


@dataclass
class Site:
    """What one test sets before its page asks, and what it finds afterwards."""

    origin: str
    pages: dict[str, tuple[str, str]] = field(default_factory=dict)  # path: (body, policy)
    refusal: web.Response | None = None  # in place of the next answer to an offer
    allows: str = ""  # Access-Control-Allow-Origin
    offers: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)  # ids of those answered
    hang_ups: queue.Queue[str] = field(default_factory=queue.Queue)  # ids, or offers

    def page(self, path: str, body: str, *, policy: str = "") -> str:
        """Serve `body` at `path`; gives its URL."""
        self.pages[path] = (body, policy)
        return self.origin + path

    def refuse(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": message}
        self.refusal = web.json_response({"error": error | {"param": None}}, status=status)
        if retry_after_s is not None:
            self.refusal.headers["Retry-After"] = str(retry_after_s)


class SiteServer:
    """Serves one Site after the other: a beacon of the last test's page may still be coming."""

    def __init__(self) -> None:
        self._origin = ""
        self._numbers = itertools.count(1)
        self.site = Site("")

    def fresh(self) -> Site:
        self.site = Site(self._origin)
        return self.site

    async def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application()
        app.router.add_post(CALLS, self._offer)
        app.router.add_route("OPTIONS", CALLS, self._preflight)
        app.router.add_post(CALLS + "/{call}/hangup", self._hang_up)
        app.router.add_post(CALLS + "/hangup", self._hang_up_placed)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/{path:.*}", self._file)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    async def _offer(self, request: web.Request) -> web.Response:
        site = self.site
        if request.content_type == "multipart/form-data":
            form = await request.post()
            site.offers.append(str(form["sdp"]))
            site.sessions.append(str(form["session"]))
        else:
            assert request.content_type == "application/sdp"
            site.offers.append(await request.text())
        if site.refusal is not None:
            refusal, site.refusal = site.refusal, None
            refusal.headers.update(self._cors())
            return refusal
        call = f"rtc_{next(self._numbers)}"
        site.calls.append(call)
        return web.Response(
            status=201,
            text="v=0 fake answer",
            content_type="application/sdp",
            headers={"Location": f"{CALLS}/{call}"} | self._cors(),
        )

    async def _hang_up(self, request: web.Request) -> web.Response:
        if request.match_info["call"] in self.site.calls:
            self.site.hang_ups.put(request.match_info["call"])
        return web.Response(headers=self._cors())

    async def _hang_up_placed(self, request: web.Request) -> web.Response:
        self.site.hang_ups.put(await request.text())
        return web.Response(headers=self._cors())

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"}, headers=self._cors())

    async def _preflight(self, _: web.Request) -> web.Response:
        allowed = {"Access-Control-Allow-Headers": "Content-Type"} if self.site.allows else {}
        return web.Response(status=204, headers=self._cors() | allowed)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.site.pages:
            body, policy = self.site.pages[request.path]
            headers = {"Content-Security-Policy": policy} if policy else {}
            return web.Response(text=body, content_type="text/html", headers=headers)
        name = "index.html" if request.path == "/" else request.path.removeprefix("/sdk/")
        if not (WEB / name).is_file():
            raise web.HTTPNotFound
        # Scripts of another origin are modules, and modules are fetched with CORS.
        return web.FileResponse(WEB / name, headers={"Access-Control-Allow-Origin": "*"})

    def _cors(self) -> dict[str, str]:
        if not self.site.allows:
            return {}
        return {
            "Access-Control-Allow-Origin": self.site.allows,
            "Access-Control-Expose-Headers": "Location, Retry-After",
        }


@contextmanager
def served() -> Iterator[SiteServer]:
    server = SiteServer()
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    serving = server.run(ready, stop)
    thread = threading.Thread(target=loop.run_until_complete, args=(serving,), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
