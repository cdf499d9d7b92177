"""The server half of the media benchmark."""

import asyncio
import json
import subprocess
import sys

import numpy as np

from agent.config import Playout as Settings
from agent.media.playout import Playout
from agent.virtual_time import run
from benchmarks.media_echo import Parrot
from benchmarks.media_sound import CYCLE_FRAMES, SILENT_FRAMES, cycle


def heard(frame: np.ndarray) -> np.ndarray:
    return np.full(320, frame.max(), np.float32)  # as loud, at 16 kHz


def test_the_parrot_says_the_cycle_when_it_hears_it_each_time_as_a_new_turn():
    async def main():
        track = Playout(Settings(), lambda samples: samples.tobytes())
        finished = []
        track.on_finished = finished.append
        parrot, said = Parrot(track), []

        async def listen():
            while True:
                said.append(bytes(await track.recv()))

        listening = asyncio.create_task(listen())
        for frame in cycle() * 2:
            parrot.hear(heard(frame))
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)
        listening.cancel()
        assert finished == [1, 2]
        spoken = CYCLE_FRAMES - SILENT_FRAMES
        expected = [frame.tobytes() for frame in cycle()[:spoken]]
        assert said[:spoken] == expected
        assert [sound for sound in said[spoken:] if sound in expected] == expected

    run(main())


def test_the_process_answers_lines_and_ends_with_its_input():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.media_echo", "--path", "voxline", "--core", "0"],
        input="{}\n{}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert second["at_s"] > first["at_s"]
    assert second["cpu_s"] >= first["cpu_s"] > 0
    assert first["packets"] == first["underruns"] == first["late_packets"] == 0
