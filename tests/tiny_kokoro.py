# ruff: noqa: RUF001 - phonemes are letters that look like others
"""A Kokoro checkpoint made here: the real classes and file formats, random weights.

KModel fixes most of its widths in code, so the smallest has 58 million parameters; what can
shrink is small. Speech from it is noise in the rhythm of speech.
"""

import numpy as np
import torch

from benchmarks.model_checkpoints import (
    KOKORO,
    new_kokoro,
    save_kokoro,
    write_kokoro_config,
)

FRAMES_A_PHONEME = 1.6  # of 25 ms; real speech has about 3. Shorter audio is made sooner

# Kokoro's own vocabulary: token ids of phonemes and marks.
VOCAB = dict(
    zip(
        ';:,.!?—…"()“” \u0303ʣʥʦʨᵝꭧAIOQSTWYᵊabcdefhijklmnopqrstuvwxyzɑɐɒæβɔɕçɖðʤəɚɛɜɟɡɥɨɪʝɯɰ'
        "ŋɳɲɴøɸθœɹɾɻʁɽʂʃʈʧʊʋʌɣɤχʎʒʔˈˌːʰʲ↓→↗↘ᵻ",
        [
            *(1, 2, 3, 4, 5, 6, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24),
            *(25, 31, 33, 35, 36, 39, 41, 42, 43, 44, 45, 46, 47, 48, 50, 51, 52, 53, 54, 55),
            *(56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, 70, 71, 72, 75, 76, 77),
            *(78, 80, 81, 82, 83, 85, 86, 87, 90, 92, 99, 101, 102, 103, 110, 111, 112, 113),
            *(114, 115, 116, 118, 119, 120, 123, 125, 126, 128, 129, 130, 131, 132, 133, 135),
            *(
                136,
                138,
                139,
                140,
                142,
                143,
                147,
                148,
                156,
                157,
                158,
                162,
                164,
                169,
                171,
                172,
                173,
            ),
            177,
        ],
        strict=True,
    )
)
CONFIG = {
    **KOKORO,
    "istftnet": {
        **KOKORO["istftnet"],
        "resblock_dilation_sizes": [[1, 3, 5]],
        "resblock_kernel_sizes": [3],
    },
    "n_layer": 1,
    "plbert": {
        **KOKORO["plbert"],
        "hidden_size": 32,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
    },
    "vocab": VOCAB,
}


def make(folder, voices=("af_heart", "bm_george", "ff_siwis")):
    """Write config.json, kokoro-v1_0.pth and voices/ as the hub has them."""
    write_kokoro_config(folder, CONFIG)
    return save_kokoro(build(folder), folder, voices)


def build(folder):
    """A KModel with the checkpoint's random weights, built without the file."""
    model = new_kokoro(folder / "config.json")
    _settle(model)
    return model


def _settle(model):
    """Speak at a pace, and with a voice: random weights alone do neither."""
    duration = model.predictor.duration_proj.linear_layer
    share = FRAMES_A_PHONEME / CONFIG["max_dur"]
    with torch.no_grad():
        duration.weight.copy_(duration.weight[:1] * 5)  # long and short phonemes
        duration.bias.fill_(float(np.log(share / (1 - share))))
        model.predictor.F0_proj.bias.fill_(140.0)
        model.predictor.F0_proj.weight.mul_(20)
