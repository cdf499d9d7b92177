"""The body of `POST /v1/realtime/calls`: an offer, and perhaps a session.

Works on bytes that were read under a limit, so that a body cannot grow while it is parsed.
"""

import email
import json
from typing import Any

from agent.errors import RejectedOffer
from signaling.codes import Code
from signaling.sdp import MAX_BYTES as OFFER_BYTES

MAX_BYTES = 2 * OFFER_BYTES + 8192  # offer, session, and what multipart wraps around them


def parse(content_type: str, body: bytes) -> tuple[bytes, Any]:
    """Return the offer and the session's JSON, {} where none was sent. Raises RejectedOffer."""
    kind = content_type.partition(";")[0].strip().lower()
    match kind:
        case "application/sdp":
            return body, {}
        case "multipart/form-data":
            return _multipart(content_type, body)
    raise RejectedOffer(
        Code.MEDIA_TYPE,
        "send application/sdp, or multipart/form-data with the parts sdp and session",
        status=415,
    )


def _multipart(content_type: str, body: bytes) -> tuple[bytes, Any]:
    header = content_type.encode("latin-1", "replace").replace(b"\r", b"").replace(b"\n", b"")
    message = email.message_from_bytes(b"Content-Type: " + header + b"\r\n\r\n" + body)
    parts: dict[str, bytes] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            parts.setdefault(name, content)
    if "sdp" not in parts:
        raise RejectedOffer(Code.BODY_MALFORMED, "the form has no part named sdp", param="sdp")
    return parts["sdp"], _session(parts.get("session", b"{}"))


def _session(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RejectedOffer(
            Code.BODY_MALFORMED, "the part session is not JSON", param="session"
        ) from None
