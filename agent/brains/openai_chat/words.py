"""A server's own words about an error, fit for a log: short, no key, nothing that was said."""

import json
import re
from typing import Final

_CHARS: Final = 200
# Validation errors repeat the request, and in it what the caller said.
_ECHO: Final = re.compile(r"\n|,? ?['\"]?input(_value)?['\"]? ?[:=]")


def of_error(body: bytes, key: str) -> str:
    """The message in an error's body, in any of the shapes servers give it; "" for none."""
    text = body.decode(errors="replace")
    try:
        said = json.loads(text)
        said = said.get("error", said)
        said = said if isinstance(said, str) else said["message"]
    except (ValueError, KeyError, TypeError, AttributeError):
        said = "" if "<" in text else text  # a page for people says nothing here
    return shortened(str(said).replace(key, "***") if key else said)


def shortened(said: object) -> str:
    """The beginning of a message, up to where it quotes the request."""
    return _ECHO.split(str(said).strip(), maxsplit=1)[0][:_CHARS]
