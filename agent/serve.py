"""`voxline serve`: everything is built, wired, started and stopped here."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial

from aiohttp import web

from agent.canned import Canned
from agent.choose import PLAIN, build, choose, languages, unspoken, voice_of
from agent.config import Config
from agent.engines import CallEngines, Style
from agent.errors import ConfigError, EngineError
from agent.flight.store import open_records
from agent.host.client import EngineHost
from agent.lag import CountingLoop, watch
from agent.media import addresses, opus, upstream
from agent.media.rehearsal import rehearse
from agent.metrics import Metrics
from agent.phrases import Phrases
from agent.smart_turn import model as smart_turn
from agent.smart_turn.adviser import Adviser
from agent.smart_turn.opinion import is_asked
from agent.switchboard import Switchboard
from agent.toolbox import load_toolbox
from agent.vad import silero
from signaling.app import build_app, origins_of

log = logging.getLogger(__name__)

_STOP_S = 1.0  # for answers under way; what is still being sent to us is not waited for
_SWITCH_S = 0.0005  # how long another thread may keep the interpreter from the media loop


def serve(config: Config) -> int:
    """Serve until SIGINT or SIGTERM; return the exit status."""
    logging.basicConfig(
        level=config.log.level.upper(), format="%(asctime)s %(levelname)-7s %(message)s"
    )
    for noisy in ("aioice.ice", "aiortc", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    sys.setswitchinterval(_SWITCH_S)
    with asyncio.Runner(loop_factory=CountingLoop) as runner:
        runner.run(_serve(config))
    return 0


async def _serve(config: Config) -> None:
    """Serve until told to stop, which may also be in the middle of the start."""
    serving = asyncio.current_task()
    assert serving is not None
    for sig in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sig, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        async with running(config) as url:
            # the line that scripts wait for
            print(f"listening on {url}", flush=True)  # noqa: T201
            if not addresses.is_loopback(config.server.host):
                log.warning("browsers give their microphone to https only: put TLS in front")
            await asyncio.get_running_loop().create_future()
    log.info("stopped")


@contextlib.asynccontextmanager
async def running(config: Config) -> AsyncIterator[str]:
    """A server that answers calls, for as long as the context lasts; gives its URL.

    Raises ConfigError for what the operator can mend, before any call is taken.
    """
    # what can be refused without the weights, which may take minutes, is refused first
    origins_of(config.server)
    await _can_listen(config)
    upstream.check()
    upstream.install(config)
    opus.check()
    silero.load()
    choice = choose(config)
    log.info("engine: brain %s, voice %s (%s)", choice.brain, choice.voice, choice.why)
    toolbox = load_toolbox(config.agent.tools, config.agent.tool_s)
    metrics = Metrics(config.targets)
    records = open_records(config)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(toolbox.close)
        stack.callback(records.close)
        adviser = await _advised(config, stack)  # what it lacks is known sooner than weights
        host = EngineHost(
            partial(build, config, choice), metrics.engine_deaths.inc, metrics.engines_run
        )
        stack.push_async_callback(host.close)
        await host.start()
        canned = await _canned(config, host)
        await rehearse(config)
        switchboard = Switchboard(config, host, canned, metrics, toolbox, records, adviser)
        app = build_app(
            config,
            switchboard,
            metrics=metrics.text,
            refused=metrics.call_refused,
            voices=lambda: host.voices,
            languages=languages(config, choice, host.voices),
            voice_of=lambda language: voice_of(choice, host.voices, language),
            engine=f"{choice.brain}+{choice.voice}",
            ready=lambda: host.ready,
        )
        url = await _listen(app, config, stack)
        # ended before HTTP is: whoever calls meanwhile is told that the server is stopping
        stack.push_async_callback(switchboard.close)
        lag = asyncio.create_task(watch(metrics.timer_ran))
        stack.callback(lag.cancel)
        await asyncio.sleep(0)  # what the start took ends with its pass
        loop = asyncio.get_running_loop()
        if isinstance(loop, CountingLoop):
            loop.observers.append(lambda held_s, _: metrics.loop_passed(held_s))
        yield url


async def _advised(config: Config, stack: contextlib.AsyncExitStack) -> Adviser | None:
    """Smart Turn, where it is wanted. Raises ConfigError where it must be had and cannot."""
    wanted = config.turns.smart_turn
    if wanted == "never":
        return None
    adviser = Adviser(smart_turn.load)
    stack.push_async_callback(adviser.close)
    level = logging.INFO
    try:
        smart_turn.model_path()
        level = logging.WARNING  # it is there, and still cannot be had
        takes_s = await adviser.start()
    except ConfigError as error:
        if wanted == "always":
            raise
        log.log(level, "Smart Turn is not asked: %s", error)
        return None
    takes = f"Smart Turn: an answer takes {takes_s * 1000:.0f} ms here"
    if not is_asked(wanted, takes_s):
        log.warning("%s, too long for most pauses: it is not asked", takes)
        await adviser.close()
        return None
    log.info("%s", takes)
    return adviser


async def _canned(config: Config, host: EngineHost) -> Canned:
    """Have the fixed phrases spoken, after a word that shows whether the voice can speak.

    Raises ConfigError where it cannot in that style, EngineError where it cannot at all.
    """
    agent = config.agent
    style = Style(agent.voice_name, agent.language, agent.speed)
    canned, engines = Canned(style), host.open_call()
    try:
        await _say_a_word(engines, style)
    except EngineError as error:
        if not host.ready:
            died = f"the engines died of their first word: {await host.fate()}"
            raise EngineError(died) from error
        with contextlib.suppress(EngineError):
            await _say_a_word(engines, PLAIN)
            raise unspoken(agent, error) from error
        raise
    phrases = [agent.apology]  # is spoken whole
    for text in agent.greeting, agent.still_there, agent.goodbye, agent.tool_filler:
        cut = Phrases()
        phrases += [*cut.feed(text), *cut.finish()]
    await canned.record(engines, phrases)
    engines.close()
    return canned


async def _say_a_word(engines: CallEngines, style: Style) -> None:
    async with aclosing(engines.speak(0, "one", style)) as speech:
        await anext(speech, None)


async def _can_listen(config: Config) -> None:
    """Listen for a moment: another may still take the port later. Raises ConfigError."""
    host, port = config.server.host, config.server.port
    try:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, host, port)
    except OSError as error:
        raise _cannot_listen(config, error) from error
    except UnicodeError as error:  # "a..b": no name that can be looked up
        raise _cannot_listen(config, OSError("that is no name of a host")) from error
    server.close()
    await server.wait_closed()


def _cannot_listen(config: Config, error: OSError) -> ConfigError:
    host, port = config.server.host, config.server.port
    number = error.errno or 0
    if str(error).startswith("could not bind on any address"):  # newer asyncio: no number
        number = errno.EADDRNOTAVAIL
    if number == errno.EADDRINUSE:
        cause = "another program listens there"
    elif number in errno.errorcode:  # the loop words them anew, the address once more
        cause = os.strerror(number)
    else:
        cause = error.strerror or str(error)
    return ConfigError(
        f"cannot listen on {host}:{port}: {cause}; choose another with --host and --port"
    )


async def _listen(
    app: web.Application, config: Config, stack: contextlib.AsyncExitStack
) -> str:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_STOP_S)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    host, port = config.server.host, config.server.port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise _cannot_listen(config, error) from error
    # what is alive now lives as long as the server: let no later collection walk through it
    gc.collect()
    gc.freeze()
    name, bound = runner.addresses[0][:2]
    return f"http://[{name}]:{bound}" if ":" in name else f"http://{name}:{bound}"
