"""microphone.js: which one is spoken into, and what is sent while there is none."""

import pytest
from playwright.sync_api import expect
from web_agent import ELEMENT, connect
from web_call import RELEASED, told

# Opens each microphone when the test says so, and only those in `there`.
BY_HAND = """() => {
  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  globalThis.asked = [];
  globalThis.there = null;
  mediaDevices.getUserMedia = ({ audio }) => new Promise((resolve, reject) => {
    const id = audio.deviceId?.exact ?? '';
    const one = { id, give: async () => {
      if (there && !there.includes(id)) {
        reject(new DOMException('', id ? 'OverconstrainedError' : 'NotFoundError'));
        return;
      }
      const stream = await real({ audio: true });
      one.track = stream.getAudioTracks()[0];
      resolve(stream);
    } };
    asked.push(one);
  });
}"""
SENT = "fake.peer.senders[0].track"
ENDED = f"{SENT}.dispatchEvent(new Event('ended'))"


def give(page, number):
    page.wait_for_function(f"asked.length > {number}")
    page.evaluate(f"asked[{number}].give()")


def ids(page):
    return page.evaluate("asked.map(({ id }) => id)")


def test_one_that_goes_away_is_replaced_by_another_without_a_word(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate(
        "call.addEventListener('microphone', ({ detail }) => (globalThis.now = detail))"
    )
    page.evaluate(ENDED)
    page.wait_for_function(f"{SENT} === fake.tracks[1]")
    assert page.evaluate("now.label") == page.evaluate("fake.tracks[1].label") != ""
    assert page.evaluate("fake.tracks.map((track) => track.readyState)") == ["ended", "live"]
    assert told(page, "error") == []
    assert page.evaluate("[call.state, fake.held().contexts]") == ["listening", 1]


def test_silence_is_sent_while_there_is_none_and_the_next_one_is_taken(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate("fake.microphone = 'NotFoundError'")
    page.evaluate(ENDED)
    page.wait_for_function("told.some(([type]) => type === 'error')")
    assert [error["code"] for error in told(page, "error")] == ["microphone-lost"]
    assert page.evaluate(f"[{SENT}.kind, {SENT}.readyState]") == ["audio", "live"]
    assert page.evaluate("[call.state, fake.held().microphones]") == ["listening", 0]
    page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    page.wait_for_function("fake.constraints.length === 3")  # it was not the microphone
    page.evaluate("fake.microphone = ''")
    for _ in range(2):  # browsers tell it twice
        page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    page.wait_for_function(f"{SENT}.label === fake.tracks[1]?.label")
    page.wait_for_function("fake.held().contexts === 1 && fake.held().microphones === 1")
    assert len(told(page, "error")) == 1
    page.evaluate("call.hangUp()")
    page.wait_for_function(RELEASED)


def test_hanging_up_without_a_microphone_releases_the_silence(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate("fake.microphone = 'NotFoundError'")
    page.evaluate(ENDED)
    page.wait_for_function("told.some(([type]) => type === 'error')")
    page.evaluate("call.hangUp(); fake.microphone = ''")
    page.wait_for_function(RELEASED)
    page.evaluate("navigator.mediaDevices.dispatchEvent(new Event('devicechange'))")
    assert page.evaluate("fake.constraints.length") == 2


def test_a_call_hung_up_while_another_one_is_sought_takes_none(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate(BY_HAND)
    page.evaluate(ENDED)
    page.wait_for_function("asked.length === 1")
    page.evaluate("call.hangUp()")
    page.evaluate("asked[0].give()")
    page.wait_for_function(RELEASED)
    assert told(page, "error") == []


def test_a_chosen_one_that_is_not_there_gives_way_to_the_systems_choice(caller):
    """It may have been left at home, and nobody can choose another before there is a call."""
    page = caller(microphone="headset")
    page.evaluate(BY_HAND)
    page.evaluate("there = ['']")
    page.evaluate("void call.call()")
    for number in range(2):
        give(page, number)
    page.wait_for_function("call.state === 'listening'")
    assert ids(page) == ["headset", ""]
    assert told(page, "error") == []


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_chosen_in_a_row_the_second_is_taken_whichever_comes_first(caller, first):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate(BY_HAND)
    page.evaluate("void call.setMicrophone('one'); void call.setMicrophone('two')")
    for number in (first, 1 - first):
        give(page, number)
        page.wait_for_function(f"asked[{number}].track")
    page.wait_for_function(f"{SENT} === asked[1].track && fake.held().microphones === 1")
    assert page.evaluate("asked[1].track.readyState") == "live"
    assert ids(page) == ["one", "two"]


def test_of_two_chosen_in_a_row_the_first_may_fail_without_a_word(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate(BY_HAND)
    page.evaluate("there = ['two']")
    page.evaluate("void call.setMicrophone('one'); void call.setMicrophone('two')")
    for number in (1, 0):
        give(page, number)
    page.wait_for_function(f"{SENT} === asked[1].track")
    assert told(page, "error") == []


def test_one_chosen_while_the_first_is_asked_for_is_taken(caller):
    page = caller()
    page.evaluate(BY_HAND)
    page.evaluate("void call.call()")
    page.wait_for_function("asked.length === 1")
    page.evaluate("call.setMicrophone('two')")
    for number in range(2):
        give(page, number)
    page.wait_for_function("call.state === 'listening'")
    assert ids(page) == ["", "two"]


def test_what_is_wrong_with_the_microphone_is_shown_until_it_is_well(host):
    page = host()
    connect(page)
    page.evaluate("fake.microphone = 'NotFoundError'")
    page.evaluate(ENDED)
    expect(page.get_by_role("alert")).to_contain_text("The microphone went away.")
    page.evaluate("fake.microphone = ''")
    page.evaluate(f"{ELEMENT}.setAttribute('microphone', '')")
    expect(page.get_by_role("alert")).to_have_count(0)


OTHER = """async () => {
  // As where the browser lets the caller choose while it asks for permission.
  const { mediaDevices } = navigator;
  const real = mediaDevices.getUserMedia.bind(mediaDevices);
  const ids = (await mediaDevices.enumerateDevices()).map(({ deviceId }) => deviceId);
  mediaDevices.getUserMedia = ({ audio }) =>
    real({ audio: { deviceId: { exact: ids.filter((id) => id !== 'default')[1] }, ...audio } });
  const listed = mediaDevices.enumerateDevices.bind(mediaDevices);
  mediaDevices.enumerateDevices = async () =>
    (await listed()).filter(({ deviceId }) => deviceId !== 'default'); // Chromium's own
}"""
SHOWN = f"{ELEMENT}.shadowRoot.querySelector('select').value"
USED = f"{SENT}.getSettings().deviceId"


@pytest.fixture
def choosing(host):
    """A call in a browser that took another microphone than the first in its list."""
    page = host()
    page.evaluate("navigator.mediaDevices.getUserMedia({ audio: true })")
    page.evaluate(OTHER)
    connect(page)
    return page


def test_the_one_that_is_spoken_into_is_shown(choosing):
    choosing.wait_for_function(f"() => {SHOWN} && {SHOWN} === {USED}")
    ids = f"[...{ELEMENT}.shadowRoot.querySelectorAll('option')].map((one) => one.value)"
    assert choosing.evaluate(f"{ids}.indexOf({USED})") == 1


def test_while_there_is_none_none_is_shown_so_that_any_can_be_chosen(choosing):
    choosing.wait_for_function(f"() => {SHOWN}")
    choosing.evaluate("fake.microphone = 'NotFoundError'")
    choosing.evaluate(ENDED)
    expect(choosing.get_by_role("alert")).to_contain_text("The microphone went away.")
    choosing.wait_for_function(f"() => {SHOWN} === ''")
    choosing.evaluate("fake.microphone = ''")
    choosing.get_by_role("combobox", name="Microphone").select_option(index=0)
    choosing.wait_for_function(f"() => {SHOWN} && {SHOWN} === {USED}")
    expect(choosing.get_by_role("alert")).to_have_count(0)


def test_one_that_cannot_be_had_is_not_shown_as_if_it_were(choosing):
    choosing.wait_for_function(f"() => {SHOWN}")
    choosing.evaluate("fake.microphone = 'NotReadableError'")
    choosing.get_by_role("combobox", name="Microphone").select_option(index=0)
    expect(choosing.get_by_role("alert")).to_contain_text("in use by another program")
    choosing.wait_for_function(f"() => {SHOWN} === {USED}")


def test_a_call_says_which_one_is_spoken_into(caller):
    page = caller()
    assert page.evaluate("call.microphone") == ""
    page.evaluate("call.call()")
    assert page.evaluate("call.microphone") == page.evaluate(USED) != ""
    page.evaluate("call.hangUp()")
    assert page.evaluate("call.microphone") == ""
