"""Ports, addresses, relays: whether callers can get through."""

import socket
from collections.abc import Iterator
from pathlib import Path

from agent.config import Config
from agent.doctor.check import FAIL, OK, WARN, Check, guarded
from agent.doctor.relay import ask
from agent.media import addresses
from agent.media.ice_servers import ice_servers
from signaling.app import origins_of

_EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")


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


def origins(config: Config) -> str:
    """Whose pages may call. Raises ConfigError for what is no origin."""
    origins_of(config.server)
    return ", ".join(config.server.cors_origins)


def udp_ports(config: Config) -> Check:
    """Media takes ports that the system picks; a firewall has to let them in."""
    name = "UDP ports"
    try:
        low, high = _EPHEMERAL.read_text().split()
    except (OSError, ValueError):
        return Check(name, OK, "picked by the system")
    found = f"{low}-{high}, two a call, picked by the system (net.ipv4.ip_local_port_range)"
    if addresses.is_loopback(config.server.host):
        return Check(name, OK, found)
    return Check(name, OK, f"{found}; the firewall must let them in, or a TURN server relay")


def ice_addresses(config: Config) -> Check:
    """What callers are offered, and whether they are likely to get there."""
    name = "ICE addresses"
    offered = addresses.resolve(config.ice.addresses)
    if offered.bound:
        seen = ", ".join(offered.seen_as.get(local, local) for local in offered.bound)
        return Check(name, OK, seen)
    return Check(
        name,
        OK,
        "all of this machine's; behind NAT the callers see another, which ice.addresses names",
    )


def relays(config: Config) -> Iterator[Check]:
    """Each STUN and TURN server, asked as a call would ask it."""
    if not config.ice.servers:
        yield Check("ICE servers", OK, "none, which is what a reachable server wants")
        return

    def refused() -> Check:
        ice_servers(config)
        return Check("ICE servers", OK, "")

    check = guarded("ICE servers", refused)
    if check.status != OK:
        yield check
        return
    for server in ice_servers(config):
        url = server.urls[0] if isinstance(server.urls, list) else server.urls
        yield guarded(url, lambda url=url, server=server: ask(url, server))  # type: ignore[misc]


def microphone(config: Config) -> Check:
    """Browsers give the microphone to secure origins only."""
    host = config.server.host
    if addresses.is_loopback(host):
        return Check("microphone", OK, "the page is reached as localhost, which browsers trust")
    return Check(
        "microphone",
        WARN,
        f"bound to {host}: browsers refuse the microphone to plain http, localhost excepted",
        "put a TLS proxy (Caddy, nginx) in front and open the page with https",
    )
