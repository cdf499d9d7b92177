import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import RejectedOffer
from signaling.body import parse
from signaling.codes import Code

FORM = 'multipart/form-data; boundary="x"'


def form(*parts):
    """Join (headers, content) pairs as a multipart body."""
    written = b"".join(b"--x\r\n%s\r\n\r\n%s\r\n" % part for part in parts)
    return written + b"--x--\r\n"


SDP = (b'Content-Disposition: form-data; name="sdp"', b"v=0\r\ns=-\r\n")


def refusal(content_type, body):
    with pytest.raises(RejectedOffer) as caught:
        parse(content_type, body)
    return caught.value.code


def test_sdp_alone():
    assert parse("application/sdp", b"v=0") == (b"v=0", {})
    assert parse("Application/SDP; charset=utf-8", b"v=0") == (b"v=0", {})


def test_a_form_keeps_every_byte_of_the_offer():
    assert parse(FORM, form(SDP)) == (b"v=0\r\ns=-\r\n", {})


def test_a_form_with_a_session():
    session = {"instructions": "h\u00e4?"}
    part = (b'content-disposition: form-data; name="session"', json.dumps(session).encode())
    assert parse(FORM, form(part, SDP))[1] == session


def test_a_part_may_have_a_type_or_a_file_name():
    headers = b'Content-Disposition: form-data; name="sdp"; filename="o"\r\nContent-Type: a/b'
    assert parse(FORM, form((headers, b"v=0")))[0] == b"v=0"


def test_the_first_of_two_parts_counts():
    second = (SDP[0], b"other")
    assert parse(FORM, form(SDP, second))[0] == SDP[1]


def test_unknown_parts_do_not_matter():
    other = (b'Content-Disposition: form-data; name="x"', b"y")
    assert parse(FORM, form(other, SDP))[0] == SDP[1]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json", "multipart/mixed", ";"])
def test_another_type(kind):
    assert refusal(kind, b"v=0") == Code.MEDIA_TYPE


@pytest.mark.parametrize("body", [b"", b"v=0", form(), form((b"X: y", b"v=0"))])
def test_a_form_without_an_offer(body):
    assert refusal(FORM, body) == Code.BODY_MALFORMED


def test_a_form_without_a_boundary():
    assert refusal("multipart/form-data", form(SDP)) == Code.BODY_MALFORMED


@pytest.mark.parametrize("session", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_session_that_is_no_json(session):
    part = (b'Content-Disposition: form-data; name="session"', session)
    assert refusal(FORM, form(SDP, part)) == Code.BODY_MALFORMED


TYPES = [FORM, "multipart/form-data; boundary=", "multipart/form-data; boundary*=x"]
LINES = [
    b"Content-Disposition: form-data; name=sdp\r\n",
    b"Content-Type: a\r\n",
    b"--x\r\n",
    b"\r\n",
]


@given(
    st.sampled_from(TYPES),
    st.lists(st.binary(max_size=20) | st.sampled_from(LINES), max_size=9),
)
def test_no_body_makes_it_raise_anything_else(content_type, pieces):
    try:
        offer, _ = parse(content_type, b"".join(pieces))
    except RejectedOffer as error:
        assert error.code in list(Code)
    else:
        assert isinstance(offer, bytes)
