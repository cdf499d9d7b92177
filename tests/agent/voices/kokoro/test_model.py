# ruff: noqa: RUF001 - phonemes are letters that look like others
"""The two stages are KModel, whatever the bucket and whoever else is in the batch.

In float64: KModel amplifies a rounding error of float32 until it is as loud as the speech
(random weights do), so there only the same order of operations would be equal.
"""

import pytest
import tiny_kokoro
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from agent.voices.kokoro.model import FRAME_SAMPLES, NOISE_CHANNELS, Stages, stretch

TEXTS = ["həlˈO wˈɜɹld.", "jˈɛs, ðɪs ɪz.", "ˈO."]
NOISE = torch.randn(
    1, FRAME_SAMPLES * 120, NOISE_CHANNELS, generator=torch.Generator().manual_seed(3)
)


@pytest.fixture(scope="module")
def kmodel(checkpoint_folder):
    return doubled(tiny_kokoro.build(checkpoint_folder))


def doubled(model):
    stft = model.decoder.generator.stft
    stft.window = stft.window.double()
    return model.double()


@pytest.fixture(scope="module")
def styles(checkpoint_folder):
    pack = torch.load(checkpoint_folder / "voices" / "af_heart.pt", weights_only=True)
    return [pack[len(text) - 1].double() for text in TEXTS]


@pytest.fixture(scope="module")
def wanted(kmodel, styles):
    """What the shipped KModel says, its random generators replaced by NOISE."""
    said = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "randn_like", lambda like: NOISE[:, : like.shape[1]].to(like))
        torch.set_default_dtype(torch.float64)  # it makes its alignment in the default
        try:
            for text, style in zip(TEXTS, styles, strict=True):
                said.append(kmodel.forward_with_tokens(ids_of(text)[None], style, 1.0))
        finally:
            torch.set_default_dtype(torch.float32)
    return said


@pytest.fixture(scope="module")
def stages(checkpoint_folder):
    return Stages(doubled(tiny_kokoro.build(checkpoint_folder)))


def ids_of(text):
    return torch.tensor([0, *(tiny_kokoro.VOCAB[letter] for letter in text), 0])


def padded(rows, size):
    ids = torch.full((len(rows), size), 43)  # padding must not matter
    for row, one in zip(ids, rows, strict=True):
        row[: len(one)] = one
    return ids, torch.tensor([len(one) for one in rows])


def speak(stages, texts, styles, tokens_size, frames_size, speed=1.0):
    """Durations and audio of each row, the way the runner does it."""
    with torch.no_grad():
        ids, tokens = padded([ids_of(text) for text in texts], tokens_size)
        style = torch.cat(styles)
        plan = stages.plan(ids, tokens, style, torch.full((len(texts),), speed).double())
        total = plan.frames.sum(1)
        places = torch.zeros(len(texts), frames_size, dtype=torch.long)
        for row, frames in zip(places, plan.frames, strict=True):
            spread = torch.repeat_interleave(torch.arange(tokens_size), frames)
            row[: len(spread)] = spread
        rows = torch.arange(len(texts))
        audio = stages.sound(
            stretch(plan.prosody, rows, places),
            stretch(plan.text, rows, places),
            total,
            style,
            NOISE[:, : FRAME_SAMPLES * frames_size].double(),
        )
    return [
        (frames[:n], row[: FRAME_SAMPLES * t], row[FRAME_SAMPLES * t :])
        for frames, n, t, row in zip(plan.frames, tokens, total, audio, strict=True)
    ]


def frames_of(wanted):
    return [int(durations.sum()) for _, durations in wanted]


@pytest.mark.parametrize("spare", [(0, 0), (1, 1), (17, 37)])
def test_one_row_is_kmodel_in_every_bucket(stages, styles, wanted, spare):
    audio, durations = wanted[0]
    size = len(durations) + spare[0], int(durations.sum()) + spare[1]
    ((frames, sound, rest),) = speak(stages, TEXTS[:1], styles[:1], *size)
    assert torch.equal(frames, durations)
    assert len(set(durations.tolist())) > 1
    assert (sound - audio).abs().max() < 1e-6
    assert audio.abs().max() > 0.01
    assert not rest[10:].any()  # half a window reaches over the end


def test_rows_of_a_batch_are_kmodel_one_by_one(stages, styles, wanted):
    assert len(set(frames_of(wanted))) == 3
    rows = speak(stages, TEXTS, styles, 24, max(frames_of(wanted)) + 5)
    for (frames, sound, rest), (audio, durations) in zip(rows, wanted, strict=True):
        assert torch.equal(frames, durations)
        assert (sound - audio).abs().max() < 1e-6
        assert not rest[10:].any()  # half a window reaches over the end


def test_speed_divides_the_durations(stages, styles):
    ((slow, _, _),) = speak(stages, TEXTS[:1], styles[:1], 16, 80, speed=0.5)
    ((fast, _, _),) = speak(stages, TEXTS[:1], styles[:1], 16, 80, speed=2.0)
    assert slow.sum() > 2 * fast.sum()
    assert fast.min() == 1


def test_the_weight_norms_are_gone(stages, kmodel):
    assert any("weight_g" in name for name, _ in kmodel.named_parameters())
    assert not any("weight_g" in name for name, _ in stages.named_parameters())


class Waiting(TorchDispatchMode):
    """Notes every operation whose result the CPU must know before it goes on."""

    ASKS = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if any(name.startswith(asks) for asks in self.ASKS):
            self.found.append(name)
        return func(*args, **(kwargs or {}))


def test_neither_stage_waits_for_the_device(stages, styles):
    """What a CUDA graph demands, seen from the CPU."""
    ids, tokens = padded([ids_of(TEXTS[2])], 8)
    with torch.no_grad(), Waiting() as waiting:
        plan = stages.plan(ids, tokens, styles[2], torch.ones(1).double())
        places = torch.zeros(1, 6, dtype=torch.long)
        stages.sound(
            stretch(plan.prosody, torch.zeros(1, dtype=torch.long), places),
            stretch(plan.text, torch.zeros(1, dtype=torch.long), places),
            torch.tensor([6]),
            styles[2],
            NOISE[:, : FRAME_SAMPLES * 6].double(),
        )
    assert waiting.found == []


def test_the_check_for_waiting_would_find_it():
    with Waiting() as waiting:
        torch.ones(3).sum().item()
    assert waiting.found == ["_local_scalar_dense"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_for_the_decoder_only_and_stays_near(checkpoint_folder, dtype):
    whole = Stages(tiny_kokoro.build(checkpoint_folder))
    half = Stages.__new__(Stages)
    half.__dict__.update(whole.__dict__ | {"_dtype": dtype})
    style, frames = torch.zeros(1, 256), torch.tensor([6])
    text, curve = torch.randn(1, 6, 512), torch.full((1, 12), 150.0)
    inputs = (text, curve, curve / 150, frames, style, NOISE[:, : FRAME_SAMPLES * 6])
    with torch.no_grad():
        exact, near = whole.decode(*inputs), half.decode(*inputs)
    assert near.dtype == torch.float32
    assert not torch.equal(exact, near)
    noise_db = 10 * torch.log10((exact - near).pow(2).mean() / exact.pow(2).mean())
    assert noise_db < -20


def test_nothing_is_made_on_another_device(checkpoint_folder):
    """On `meta` a tensor made on the CPU, or a question for a value, is an error."""
    stages = Stages(tiny_kokoro.build(checkpoint_folder)).to("meta")

    def empty(*shape, dtype=torch.float32):
        return torch.empty(shape, dtype=dtype, device="meta")

    two = empty(2, dtype=torch.long)
    with torch.no_grad():
        plan = stages.plan(empty(2, 32, dtype=torch.long), two, empty(2, 256), empty(2))
        places = empty(2, 40, dtype=torch.long)
        audio = stages.sound(
            stretch(plan.prosody, two, places),
            stretch(plan.text, two, places),
            two,
            empty(2, 256),
            empty(1, 40 * FRAME_SAMPLES, NOISE_CHANNELS),
        )
    assert audio.shape == (2, 40 * FRAME_SAMPLES)
    assert audio.device.type == "meta"
