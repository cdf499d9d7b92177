"""Somebody's own engine is loaded by name; one that cannot work is refused at the start."""

import sys

import pytest

from agent import own_engine
from agent.brains.scripted import ScriptedBrain
from agent.config import Config
from agent.errors import ConfigError
from agent.voices.tone import ToneVoice

LISTENER = """
    def expect(self, conversation): pass
    def hear(self, samples): pass
    def reply(self, conversation): yield
    def keep(self): pass
    def transcribe(self): return iter(())
    def discard(self): pass
    def forget(self): pass
    def close(self): self.closed.append(True)
"""
GOOD = f"""
class Listening:
    closed = []
{LISTENER}
class Brain:
    def capacity(self): return None
    def listen(self): return Listening()

class Configured(Brain):
    def __init__(self, config): self.config = config

class Greedy(Brain):
    def __init__(self, config, more): pass

class Voice:
    def voices(self): return ("one",)
    def speak(self, phrase, style): return iter(())

def function(): pass
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module in the current folder, and forgets it afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    names = []

    def write(text, name="my_engine"):
        (tmp_path / f"{name}.py").write_text(text)
        names.append(name)
        return name

    yield write
    for name in names:
        sys.modules.pop(name, None)


def test_our_own_engines_satisfy_the_port():
    assert isinstance(
        own_engine.brain("agent.brains.scripted:ScriptedBrain", Config()), ScriptedBrain
    )
    assert isinstance(own_engine.voice("agent.voices.tone:ToneVoice", Config()), ToneVoice)


def test_a_class_in_the_current_folder_is_found(module):
    module(GOOD)
    brain = own_engine.brain("my_engine:Brain", Config())
    assert brain.capacity() is None
    assert own_engine.voice("my_engine:Voice", Config()).voices() == ("one",)


def test_a_constructor_may_want_the_config(module):
    module(GOOD)
    config = Config()
    assert own_engine.brain("my_engine:Configured", config).config is config


def test_the_call_that_was_tried_is_closed(module):
    module(GOOD)
    own_engine.brain("my_engine:Brain", Config())
    assert sys.modules["my_engine"].Listening.closed == [True]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no_such_module:X", r"agent\.brain: there is no module no_such_module"),
        ("my_engine:Nobody", r"has no class Nobody; it has Brain, Configured, Greedy"),
        ("my_engine:function", r"has no class function"),
        ("my_engine:Greedy", r"constructor must take nothing, or the Config"),
    ],
)
def test_what_cannot_be_made_is_named(module, path, said):
    module(GOOD)
    with pytest.raises(ConfigError, match=said):
        own_engine.brain(path, Config())


@pytest.mark.parametrize(
    ("without", "said"),
    [
        (
            "def capacity",
            r"agent\.brain: my_engine:Brain has no method capacity; add capacity\(\)",
        ),
        (
            "def hear",
            r"what my_engine:Brain\.listen\(\) returns has no method hear; add hear\(sa",
        ),
        ("def transcribe", r"has no method transcribe; add transcribe\(\)"),
    ],
)
def test_a_missing_method_is_named(module, without, said):
    lines = [line for line in GOOD.splitlines() if without not in line]
    module("\n".join(lines))
    with pytest.raises(ConfigError, match=said):
        own_engine.brain("my_engine:Brain", Config())


def test_a_method_of_another_shape_is_named_with_the_right_one(module):
    module(GOOD.replace("def hear(self, samples)", "def hear(self)"))
    with pytest.raises(ConfigError, match=r"has hear\(\), which cannot be called as hear\(sam"):
        own_engine.brain("my_engine:Brain", Config())


def test_more_parameters_with_defaults_are_fine(module):
    module(GOOD.replace("def hear(self, samples)", "def hear(self, chunk, rate=16000, *more)"))
    own_engine.brain("my_engine:Brain", Config())


@pytest.mark.parametrize("names", ["()", "['one']", "(1,)", "None"])
def test_a_voice_without_names_is_refused(module, names):
    module(GOOD.replace('("one",)', names))
    with pytest.raises(ConfigError, match=r"agent\.voice: .*must return a tuple of names"):
        own_engine.voice("my_engine:Voice", Config())


def test_a_voice_that_cannot_speak_is_refused(module):
    module(GOOD.replace("def speak(self, phrase, style)", "def speak(self, phrase)"))
    with pytest.raises(ConfigError, match=r"cannot be called as speak\(phrase, style\)"):
        own_engine.voice("my_engine:Voice", Config())
