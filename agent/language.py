"""Languages by their BCP 47 tags, and voices that are named after one. Pure."""

import re
from collections.abc import Container
from typing import Final

_SUBTAG_ENDS: Final = re.compile("[-_+]")


def primary(tag: str) -> str:
    """The primary subtag: "pt" of "pt-BR" and "pt_br", "en" of the voice "en-us+f3"."""
    return _SUBTAG_ENDS.split(tag, maxsplit=1)[0].lower()


def narrowed(tag: str, known: Container[str]) -> str:
    """The longest beginning of a tag that is `known`, "" if none is: de-AT is spoken as de."""
    known_by = tag.lower().replace("_", "-")
    while known_by and known_by not in known:
        known_by = known_by.rpartition("-")[0]
    return known_by
