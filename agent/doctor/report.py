"""`voxline doctor`: can this machine serve, and what is to be done if not."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from agent import weights
from agent.choose import Choice, choose
from agent.config import Config
from agent.doctor import models, network, resources, software
from agent.doctor.check import FAIL, WARN, Check, attempt, guarded

_WIDTH = 18  # of the names; those of ICE servers may be longer
_WEIGHTS_BYTES = {"voxtral": 9_400_000_000, "kokoro": 330_000_000}


def doctor(config: Config, *, as_json: bool) -> int:
    """Print all findings, each as it comes; return 1 if one of them is a failure."""
    checks = []
    with _progress():
        for check in examine(config):
            checks.append(check)
            if not as_json:
                print(rows(check), flush=True)  # noqa: T201
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=1))  # noqa: T201
    return int(any(check.status == FAIL for check in checks))


def examine(config: Config) -> Iterator[Check]:
    """Every check, in the order in which an operator would mend things."""
    choice = choose(config)
    yield guarded("Python", software.python)
    yield guarded("packages", software.packages)
    extra = guarded("packages", lambda: software.extra(models.heavy(choice)))
    yield extra
    for name, probe in (
        ("aiortc and aioice", software.upstream),
        ("Opus", software.opus),
        ("voice activity", software.silero),
        ("espeak-ng", software.espeak),
    ):
        yield attempt(name, probe)
    if "voxtral" in models.heavy(choice):
        yield guarded("C compiler", software.compiler)
    yield guarded("memory", lambda: resources.memory(config, models.heavy(choice)))
    yield guarded("disk", lambda: resources.disk(_to_fetch(config, choice)))
    yield guarded("GPU", lambda: models.gpu(config, choice))
    weight_files = list(models.weight_files(config, choice))
    yield from weight_files
    if models.heavy(choice):
        yield guarded("torch", lambda: models.torch_settings(config, choice))
    lacking = [check.name for check in (extra, *weight_files) if check.status == FAIL]
    if lacking:  # it would only be told again
        found = f"not loaded, for want of {' and '.join(lacking)}"
        yield Check("engines", WARN, found, "mend that first")
    else:
        yield from models.engines(config, choice)
    yield guarded("Smart Turn", lambda: models.smart_turn(config))
    if config.agent.tools:
        yield attempt("tools", lambda: software.tools(config))
    if config.record.folder:
        yield attempt("flight records", lambda: resources.records(config))
    if config.server.cors_origins:
        yield attempt("web origins", lambda: network.origins(config))
    yield guarded("port", lambda: network.port(config))
    yield guarded("UDP ports", lambda: network.udp_ports(config))
    yield guarded("ICE addresses", lambda: network.ice_addresses(config))
    yield from network.relays(config)
    yield guarded("microphone", lambda: network.microphone(config))


def rows(check: Check) -> str:
    """A finding for a terminal, and its remedy below."""
    row = f"{check.status:<4}  {check.name:<{_WIDTH}}  {check.found}"
    return f"{row}\n{'':<{_WIDTH + 8}}-> {check.remedy}" if check.remedy else row


@contextmanager
def _progress() -> Iterator[None]:
    """What our own code logs, on stderr: loading takes minutes, and may end in a crash."""
    ours, handler = logging.getLogger("agent"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("      %(message)s"))
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.setLevel(before)
        ours.removeHandler(handler)


def _to_fetch(config: Config, choice: Choice) -> int:
    named = {"voxtral": config.voxtral.model, "kokoro": config.kokoro.model}
    return sum(
        _WEIGHTS_BYTES[engine]
        for engine in models.heavy(choice)
        if weights.here(named[engine]).folder is None
    )
