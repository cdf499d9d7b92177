"""Web and e-mail addresses as one reads them to somebody on the telephone. Pure."""

import re
from typing import Final

from agent.voices.kokoro import numerals

EMAIL: Final = r"(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
# With a scheme or www, else only under a domain that is hardly the end of a sentence.
_TOP: Final = "com|org|net|io|ai|dev|edu|gov|app|info|co|uk|eu|us|de|fr|es|it|in|ca|me|tv"
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_TAIL: Final = r"(?::\d+)?(?:[/?#]\S*)?"
URL: Final = rf"(?i:(?:https?|ftp)://\S+|www\.\S+|(?:{_LABEL}\.)+(?:{_TOP}){_TAIL})"
_SAID: Final = {
    ".": " dot ",
    "/": " slash ",
    "-": " dash ",
    "_": " underscore ",
    "+": " plus ",
    "@": " at ",
    "~": " tilde ",
    ":": " colon ",
}
_LETTERS: Final = 2  # a top domain so short is spelled


def email(address: str) -> str:
    """ "jo.doe@example.com" -> "jo dot doe at example dot com"."""
    return _read(address.removeprefix("mailto:"))


def url(address: str) -> str:
    """ "https://www.example.org/docs?x=1" -> "example dot org slash docs".

    The scheme and "www" say nothing to a listener, a query is no use to one.
    """
    bare = re.sub(r"(?i)^(?:https?|ftp)://", "", address)
    bare = re.sub(r"(?i)^www\.", "", bare)
    return _read(re.split(r"[?#]", bare)[0].rstrip("/"))


def _read(address: str) -> str:
    domain, slash, path = address.partition("/")
    name, dot, top = domain.rpartition(".")
    if len(top) <= _LETTERS and top.isalpha():
        top = top.upper()  # "io" and "uk" are letters
    address = f"{name}{dot}{top}{slash}{path}"
    said = re.sub(r"[./_+@~:-]", lambda mark: _SAID[mark[0]], address)
    said = re.sub(r"\d+", lambda digits: f" {numerals.number(digits[0])} ", said)
    return " ".join(re.sub(r"[^\w\s]", " ", said).split())
