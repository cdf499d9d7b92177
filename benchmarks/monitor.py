"""`voxline monitor`: watch a server's turns while people talk to it, against its targets.

It reads `GET /metrics`, where the server counts the stages of every turn; it places no call.
The targets are those of the server's config.yaml, which stand there, too.
"""

import argparse
import asyncio
import json
import signal
import sys
from math import inf
from pathlib import Path

import aiohttp

from agent.errors import ConfigError
from benchmarks import destination
from benchmarks.address import base_of, reaching
from benchmarks.monitor_report import Report
from benchmarks.scrape import Window
from benchmarks.terminal import Screen, harmless

_HERE = "http://127.0.0.1:8080"
_HTTP_S = 5.0


class Unseen(Exception):
    """The server cannot be looked at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `voxline monitor`."""
    parser.add_argument(
        "url", nargs="?", default=_HERE, help=f"of the server (default: {_HERE})"
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="judge all turns since the server began, and exit",
    )
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="watch for so long (default: until Ctrl-C)"
    )
    parser.add_argument(
        "--every", type=float, default=2.0, metavar="N", help="seconds between looks (2)"
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write the report; - prints nothing else"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the stages, as PNG")


def run(args: argparse.Namespace) -> int:
    """Watch and report; 0, or 1 when a target was missed or there was no turn to tell."""
    base = base_of(args.url)
    written = destination.json_file(args.json)
    destination.check("--plot", args.plot, ".png")
    _check(args)
    quiet = args.json == "-"
    screen = Screen(sys.stderr if quiet else sys.stdout)
    try:
        report = asyncio.run(_watch(base, args, screen))
    except Unseen as error:
        print(f"voxline: {error}", file=sys.stderr)
        return 1
    screen.clear()
    if not quiet:
        print(report.text())
    if args.json is not None:
        report.write_json(written, {"url": base, "once": args.once, "every_s": args.every})
    if args.plot is not None and report.turns:
        report.plot(args.plot)
    return 0 if report.kept else 1


def _check(args: argparse.Namespace) -> None:
    for option, value in (("--seconds", args.seconds), ("--every", args.every)):
        if value is not None and not value > 0:
            raise ConfigError(f"{option} {value:g}: must be more than 0")
    if args.once and args.seconds is not None:
        raise ConfigError("--once looks once; leave out --seconds, or --once")


async def _watch(base: str, args: argparse.Namespace, screen: Screen) -> Report:
    """Look until Ctrl-C, as asyncio tells us of it, or the time is over.

    Raises Unseen where there is no first look.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    window, unanswered, away = Window(whole=args.once), 0, False
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_HTTP_S)) as http:
        engine = await _engine(http, base)
        await _look(http, base, window)
        began_s = loop.time()

        def report() -> Report:
            seconds = None if args.once else loop.time() - began_s
            return Report(base, engine, seconds, window, unanswered, away)

        left_s = 0.0 if args.once else args.seconds or inf
        loop.add_signal_handler(signal.SIGTERM, task.cancel)  # as `timeout` has it
        try:
            while left_s > 0:
                seen = report()
                screen.show(seen.text(), seen.line())
                await asyncio.sleep(min(args.every, left_s))
                before, away = window.restarts, False
                try:
                    await _look(http, base, window)
                    if window.restarts != before:
                        engine = await _engine(http, base)
                except Unseen:  # it may be being started again
                    unanswered, away = unanswered + 1, True
                left_s = (args.seconds or inf) - (loop.time() - began_s)
        except asyncio.CancelledError:
            pass
        return report()


async def _look(http: aiohttp.ClientSession, base: str, window: Window) -> None:
    try:
        window.look(await _get(http, f"{base}/metrics"))
    except ValueError as error:
        raise Unseen(harmless(f"{base}/metrics is not Voxline's: {error}")) from error


async def _engine(http: aiohttp.ClientSession, base: str) -> str:
    """What answers there."""
    try:
        return harmless(str(json.loads(await _get(http, f"{base}/healthz", 503))["engine"]))
    except (ValueError, LookupError, TypeError) as error:
        raise Unseen(f"{base} is no server of Voxline's: /healthz names no engine") from error


async def _get(http: aiohttp.ClientSession, url: str, *good: int) -> str:
    with reaching(url, Unseen, _HTTP_S):
        async with http.get(url) as response:
            if response.status not in (200, *good):
                raise Unseen(harmless(f"{url} answered {response.status} {response.reason}"))
            return await response.text(errors="replace")
