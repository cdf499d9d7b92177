import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.origins import Origins

LOCAL = Origins((), "127.0.0.1")
SHOP = Origins(("https://shop.example",), "127.0.0.1")
ANY = Origins(("*",), "127.0.0.1")


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (None, "localhost:8080"),  # no browser, or not across origins
        ("http://localhost:8080", "localhost:8080"),
        ("http://LOCALHOST:8080", "localhost:8080"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://localhost", "localhost:80"),
        ("https://agent.example", "agent.example"),  # TLS ends at a proxy
    ],
)
def test_the_servers_own_pages_may(origin, host):
    assert LOCAL.permits(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:9000", "localhost:8080"),
        ("http://localhost", "localhost:8080"),
        ("http://127.0.0.1:8080", "localhost:8080"),
        ("https://evil.example", "localhost:8080"),
        ("http://localhost.evil.example:8080", "localhost:8080"),
        ("http://localhost:8080@evil.example", "localhost:8080"),
        ("null", "localhost:8080"),
        ("", ""),
        ("file://", ""),
        ("http://[bad", "[bad"),
        ("http://localhost:99999", "localhost:99999"),
    ],
)
def test_others_may_not(origin, host):
    assert not LOCAL.permits(origin, host)


def test_configured_ones_may():
    assert SHOP.permits("https://shop.example", "localhost:8080")
    assert not SHOP.permits("http://shop.example", "localhost:8080")  # the scheme counts
    assert not SHOP.permits("https://shop.example.evil", "localhost:8080")
    assert ANY.permits("https://anything", "localhost:8080")
    assert ANY.permits("null", "localhost:8080")


def test_how_an_operator_writes_an_origin_does_not_matter():
    assert Origins(("https://Shop.example/",), "::1").permits("https://shop.example", "x")


@pytest.mark.parametrize(
    "entry",
    [
        "https://shop.example",
        "https://shop.example/",
        "http://shop.example:443",
        "HTTP://LOCALHOST:3000",
        "http://[::1]:3000",
        "https://xn--mller-kva.example",
        "capacitor://localhost",
        "*",
    ],
)
def test_what_an_operator_may_write(entry):
    page = "null" if entry == "*" else entry.lower().rstrip("/")
    assert Origins((entry,), "127.0.0.1").permits(page, "localhost:8080")


@pytest.mark.parametrize(
    "entry",
    [
        "shop.example",
        "shop.example:443",
        "//shop.example",
        "https://",
        "https://shop.example/page",
        "https://shop.example?x",
        "https://shop.example#x",
        "https://me@shop.example",
        "https://*.shop.example",
        "https://shop.example:443",  # browsers leave it out
        "http://shop.example:80",
        "https://shop.example:99999",
        "https://m\u00fcller.example",  # browsers write xn--
        "https://a.example,https://b.example",
        "",
        "null",
    ],
)
def test_what_no_page_could_match_stops_the_start(entry):
    with pytest.raises(ValueError, match="matches no page") as caught:
        Origins(("https://fine.example", entry), "127.0.0.1")
    message = str(caught.value)
    assert repr(entry) in message and '"https://shop.example"' in message


@pytest.mark.parametrize("host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080"])
def test_a_loopback_server_knows_its_names(host):
    assert LOCAL.knows_host(host)
    assert LOCAL.knows_host("voxline.localhost:8080")


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "10.0.0.1"])
def test_and_no_others(host):
    assert not LOCAL.knows_host(host)


def test_a_configured_origins_host_is_a_name_of_the_server():
    assert SHOP.knows_host("shop.example")
    assert SHOP.knows_host("shop.example:443")
    assert not SHOP.knows_host("evil.example")
    assert ANY.knows_host("evil.example")


def test_a_server_for_all_has_any_name():
    assert Origins((), "0.0.0.0").knows_host("agent.example")


@given(st.text(), st.text())
def test_no_header_makes_it_raise(origin, host):
    for origins in (LOCAL, SHOP, ANY):
        origins.knows_host(host)
        origins.permits(origin, host)
