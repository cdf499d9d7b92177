"""The caller half of the media benchmark, against the real server half."""

import asyncio

import pytest

from agent.config import Send
from agent.config_file import load
from agent.media import upstream
from agent.media.opus import Decoder
from benchmarks.media import callers_config
from benchmarks.media_load import Caller, EchoProcess, encoded_cycle
from benchmarks.media_sound import CYCLE_FRAMES, MARKER_HEARD


def test_the_cycle_is_encoded_by_a_warm_encoder():
    packets = encoded_cycle(Send())
    assert len(packets) == CYCLE_FRAMES
    decoder = Decoder()
    peaks = [decoder.decode(packet).max() for packet in packets]
    assert peaks[0] > MARKER_HEARD > max(peaks[4:])


@pytest.mark.slow
@pytest.mark.parametrize("path", ["voxline", "stock"])
def test_a_call_hears_the_echo_of_its_marker(path):
    async def main():
        upstream.install(callers_config(load(None)))
        async with EchoProcess(path, "voip", 0) as server:
            caller = await Caller.dial(server, encoded_cycle(Send()))
            async with asyncio.timeout(60):
                while len(caller.echoes_ms) < 4:  # noqa: ASYNC110 - it tells nobody
                    await asyncio.sleep(0.02)
            counts = await server.counts()
            await caller.hang_up()
        assert all(0 < echo < 1000 for echo in caller.echoes_ms)
        assert counts.cpu_s > 0
        assert (counts.packets > 100) == (path == "voxline")

    asyncio.run(main())


def test_a_server_that_dies_is_an_error_and_not_a_hang():
    async def main():
        async with EchoProcess("voxline", "no such mode", 0) as server:
            with pytest.raises(RuntimeError, match="the echo process ended: 2"):
                await server.counts()

    asyncio.run(main())
