"""The STUN and TURN servers of the configuration, as aiortc takes them.

aiortc reads their addresses with the first call, silently passes over those that it cannot use,
and raises what then looks like a bad offer; here they are refused before there is a call.
"""

import os

from aiortc import RTCIceServer
from aiortc.rtcicetransport import parse_stun_turn_uri

from agent.config import Config
from agent.errors import ConfigError

_USERNAME, _PASSWORD = "VOXLINE_TURN_USERNAME", "VOXLINE_TURN_PASSWORD"
_TRANSPORTS = {"stun": (None,), "turn": ("udp", "tcp"), "turns": ("tcp",)}


def ice_servers(config: Config) -> list[RTCIceServer]:
    """Each server in `ice.servers`, TURN with its password from the environment.

    URIs as in RFC 7064 and RFC 7065. Raises ConfigError for anything else, and for TURN without
    a user name and a password: there is no TURN without them (RFC 8656, section 5).
    """
    return [_server(url) for url in config.ice.servers]


def _server(url: str) -> RTCIceServer:
    try:
        parsed = parse_stun_turn_uri(url)
        usable = parsed.get("transport") in _TRANSPORTS[parsed["scheme"]]
        usable = usable and 0 < parsed["port"] <= 65_535
    except (ValueError, KeyError):
        usable = False
    if not usable:
        raise ConfigError(
            f"ice.servers: {url!r} is not the address of a server; write stun:host:port or "
            "turn:host:port?transport=udp"
        )
    if parsed["scheme"] == "stun":
        return RTCIceServer(urls=[url])
    username, password = os.environ.get(_USERNAME), os.environ.get(_PASSWORD)
    if not username or not password:
        raise ConfigError(
            f"ice.servers: {url} needs a user name and a password; set {_USERNAME} and "
            f"{_PASSWORD} in the environment"
        )
    return RTCIceServer(urls=[url], username=username, credential=password)
