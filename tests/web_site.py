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

    def cors(self) -> dict[str, str]:
        if not self.allows:
            return {}
        return {
            "Access-Control-Allow-Origin": self.allows,
            "Access-Control-Expose-Headers": "Location, Retry-After",
        }

    def refuse(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        error = {"type": "invalid_request_error", "code": code, "message": message}
        self.refusal = web.json_response({"error": error | {"param": param}}, status=status)
        if retry_after_s is not None:
            self.refusal.headers["Retry-After"] = str(retry_after_s)


class SiteServer:
    """Serves each Site on a port of its own: what the last test's page still sends (a beacon, a
    request that was held back until the page closed) does not reach the next one's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._numbers = itertools.count(1)
        self._sites: dict[int, Site] = {}

    def fresh(self) -> Site:
        return asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(20)

    async def _open(self) -> Site:
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[-1][1]
        self._sites[port] = Site(f"http://127.0.0.1:{port}")
        return self._sites[port]

    def _site(self, request: web.Request) -> Site:
        assert request.transport is not None
        return self._sites[request.transport.get_extra_info("sockname")[1]]

    async def run(self, ready: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application()
        app.router.add_post(CALLS, self._offer)
        app.router.add_route("OPTIONS", CALLS, self._preflight)
        app.router.add_post(CALLS + "/{call}/hangup", self._hang_up)
        app.router.add_post(CALLS + "/hangup", self._hang_up_placed)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/{path:.*}", self._file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        ready.set()
        await stop.wait()
        await self._runner.cleanup()

    async def _offer(self, request: web.Request) -> web.Response:
        site = self._site(request)
        if request.content_type == "multipart/form-data":
            form = await request.post()
            site.offers.append(str(form["sdp"]))
            site.sessions.append(str(form["session"]))
        else:
            assert request.content_type == "application/sdp"
            site.offers.append(await request.text())
        if site.refusal is not None:
            refusal, site.refusal = site.refusal, None
            refusal.headers.update(site.cors())
            return refusal
        call = f"rtc_{next(self._numbers)}"
        site.calls.append(call)
        return web.Response(
            status=201,
            text="v=0 fake answer",
            content_type="application/sdp",
            headers={"Location": f"{CALLS}/{call}"} | site.cors(),
        )

    async def _hang_up(self, request: web.Request) -> web.Response:
        site = self._site(request)
        if request.match_info["call"] in site.calls:
            site.hang_ups.put(request.match_info["call"])
        return web.Response(headers=site.cors())

    async def _hang_up_placed(self, request: web.Request) -> web.Response:
        site = self._site(request)
        site.hang_ups.put(await request.text())
        return web.Response(headers=site.cors())

    async def _healthz(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"}, headers=self._site(request).cors())

    async def _preflight(self, request: web.Request) -> web.Response:
        site = self._site(request)
        allowed = {"Access-Control-Allow-Headers": "Content-Type"} if site.allows else {}
        return web.Response(status=204, headers=site.cors() | allowed)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        site = self._site(request)
        if request.path in site.pages:
            body, policy = site.pages[request.path]
            headers = {"Content-Security-Policy": policy} if policy else {}
            return web.Response(text=body, content_type="text/html", headers=headers)
        name = "index.html" if request.path == "/" else request.path.removeprefix("/sdk/")
        if not (WEB / name).is_file():
            raise web.HTTPNotFound
        # Scripts of another origin are modules, and modules are fetched with CORS.
        return web.FileResponse(WEB / name, headers={"Access-Control-Allow-Origin": "*"})


@contextmanager
def served() -> Iterator[SiteServer]:
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    server = SiteServer(loop)
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
