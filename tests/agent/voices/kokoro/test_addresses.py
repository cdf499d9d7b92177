"""Addresses as one reads them out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.voices.kokoro.addresses import EMAIL, FILE, IP, URL, email, file, ip, url


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://www.example.org/docs?x=1#top", "example dot org slash docs"),
        ("http://example.com", "example dot com"),
        ("www.example.co.uk/", "example dot co dot UK"),
        ("github.com/foo_bar", "github dot com slash foo underscore bar"),
        ("docs.rs-lang.io/v2", "docs dot rs dash lang dot IO slash v two"),
        ("http://localhost:8080", "localhost colon eight thousand eighty"),
    ],
)
def test_a_web_address(address, said):
    assert re.fullmatch(URL, address)
    assert url(address) == said


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("jo.doe@example.com", "jo dot doe at example dot com"),
        ("mailto:a-b+c@x.io", "a dash b plus c at x dot IO"),
    ],
)
def test_an_e_mail_address(address, said):
    assert re.fullmatch(EMAIL, address)
    assert email(address) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("main.py", "main dot PY"),
        ("my-report_v2.pdf", "my dash report underscore v two dot PDF"),
        ("a.tar.gz", "a dot tar dot GZ"),
        ("package.json", "package dot json"),
    ],
)
def test_a_file(name, said):
    assert re.fullmatch(FILE, name)
    assert file(name) == said


def test_an_ip_address():
    assert re.fullmatch(IP, "10.0.0.1:80")
    assert ip("10.0.0.1:80") == "ten dot zero dot zero dot one colon eighty"
    assert not re.fullmatch(IP, "2.13.0")


@pytest.mark.parametrize("word", ["end.So", "3.14", "U.S", "e.g", "node.js", "hello", "a@b"])
def test_what_only_looks_like_one_is_left_to_others(word):
    assert not re.fullmatch(URL, word)
    assert not re.fullmatch(EMAIL, word)


@given(st.text(st.characters(max_codepoint=0x2FF), max_size=40))
def test_nothing_but_words_is_said(text):
    assert re.fullmatch(r"[\w ]*", url(text))
    assert re.fullmatch(r"[\w ]*", email(text))
