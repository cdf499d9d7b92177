"""What is taken for the address of a server."""

import aiohttp
import pytest

from agent.errors import ConfigError
from benchmarks.address import base_of, reaching


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://voice.example/", "https://voice.example"),
        ("https://www.example/voice/", "https://www.example/voice"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_a_path_goes_behind_it(url, base) -> None:
    assert base_of(url) == base


@pytest.mark.parametrize(
    "url",
    [
        "foo",
        "",
        "127.0.0.1:8080",
        "ftp://h",
        "http://",
        "http://[::1",
        "http://a:0x",
        "http://a..b",
    ],
)
def test_what_is_none_is_the_operators_mistake(url) -> None:
    with pytest.raises(ConfigError, match=r"an address such as http://127\.0\.0\.1:8080"):
        base_of(url)


class Unreached(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TimeoutError(), "http://a did not answer within 3 s"),
        (aiohttp.ServerDisconnectedError(), "http://a cannot be called: Server disconnected"),
    ],
    ids=["late", "broken"],
)
def test_a_request_that_came_to_nothing_is_told_in_words(error, told) -> None:
    with pytest.raises(Unreached, match=told), reaching("http://a", Unreached, 3.0):
        raise error


def test_what_is_no_matter_of_the_network_passes() -> None:
    with pytest.raises(KeyError), reaching("http://a", Unreached, 3.0):
        raise KeyError
