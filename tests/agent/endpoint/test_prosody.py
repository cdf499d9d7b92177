"""How a voice ends: falling or hanging in the air, sung to the tracker hop by hop."""

from agent.endpoint.pitch import Tone
from agent.endpoint.prosody import Cues, Prosody


def said(*hops):
    """Each: (semitones, clarity, audible)."""
    prosody = Prosody()
    for semitones, clarity, audible in hops:
        prosody.feed(Tone(semitones, clarity), audible)
    return prosody


def voice(semitones, hops, clarity=0.95):
    return [(semitones, clarity, True)] * hops


SILENCE = [(0.0, 0.0, False)] * 6
TALK = [*voice(84, 40), *SILENCE, *voice(86, 40), *SILENCE]


def cues(*end):
    prosody = said(*TALK)
    prosody.cues(6)  # as at the pause before
    for semitones, clarity, audible in [*end, *SILENCE]:
        prosody.feed(Tone(semitones, clarity), audible)
    return prosody.cues(len(SILENCE))


def glide(begin, end, hops=30):
    return [(begin + (end - begin) * n / (hops - 1), 0.95, True) for n in range(hops)]


def test_a_fall_is_told_from_a_rise() -> None:
    assert cues(*glide(86, 76)).fall_st < -5
    assert cues(*glide(86, 91)).fall_st > 2
    assert cues(*glide(86, 76)).slope_st < 0 < cues(*glide(86, 91)).slope_st


def test_a_creak_is_less_clear() -> None:
    assert cues(*voice(84, 30, clarity=0.6)).clarity < 0 < cues(*voice(84, 30)).clarity


def test_a_hiss_at_the_end_is_voiceless_and_leaves_the_pitch_alone() -> None:
    hiss = [(100.0 + 7 * (n % 2), 0.6, True) for n in range(12)]
    found = cues(*glide(86, 76), *hiss)
    assert found.voiceless_ms == 120
    assert found.fall_st == cues(*glide(86, 76)).fall_st


def test_a_jump_of_an_octave_is_no_voice() -> None:
    slip = [(98.0, 0.9, True)] * 6
    assert cues(*voice(84, 30), *slip).fall_st <= 0


def test_nothing_is_said_of_a_whisper() -> None:
    assert said(*[(90.0, 0.2, True)] * 50, *SILENCE).cues(6) == Cues()
    assert Prosody().cues(6) == Cues()


def test_silence_before_it_changes_nothing() -> None:
    prosody = said(*TALK, *voice(80, 30), *SILENCE)
    first = prosody.cues(6)
    for hop in SILENCE:
        prosody.feed(Tone(*hop[:2]), hop[2])
    assert prosody.cues(12) == first
