"""playout-delay.js: what getStats() counts becomes one number, told when it has changed."""

import pytest
from playwright.sync_api import Page
from web_call import stop_the_clock

SETUP = """async (counted) => {
  const { PlayoutDelay } = await import('/sdk/playout-delay.js');
  Object.assign(globalThis, { told: [], buffered: { delay: 0, count: 0 }, played: null });
  const getStats = async () => {
    await globalThis.held;
    const report = new Map([
      ['video', { type: 'inbound-rtp', kind: 'video', jitterBufferDelay: 9e9 }],
      ['pair', { type: 'candidate-pair' }],
    ]);
    const { delay, count } = buffered;
    report.set('in', { type: 'inbound-rtp', kind: 'audio', jitterBufferDelay: delay,
      jitterBufferEmittedCount: count });
    if (played) report.set('out', { type: 'media-playout', kind: 'audio',
      totalPlayoutDelay: played.delay, totalSamplesCount: played.count });
    return report;
  };
  globalThis.delay = new PlayoutDelay({ getStats }, {
    outputMs: () => 25,
    onChange: (delayMs) => told.push(delayMs),
  });
}"""


@pytest.fixture
def page(visit) -> Page:
    page = visit()
    stop_the_clock(page)
    page.evaluate(SETUP)
    return page


def heard(page, buffer_ms, card_ms=None, samples=96_000):
    """Two seconds of sound that waited so long; the counters only rise."""
    page.evaluate(
        """([buffer, card, count]) => {
          buffered = {
            delay: buffered.delay + buffer * count / 1000, count: buffered.count + count,
          };
          if (card === null) return;
          played ??= { delay: 0, count: 0 };
          played = { delay: played.delay + card * count / 1000, count: played.count + count };
        }""",
        [buffer_ms, card_ms, samples],
    )
    page.clock.run_for(2000)
    page.evaluate("Promise.resolve()")


def told(page):
    return page.evaluate("told")


def test_the_buffer_and_the_sound_card_add_up(page):
    heard(page, 40)
    assert told(page) == [65]


def test_the_browsers_own_count_of_the_sound_card_is_believed_first(page):
    heard(page, 40, card_ms=12)
    assert told(page) == [52]


def test_it_is_the_latest_seconds_that_count_and_not_the_whole_call(page):
    heard(page, 40)
    heard(page, 200)
    assert told(page) == [65, 225]


def test_what_hardly_changed_is_not_told_again(page):
    for buffer_ms in (40, 45, 36, 49):
        heard(page, buffer_ms)
    assert told(page) == [65]
    heard(page, 51)
    assert told(page) == [65, 76]


def test_while_nothing_is_heard_nothing_is_known(page):
    heard(page, 40, samples=0)
    assert told(page) == []


def test_it_stays_within_what_the_server_takes(page):
    heard(page, 5000)
    assert told(page) == [1000]


def test_once_stopped_it_is_still_even_with_a_look_under_way(page):
    page.evaluate(
        "() => { globalThis.held = new Promise((open) => (globalThis.open = open)); }"
    )
    heard(page, 40)
    page.evaluate("() => { delay.stop(); open(); }")
    heard(page, 40)
    assert told(page) == []
