"""pulse.js: the other end lives as long as anything of it arrives."""

import pytest
from playwright.sync_api import Page
from web_call import stop_the_clock

SETUP = """async () => {
  const { Pulse } = await import('/sdk/pulse.js');
  Object.assign(globalThis, { stopped: 0, looks: 0, grows: [], reports: null });
  Object.assign(globalThis, { lives: true, asked: 0 });
  const pair = { type: 'candidate-pair' };
  Object.assign(pair, { responsesReceived: 0, requestsReceived: 0, bytesReceived: 0 });
  const getStats = async () => {
    looks++;
    await globalThis.held;
    for (const counter of grows) pair[counter]++;
    return reports ?? new Map([['other', { type: 'transport' }], ['pair', { ...pair }]]);
  };
  const mayLive = async () => {
    asked++;
    await globalThis.silence;
    return lives;
  };
  globalThis.pulse = new Pulse({ getStats }, mayLive, () => stopped++);
}"""


@pytest.fixture
def page(visit) -> Page:
    page = visit()
    stop_the_clock(page)
    page.evaluate(SETUP)
    return page


def seconds(page, count):
    """Each with a turn of the event loop: a look at the statistics is a promise."""
    for _ in range(count):
        page.clock.run_for(1000)
        page.evaluate("Promise.resolve()")


@pytest.mark.parametrize("sign", ["responsesReceived", "requestsReceived", "bytesReceived"])
def test_any_packet_is_a_sign_of_life_so_a_silent_agent_is_not_dead(page, sign):
    page.evaluate("(sign) => (grows = [sign])", sign)
    seconds(page, 20)
    assert page.evaluate("[stopped, looks]") == [0, 20]


def test_four_seconds_without_a_packet_are_the_end_told_once(page):
    page.evaluate("grows = ['bytesReceived']")
    seconds(page, 2)
    page.evaluate("grows = []")
    seconds(page, 3)
    assert page.evaluate("stopped") == 0
    seconds(page, 1)
    assert page.evaluate("stopped") == 1
    seconds(page, 10)
    assert page.evaluate("[stopped, looks]") == [1, 6]


def test_two_seconds_without_a_packet_are_the_end_if_nobody_is_there(page):
    page.evaluate("() => { lives = false; grows = ['bytesReceived']; }")
    seconds(page, 5)
    page.evaluate("grows = []")
    seconds(page, 1)
    assert page.evaluate("[stopped, asked]") == [0, 0]
    seconds(page, 1)
    assert page.evaluate("[stopped, asked]") == [1, 1]


def test_who_may_live_is_asked_again_each_second(page):
    seconds(page, 4)
    assert page.evaluate("[stopped, asked]") == [0, 2]
    page.evaluate("() => { lives = false; grows = ['bytesReceived']; }")
    seconds(page, 5)
    assert page.evaluate("[stopped, asked]") == [0, 2]


@pytest.mark.parametrize("sign", ["grows = ['bytesReceived']", "pulse.stop()"])
def test_what_is_said_of_a_silence_that_is_over_does_not_count(page, sign):
    """Killed: "nobody is there", told late, ends a connection on which packets arrive again."""
    page.evaluate(
        "() => { globalThis.silence = new Promise((open) => (globalThis.open = open)); }"
    )
    seconds(page, 3)
    assert page.evaluate("asked") == 1
    page.evaluate(f"() => {{ {sign}; }}")
    seconds(page, 1)
    page.evaluate("() => { lives = false; open(); }")
    seconds(page, 1)
    assert page.evaluate("stopped") == 0


def test_four_seconds_are_the_end_although_nobody_says_whether_they_live(page):
    page.evaluate("() => { globalThis.silence = new Promise(() => {}); }")
    seconds(page, 4)
    assert page.evaluate("stopped") == 0
    seconds(page, 1)
    assert page.evaluate("stopped") == 1


def test_a_packet_in_time_starts_the_count_anew(page):
    for _ in range(4):
        page.evaluate("grows = ['responsesReceived']")
        seconds(page, 1)
        page.evaluate("grows = []")
        seconds(page, 3)
    assert page.evaluate("stopped") == 0


@pytest.mark.parametrize(
    "stats", ["[]", "[['pair', {type: 'candidate-pair', bytesReceived: 7}]]"]
)
def test_a_browser_that_does_not_count_answers_is_not_judged(page, stats):
    page.evaluate(f"reports = new Map({stats})")
    seconds(page, 20)
    assert page.evaluate("stopped") == 0


def test_once_stopped_it_is_still_even_with_a_look_under_way(page):
    seconds(page, 4)
    page.evaluate(
        "() => { globalThis.held = new Promise((open) => (globalThis.open = open)); }"
    )
    seconds(page, 1)  # its look would be the one that finds the end
    page.evaluate("() => { pulse.stop(); open(); }")
    seconds(page, 10)
    assert page.evaluate("[stopped, looks]") == [0, 5]
