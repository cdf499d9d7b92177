"""Which way of running each step of this process's models took, for who tells others of it.

Knows names only: what serves the engines asks without loading torch.
"""

from typing import NamedTuple


class Way(NamedTuple):
    what: str
    way: str
    why: str  # nothing better was taken: "; not WAY: REASON", for each


_TAKEN: dict[str, Way] = {}


def note(what: str, way: str, why: str = "") -> None:
    """`what` runs this way from now on."""
    _TAKEN[what] = Way(what, way, why)


def ways() -> tuple[Way, ...]:
    """What runs, how and why, in the order in which it was first chosen."""
    return tuple(_TAKEN.values())
