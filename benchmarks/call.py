"""`voxline call`: call a server from the terminal, say sound files, hear the answers."""

import argparse
import asyncio
import json
import sys
from pathlib import Path

import soundfile

from agent.audio.frame import HEAR_HZ
from agent.config import Config
from agent.errors import ConfigError
from agent.media import upstream
from benchmarks import destination, speech
from benchmarks.call_record import Record
from benchmarks.caller import Caller, CallFailed, dial
from benchmarks.speech import Speech
from benchmarks.turn import judge

_LISTEN_S = 10.0
_QUIET_S = 1.2  # after that an answer is over
_ANSWER_S = 20.0  # for one to begin
_REPLY_S = 120.0  # for one to end


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `voxline call`."""
    parser.add_argument("url", help="of the server, as in http://127.0.0.1:8080")
    parser.add_argument(
        "--say",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="say this WAV or FLAC file; repeated: the next one when the answer is over",
    )
    parser.add_argument("--save", type=Path, metavar="FILE", help="save what is heard, as WAV")
    parser.add_argument(
        "--seconds",
        type=float,
        metavar="N",
        help="hang up after so long (default: when the answer is over; without --say 10)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print JSON for scripts, at the end"
    )


def run(args: argparse.Namespace) -> int:
    """Make the call; 0, or 1 when there was none or something said was not answered."""
    destination.check("--save", args.save)
    if args.seconds is not None and not args.seconds > 0:
        raise ConfigError(f"--seconds {args.seconds:g}: must be more than 0")
    speeches = [speech.load(path) for path in args.say]
    upstream.check()
    upstream.install(Config())
    record = Record(None if args.json else sys.stdout)
    whole = True
    try:
        asyncio.run(_call(args, speeches, record))
    except CallFailed as error:
        print(f"voxline: {error}", file=sys.stderr)
        whole = False
    if args.json and record.took_place:
        print(json.dumps(record.as_json(), indent=2))
    return 0 if whole and record.answered == len(speeches) else 1


async def _call(args: argparse.Namespace, speeches: list[Speech], record: Record) -> None:
    async with dial(args.url, on_event=record.take) as call:
        record.connected(call.connect_ms)
        try:
            async with asyncio.timeout(args.seconds):
                await _talk(call, speeches, record)
        except TimeoutError:
            pass  # --seconds are over
        finally:
            record.ended(call.ended)
            if args.save is not None:
                sound = call.heard.sound()
                soundfile.write(args.save, sound, HEAR_HZ, subtype="PCM_16", format="WAV")
                record.saved(args.save, len(sound) / HEAR_HZ)


async def _talk(call: Caller, speeches: list[Speech], record: Record) -> None:
    if not speeches:
        await call.silence(_LISTEN_S)
    for spoken in speeches:
        await call.quiet(_QUIET_S, _REPLY_S)  # whoever calls lets the greeting be said
        record.saying(spoken.name)
        utterance = await call.say(spoken.samples)
        ended_s = utterance.handed_s(spoken.last)
        heard = call.heard
        await call.until(lambda: heard.speech_from(ended_s) is not None, _ANSWER_S)  # noqa: B023
        outcome, latency_ms, _ = judge(heard.speech_s, utterance.began_s, ended_s)
        record.said(spoken.name, outcome, latency_ms)
        await call.quiet(_QUIET_S, _REPLY_S)
