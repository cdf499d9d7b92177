"""How late the event loop runs its timers: the law is 2 ms, and /metrics shows it kept."""

import asyncio
from collections.abc import Callable

INTERVAL_S = 0.010


async def watch(observe: Callable[[float], None]) -> None:
    """Call `observe` with each timer's lateness in seconds, a hundred times a second, for ever.

    What it sees is a block by our own code or the machine's, whichever held the thread.
    """
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    due = loop.time()
    while True:
        due = max(due + INTERVAL_S, loop.time())
        woken.clear()
        loop.call_at(due, woken.set)
        await woken.wait()
        observe(max(0.0, loop.time() - due))
