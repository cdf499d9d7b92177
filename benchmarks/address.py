"""The address of a server, as somebody types it, and what there is to say if nobody answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import aiohttp

from agent.errors import ConfigError


def base_of(url: str) -> str:
    """The address that a path is put behind. Raises ConfigError for what is none."""
    try:
        parts = urlsplit(url)
        _ = parts.port, (parts.hostname or "").encode("idna")
        named = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:  # brackets, port, or a name that no name server takes
        named = None
    if not named:
        raise ConfigError(f"{url!r}: an address such as http://127.0.0.1:8080 is needed")
    return url.rstrip("/")


@contextmanager
def reaching(url: str, failure: type[Exception], limit_s: float) -> Iterator[None]:
    """Raise `failure` in words of ours for a request that came to nothing."""
    try:
        yield
    except TimeoutError as error:
        raise failure(f"{url} did not answer within {limit_s:g} s") from error
    except aiohttp.ClientConnectorError as error:
        raise failure(f"{url} cannot be reached: {error.os_error}") from error
    except aiohttp.ClientError as error:
        raise failure(f"{url} cannot be called: {error}") from error
