"""The ears: what the language model hears is what transformers would let it hear."""

import pytest
import tiny_voxtral
import torch

from agent.brains.voxtral.ears import Audio, Ears
from agent.brains.voxtral.encoder import unchanged
from agent.brains.voxtral.mel import CHUNK_FRAMES


@pytest.fixture(scope="module")
def ears(checkpoint):
    return tiny_voxtral.passes(checkpoint).ears


@pytest.mark.parametrize("seconds", [0.4, 3, 31])
@torch.no_grad()
def test_embeddings_are_those_of_transformers(ears, checkpoint, seconds) -> None:
    samples = tiny_voxtral.noise(seconds)
    sound = {"type": "audio", "base64": tiny_voxtral.base64_wav(samples)}
    inputs = tiny_voxtral.processor(checkpoint).apply_chat_template(
        [{"role": "user", "content": [sound]}]
    )
    features = inputs["input_features"]
    wanted = tiny_voxtral.reference(checkpoint).get_audio_features(features).pooler_output
    assert torch.equal(ears.mel(torch.from_numpy(samples)), features)
    assert torch.allclose(ears.listen(features), wanted, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_by_transformers_own_encoder_they_are_the_very_same(checkpoint) -> None:
    inner = tiny_voxtral.reference(checkpoint).model
    ears = Ears(inner.audio_tower, inner.multi_modal_projector, unchanged)
    features = torch.randn(2, 128, CHUNK_FRAMES)
    wanted = inner.get_audio_features(features).pooler_output
    assert torch.equal(ears.listen(features), wanted)


@torch.no_grad()
def test_a_chunk_takes_375_positions_however_little_was_said(ears) -> None:
    assert ears.chunk_positions == 375
    assert ears.listen(torch.zeros(2, 128, CHUNK_FRAMES)).shape == (750, 32)


def test_an_utterance_equals_itself_alone() -> None:
    embeddings = torch.zeros(375, 4)
    audio = Audio(embeddings)
    assert audio.positions == 375
    assert audio == audio
    assert audio != Audio(embeddings)
    assert len({audio, Audio(embeddings)}) == 2
