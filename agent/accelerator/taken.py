"""Which way of running each step of this process's models took, for who tells others of it.

Knows names only: what serves the engines asks without loading torch.
"""

_TAKEN: dict[str, str] = {}


def note(what: str, way: str) -> None:
    """`what` runs this way from now on."""
    _TAKEN[what] = way


def ways() -> tuple[tuple[str, str], ...]:
    """What runs, and how, in the order in which it was first chosen."""
    return tuple(_TAKEN.items())
