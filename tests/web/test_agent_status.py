"""<voxline-agent> says how the call stands: once, in true words, for each on a page."""

import re

import pytest
from playwright.sync_api import expect
from web_agent import ELEMENT, button, connect, receive
from web_call import pass_seconds, stop_the_clock

TWO = '<voxline-agent label="Sales"></voxline-agent><voxline-agent></voxline-agent>'
LAST = "const agent = [...document.querySelectorAll('voxline-agent')].at(-1)"
KEEP = "({detail}) => (globalThis.kept = detail.code)"


def test_of_two_on_a_page_one_is_in_a_call(host, site):
    page = host(TWO)
    button(page, "Sales").click()
    expect(button(page, "Hang up")).to_be_visible()
    button(page, "Call").click()
    expect(button(page, "Sales")).to_be_visible()
    expect(button(page, "Hang up")).to_have_count(1)
    assert page.get_by_role("status").all_inner_texts() == [
        "Call ended: another one began on this page",
        "Connected",
    ]
    assert len(site.offers) == 2
    assert page.evaluate("[fake.held().peers, fake.held().microphones]") == [1, 1]
    assert page.evaluate("fake.beacons.length") == 1  # the first was hung up


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ("agent.setAttribute('src', 'http://[')", "Invalid URL"),
        ("agent.tools = {cart: {}}", 'tools.cart: no function "run" in it'),
        ("agent.session = {id: 1n}", "serialize a BigInt"),
    ],
)
def test_a_mistake_of_the_page_is_shown_and_takes_nobodys_line(host, site, mistake, words):
    page = host(TWO)
    button(page, "Sales").click()
    expect(button(page, "Hang up")).to_be_visible()
    page.evaluate(f"() => {{ {LAST}; {mistake}; }}")
    page.evaluate(f"() => {{ {LAST}; agent.addEventListener('voxline:error', {KEEP}); }}")
    assert page.evaluate(f"() => {{ {LAST}; return agent.call(); }}") is False
    alert = page.get_by_role("alert").filter(has_text="This page has set up the call wrongly.")
    expect(alert).to_contain_text(words)
    assert page.evaluate("() => kept") == "page-error"
    expect(button(page, "Hang up")).to_be_visible()  # the other one's
    assert len(site.offers) == 1 and page.evaluate("fake.beacons.length") == 0
    page.evaluate(
        f"() => {{ {LAST}; agent.removeAttribute('src'); agent.tools = agent.session = null; }}"
    )
    button(page, "Call").click()
    expect(button(page, "Sales")).to_be_visible()
    expect(alert).to_have_count(0)


def test_one_that_calls_again_by_itself_keeps_the_line(host):
    page = host(TWO)
    button(page, "Sales").click()
    expect(button(page, "Hang up")).to_be_visible()
    page.evaluate(f"{ELEMENT}.addEventListener('voxline:ended', () => {ELEMENT}.call())")
    button(page, "Call").click()
    page.wait_for_function(f"() => {ELEMENT}.state === 'listening'")
    expect(button(page, "Hang up")).to_have_count(1)


def test_a_call_that_is_over_is_not_said_to_have_made_way(host):
    page = host(TWO)
    button(page, "Sales").click()
    receive(page, {"type": "voxline.call.ended", "reason": "agent"})
    button(page, "Call").click()
    expect(button(page, "Hang up")).to_be_visible()
    expect(page.get_by_role("status").first).to_have_text("The agent hung up")


@pytest.mark.parametrize(
    ("state", "words"),
    [("hearing", "Hearing you"), ("replying", "Thinking"), ("listening", "Listening")],
)
def test_it_shows_who_has_the_word_and_does_not_read_it_out(host, state, words):
    page = host()
    connect(page)
    receive(page, {"type": "voxline.state", "state": state})
    expect(page.get_by_text(words, exact=True)).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_it_does_not_say_that_a_muted_caller_is_listened_to(host):
    page = host()
    connect(page)
    button(page, "Mute").click()
    expect(page.get_by_text("You are muted", exact=True)).to_be_visible()
    receive(page, {"type": "voxline.state", "state": "replying"})
    expect(page.get_by_text("Thinking", exact=True)).to_be_visible()
    receive(page, {"type": "voxline.state", "state": "listening"})
    expect(page.get_by_text("You are muted", exact=True)).to_be_visible()
    button(page, "Hang up").click()
    expect(page.get_by_role("status")).to_have_text("Call ended")
    connect(page)  # it holds for the next call, too
    expect(page.get_by_text("You are muted", exact=True)).to_be_visible()
    button(page, "Mute").click()
    expect(page.get_by_text("Listening", exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("agent", "The agent hung up"),
        ("silence", "Call ended: nobody spoke"),
        ("x", "Call ended"),
    ],
)
def test_it_says_why_the_call_ended(host, reason, words):
    page = host()
    connect(page)
    receive(page, {"type": "voxline.call.ended", "reason": reason})
    expect(page.get_by_role("status")).to_have_text(words)
    expect(button(page, "Call")).to_be_visible()


def test_another_label_does_not_change_why_the_call_ended(host):
    page = host()
    connect(page)
    receive(page, {"type": "voxline.call.ended", "reason": "agent"})
    page.evaluate(f"{ELEMENT}.setAttribute('label', 'Ring us')")
    expect(button(page, "Ring us")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("The agent hung up")


def test_that_the_call_goes_on_is_not_said_of_one_that_is_over(host):
    page = host()
    connect(page)
    receive(page, {"type": "error", "error": {"code": "invalid_value", "message": "speed: 9"}})
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The call goes on.")
    button(page, "Hang up").click()
    expect(button(page, "Call")).to_be_visible()
    expect(alert).to_be_hidden()


def test_what_ended_the_call_is_still_to_be_read(host):
    page = host()
    connect(page)
    receive(page, {"type": "voxline.call.ended", "reason": "error"})
    expect(button(page, "Call")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("The agent had a problem of its own.")


@pytest.mark.parametrize("exception", ["NotAllowedError", "NotFoundError", "NotReadableError"])
def test_a_call_without_a_microphone_is_no_matter_of_the_connection(host, exception):
    page = host()
    page.evaluate("(name) => (fake.microphone = name)", exception)
    button(page, "Call").click()
    expect(page.get_by_role("status")).to_have_text("No microphone")
    assert page.get_by_text("No connection").count() == 0


def test_a_full_server_says_so_once(host, site):
    page = host()
    site.refuse(503, "server_full", "all lines are busy", retry_after_s=5)
    button(page, "Call").click()
    expect(page.get_by_role("alert")).to_have_text("Try again in 5 seconds.")
    expect(page.get_by_role("status")).to_have_text("All lines are busy")
    assert len(re.findall("(?i)busy", page.locator("body").aria_snapshot())) == 1


def test_a_session_that_is_refused_is_no_matter_of_the_connection(host, site):
    page = host()
    site.refuse(400, "invalid_value", "session.tools must be a list", param="session.tools")
    button(page, "Call").click()
    expect(page.get_by_role("status")).to_have_text("No call was placed")
    expect(page.get_by_role("alert")).to_contain_text("session.tools must be a list")


def test_another_failure_is_said_to_be_the_connections(host, site):
    page = host()
    site.refuse(500, "internal", "the disk is full")
    button(page, "Call").click()
    expect(page.get_by_role("status")).to_have_text("No connection")
    expect(page.get_by_role("alert")).to_contain_text("the disk is full")


def test_a_lost_connection_is_said_to_be_called_again_and_then_to_be_lost(host, site):
    page = host()
    stop_the_clock(page)
    connect(page)
    page.route("**/calls", lambda route: route.abort())
    page.evaluate("fake.peer.become('failed')")
    expect(page.get_by_role("status")).to_have_text("Connection lost. Calling again…")
    server = site.origin.replace("127.0.0.1", "localhost")
    pass_seconds(page, 16, f"{server}/sdk/voxline.js")
    expect(page.get_by_role("status")).to_have_text("No connection")
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost")


def test_a_server_that_stopped_for_good_is_said_to_have(host, site):
    page = host()
    stop_the_clock(page)
    connect(page)
    page.route("**/calls", lambda route: route.abort())
    receive(page, {"type": "voxline.call.ended", "reason": "shutdown"})
    expect(page.get_by_role("status")).to_have_text("Connection lost. Calling again…")
    server = site.origin.replace("127.0.0.1", "localhost")
    pass_seconds(page, 16, f"{server}/sdk/voxline.js")
    expect(page.get_by_role("status")).to_have_text("Call ended: the agent is shutting down")
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.parametrize("words", ["Ready", "Connected", "Hearing you", "The agent hung up"])
def test_a_status_is_read_once(host, words):
    page = host()
    if words != "Ready":
        connect(page)
    if words == "Hearing you":
        receive(page, {"type": "voxline.state", "state": "hearing"})
    if words == "The agent hung up":
        receive(page, {"type": "voxline.call.ended", "reason": "agent"})
    tree = page.locator("body").aria_snapshot()
    assert tree.count(words) == 1
