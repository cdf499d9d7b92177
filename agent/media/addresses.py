"""Which addresses a caller is offered. Knows the machine's sockets and routes, not ICE."""

import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from agent.errors import ConfigError

_BROADCAST = "255.255.255.255"


@dataclass(frozen=True, slots=True)
class Offered:
    bound: tuple[str, ...]  # addresses of this machine to open sockets on; () for all
    seen_as: dict[str, str]  # of those, which callers know under another one


def resolve(configured: Iterable[str]) -> Offered:
    """Tell our own addresses from those that a NAT has for us.

    Of the latter the way out is bound, and the configured one said: the NAT must keep the port.
    Raises ConfigError for what is no address, or not one machine's, or has no way to it.
    """
    bound: list[str] = []
    seen_as: dict[str, str] = {}
    for address in configured:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            raise ConfigError(f"ice.addresses: {address!r} is not an IP address") from None
        if ip.is_unspecified or ip.is_multicast or address == _BROADCAST:
            raise ConfigError(
                f"ice.addresses: {address} is no address that a caller can send to; leave the "
                "list empty to offer all of this machine's"
            )
        local = address if _is_ours(address) else _way_to(address)
        if local != address:
            seen_as[local] = address
        if local not in bound:
            bound.append(local)
    return Offered(tuple(bound), seen_as)


def _is_ours(address: str) -> bool:
    with _udp(address) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _way_to(address: str) -> str:
    """Our address on the way to another one. Sends nothing."""
    with _udp(address) as probe:
        try:
            probe.connect((address, 9))
        except OSError as error:
            raise ConfigError(
                f"ice.addresses: {address} is not an address of this machine, nor is there a "
                f"way to it ({error.strerror})"
            ) from error
        return str(probe.getsockname()[0])


def _udp(address: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.socket(family, socket.SOCK_DGRAM)


def is_loopback(host: str) -> bool:
    """Whether a server bound to `host` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
