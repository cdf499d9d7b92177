"""`voxline doctor`: can this machine serve, and what is to be done if not."""

import json
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from agent.choose import build, choose
from agent.config import Config
from agent.errors import ConfigError, EngineError

OK, WARN, FAIL = "ok", "warn", "fail"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. `remedy` says what to do; empty where nothing is to be done."""

    name: str
    status: str
    found: str
    remedy: str = ""


def doctor(config: Config, *, as_json: bool) -> int:
    """Print all findings; return 1 if one of them is a failure."""
    checks = list(examine(config))
    print(json.dumps([asdict(c) for c in checks], indent=1) if as_json else table(checks))  # noqa: T201
    return int(any(check.status == FAIL for check in checks))


def examine(config: Config) -> Iterator[Check]:
    """Every check, in the order in which an operator would mend things."""
    yield python()
    yield packages()
    for name, probe in (
        ("aiortc and aioice", _upstream),
        ("Opus", _opus),
        ("voice activity", _silero),
    ):
        yield attempt(name, probe)
    yield attempt("engines", lambda: _engines(config))
    yield attempt("ICE addresses", lambda: _addresses(config))
    yield port(config)
    yield microphone(config)
    yield memory(config)


def attempt(name: str, probe: Callable[[], str]) -> Check:
    """Do what the server will do; what it would refuse is a failure here, in its own words."""
    try:
        return Check(name, OK, probe())
    except ImportError as error:
        return Check(name, FAIL, str(error), "run: make setup")
    except (ConfigError, EngineError) as error:
        found, _, remedy = str(error).partition("; ")
        return Check(name, FAIL, found, remedy)


def python() -> Check:
    """For bug reports; pip has refused any version that will not do."""
    where = f"{platform.system()} {platform.machine()}, {sys.executable}"
    return Check("Python", OK, f"{platform.python_version()} on {where}")


def packages() -> Check:
    """Whether what pyproject.toml pins exactly is what is installed."""
    wrong, pins = [], 0
    try:
        wanted_packages = requires("voxline") or []
    except PackageNotFoundError:
        return Check("packages", WARN, "Voxline itself is not installed", "run: make setup")
    for requirement in wanted_packages:
        name, _, wanted = requirement.partition("==")
        if not wanted or ";" in requirement:
            continue
        pins += 1
        try:
            have = version(name).partition("+")[0]
        except PackageNotFoundError:
            have = "missing"
        if have != wanted:
            wrong.append(f"{name} {have}, wanted {wanted}")
    if wrong:
        return Check("packages", FAIL, "; ".join(wrong), "run: make setup")
    return Check("packages", OK, f"{pins} exact pins hold, torch {version('torch')}")


def port(config: Config) -> Check:
    host, number = config.server.host, config.server.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError as error:
            return Check(
                "port",
                FAIL,
                f"{host}:{number}: {error.strerror}",
                "choose another with --host and --port",
            )
    return Check("port", OK, f"{host}:{number} is free")


def microphone(config: Config) -> Check:
    """Browsers give the microphone to secure origins only."""
    host = config.server.host
    if host in _LOOPBACK:
        return Check("microphone", OK, "the page is reached as localhost, which browsers trust")
    return Check(
        "microphone",
        WARN,
        f"bound to {host}: browsers refuse the microphone to plain http, localhost excepted",
        "put a TLS proxy (Caddy, nginx) in front and open the page with https",
    )


def memory(config: Config) -> Check:
    """Room for the calls that may come; a call takes about 35 MB with the operator."""
    need_mb = 600 + 35 * config.limits.calls
    have_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    free_gb = shutil.disk_usage(".").free / 1e9
    found = f"{have_mb} MB memory, {free_gb:.0f} GB disk free, {os.cpu_count()} cores"
    if have_mb < need_mb:
        return Check("memory", WARN, found, f"limits.calls={config.limits.calls} is too many")
    return Check("memory", OK, found)


def table(checks: list[Check]) -> str:
    """The findings for a terminal."""
    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        lines.append(f"{check.status:<4}  {check.name:<{width}}  {check.found}")
        if check.remedy:
            lines.append(f"{'':<{width + 8}}-> {check.remedy}")
    return "\n".join(lines)


def _upstream() -> str:
    from agent.media import upstream

    upstream.check()
    return f"aiortc {version('aiortc')}, aioice {version('aioice')}: as expected inside"


def _opus() -> str:
    from agent.media import opus

    return opus.check()


def _silero() -> str:
    from agent.vad.silero import model_path

    return f"silero-vad {version('silero-vad')} ({model_path().stat().st_size // 1024} kB)"


def _engines(config: Config) -> str:
    choice = choose(config)
    _, voice = build(config, choice)
    if config.agent.voice_name and config.agent.voice_name not in voice.voices():
        raise ConfigError(f"agent.voice_name: no voice {config.agent.voice_name!r}")
    return f"brain {choice.brain}, voice {choice.voice}: loaded ({choice.why})"


def _addresses(config: Config) -> str:
    from agent.media import addresses

    offered = addresses.resolve(config.ice.addresses)
    if not offered.bound:
        return "all of this machine's"
    return ", ".join(offered.seen_as.get(local, local) for local in offered.bound)
