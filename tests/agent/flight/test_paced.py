"""The media path of a replay does nothing by itself: its timers do, and they tell the truth."""

import asyncio

import numpy as np

from agent.audio.frame import RTP_FRAME, SPEAK_FRAME
from agent.config import Playout, Receive, Send
from agent.flight.paced import PacedPlayout, PacedReceiver
from agent.media.opus import Encoder
from agent.virtual_time import VirtualTimeLoop

SILENCE = Encoder(Send()).encode(np.zeros(SPEAK_FRAME, np.float32))


class Timers(VirtualTimeLoop):
    """Keeps those of the media path; the earliest runs when nothing else is left to do."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def call_at(self, when, callback, *args, context=None):
        if not isinstance(getattr(callback, "__self__", None), PacedPlayout | PacedReceiver):
            return super().call_at(when, callback, *args, context=context)
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self.kept.append(timer)
        return timer

    @property
    def armed(self):
        return [timer for timer in self.kept if not timer.cancelled()]

    def idle(self):
        timer = min(self.armed, key=asyncio.TimerHandle.when)
        self.kept.remove(timer)
        timer._run()


def run(main):
    with asyncio.Runner(loop_factory=Timers) as runner:
        runner.run(main(runner.get_loop()))


def work(loop, order, step=0):
    """Ten steps, each in a pass of the loop of its own."""
    order.append(step)
    if step < 9:
        loop.call_soon(work, loop, order, step + 1)


def test_whatever_can_be_done_at_once_comes_before_a_packet_of_a_reply() -> None:
    """Killed: a sender that, once woken, goes on beside it."""
    order = []

    async def main(loop):
        playout = PacedPlayout(Playout(), lambda samples: order.append("packet") or b"-")
        packet = asyncio.create_task(playout.recv())
        await asyncio.sleep(0.1)
        playout.play(1, np.zeros(4 * SPEAK_FRAME, np.float32))

        work(loop, order)
        await packet

    run(main)
    assert order == [*range(10), "packet"]


def test_a_sender_that_is_behind_lets_others_go_between_its_packets() -> None:
    """Killed: all that a held loop missed at once, before what the record has in between."""
    order = []

    async def main(loop):
        playout = PacedPlayout(Playout(), lambda samples: order.append("packet") or b"-")
        first = asyncio.create_task(playout.recv())
        await asyncio.sleep(0.1)
        playout.play(1, np.zeros(9 * SPEAK_FRAME, np.float32))
        await first
        loop.now += 0.1  # it was held

        work(loop, order)
        for _ in range(2):
            await playout.recv()

    run(main)
    assert order == ["packet", *range(10), "packet", "packet"]


def test_no_timer_of_the_receiver_is_left_behind_its_deadline() -> None:
    """Killed: one that is left where it is, and that a replay comes to at any time."""
    ahead_s = []

    async def main(loop):
        receiver = PacedReceiver(Receive(), lambda samples: None)
        for sequence in range(20):
            receiver.take(1, sequence, sequence * RTP_FRAME, SILENCE)
            [timer] = loop.armed
            ahead_s.append(round(timer.when() - loop.time(), 6))
            await asyncio.sleep(0.02)
        receiver.close()

    run(main)
    assert len(set(ahead_s)) == 1, ahead_s
