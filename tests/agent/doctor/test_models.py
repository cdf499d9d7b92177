"""GPU, weights and engines, on a machine that has whatever a test says."""

import nvidia
import pytest
import torch
from host_fakes import LostVoice
from smart_turn_fakes import load_length

from agent import machine
from agent.accelerator import taken
from agent.accelerator.ladder import Rung, climb
from agent.choose import Choice
from agent.config_file import load
from agent.doctor import models
from agent.doctor.check import FAIL, OK, WARN, guarded
from agent.errors import ConfigError, EngineError
from agent.voices.kokoro.languages import voice_for
from agent.voices.tone import ToneVoice

OPERATOR = Choice("operator", "espeak", "because")
VOXTRAL = Choice("voxtral", "kokoro", "because")
SCRIPTED = Choice("scripted", "tone", "because")


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No hub, and no models that other tests have loaded here."""
    monkeypatch.setattr(taken, "_TAKEN", {})
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))


def test_no_gpu_is_fine_where_none_is_needed(monkeypatch, tmp_path):
    nvidia.uninstall(monkeypatch, tmp_path)
    assert models.gpu(load(None), OPERATOR).status == OK
    check = models.gpu(load(None), VOXTRAL)
    assert check.status == WARN  # it would serve, on the CPU
    assert "voxtral and kokoro will keep callers waiting" in check.found
    assert "no NVIDIA driver" in check.found
    assert "--engine operator" in check.remedy


def test_a_gpu_is_shown_with_all_that_matters(monkeypatch, tmp_path):
    nvidia.install(monkeypatch, tmp_path, nvidia.H100)
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0")
    check = models.gpu(load(None), VOXTRAL)
    assert check.status == OK
    for part in ("H100", "84.9 of 85.5 GB", "capability 9.0", "driver 580.95.05"):
        assert part in check.found


def test_an_old_gpu_is_told_which_dtype_it_has(monkeypatch, tmp_path):
    nvidia.install(monkeypatch, tmp_path, nvidia.T4)
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0")
    check = models.gpu(load(None), VOXTRAL)
    assert (check.status, check.remedy) == (
        WARN,
        "it has no bfloat16: set voxtral.dtype to float16",
    )
    assert models.gpu(load(None, {"voxtral.dtype": "float16"}), VOXTRAL).status == OK


@pytest.mark.parametrize("choice", [OPERATOR, Choice("openai_chat", "kokoro", "because")])
def test_the_dtype_of_a_voxtral_that_does_not_run_here_is_no_matter(
    monkeypatch, tmp_path, choice
):
    nvidia.install(monkeypatch, tmp_path, nvidia.T4)
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0")
    check = models.gpu(load(None), choice)
    assert (check.status, check.remedy) == (OK, "")


def test_a_gpu_that_torch_cannot_use_warns(monkeypatch, tmp_path):
    nvidia.install(monkeypatch, tmp_path, nvidia.H100)
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0+cpu")
    check = models.gpu(load(None), OPERATOR)
    assert check.status == WARN
    assert "make setup TORCH=cuda" in check.remedy


def test_weights_that_are_needed_and_missing_fail_with_a_remedy():
    checks = {check.name: check for check in models.weight_files(load(None), VOXTRAL)}
    assert set(checks) == {"weights of voxtral", "weights of kokoro"}
    for check in checks.values():
        assert check.status == FAIL
        assert "HF_HUB_OFFLINE is set" in check.found
        assert "hf download" in check.remedy


def test_weights_that_nobody_needs_are_no_failure():
    for check in models.weight_files(load(None), OPERATOR):
        assert (check.status, check.remedy) == (OK, "")
        assert "not needed" in check.found


def test_weights_in_a_folder_are_shown_with_their_size(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "kokoro.pth").write_bytes(bytes(300_000_000))
    config = load(None, {"kokoro.model": str(tmp_path)})
    for choice in (OPERATOR, VOXTRAL):
        check = list(models.weight_files(config, choice))[1]
        assert (check.status, check.found) == (OK, f"{tmp_path} (0.3 GB)")


def test_a_driver_too_old_for_torch_warns(monkeypatch, tmp_path):
    """The GPU is there and computes, only not for this torch."""
    nvidia.install(monkeypatch, tmp_path, nvidia.H100, cuda="12.8")
    monkeypatch.setattr(machine, "version", lambda name: "2.13.0")
    monkeypatch.setattr(machine, "torch_cuda", lambda: (13, 0))
    check = models.gpu(load(None), VOXTRAL)
    assert check.status == WARN
    assert "H100" in check.found
    assert "torch cannot use it: the driver 580.95.05 is for CUDA 12.8" in check.found
    assert check.remedy == "update the driver to one for CUDA 13"


def test_torch_settings_name_the_device():
    check = models.torch_settings(load(None, {"torch.device": "cpu"}), VOXTRAL)
    assert (check.status, check.remedy) == (OK, "")
    assert "CPU" in check.found


@pytest.mark.skipif(torch.cuda.is_available(), reason="about machines without a GPU")
def test_a_torch_that_runs_on_the_cpu_unasked_warns():
    """Whatever the driver said: a call would wait for seconds, and nobody asked for that."""
    check = models.torch_settings(load(None, {"torch.device": "auto"}), VOXTRAL)
    assert check.status == WARN
    assert "no GPU: " in check.found
    assert check.remedy


def test_engines_are_loaded():
    [check] = models.engines(load(None), SCRIPTED)
    assert (check.status, check.found) == (OK, "brain scripted, voice tone: loaded (because)")


def test_an_unknown_voice_fails_with_the_known_ones():
    [check] = models.engines(load(None, {"agent.voice_name": "hal"}), SCRIPTED)
    assert check.status == FAIL
    assert "agent.voice_name='hal'" in check.found
    assert check.remedy == "it has tone; change one of the two"


def test_a_voice_that_cannot_speak_at_all_fails_for_its_own_reason(monkeypatch):
    monkeypatch.setattr(models, "build", lambda *_: (None, LostVoice()))
    [check] = models.engines(load(None, {"agent.voice_name": "tone"}), SCRIPTED)
    assert (check.found, check.remedy) == ("the device is lost", "start it again")


def test_whatever_name_the_server_takes_is_taken():
    """Killed: a list of names, of which espeak's is not all that may be asked for."""
    espeak = Choice("scripted", "espeak", "because")
    [check] = models.engines(load(None, {"agent.voice_name": "de+f3"}), espeak)
    assert check.status == OK, check


def test_a_language_that_the_voice_does_not_speak_fails_with_those_it_does(
    monkeypatch, tmp_path
):
    """Else the server would say so, after it has loaded everything once more."""
    monkeypatch.setattr(models, "build", lambda *_: (None, KokoroWithoutWeights()))
    assert next(models.engines(load(None, {"agent.language": "fr"}), VOXTRAL)).status == OK
    check = next(models.engines(load(None, {"agent.language": "de-DE"}), VOXTRAL))
    assert check.status == FAIL
    assert "agent.language='de-DE': Kokoro does not speak 'de-DE'" in check.found
    assert "en-US" in check.remedy


class KokoroWithoutWeights:
    """It chooses its voice as the real one does, and makes no sound."""

    def voices(self):
        return ("af_heart", "ff_siwis")

    def speak(self, phrase, style):
        yield voice_for(style.language, self.voices())


def test_engines_that_fail_are_findings(monkeypatch):
    def build(config, choice):
        raise EngineError("no room on the GPU; free some")

    monkeypatch.setattr(models, "build", build)
    [check] = models.engines(load(None), VOXTRAL)
    assert (check.status, check.found, check.remedy) == (
        FAIL,
        "no room on the GPU",
        "free some",
    )


def test_the_way_they_run_is_told_and_a_slower_one_warns(monkeypatch):
    def wrong():
        raise RuntimeError("no")

    def build(config, choice):
        for what, fast in (("voxtral's step", int), ("kokoro", wrong)):
            climb(what, [Rung("CUDA graphs", fast), Rung("eager", int)], lambda run: "")
        return None, ToneVoice()

    monkeypatch.setattr(models, "build", build)
    loaded, fast, slow = models.engines(load(None), VOXTRAL)
    assert loaded.status == OK
    assert (fast.status, fast.found, fast.remedy) == (OK, "voxtral's step: CUDA graphs", "")
    assert (slow.status, slow.found) == (
        WARN,
        "kokoro: eager; not CUDA graphs: RuntimeError: no",
    )


# -- Smart Turn


def missing():
    raise ConfigError("turns.smart_turn: it is not installed; run: pip install smart")


def damaged():
    raise ConfigError("turns.smart_turn: model.onnx: cut off; run: pip install it again")


def wants(wanted):
    return load(None, {"agent.engine": "scripted", "turns.smart_turn": wanted})


@pytest.fixture
def installed(monkeypatch):
    monkeypatch.setattr(models.smart, "model_path", lambda: None)
    monkeypatch.setattr(models.smart, "load", load_length)


def test_smart_turn_may_be_missing_and_it_is_said_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setattr(models.smart, "model_path", missing)
    check = models.smart_turn(wants("auto"))
    assert (check.status, check.remedy) == (OK, "run: pip install smart")
    assert "not asked: turns.smart_turn: it is not installed" in check.found


def test_what_is_there_and_cannot_be_loaded_is_a_warning(installed, monkeypatch) -> None:
    monkeypatch.setattr(models.smart, "load", damaged)
    check = models.smart_turn(wants("auto"))
    assert (check.status, check.remedy) == (WARN, "run: pip install it again")
    assert "not asked: turns.smart_turn: model.onnx: cut off" in check.found


def test_smart_turn_that_must_be_there_may_not_be_missing(monkeypatch) -> None:
    monkeypatch.setattr(models.smart, "model_path", missing)
    check = guarded("Smart Turn", lambda: models.smart_turn(wants("always")))
    assert check.status == FAIL
    assert check.remedy == "run: pip install smart"


@pytest.mark.parametrize("wanted", ["auto", "always"])
def test_it_is_told_what_an_answer_takes(installed, wanted) -> None:
    check = models.smart_turn(wants(wanted))
    assert (check.status, check.found) == (OK, "an answer takes 0 ms")


def test_what_is_never_asked_is_not_loaded(monkeypatch) -> None:
    monkeypatch.setattr(models.smart, "load", None)
    check = models.smart_turn(wants("never"))
    assert (check.status, check.found) == (OK, "not asked, as turns.smart_turn is never")


def test_a_machine_too_slow_for_it_is_warned(installed, monkeypatch) -> None:
    monkeypatch.setattr(models, "warm", lambda analyze: 0.4)
    check = models.smart_turn(wants("always"))
    assert (check.status, check.found) == (WARN, "an answer takes 400 ms")
    assert "set turns.smart_turn to auto" in check.remedy
    check = models.smart_turn(wants("auto"))
    assert check.status == OK
    assert check.found == "an answer takes 400 ms, too long for most pauses: not asked"
