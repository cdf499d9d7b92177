"""The engine that the README shows, as it stands there, serving a call."""

import asyncio
import re
import sys
from functools import partial
from pathlib import Path

import listener_laws as laws
import numpy as np
import pytest

from agent.audio.frame import HEAR_HZ, SPEAK_HZ
from agent.choose import build, choose
from agent.config_file import load, parse_override
from agent.engines import Conversation, Speech, Style, Text
from agent.host.client import EngineHost

README = (Path(__file__).parent.parent / "README.md").read_text()
SECTION = README.partition("### Your own engine")[2].partition("\n## ")[0]
[EXAMPLE] = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
[COMMAND] = re.findall(r"```sh\n(.*?)```", SECTION, re.DOTALL)
SPEECH = np.zeros(3 * HEAR_HZ // 2, np.float32)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """As its command line sets it, in the folder where the example was saved."""
    (tmp_path / "my_engine.py").write_text(EXAMPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = re.findall(r"--set (\S+)", COMMAND)
    yield load(None, dict(parse_override(text) for text in settings))
    sys.modules.pop("my_engine", None)


def test_it_is_about_thirty_lines() -> None:
    assert len(EXAMPLE.splitlines()) <= 32


def test_it_answers_a_call_from_the_engines_process(config) -> None:
    async def main():
        choice = choose(config)
        host = EngineHost(partial(build, config, choice))
        try:
            await host.start()
            assert host.voices == ("beep",)
            call = host.open_call()
            call.hear(SPEECH)
            reply = call.reply(1, Conversation("", "en-US", turn=1))
            said = "".join([piece.text async for piece in reply if isinstance(piece, Text)])
            assert said == "You spoke for 1.5 seconds."
            speeches = [
                s async for s in call.speak(1, said, Style("beep")) if isinstance(s, Speech)
            ]
            words = [word for speech in speeches for word in speech.words]
            assert " ".join(word.text for word in words) == said
            assert words[1].start == SPEAK_HZ // 5
            call.close()
        finally:
            await host.close()

    asyncio.run(main())


def test_it_obeys_the_laws_of_a_listener(config) -> None:
    brain, _ = build(config, choose(config))
    laws.same_reply_twice(brain, SPEECH)
    laws.discarded_leaves_no_trace(brain, SPEECH, at=640)
    laws.closed_midway_leaves_no_trace(brain, SPEECH)
    laws.kept_begins_anew(brain, SPEECH, SPEECH[:5000])
    laws.kept_is_read_on_beside_another(brain, SPEECH, SPEECH[:5000])
    laws.forgotten_never_was(brain, SPEECH, SPEECH[:5000])
