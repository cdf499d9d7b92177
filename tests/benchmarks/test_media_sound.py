"""The second of sound that media calls are made of."""

import numpy as np

from agent.config import Send
from agent.media.opus import Decoder, Encoder
from benchmarks.media_sound import (
    CYCLE_FRAMES,
    MARKER_FRAMES,
    MARKER_HEARD,
    SILENCE_HEARD,
    SILENT_FRAMES,
    cycle,
)


def test_a_cycle_is_a_marker_speech_and_silence():
    peaks = [float(np.abs(frame).max()) for frame in cycle()]
    assert len(peaks) == CYCLE_FRAMES == 50
    assert min(peaks[:MARKER_FRAMES]) > 2 * MARKER_HEARD
    speech = peaks[MARKER_FRAMES:-SILENT_FRAMES]
    assert 10 * SILENCE_HEARD < min(speech) <= max(speech) < MARKER_HEARD
    assert peaks[-SILENT_FRAMES:] == [0.0] * SILENT_FRAMES


def test_what_opus_makes_of_it_is_told_apart_packet_by_packet():
    """The first packet of the marker is loud already: look-ahead does not hide it."""
    for mode in ("voip", "lowdelay"):
        encoder, decoder = Encoder(Send(mode=mode)), Decoder()
        decoded = [decoder.decode(encoder.encode(frame)) for frame in cycle() * 2]
        peaks = [float(sound.max()) for sound in decoded[CYCLE_FRAMES:]]
        assert peaks[0] > MARKER_HEARD
        assert max(peaks[MARKER_FRAMES + 1 :]) < MARKER_HEARD
        assert min(peaks[:-SILENT_FRAMES]) > SILENCE_HEARD
        assert max(peaks[1 - SILENT_FRAMES :]) < SILENCE_HEARD
