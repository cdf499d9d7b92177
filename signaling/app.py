"""The HTTP server, put together from what it is given: it knows no call and no model."""

from collections.abc import Callable
from pathlib import Path

from aiohttp import web
from aiohttp.log import server_logger

from agent.config import Config, Server
from agent.errors import ConfigError
from signaling import pages
from signaling.body import MAX_BYTES
from signaling.edge import edge, plain
from signaling.guard import guard
from signaling.origins import Origins
from signaling.ports import Calls
from signaling.routes import CallRoutes
from signaling.tally import tally

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
WEB = Path(__file__).parent.parent / "web"


def build_app(
    config: Config,
    calls: Calls,
    *,
    metrics: Callable[[], bytes],
    refused: Callable[[str], None],
    voices: Callable[[], tuple[str, ...]],
    languages: tuple[str, ...],
    voice_of: Callable[[str], str],
    engine: str,
    ready: Callable[[], bool],
    web_root: Path = WEB,
) -> web.Application:
    """Build the application.

    `metrics` gives Prometheus's text, `refused` counts a refused call by its code, `voices`
    gives the names that a session may ask for (the default first), `languages` are those that
    the voices speak (none: their names tell), `voice_of` is the voice of a language where none
    is named ("": nobody knows); `engine` is the name of the engine that was picked, `ready`
    says whether it is there now, `web_root` holds what browsers load. Raises ConfigError for an
    origin that no page could match.
    """
    server_logger.addFilter(plain)
    origins = origins_of(config.server)
    app = web.Application(
        middlewares=[edge(calls.hang_up), tally(refused), guard(origins)],
        client_max_size=MAX_BYTES,
    )
    app.add_routes(CallRoutes(config, calls, voices, languages, voice_of).table())
    app.add_routes(_status(calls, metrics, engine, ready))
    app.add_routes(pages.routes(web_root))
    return app


def origins_of(server: Server) -> Origins:
    """Whose pages may call. Raises ConfigError for an origin that no page could match."""
    try:
        return Origins(server.cors_origins, server.host)
    except ValueError as error:
        raise ConfigError(f"server.cors_origins: {error}") from None


def _status(
    calls: Calls, metrics: Callable[[], bytes], engine: str, ready: Callable[[], bool]
) -> list[web.RouteDef]:
    async def health(request: web.Request) -> web.Response:
        there, full = ready(), calls.active >= calls.capacity
        return web.json_response(
            {
                "status": ("full" if full else "ok") if there else "restarting",
                "calls": calls.active,
                "capacity": calls.capacity,
                "engine": engine,
            },
            status=200 if there else 503,
        )

    async def numbers(request: web.Request) -> web.Response:
        return web.Response(body=metrics(), headers={"Content-Type": METRICS_TYPE})

    return [web.get("/healthz", health), web.get("/metrics", numbers)]
