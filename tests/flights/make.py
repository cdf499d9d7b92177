"""Makes the synthetic record beside this file: `python tests/flights/make.py` from the root.

espeak-ng is the caller, a tone is the agent; nobody's voice is in it.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
from flown import flown, silence, spoken  # noqa: E402

from agent.engines import Heard, ToolCall  # noqa: E402
from agent.flight.record import write  # noqa: E402

STORY = "I will tell you a story that is much longer than you have the patience for."


def main() -> None:
    """A question, a function, an interruption, and a caller who goes on after a pause."""
    said = [
        *(spoken("What is the weather like?"), silence(3.0)),
        *(spoken("Tell me a story."), silence(0.2)),
        *(spoken("No, what time is it please?"), silence(1.0)),
        *(spoken("And what day is it?"), silence(3.0)),
    ]
    call = flown(
        [Heard("weather"), "Let me look.", ToolCall("c1", "weather", "{}")],
        ["It rains."],
        [Heard("story"), 0.05, STORY],
        *[[Heard("time"), STORY]] * 8,  # one for each pause within a sentence
        speech=np.concatenate(said),
        lost=set(range(17, 700, 23)),
        late=set(range(12, 700, 29)),
        functions={"weather": (0.4, "rain")},
        config={
            "turns.withdraw_ms": 800,
            "turns.longest_wait_ms": 250,
            "turns.unfinished_wait_ms": 250,
        },
    )
    write(Path(__file__).with_name("weather.flight"), call.header, call.entries)


if __name__ == "__main__":
    main()
