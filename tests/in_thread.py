"""An asynchronous context on a loop of its own, for tests whose thread has another or none."""

import asyncio
import contextlib
import threading


@contextlib.contextmanager
def in_thread(context):
    """Gives what `context` gives."""
    entered, found = threading.Event(), []

    async def stay():
        async with context as given:
            found.extend([given, asyncio.get_running_loop(), asyncio.Event()])
            entered.set()
            await found[2].wait()

    thread = threading.Thread(target=lambda: asyncio.run(stay()))
    thread.start()
    assert entered.wait(10)
    given, loop, done = found
    try:
        yield given
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)
