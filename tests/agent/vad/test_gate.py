"""What counts as speech: two thresholds, two minimum durations, and media time kept exactly."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from agent.config import VadConfig
from agent.events import (
    SilenceSuspected,
    SoundNoticed,
    SoundPassed,
    SpeechEnded,
    SpeechStarted,
    SpeechSuspected,
)
from agent.vad.gate import Gate

CONFIG = VadConfig(
    start_threshold=0.5, stop_threshold=0.35, min_speech_ms=64, min_silence_ms=96, trail_ms=32
)


def feed(probabilities, config=CONFIG):
    """What the gate says, with the time at which it said so."""
    gate = Gate(config)
    said = [(32 * (n + 1), gate.feed(p)) for n, p in enumerate(probabilities)]
    return [(now, e) for now, e in said if isinstance(e, SpeechStarted | SpeechEnded)]


def test_two_loud_windows_are_speech_that_began_with_the_first() -> None:
    assert feed([0.0, 0.9, 0.9]) == [(96, SpeechStarted(at_ms=32, ago_ms=64))]


def test_a_first_loud_window_is_suspected() -> None:
    gate = Gate(CONFIG)
    said = [gate.feed(p) for p in [0.0, 0.9, 0.0, 0.9, 0.9, 0.9]]
    assert said == [
        None,
        SpeechSuspected(),
        None,
        SpeechSuspected(),
        SpeechStarted(96, 64),
        None,
    ]


def test_a_first_quiet_window_is_suspected() -> None:
    gate = Gate(CONFIG)
    said = [gate.feed(p) for p in [0.9, 0.9, 0.9, 0.1, 0.9, 0.1, 0.1]]
    assert said[3:] == [SilenceSuspected(), None, SilenceSuspected(), None]


def begins(*windows, config=CONFIG):
    """When it says that speech began, if each of the windows comes with the least it needs."""
    gate = Gate(config)
    said = [gate.feed(probability, least=least) for probability, least in windows]
    return [event for event in said if isinstance(event, SpeechStarted)]


HISS, VOICE, WHISPER = (0.9, 0.97), (0.9, 0.0), (0.98, 0.97)


def test_a_hiss_counts_as_soon_as_its_voice_is_heard() -> None:
    assert begins(HISS, VOICE) == [SpeechStarted(at_ms=0, ago_ms=64)]


def test_a_long_hiss_begins_as_late_as_its_voice_allows() -> None:
    """No turn of a second because of a fan and the first sound of a voice."""
    assert begins(*[HISS] * 30, VOICE) == [SpeechStarted(at_ms=29 * 32, ago_ms=64)]


def test_a_hiss_alone_begins_nothing_and_is_suspected_once() -> None:
    gate = Gate(CONFIG)
    said = [gate.feed(0.9, least=0.97) for _ in range(5)]
    assert said == [SpeechSuspected(), None, None, None, None]


def test_a_whisper_begins_with_its_own_windows_only() -> None:
    assert begins(HISS, WHISPER) == []
    assert begins(HISS, WHISPER, WHISPER) == [SpeechStarted(at_ms=32, ago_ms=64)]


def test_a_hiss_that_ends_before_the_voice_is_none_of_it() -> None:
    assert begins(HISS, (0.1, 0.97), VOICE) == []


def test_one_window_of_hiss_is_suspected_once_where_one_window_is_enough() -> None:
    gate = Gate(replace(CONFIG, min_speech_ms=32))
    said = [gate.feed(0.9, least=least) for least in (0.97, 0.97, 0.97, 0.0)]
    assert said == [SpeechSuspected(), None, None, SpeechStarted(96, 32)]


def test_what_would_begin_speech_needs_nothing_to_end_it() -> None:
    gate = Gate(replace(CONFIG, min_silence_ms=32))
    said = [gate.feed(0.9), gate.feed(0.9), gate.feed(0.1, least=0.97)]
    assert said[-1] == SpeechEnded(64 - 32, 32 + 32)


def test_a_single_loud_window_is_a_click() -> None:
    assert feed([0.0, 0.9, 0.0, 0.9, 0.0]) == []


def test_three_quiet_windows_are_silence_that_began_a_trail_before_the_first() -> None:
    said = feed([0.9, 0.9, 0.9, 0.1, 0.1, 0.1])
    assert said[1] == (192, SpeechEnded(at_ms=96 - 32, ago_ms=96 + 32))


def test_a_vad_that_does_not_trail_is_taken_at_its_word() -> None:
    said = feed([0.9, 0.9, 0.9, 0.1, 0.1, 0.1], replace(CONFIG, trail_ms=0))
    assert said[1] == (192, SpeechEnded(at_ms=96, ago_ms=96))


def test_a_stop_consonant_is_not_silence() -> None:
    assert len(feed([0.9, 0.9, 0.1, 0.1, 0.9, 0.9, 0.1, 0.1, 0.9])) == 1


def test_between_the_thresholds_nothing_changes() -> None:
    assert feed([0.4] * 50) == []
    assert len(feed([0.9] * 2 + [0.4] * 50)) == 1


def test_new_thresholds_hold_at_once() -> None:
    gate = Gate(CONFIG)
    gate.config = VadConfig(start_threshold=0.3, stop_threshold=0.2, min_speech_ms=32)
    assert gate.feed(0.35) == SpeechStarted(0, 32)


@given(st.lists(st.floats(0, 1), max_size=300))
def test_start_and_end_alternate_and_time_never_goes_back(probabilities) -> None:
    """Killed: speech that begins when it was noticed, and not before."""
    said = feed(probabilities)
    kinds = [type(event) for _, event in said]
    assert kinds == [SpeechStarted, SpeechEnded] * (len(kinds) // 2) + [SpeechStarted] * (
        len(kinds) % 2
    )
    times = [event.at_ms for _, event in said]
    assert times == sorted(times)
    assert all(event.at_ms + event.ago_ms == now for now, event in said)


def test_silence_by_level_ends_speech_before_the_vad_does() -> None:
    gate = Gate(CONFIG)
    for _ in range(3):
        gate.feed(0.9)
    assert gate.hush(80, 96) is None  # shorter than min_silence_ms
    assert gate.hush(96, 192) == SpeechEnded(at_ms=96, ago_ms=96)
    assert not gate.speaking
    assert gate.hush(112, 208) is None  # once


def test_the_silence_before_speech_does_not_end_it() -> None:
    """Killed: a knock that is over before the VAD is sure has been silent for seconds."""
    gate = Gate(CONFIG)
    for probability in (0.0, 0.0, 0.9, 0.9):
        gate.feed(probability)
    assert gate.speaking  # since 64 ms
    assert gate.hush(5000, 128) is None
    assert gate.hush(70, 130) is None
    assert gate.hush(96, 170) == SpeechEnded(at_ms=74, ago_ms=96)


def test_what_cannot_be_heard_begins_no_speech() -> None:
    gate = Gate(CONFIG)
    assert [gate.feed(0.9, audible=False) for _ in range(5)] == [None] * 5
    assert gate.feed(0.9) == SpeechSuspected()


def notices(probabilities, audible=None):
    """What is noticed, window by window, and when it becomes speech."""
    gate, said = Gate(CONFIG), []
    for n, probability in enumerate(probabilities):
        heard = True if audible is None else audible[n]
        said.append(gate.notice(probability, heard))
        if isinstance(event := gate.feed(probability, heard), SpeechStarted | SpeechEnded):
            said.append(event)
    return [each for each in said if each is not None]


def test_a_sound_is_noticed_by_a_lower_bar_and_passes_after_two_windows() -> None:
    assert notices([0.1, 0.3, 0.1, 0.3, 0.1, 0.1, 0.1]) == [SoundNoticed(32), SoundPassed()]


def test_a_sound_that_becomes_speech_does_not_pass() -> None:
    said = notices([0.3, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1])
    assert [type(each) for each in said] == [SoundNoticed, SpeechStarted, SpeechEnded]


def test_what_nobody_could_hear_is_not_noticed() -> None:
    """A VAD trails what has ended."""
    assert notices([0.9, 0.9], [False, False]) == []


def test_a_sound_that_goes_on_and_is_no_speech_passes_and_is_no_news_until_it_ends() -> None:
    """Killed: a fan that keeps a reply soft to its end."""
    fan = [0.3] * 100
    assert notices(fan) == [SoundNoticed(32), SoundPassed()]
    assert notices([*fan, 0.0, *fan[:9]]) == [SoundNoticed(32), SoundPassed()]
    again = notices([*fan, 0.0, 0.0, 0.3])
    assert again == [SoundNoticed(32), SoundPassed(), SoundNoticed(32)]
    spoken = notices([*fan, 0.9, 0.9, 0.9, *[0.0] * 5, 0.3])
    assert [type(each) for each in spoken[2:]] == [SpeechStarted, SpeechEnded, SoundNoticed]


windows_of_a_call = st.lists(
    st.tuples(st.sampled_from([0.0, 0.3, 0.9, 0.9]), st.sampled_from([True, True, False])),
    max_size=29,  # what lasts longer is no news
)


@given(windows_of_a_call)
def test_law_what_is_noticed_passes_or_is_speech_and_speech_was_noticed(windows) -> None:
    """Killed: speech that leaves the notice behind, and a bar above that of speech."""
    said = notices([p for p, _ in windows], [audible for _, audible in windows])
    kinds = [type(each) for each in said]
    after = {
        SoundNoticed: {SoundPassed, SpeechStarted},
        SoundPassed: {SoundNoticed},
        SpeechStarted: {SpeechEnded},
        SpeechEnded: {SoundNoticed},
    }
    assert all(b in after[a] for a, b in zip([SpeechEnded, *kinds], kinds, strict=False))
