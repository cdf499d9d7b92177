"""The body of `POST /v1/realtime/calls`: an offer, and perhaps a session.

Works on bytes that were read under a limit, so that a body cannot grow while it is parsed. A
form is read as RFC 7578 has it and as clients send it: flat, few parts, every part plain bytes
under a quoted name. Not by the standard library's `email`: what that does for mail (nesting,
RFC 2231, transfer encodings) takes seconds and raises whatever it likes for a hostile form.
"""

import re
from typing import Any

from agent.errors import RejectedOffer
from signaling.codes import Code
from signaling.fields import read_json
from signaling.sdp import MAX_BYTES as OFFER_BYTES

SESSION_BYTES = 65_536
MAX_BYTES = OFFER_BYTES + SESSION_BYTES + 8192  # and what multipart wraps around them
MAX_PARTS = 8
MAX_HEADER_BYTES = 1024  # of one part

# RFC 2046, 5.1.1: 70 characters at most, which makes cutting by it cheap.
_BOUNDARY = re.compile(
    r";\s*boundary=(?:\"([ -!#-~]{1,70})\"|([!#-:<-~]{1,70}))\s*(?:;|$)", re.I
)
_NAME = re.compile(rb"^content-disposition:[^\r\n]*?[; ]name=\"([^\"\r\n]*)\"", re.I | re.M)


def parse(content_type: str, body: bytes) -> tuple[bytes, Any]:
    """Return the offer and the session's JSON, {} where none was sent. Raises RejectedOffer."""
    kind = content_type.partition(";")[0].strip().lower()
    match kind:
        case "application/sdp":
            return body, {}
        case "multipart/form-data":
            parts = _form(content_type, body)
            if b"sdp" not in parts:
                raise _malformed("the form has no part named sdp", "sdp")
            return parts[b"sdp"], _session(parts.get(b"session", b"{}"))
    raise RejectedOffer(
        Code.MEDIA_TYPE,
        "send application/sdp, or multipart/form-data with the parts sdp and session",
        status=415,
    )


def _form(content_type: str, body: bytes) -> dict[bytes, bytes]:
    """Return what stands under each name, the first of two that share one."""
    if not (match := _BOUNDARY.search(content_type)):
        raise _malformed("the form has no boundary, or one that is none")
    delimiter = b"\r\n--" + (match[1] or match[2]).encode()
    _, *parts = (b"\r\n" + body).split(delimiter, MAX_PARTS + 1)
    if not parts or not parts[-1].startswith(b"--"):
        raise _malformed(f"the form does not end after {MAX_PARTS} parts at most")
    form: dict[bytes, bytes] = {}
    for part in parts[:-1]:
        end = part.find(b"\r\n\r\n", 0, MAX_HEADER_BYTES)
        name = _NAME.search(part, 0, max(end, 0))
        if name is None:
            raise _malformed(f'a part has no name="..." within {MAX_HEADER_BYTES} bytes')
        form.setdefault(name[1], part[end + 4 :])
    return form


def _session(text: bytes) -> Any:
    if len(text) > SESSION_BYTES:
        raise RejectedOffer(
            Code.BODY_TOO_LARGE,
            f"a session has {SESSION_BYTES} bytes at most",
            status=413,
            param="session",
        )
    try:
        return read_json(text)
    except ValueError:
        raise _malformed("the part session is not JSON", "session") from None


def _malformed(message: str, param: str | None = None) -> RejectedOffer:
    return RejectedOffer(Code.BODY_MALFORMED, message, param=param)
