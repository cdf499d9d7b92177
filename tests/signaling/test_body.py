import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.errors import RejectedOffer
from signaling.body import MAX_HEADER_BYTES, MAX_PARTS, SESSION_BYTES, parse
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


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary*=x",
        "multipart/form-data; boundary*0=x",
        f"multipart/form-data; boundary={'x' * 71}",
        'multipart/form-data; boundary="x',
    ],
)
def test_a_boundary_that_is_none(content_type):
    assert refusal(content_type, form(SDP)) == Code.BODY_MALFORMED


@pytest.mark.parametrize("boundary", ["----WebKitFormBoundary7MA4YWxk", "0f3e=", "a b"])
def test_boundaries_as_clients_choose_them(boundary):
    body = form(SDP).replace(b"--x", b"--" + boundary.encode())
    assert (
        parse(f'multipart/form-data; charset=utf-8; boundary="{boundary}"', body)[0] == SDP[1]
    )


def test_a_form_is_found_behind_a_preamble():
    assert parse(FORM, b"for people\r\n" + form(SDP))[0] == SDP[1]


def test_a_boundary_within_a_line_cuts_nothing():
    assert parse(FORM, form((SDP[0], b"a=--x\r\n")))[0] == b"a=--x\r\n"


def test_a_form_that_breaks_off():
    assert refusal(FORM, form(SDP).removesuffix(b"--x--\r\n")) == Code.BODY_MALFORMED


def test_a_form_has_few_parts():
    other = (b'Content-Disposition: form-data; name="x"', b"y")
    assert parse(FORM, form(SDP, *[other] * (MAX_PARTS - 1)))[0] == SDP[1]
    assert refusal(FORM, form(SDP, *[other] * MAX_PARTS)) == Code.BODY_MALFORMED


def test_a_part_has_a_short_header():
    longest = SDP[0] + b"\r\nX: "
    longest += b"y" * (MAX_HEADER_BYTES - len(longest) - len(b"\r\n\r\n\r\n"))
    assert parse(FORM, form((longest, b"v=0")))[0] == b"v=0"
    assert refusal(FORM, form((longest + b"y", b"v=0"))) == Code.BODY_MALFORMED


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Disposition: form-data; name*=a; name*0=x",
        b"Content-Disposition: form-data; name*=utf-8''sdp",
        b'Content-Disposition: form-data; filename="sdp"',
        b"Content-Disposition: form-data; name=sdp",
        b'Content-Type: text/plain; name="sdp"',
        b"",
    ],
)
def test_a_name_is_quoted_and_nothing_else(header):
    assert refusal(FORM, form((header, b"v=0"))) == Code.BODY_MALFORMED


def test_a_transfer_encoding_is_not_undone():
    """RFC 7578, 4.7: nobody sends one."""
    part = (SDP[0] + b"\r\nContent-Transfer-Encoding: base64", b"dj0w")
    assert parse(FORM, form(part))[0] == b"dj0w"


def test_forms_do_not_nest():
    """Of 300 in one another, a parser for mail made seconds of work."""
    nested = b"".join(
        b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (i, i + 1)
        for i in range(300)
    )
    assert refusal("multipart/form-data; boundary=b0", nested) == Code.BODY_MALFORMED
    inner = b"--y\r\n" + SDP[0] + b"\r\n\r\nv=0\r\n--y--"
    header = b'Content-Disposition: form-data; name="m"\r\nContent-Type: multipart/mixed'
    assert refusal(FORM, form((header + b"; boundary=y", inner))) == Code.BODY_MALFORMED


def test_a_session_beyond_its_size():
    part = (b'Content-Disposition: form-data; name="session"', b" " * (SESSION_BYTES + 1))
    assert refusal(FORM, form(SDP, part)) == Code.BODY_TOO_LARGE


@pytest.mark.parametrize(
    "session", [b"", b"{", b"\xff", b"[" * 50_000, b"1" * 5000, b'{"a": NaN}']
)
def test_a_session_that_is_no_json(session):
    part = (b'Content-Disposition: form-data; name="session"', session)
    assert refusal(FORM, form(SDP, part)) == Code.BODY_MALFORMED


# -- laws ------------------------------------------------------------------------------------

TYPES = [FORM, "multipart/form-data; boundary=", "multipart/form-data; boundary*=x"]
LINES = [
    b'Content-Disposition: form-data; name="sdp"\r\n',
    b'Content-Disposition: form-data; name="session"\r\n',
    b"Content-Disposition: form-data; name*=a; name*0=x\r\n",
    b"Content-Type: multipart/mixed; boundary=y\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"--x\r\n",
    b"--y\r\n",
    b"--x--",
    b"\r\n",
    b"1" * 5000,
    b"[" * 5000,
]


def parsed_or_refused(content_type, body):
    try:
        offer, _ = parse(content_type, body)
    except RejectedOffer as error:
        assert error.code in list(Code)
        assert 400 <= error.status < 500
    else:
        assert isinstance(offer, bytes)


@given(
    st.sampled_from(TYPES) | st.text(),
    st.lists(st.binary(max_size=20) | st.sampled_from(LINES), max_size=9),
)
def test_no_body_makes_it_raise_anything_else(content_type, pieces):
    parsed_or_refused(content_type, b"".join(pieces))


GOOD = form(SDP, (b'Content-Disposition: form-data; name="session"', b'{"type": "realtime"}'))


@given(st.data())
def test_nor_does_a_good_one_that_was_maimed(data):
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(begin, min(len(body), begin + 30)))
        body[begin:end] = data.draw(st.binary(max_size=6) | st.sampled_from(LINES))
    parsed_or_refused(FORM, bytes(body))


@given(st.binary(max_size=200).filter(lambda content: b"\r\n--x" not in b"\r\n" + content))
def test_an_offer_arrives_byte_for_byte(content):
    assert parse(FORM, form((SDP[0], content)))[0] == content
