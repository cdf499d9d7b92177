"""The rates fit each other: a frame is 20 ms at every one of them."""

from agent.audio import frame


def test_a_frame_is_20_ms_at_every_rate() -> None:
    for samples, rate in [
        (frame.HEAR_FRAME, frame.HEAR_HZ),
        (frame.SPEAK_FRAME, frame.SPEAK_HZ),
        (frame.RTP_FRAME, frame.RTP_HZ),
    ]:
        assert samples * 1000 == rate * frame.FRAME_MS


def test_opus_can_speak_and_hear_at_our_rates() -> None:
    assert {frame.HEAR_HZ, frame.SPEAK_HZ} <= {8_000, 12_000, 16_000, 24_000, 48_000}
