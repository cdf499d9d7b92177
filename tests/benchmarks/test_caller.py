"""The scripted caller against a small real server: HTTP, ICE, DTLS, SRTP, SCTP on loopback."""

import asyncio
import gc
import json
import os
import socket
import threading
from functools import wraps

import numpy as np
import pytest
from aiohttp import web
from answering_machine import CONFIG, AnsweringMachine, answering, tone
from prefix_proxy import prefixed

from agent.audio.frame import HEAR_HZ
from agent.errors import ConfigError
from agent.events import EndReason
from agent.lag import watch
from agent.media import upstream
from benchmarks.caller import CallFailed, Loss, dial

pytestmark = pytest.mark.slow


def realtime(test):
    @wraps(test)
    def run(*args, **named):
        asyncio.run(test(*args, **named))

    return run


async def begun(call):
    """The agent has begun to speak."""
    assert await call.until(lambda: bool(call.heard.speech_s), 20)


@realtime
async def test_what_is_said_arrives_and_is_answered():
    async with answering() as machine, dial(machine.url, config=CONFIG) as call:
        utterance = await call.say(tone(0.5))
        ended_s = utterance.handed_s(len(tone(0.5)) - 1)
        assert await call.until(lambda: call.heard.speech_from(ended_s) is not None, 20)
        latency_s = call.heard.speech_from(ended_s) - ended_s
        assert latency_s >= 0.2  # what the machine waits
        assert np.abs(np.concatenate(machine.lines[0].heard)).max() > 0.2
        assert 0 < call.connect_ms
        assert call.ended is None


@realtime
async def test_samples_are_handed_over_in_real_time():
    async with answering() as machine, dial(machine.url, config=CONFIG) as call:
        late_s = []  # what any timer here is late by: others may have the core
        witness = asyncio.create_task(watch(late_s.append))
        utterance = await call.say(tone(0.4))
        witness.cancel()
        first_s, last_s = utterance.handed_s(0), utterance.handed_s(len(tone(0.4)) - 1)
        assert first_s == utterance.began_s
        held_up_s = sum(each_s for each_s in late_s if each_s > 0.01)
        assert last_s - first_s == pytest.approx(0.38, abs=0.05 + held_up_s)  # 19 frames apart


@realtime
async def test_like_a_browser_it_sends_when_it_says_nothing():
    async with answering() as machine, dial(machine.url, config=CONFIG) as call:
        await call.silence(0.5)
        while machine.lines[0].peer.stats.packets < 10:  # some may still be on their way
            await call.silence(0.02)
        assert machine.lines[0].peer.stats.packets <= 30
        assert np.abs(np.concatenate(machine.lines[0].heard)).max() < 0.01


@realtime
async def test_what_is_heard_is_one_sound_with_its_silence():
    async with answering(AnsweringMachine(greeting=tone(0.4))) as machine:
        async with dial(machine.url, config=CONFIG) as call:
            await begun(call)
            assert await call.quiet(0.3, 20)
            sound = call.heard.sound()
            loud = np.flatnonzero(np.abs(sound) > 0.1)
            assert (loud[-1] - loud[0]) / HEAR_HZ == pytest.approx(0.4, abs=0.05)
            assert call.stats.lost == 0


@realtime
async def test_it_waits_for_the_end_of_what_the_agent_says():
    async with answering(AnsweringMachine(greeting=tone(2))) as machine:
        async with dial(machine.url, config=CONFIG) as call:
            await begun(call)
            assert not await call.quiet(0.2, limit_s=0.3)
            assert await call.quiet(0.2, limit_s=20)
            kinds = [event.type for event in call.events]
            assert kinds[-1] == "output_audio_buffer.stopped"


@realtime
async def test_a_pause_in_what_the_agent_says_is_not_its_end():
    greeting = np.concatenate([tone(0.2), 0 * tone(0.6), tone(0.2)])
    async with answering(AnsweringMachine(greeting=greeting)) as machine:
        async with dial(machine.url, config=CONFIG) as call:
            await begun(call)
            assert await call.quiet(0.3, limit_s=20)
            assert call.events[-1].type == "output_audio_buffer.stopped"
            assert call.heard.speech_s[-1] - call.heard.speech_s[0] > 0.7


@realtime
async def test_events_come_with_their_time_and_as_they_come():
    seen = []
    async with answering() as machine:
        async with dial(machine.url, config=CONFIG, on_event=seen.append) as call:
            assert await call.until(lambda: len(call.events) > 0, 20)
            assert seen == list(call.events)
            assert seen[0].type == "session.created"
            assert seen[0].at_s <= asyncio.get_running_loop().time()


@realtime
async def test_behind_a_proxy_that_strips_a_prefix_it_hangs_up_where_it_called():
    async with answering() as machine, prefixed(machine.url, "/voice") as url:
        async with dial(url, config=CONFIG):
            pass
        assert machine.deleted == 1


@realtime
async def test_hanging_up_is_told_to_the_server():
    async with answering() as machine:
        async with dial(machine.url, config=CONFIG):
            pass
        assert machine.deleted == 1
        assert machine.lines[0].closed


@realtime
async def test_a_server_that_hangs_up_ends_what_is_being_said():
    async with answering() as machine, dial(machine.url, config=CONFIG) as call:
        saying = asyncio.create_task(call.say(tone(30)))
        await call.silence(0.2)
        await machine.lines[0].close()
        with pytest.raises(CallFailed, match="ended while"):
            await saying
        async with asyncio.timeout(10):
            assert not await call.until(lambda: False, 60)  # nothing can come any more
        assert call.ended is EndReason.CALLER
        with pytest.raises(CallFailed):
            await call.say(tone(0.1))


@realtime
async def test_packets_are_lost_both_ways_if_asked_to():
    loss = Loss(up=0.3, down=0.3, seed=5)
    async with answering(AnsweringMachine(greeting=tone(1.0))) as machine:
        async with dial(machine.url, config=CONFIG, loss=loss) as call:
            await begun(call)
            assert await call.quiet(0.3, 20)
            up, down = machine.lines[0].peer.stats, call.stats
            assert up.lost > 0 and up.packets > up.lost
            assert down.lost > 0 and down.packets > down.lost


@realtime
async def test_packets_are_lost_one_way_if_asked_to():
    async with answering(AnsweringMachine(greeting=tone(1.0))) as machine:
        async with dial(machine.url, config=CONFIG, loss=Loss(up=0.3)) as call:
            await begun(call)
            assert await call.quiet(0.3, 20)
            assert machine.lines[0].peer.stats.lost > 0
            assert call.stats.lost == 0


# -- no call -----------------------------------------------------------------------------------


async def place(url):
    async with dial(url, config=CONFIG):
        pytest.fail("there is a call")


@realtime
async def test_a_refusal_is_told_in_the_words_of_the_server():
    async with answering(AnsweringMachine(seats=0)) as machine:
        with pytest.raises(CallFailed, match=r"server_full: all lines are busy \(HTTP 503"):
            await place(machine.url)


@realtime
async def test_nobody_at_the_address():
    with socket.socket() as taken:  # bound and not listening
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(CallFailed, match="cannot be reached"):
            await place(f"http://127.0.0.1:{taken.getsockname()[1]}")


@realtime
async def test_no_address_at_all_is_the_operators_mistake():
    upstream.install(CONFIG)
    with pytest.raises(ConfigError, match=r"an address such as http://127\.0\.0\.1:8080"):
        await place("127.0.0.1:8080")


@pytest.mark.parametrize(("status", "text"), [(200, "<html>"), (201, "hello"), (404, "")])
@realtime
async def test_another_kind_of_server(status, text):
    async def place_call(request):
        return web.Response(status=status, text=text)

    upstream.install(CONFIG)
    app = web.Application()
    app.router.add_post("/v1/realtime/calls", place_call)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        with pytest.raises(CallFailed):
            await place("http://{}:{}".format(*runner.addresses[0][:2]))
    finally:
        await runner.cleanup()


@realtime
async def test_a_session_goes_with_the_offer():
    parts = {}

    async def place_call(request):
        parts.update(await request.post())
        return web.Response(status=503)

    upstream.install(CONFIG)
    app = web.Application()
    app.router.add_post("/v1/realtime/calls", place_call)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = "http://{}:{}".format(*runner.addresses[0][:2])
        with pytest.raises(CallFailed, match="HTTP 503"):
            async with dial(url, config=CONFIG, session={"instructions": "say: ü"}):
                pytest.fail("there is a call")
    finally:
        await runner.cleanup()
    assert json.loads(parts["session"]) == {"instructions": "say: ü"}
    assert parts["sdp"].startswith("v=0")


# -- nothing stays -----------------------------------------------------------------------------


@realtime
async def test_calls_leave_nothing_behind():
    async with answering(AnsweringMachine(greeting=tone(0.1))) as machine:

        async def calls(count):
            for _ in range(count):
                async with dial(machine.url, config=CONFIG) as call:
                    await call.say(tone(0.04))
            machine.lines.clear()
            gc.collect()
            return (
                len(os.listdir("/proc/self/fd")),
                threading.active_count(),
                len(asyncio.all_tasks()),
            )

        settled = await calls(3)
        after = await calls(10)
    assert after[0] <= settled[0] + 1 and after[1:] == settled[1:]


@realtime
async def test_what_is_played_comes_back_through_a_loudspeaker():
    class Mirror:
        """Gives back at once what it is given, at half the level."""

        def __init__(self):
            self.waiting = np.zeros(0, np.float32)

        def play(self, samples):
            self.waiting = np.concatenate([self.waiting, np.repeat(samples, 3)[::2] / 2])

        def frame(self):
            frame, self.waiting = self.waiting[:480], self.waiting[480:]
            return np.pad(frame, (0, 480 - len(frame)))

    async with answering(AnsweringMachine(greeting=tone(0.4), wait_ms=60_000)) as machine:
        async with dial(machine.url, config=CONFIG, loudspeaker=Mirror()) as call:
            await begun(call)
            assert await call.quiet(0.3, 20)
            came_back = np.concatenate(machine.lines[0].heard)
            assert np.abs(came_back).max() == pytest.approx(0.15, abs=0.05)
