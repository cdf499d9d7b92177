"""What audio is in this house: mono float32 in [-1, 1], at one of two rates."""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]  # shape [n], mono, in [-1, 1]

HEAR_HZ = 16_000  # everything we hear: VAD, recognisers, Voxtral
SPEAK_HZ = 24_000  # everything we say: Kokoro's own rate, and one of Opus' five
FRAME_MS = 20  # one RTP packet
RTP_HZ = 48_000  # the RTP clock of Opus at any rate (RFC 7587, section 4.1)

HEAR_FRAME = HEAR_HZ * FRAME_MS // 1000  # 320 samples
SPEAK_FRAME = SPEAK_HZ * FRAME_MS // 1000  # 480 samples
RTP_FRAME = RTP_HZ * FRAME_MS // 1000  # 960 ticks
