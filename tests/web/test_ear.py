"""ear.js: levels of two voices, and how long the caller waited. Arrays in, numbers out."""

import math

import pytest

RATE_HZ = 8000
READING = 400  # samples, 50 ms
HEAR = """async ([caller, agent, late, rate, reading]) => {
  const { Ear } = await import('/sdk/ear.js');
  const ear = new Ear();
  const waits = [];
  for (let end = reading; end <= caller.length; end += reading / 2) { // half overlap
    const ms = (1000 * end) / rate;
    if (late.some(([from, to]) => from < ms && ms < to)) continue;
    const latest = (voice) => new Float32Array(voice.slice(end - reading, end));
    const waited = ear.take(latest(caller), latest(agent), (end - 1) / rate, rate);
    if (waited !== null) waits.push(waited);
  }
  return waits;
}"""


@pytest.fixture
def waits(bare_page):
    """Voices as (begin_ms, end_ms) spans of sound; gives every wait that was noticed, in ms.

    In the spans of `late` nothing is read.
    """

    def listen(caller, agent, *, late=(), loud=0.3, length_ms=3000):
        def voice(spans):
            samples = [0.0] * (length_ms * RATE_HZ // 1000)
            for begin_ms, end_ms in spans:
                for index in range(begin_ms * 8, end_ms * 8):
                    samples[index] = loud if index % 2 else -loud
            return samples

        return bare_page.evaluate(HEAR, [voice(caller), voice(agent), late, RATE_HZ, READING])

    return listen


def test_a_wait_lasts_from_the_callers_last_sound_to_the_agents_first(waits):
    assert waits([(100, 900)], [(1300, 2000)]) == [400]


def test_every_turn_is_measured(waits):
    assert waits([(100, 500), (1500, 2000)], [(700, 1300), (2210, 2900)]) == [200, 210]


def test_a_breath_within_a_reply_is_no_new_answer(waits):
    assert waits([(100, 500)], [(700, 1300), (1500, 2000)]) == [200]


def test_a_greeting_answers_nobody(waits):
    assert waits([], [(500, 1500)]) == []


def test_after_a_long_silence_the_agent_speaks_of_its_own_accord(waits):
    assert waits([(100, 500)], [(10_700, 11_000)], length_ms=11_500) == []


@pytest.mark.parametrize(
    "late",
    [
        pytest.param((1250, 2000), id="the agent began"),
        pytest.param((800, 1200), id="the caller ended"),
        pytest.param((1000, 1200), id="perhaps the caller spoke"),
    ],
)
def test_what_fell_between_two_readings_is_not_guessed(waits, late):
    """In a page that nobody sees the timer comes once a second."""
    assert waits([(100, 900)], [(1300, 2500)], late=[late]) == []


def test_after_a_late_reading_turns_are_measured_again(waits):
    caller, agent = [(100, 500), (1500, 2000)], [(700, 1300), (2210, 2900)]
    assert waits(caller, agent, late=[(600, 900)]) == [210]


def test_a_quiet_room_is_no_caller(waits):
    assert waits([(100, 900)], [(1300, 2000)], loud=0.005) == []


@pytest.mark.parametrize(
    ("amplitude", "level"),
    [(0.0, 0.0), (0.0005, 0.0), (0.0158, 0.5), (0.2512, 1.0), (1.0, 1.0)],
)
def test_levels_are_linear_in_decibels(bare_page, amplitude, level):
    run = """async (amplitude) => {
      const { loudness } = await import('/sdk/ear.js');
      return loudness(new Float32Array(960).fill(amplitude));
    }"""
    assert math.isclose(bare_page.evaluate(run, amplitude), level, abs_tol=0.01)


def test_the_needle_rises_at_once_and_falls_slowly(bare_page):
    run = """async () => {
      const { needle } = await import('/sdk/ear.js');
      return [needle(0, 1), needle(1, 0)];
    }"""
    up, down = bare_page.evaluate(run)
    assert up > 0.5 and down > 0.5
