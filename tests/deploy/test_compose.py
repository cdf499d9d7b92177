"""The compose file: its keys, its variables, and the options it gives to what it starts."""

import re
import shutil
import subprocess
from pathlib import Path

import coturn
import pytest
import yaml
from aiortc import RTCIceServer
from compose_spec import PyCompose

from agent.__main__ import _config, _parser
from agent.capable import voxtral_bytes
from agent.config import Config
from agent.config_file import load
from agent.doctor import relay
from agent.doctor.check import FAIL
from agent.media import addresses
from agent.media.ice_servers import ice_servers
from agent.weights import Weights
from signaling.origins import Origins

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text()
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


def example():
    """The variables of .env.example."""
    lines = (DEPLOY / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def example_relays():
    """Those that comments of .env.example show."""
    return re.findall(r"(\[\S*turn:\S+)", (DEPLOY / ".env.example").read_text())


def interpolated(variables):
    """The compose file as Compose reads it (its interpolation of ${A}, ${A:-b}, ${A:?why})."""

    def value(match):
        name, kind, rest = match.groups()
        if variables.get(name):
            return variables[name]
        if kind == "?":
            raise KeyError(name)
        return rest or ""

    def walk(node):
        match node:
            case str():
                return VARIABLE.sub(value, node)
            case list():
                return [walk(each) for each in node]
            case dict():
                return {key: walk(each) for key, each in node.items()}
        return node

    return walk(yaml.safe_load(TEXT))


@pytest.fixture
def services():
    return interpolated(example())["services"]


def served(services, monkeypatch):
    """The configuration that the server gets, with the files that it sees at their places."""
    options = [
        option.replace("/etc/voxline/config.yaml", str(DEPLOY / "config.yaml"))
        for option in services["voxline"]["command"]
    ]
    return _config(_parser().parse_args(options))


def test_it_is_a_compose_file_of_known_keys():
    """PyCompose refuses keys and values that the Compose Specification does not have."""
    assert PyCompose.from_yaml(TEXT).service_names() == ["voxline", "doctor", "caddy", "coturn"]
    with pytest.raises(ValueError, match="volumez"):
        PyCompose.from_yaml(TEXT.replace("    volumes:", "    volumez:"))


def test_every_variable_is_explained_in_the_example():
    explained = set(re.findall(r"^#?(\w+)=", (DEPLOY / ".env.example").read_text(), re.M))
    used = {match[1] for match in VARIABLE.finditer(TEXT)}
    used |= {name for name in interpolated(example())["services"]["voxline"]["environment"]}
    assert used <= explained
    assert explained <= used | {"DOMAIN"}


@pytest.mark.parametrize("name", ["DOMAIN", "PUBLIC_IP"])
def test_what_must_be_filled_in_stops_the_start(name):
    with pytest.raises(KeyError, match=name):
        interpolated({**example(), name: ""})


def test_every_file_and_volume_that_is_named_exists(services):
    declared = interpolated(example())["volumes"]
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in declared or (DEPLOY / source).is_file(), source
    build = services["voxline"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_images_are_pinned(services):
    for name in ("caddy", "coturn"):
        assert re.fullmatch(r"[\w/]+:\d+\.\d+(\.\d+)?", services[name]["image"])


def test_the_servers_options_load_and_mean_what_they_say(services, monkeypatch):
    config = served(services, monkeypatch)
    assert config.agent.engine == "voxtral"
    assert config.ice.addresses == (example()["PUBLIC_IP"],)
    assert config.server.cors_origins == ("https://voice.example",)
    origins = Origins(config.server.cors_origins, config.server.host)
    assert origins.knows_host("voice.example")
    assert origins.permits("https://voice.example", "voice.example")
    assert not origins.permits("https://elsewhere.example", "voice.example")


def test_the_doctor_examines_what_will_be_served(services):
    """Killed: a doctor that knew neither the address nor the relay, and another engine."""
    verb, *options = services["voxline"]["command"]
    assert (verb, services["doctor"]["command"]) == ("serve", ["doctor", *options])
    assert services["doctor"]["extends"] == {"service": "voxline"}
    assert services["doctor"]["restart"] == "no"


def test_nobody_reaches_the_server_but_through_the_proxy(services, monkeypatch):
    server = served(services, monkeypatch).server
    assert addresses.is_loopback(server.host)
    proxied = re.findall(r"reverse_proxy (\S+)", (DEPLOY / "Caddyfile").read_text())
    assert proxied == [f"{server.host}:{server.port}"]


def test_there_are_examples_of_a_relay():
    assert len(example_relays()) == 2


@pytest.mark.parametrize("written", example_relays())
def test_a_relay_in_the_environment_is_one_that_calls_can_use(written, monkeypatch):
    services = interpolated({**example(), "ICE_SERVERS": written})["services"]
    for name in ("VOXLINE_TURN_USERNAME", "VOXLINE_TURN_PASSWORD"):
        assert name in services["voxline"]["environment"]
        monkeypatch.setenv(name, "x")
    [server] = ice_servers(served(services, monkeypatch))
    assert server.urls == yaml.safe_load(written)


def test_the_file_of_settings_names_only_what_differs():
    differing = load(DEPLOY / "config.yaml")
    assert differing == Config()


def test_callers_may_come_to_the_relay_unannounced(services):
    assert "--server-relay" in services["coturn"]["command"]


def test_the_relays_ports_do_not_meet_those_that_the_system_picks(services):
    options = dict(o.split("=", 1) for o in services["coturn"]["command"] if "=" in o)
    assert int(options["--min-port"]) > 60_999


# -- by the programs themselves, where Debian's are installed


@pytest.mark.slow
@pytest.mark.skipif(coturn.PROGRAM is None, reason="coturn is not installed")
def test_coturn_takes_its_options_and_starts(tmp_path):
    services = interpolated({**example(), "VOXLINE_TURN_PASSWORD": "secret"})["services"]
    options = [o for o in services["coturn"]["command"] if "listening-port" not in o]
    with coturn.running(tmp_path, *options) as port:
        assert port


@pytest.mark.slow
@pytest.mark.skipif(coturn.PROGRAM is None, reason="coturn is not installed")
def test_coturn_without_a_password_lets_nobody_in(tmp_path):
    assert example()["VOXLINE_TURN_PASSWORD"] == ""
    services = interpolated(example())["services"]
    options = [o for o in services["coturn"]["command"] if "listening-port" not in o]
    with coturn.running(tmp_path, *options) as port:
        url = f"turn:127.0.0.1:{port}"
        for password in ("", "voxline"):
            server = RTCIceServer([url], username="voxline", credential=password)
            assert relay.ask(url, server).status == FAIL


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed")
def test_caddy_takes_its_file(tmp_path):
    shown = subprocess.run(
        ["caddy", "validate", "--config", DEPLOY / "Caddyfile", "--adapter", "caddyfile"],
        env={"PATH": "/usr/bin:/bin", "DOMAIN": "voice.example", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr


# -- what the README says


def test_the_readmes_figures_are_those_that_the_start_reckons_with():
    text = (DEPLOY / "README.md").read_text()
    one = voxtral_bytes(Config(), Weights(None))
    assert f"{one / 1e9:.1f} GB" in text
    assert f"{one / Config().torch.memory_fraction / 1e9:.1f} GB" in text
    int8 = voxtral_bytes(load(None, {"voxtral.quantization": "int8"}), Weights(None))
    assert f"{(one - int8) / 1e9:.1f} GB less" in text


def test_the_readmes_commands_name_what_there_is():
    text = (DEPLOY / "README.md").read_text()
    services = interpolated(example())["services"]
    for command in re.findall(r"docker compose -f (\S+) ((?:--profile turn )?\w+)(.*)", text):
        assert command[0] == "deploy/compose.yaml"
    started = re.findall(r" (?:run --rm --build|logs -f|up -d) (\w+)", text)
    assert set(started) == {"doctor", "voxline", "coturn"}
    assert set(started) <= set(services)
    bare = re.findall(r"bin/voxline (.*)$", text.replace("\\\n", ""), re.M)
    assert [_config(_parser().parse_args(each.split())).agent.engine for each in bare] == [
        "voxtral",
        "voxtral",
    ]
    for name in re.findall(r"\(([\w.-]+)\)", text):
        assert (DEPLOY / name).exists(), name
    assert f"--profile {services['coturn']['profiles'][0]}" in text
