"""Languages by their BCP 47 tags, and voices that are named after one. Pure."""

import re
from typing import Final

_SUBTAG_ENDS: Final = re.compile("[-_+]")


def primary(tag: str) -> str:
    """The primary subtag: "pt" of "pt-BR" and "pt_br", "en" of the voice "en-us+f3"."""
    return _SUBTAG_ENDS.split(tag, maxsplit=1)[0].lower()
