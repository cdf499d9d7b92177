"""How a call is named where others may read: its whole id is the right to end it. Pure."""

_SHOWN = len("rtc_") + 8  # enough to tell calls apart, too little to hang one up


def short(call_id: str) -> str:
    """What logs and files call it."""
    return call_id[:_SHOWN]
