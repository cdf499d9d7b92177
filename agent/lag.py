"""How late the event loop runs its timers: the law is 2 ms, and /metrics shows it kept.

A timer may be late because our own code held the loop, or because the machine gave the core to
somebody else. The thread's own CPU time since the timer before bounds the former.
"""

import asyncio
import time
from collections.abc import Callable

INTERVAL_S = 0.010


async def watch(observe: Callable[[float, float], None]) -> None:
    """Call `observe(late, held)`, in seconds, a hundred times a second, for ever.

    `late` is the timer's lateness, whoever's fault; `held` the part of it that our own code can
    have caused.
    """
    loop = asyncio.get_running_loop()
    woken = asyncio.Event()
    due, used = loop.time(), time.thread_time()
    while True:
        due = max(due + INTERVAL_S, loop.time())
        woken.clear()
        loop.call_at(due, woken.set)
        await woken.wait()
        late = max(0.0, loop.time() - due)
        before, used = used, time.thread_time()
        observe(late, min(late, used - before))
