"""Every key of a config, as an operator writes it."""

import dataclasses


def keys(value, prefix=""):
    """`section.key` of each value."""
    for field in dataclasses.fields(value):
        here = getattr(value, field.name)
        if dataclasses.is_dataclass(here):
            yield from keys(here, f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"
