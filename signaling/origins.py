"""Who may place a call from a web page, decided by the Origin and Host headers.

A call costs a seat, and multipart needs no preflight: so a page of another site is refused by
the server itself, not merely denied the answer by CORS. And a server bound to loopback answers
to loopback's names only: else a foreign page whose name was pointed at 127.0.0.1 (DNS
rebinding) would be of the same origin. The hosts of configured origins are names of this
server too: that is how a reverse proxy in front of it is let through.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Origins:
    """`allowed` are origins as browsers write them, or "*"; `bound_to` is server.host.

    Raises ValueError for one that no browser would write, and that no page could match.
    """

    allowed: tuple[str, ...]
    bound_to: str

    def __post_init__(self) -> None:
        for entry in self.allowed:
            if entry != "*" and not _can_match(entry.lower().rstrip("/")):
                raise ValueError(
                    f"{entry!r} matches no page; write an origin as "
                    'browsers do, "https://shop.example" or "http://localhost:3000", or "*"'
                )

    def knows_host(self, host: str) -> bool:
        """Whether a Host header names this server."""
        if "*" in self.allowed or not _is_loopback(self.bound_to):
            return True
        name = _split(f"//{host}").hostname or ""
        return _is_loopback(name) or any(
            _split(origin).hostname == name for origin in self.allowed
        )

    def configured(self, origin: str) -> bool:
        """Whether pages of `origin` may read answers from here (CORS)."""
        allowed = {entry.lower().rstrip("/") for entry in self.allowed}
        return "*" in allowed or origin.lower() in allowed

    def permits(self, origin: str | None, host: str) -> bool:
        """Whether a page of `origin` may do something here. No origin: not a page's doing."""
        return origin is None or _same(origin, host) or self.configured(origin)


def _can_match(origin: str) -> bool:
    parts = _split(origin)
    default = _DEFAULT_PORTS.get(parts.scheme)
    if not parts.hostname or not _ORIGIN.fullmatch(origin):
        return False
    return parts.port is None or parts.port != default  # browsers leave out the default


def _same(origin: str, host: str) -> bool:
    """Compare name and port. Not the scheme: a proxy in front may have taken off the TLS."""
    page, server = _split(origin), _split(f"//{host}")
    default = _DEFAULT_PORTS.get(page.scheme)
    if default is None or not page.hostname:
        return False
    here = (server.hostname, server.port or default)
    return (page.hostname, page.port or default) == here


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:  # brackets without an IPv6 address, or a port that is none
        return urlsplit("")
    return parts


def _is_loopback(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
