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
_SUFFIXES: Final = (
    "bat bin bmp c cfg conf cpp css csv db doc docx env epub exe gif go gz h html ini iso jar "
    "java jpeg jpg js json jsx log lock md mkv mov mp3 mp4 pdf php png ppt pptx ps1 py rar rb "
    "rs rtf sh sql svg tar tgz toml ts tsx txt wav webm webp xls xlsx xml yaml yml zip"
)
FILE: Final = rf"(?:[\w-]+\.)*[\w-]+\.(?:{_SUFFIXES.replace(' ', '|')})|\.env|\.gitignore"
_WORDS: Final = frozenset(
    "bat bin conf doc go jar java json lock log tar toml yaml zip".split()
)
IP: Final = r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?(?:/\d+)?"
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
_SPELT: Final = 4  # letters of a file's suffix at most
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


def file(name: str) -> str:
    """ "main_test.py" -> "main underscore test dot PY"."""
    stem, dot, suffix = name.rpartition(".")
    suffix = suffix if suffix in _WORDS or len(suffix) > _SPELT else suffix.upper()
    return _plain(f"{stem}{dot}{suffix}")


def _read(address: str) -> str:
    domain, slash, path = address.partition("/")
    name, dot, top = domain.rpartition(".")
    if len(top) <= _LETTERS and top.isalpha():
        top = top.upper()  # "io" and "uk" are letters
    return _plain(f"{name}{dot}{top}{slash}{path}")


def ip(address: str) -> str:
    """ "127.0.0.1:80" -> "one hundred twenty seven dot zero dot zero dot one colon eighty"."""
    return _plain(address)


def _plain(address: str) -> str:
    said = re.sub(r"[./_+@~:-]", lambda mark: _SAID[mark[0]], address)
    said = re.sub(r"\d+", lambda digits: f" {numerals.number(digits[0])} ", said)
    return " ".join(re.sub(r"[^\w\s]", " ", said).split())
