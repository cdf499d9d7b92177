"""The worker's process, which computes only with what the media leaves."""

import os
from contextlib import suppress

_NICE = 5


def step_back() -> None:
    """Take no computing from others: no answer is worth a late packet.

    A server may have been given real-time priority; that is meant for its loop.
    """
    if hasattr(os, "sched_setscheduler"):
        with suppress(OSError):  # not allowed here
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    os.nice(_NICE)


def main() -> None:
    """Step back before anything is imported that has threads, then serve."""
    step_back()
    from agent.smart_turn.worker import main as serve

    serve()


if __name__ == "__main__":
    main()
