"""Which engine runs, and why."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from chat_server import MODEL, chat_server

from agent import capable
from agent import choose as module
from agent.brains.openai_chat.brain import OpenaiChatBrain
from agent.choose import Choice, build, choose, languages, voice_of
from agent.config import Agent, Config
from agent.config_file import load
from agent.errors import ConfigError


@pytest.fixture
def machine(monkeypatch):
    """Says what the engines lack; "" is nothing."""

    def say(*, voxtral="no GPU", kokoro="no GPU", server="it is down"):
        monkeypatch.setattr(module, "voxtral_lacks", lambda config: voxtral)
        monkeypatch.setattr(module, "kokoro_lacks", lambda config: kokoro)
        monkeypatch.setattr(module, "server_lacks", lambda config: server)

    say()
    return say


NAMED = {"openai_chat.url": "http://gpu.example/v1"}


@pytest.mark.parametrize(
    ("agent", "brain", "voice"),
    [
        (Agent(), "operator", "espeak"),
        (Agent(engine="operator"), "operator", "espeak"),
        (Agent(engine="scripted"), "scripted", "tone"),
        (Agent(engine="voxtral"), "voxtral", "kokoro"),
        (Agent(engine="vllm"), "openai_chat", "espeak"),
        (Agent(engine="scripted", voice="espeak"), "scripted", "espeak"),
        (Agent(brain="scripted"), "scripted", "espeak"),
        (Agent(brain="a.b:C", voice="d:E"), "a.b:C", "d:E"),
        (Agent(engine="voxtral", voice="espeak"), "voxtral", "espeak"),
    ],
)
def test_the_engine_names_brain_and_voice_and_parts_replace_them(
    machine, agent, brain, voice
) -> None:
    choice = choose(Config(agent=agent))
    assert (choice.brain, choice.voice) == (brain, voice)


def test_auto_takes_voxtral_where_it_can_run(machine) -> None:
    machine(voxtral="", kokoro="")
    choice = choose(Config())
    assert (choice.brain, choice.voice) == ("voxtral", "kokoro")
    assert "auto" in choice.why


def test_auto_says_why_nothing_better(machine) -> None:
    choice = choose(Config())
    assert (choice.brain, choice.voice) == ("operator", "espeak")
    assert choice.why == "auto: not voxtral: no GPU"


def test_auto_takes_a_server_that_was_named_before_anything_else(machine) -> None:
    machine(voxtral="", kokoro="", server="")
    assert choose(load(None, NAMED)).brain == "openai_chat"
    assert choose(load(None)).brain == "voxtral"  # nobody named it: it is not asked


def test_auto_passes_over_a_named_server_that_is_down_and_says_so(machine) -> None:
    choice = choose(load(None, NAMED))
    assert choice.brain == "operator"
    assert choice.why == "auto: not vllm: it is down; not voxtral: no GPU"
    machine(voxtral="", kokoro="")
    assert "not vllm: it is down" in choose(load(None, NAMED)).why


def test_a_voice_that_cannot_be_had_is_replaced_and_that_is_said(machine) -> None:
    machine(voxtral="", kokoro="no kokoro here")
    choice = choose(Config())
    assert (choice.brain, choice.voice) == ("voxtral", "espeak")
    assert "not kokoro: no kokoro here" in choice.why


def test_where_both_parts_are_named_nothing_is_asked(monkeypatch) -> None:
    monkeypatch.setattr(module, "voxtral_lacks", None)
    choose(Config(agent=Agent(brain="scripted", voice="tone")))


def test_a_choice_is_one_line(machine) -> None:
    for engine in ("auto", "voxtral", "vllm", "operator", "scripted"):
        why = choose(Config(agent=Agent(engine=engine))).why
        assert engine in why
        assert "\n" not in why


@pytest.mark.parametrize("engine", ["operator", "scripted"])
def test_what_was_chosen_can_be_built(engine) -> None:
    config = Config(agent=Agent(engine=engine))
    brain, voice = build(config, choose(config))
    brain.listen().close()
    assert voice.voices()


def test_a_chat_server_can_be_built(machine) -> None:
    with chat_server() as server:
        config = load(
            None,
            {
                "agent.engine": "vllm",
                "openai_chat.url": server.url,
                "openai_chat.model": MODEL,
            },
        )
        brain, _ = build(config, choose(config))
        assert isinstance(brain, OpenaiChatBrain)


def test_somebodys_own_are_built() -> None:
    names = {
        "agent.brain": "agent.brains.scripted:ScriptedBrain",
        "agent.voice": "agent.voices.tone:ToneVoice",
    }
    config = load(None, names)
    brain, voice = build(config, choose(config))
    assert type(brain).__name__ == "ScriptedBrain"
    assert voice.voices()


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (
            {"agent.brain": "voxtral", "agent.voice": "tone"},
            "brain: voxtral needs transf",
        ),
        ({"agent.brain": "scripted", "agent.voice": "kokoro"}, "voice: kokoro needs kokoro"),
        ({"agent.engine": "voxtral", "agent.voice": "tone"}, "engine: voxtral needs transf"),
        ({"agent.engine": "voxtral"}, "engine: kokoro needs kokoro"),
    ],
)
def test_an_engine_without_its_packages_stops_the_start(monkeypatch, agent, told) -> None:
    """By the key that asked for it. Killed: agent.engine, whoever asked."""
    monkeypatch.setattr(capable, "_PYTHON", (3, 12))
    monkeypatch.setattr(module.machine, "missing_packages", lambda *names: names[:1])
    config = load(None, agent)
    with pytest.raises(ConfigError, match=rf"^agent\.{told}.*; run: .*pip install"):
        build(config, choose(config))


@pytest.mark.parametrize("key", ["agent.voice", "agent.engine"])
def test_a_python_for_which_there_is_no_kokoro_is_not_told_to_install_it(
    monkeypatch, key
) -> None:
    """Killed: "run: pip install '.[voxtral]'", which leaves it out there."""
    monkeypatch.setattr(capable, "_PYTHON", (3, 13))
    monkeypatch.setattr(module.machine, "missing_packages", lambda *names: names)
    value = "kokoro" if key == "agent.voice" else "voxtral"
    config = load(None, {"agent.brain": "scripted", key: value})
    with pytest.raises(ConfigError) as caught:
        build(config, choose(config))
    assert str(caught.value) == (
        f"{key}: Kokoro has no release for Python 3.13 yet; run Voxline with Python 3.11 or"
        " 3.12, or set agent.voice to espeak"
    )


@pytest.mark.slow
def test_voxtral_and_kokoro_can_be_built(tmp_path) -> None:
    tiny_voxtral = pytest.importorskip("tiny_voxtral", exc_type=ImportError)
    tiny_kokoro = pytest.importorskip("tiny_kokoro", exc_type=ImportError)
    config = load(
        None,
        {
            "agent.engine": "voxtral",
            "torch.device": "cpu",
            "torch.compile": "",
            "voxtral.model": str(tiny_voxtral.make(tmp_path / "voxtral")),
            "voxtral.dtype": "float32",
            "voxtral.context_tokens": 1024,
            "voxtral.calls": 1,
            "kokoro.model": str(tiny_kokoro.make(tmp_path / "kokoro")),
        },
    )
    brain, voice = build(config, choose(config))
    brain.listen().close()
    assert voice.voices()
    brain.close()


def test_the_hub_is_asked_once_for_a_checkpoint(monkeypatch) -> None:
    """It may be on the way for minutes; then it is loaded from where it lies."""
    start = pytest.importorskip("agent.brains.voxtral.start", exc_type=ImportError)
    found = start.Checkpoint(Path("/snapshots/abc"), {}, 4096)
    monkeypatch.setattr(start, "find", lambda model, progress: found)
    monkeypatch.setattr(module, "_voice", lambda *_: None)
    monkeypatch.setattr(module, "_brain", lambda name, config: config.voxtral.model)
    brain, _ = build(Config(agent=Agent(engine="voxtral")), Choice("voxtral", "tone", ""))
    assert brain == "/snapshots/abc"


@pytest.fixture
def kokoro(monkeypatch, tmp_path):
    """Build with files of Kokoro that are there by name only; nothing may be loaded of them."""
    pytest.importorskip("kokoro")
    (tmp_path / "voices").mkdir()
    for name in ("config.json", "voices/af_heart.pt", "voices/jf_alpha.pt"):
        (tmp_path / name).touch()
    monkeypatch.setattr(module, "_found_voxtral", lambda config: pytest.fail("was looked for"))
    monkeypatch.setattr(module, "_voice", lambda *_: pytest.fail("a voice was loaded"))

    def start(**agent):
        config = load(None, {"agent.engine": "voxtral", "kokoro.model": str(tmp_path)})
        config = replace(config, agent=replace(config.agent, **agent))
        build(config, Choice("voxtral", "kokoro", ""))

    return start


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (
            {"voice_name": "hal"},
            r"agent\.voice_name='hal' .*no voice 'hal'; it has af_heart, jf_alpha; change",
        ),
        ({"language": "de-DE"}, r"agent\.language='de-DE': Kokoro does not speak 'de-DE'; it"),
        ({"language": "fr"}, r"Kokoro has no voice for 'fr' here; it has af_heart"),
        (
            {"language": "ja"},
            r"agent\.language='ja': .*without pyopenjtalk; run: .* 'misaki\[ja\]'",
        ),
    ],
)
def test_what_kokoro_does_not_speak_is_told_before_anything_is_loaded(
    monkeypatch, kokoro, agent, told
) -> None:
    """Killed: minutes of loading two models, and only then a name that was misspelt."""
    monkeypatch.setattr(
        module.machine,
        "missing_packages",
        lambda *names: [name for name in names if name == "pyopenjtalk"],
    )
    with pytest.raises(ConfigError, match=told):
        kokoro(**agent)


@pytest.mark.parametrize("agent", [{}, {"voice_name": "jf_alpha", "language": "en-US"}])
def test_a_damaged_voice_is_blamed_on_its_file_and_on_no_setting(kokoro, agent) -> None:
    """Killed: "agent.voice_name=... cannot be read; change one of the two"."""
    file = agent.get("voice_name", "af_heart")
    with pytest.raises(ConfigError, match=rf"kokoro\.model: .*{file}\.pt is damaged") as caught:
        kokoro(**agent)
    assert "agent." not in str(caught.value)


def test_a_wrong_folder_of_voxtral_is_told_before_a_voice_is_loaded(monkeypatch) -> None:
    pytest.importorskip("transformers")
    config = load(None, {"agent.engine": "voxtral", "voxtral.model": "/nonexistent"})
    monkeypatch.setattr("agent.choose._voice", lambda *_: pytest.fail("a voice was loaded"))
    with pytest.raises(ConfigError, match="/nonexistent"):
        build(config, Choice("voxtral", "tone", ""))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"voxtral.dtype": "bfloat16"}, "set it to float16"),
        ({"voxtral.quantization": "int8"}, "which needs torchao"),
        ({"voxtral.context_tokens": 8192}, "the model was made for 4096"),
    ],
)
def test_what_this_machine_or_model_has_not_is_told_before_a_voice_is_loaded(
    monkeypatch, wrong, told
) -> None:
    start = pytest.importorskip("agent.brains.voxtral.start", exc_type=ImportError)
    found = start.Checkpoint(Path("/snapshots/abc"), {}, 4096)
    turing = start.Accelerator(start.torch.device("cuda"), "T4", "", 0, (7, 5), ())
    monkeypatch.setattr(start, "find", lambda model, progress: found)
    monkeypatch.setattr(start, "find_spec", lambda _: None)
    monkeypatch.setattr(start, "accelerator", lambda _: turing)
    monkeypatch.setattr(module, "_voice", lambda *_: pytest.fail("a voice was loaded"))
    config = load(None, {"voxtral.dtype": "float16", **wrong})
    with pytest.raises(ConfigError, match=told):
        build(config, Choice("voxtral", "tone", ""))


@pytest.mark.parametrize("engine", ["voxtral", "kokoro"])
def test_where_the_system_does_not_let_us_look_is_named_with_the_key(tmp_path, engine) -> None:
    """Killed: a PermissionError's traceback. A name of this length is refused to root, too."""
    pytest.importorskip("kokoro")
    folder = f"{tmp_path}/{'x' * 300}"
    config = load(None, {f"{engine}.model": folder})
    choice = Choice("voxtral", "tone", "") if engine == "voxtral" else Choice("", "kokoro", "")
    with pytest.raises(ConfigError, match=rf"{engine}\.model: {folder} cannot be read: F"):
        build(config, choice)


@pytest.mark.parametrize(
    ("brain", "voice", "device", "claimed"),
    [
        ("voxtral", "kokoro", "auto", 1),
        ("openai_chat", "kokoro", "cuda", 1),
        ("voxtral", "espeak", "auto", 1),
        ("operator", "espeak", "auto", 0),
        ("voxtral", "kokoro", "cpu", 0),
        ("mine.brain:OnTheOtherGpu", "kokoro", "auto", 0),
    ],
)
def test_a_gpu_is_taken_for_our_own_engines_alone(
    monkeypatch, brain, voice, device, claimed
) -> None:
    claims = []
    monkeypatch.setattr(module.machine, "claim", claims.append)
    module.claim_gpu(load(None, {"torch.device": device}), Choice(brain, voice, "because"))
    assert claims == [os.environ] * claimed


@pytest.mark.parametrize(
    ("voice", "missing", "told"),
    [
        ("kokoro", {"pyopenjtalk"}, ("en", "zh", "cmn")),
        ("kokoro", {"pyopenjtalk", "jieba"}, ("en",)),
        ("espeak", set(), ()),
        ("my.shop:Voice", set(), ()),
    ],
)
def test_what_kokoro_speaks_is_what_it_has_voices_for_and_packages_to_read(
    monkeypatch, voice, missing, told
) -> None:
    monkeypatch.setattr(
        module.machine, "missing_packages", lambda *names: missing.intersection(names)
    )
    voices = ("af_heart", "jf_alpha", "zf_xiaobei")
    assert languages(Config(), Choice("scripted", voice, "because"), voices) == told


KOKORO = ("af_heart", "am_adam", "bf_emma", "ff_siwis")


@pytest.mark.parametrize(
    ("voice", "names", "language", "spoken_by"),
    [
        ("espeak", ("en-us", "de", "en-us+f3"), "de-AT", "de"),
        ("espeak", ("en-us", "de"), "en-US", "en-us"),
        ("espeak", ("en-us", "chr-us-qaaa-x-west"), "chr", ""),
        ("kokoro", KOKORO, "en-US", "af_heart"),
        ("kokoro", KOKORO, "en-GB", "bf_emma"),
        ("kokoro", KOKORO, "fr-CA", "ff_siwis"),
        ("kokoro", KOKORO, "xx", ""),
        ("tone", ("tone",), "de", ""),
        ("my.shop:Voice", ("beep",), "de", ""),
    ],
)
def test_the_voice_of_a_language_is_told_where_we_know_how_it_is_chosen(
    voice, names, language, spoken_by
) -> None:
    assert voice_of(Choice("scripted", voice, "because"), names, language) == spoken_by
