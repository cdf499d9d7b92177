"""connection.js and persist.js: a lost connection is called again, and given up clearly."""

import pytest
from web_call import RELEASED, receive, states, told

LOSSES = {
    "the peer connection fails": "fake.peer.become('failed')",
    "nothing arrives any more": "fake.silent = true",
    "the channel closes": "fake.peer.channel.dispatchEvent(new Event('close'))",
    "the server lost us": "fake.receive({ type: 'voxline.call.ended', reason: 'lost' })",
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_lost_connection_is_called_again_at_once_and_keeps_the_transcript(caller, site, loss):
    page = caller()
    page.evaluate("call.call()")
    said = {"type": "response.output_audio_transcript.delta", "item_id": "a", "delta": "Hello."}
    receive(page, said)
    page.evaluate(loss)
    page.wait_for_function("call.state === 'listening' && fake.peers.length === 2")
    assert states(page) == ["connecting", "listening", "reconnecting", "listening"]
    assert page.evaluate("[call.transcript.length, call.transcript[0].done]") == [1, True]
    assert len(site.offers) == 2
    held = page.evaluate("fake.held()")
    assert held["microphones"] == 1 and held["peers"] == 1  # the same microphone, a new peer

    page.evaluate(loss)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    assert told(page, "ended") == [{"reason": "lost"}]
    page.wait_for_function(RELEASED)


def silent_for_three_seconds(page):
    page.clock.install()
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    page.clock.run_for(1000)
    page.evaluate("fake.silent = true")
    for _ in range(3):
        page.clock.run_for(1000)
        page.evaluate("fetch('/settled')")  # what was asked before it has been answered


@pytest.mark.parametrize(
    "absent",
    [lambda route: route.abort(), lambda route: route.fulfill(status=502)],
    ids=["nobody listens", "a proxy finds nobody"],
)
def test_a_silent_server_that_does_not_answer_is_called_again_at_once(caller, absent):
    page = caller()
    page.route("**/healthz", absent)
    silent_for_three_seconds(page)
    page.wait_for_function("fake.peers.length === 2")


def test_a_silent_server_that_answers_is_given_more_time(caller):
    page = caller()
    silent_for_three_seconds(page)
    assert page.evaluate("[call.state, fake.peers.length]") == ["listening", 1]


def test_a_network_that_is_down_for_a_moment_is_no_absent_server(caller):
    page = caller()
    page.route("**/healthz", lambda route: route.abort())
    page.evaluate("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    silent_for_three_seconds(page)
    assert page.evaluate("[call.state, fake.peers.length]") == ["listening", 1]


WAITS_MS = (500, 1000, 2000, 4000, 4000)  # 11.5 s; the next would end after the 15 s
ABSENT = {
    "nobody listens": lambda route: route.abort(),
    "a proxy finds nobody": lambda route: route.fulfill(status=502),
    "it has no line yet": lambda route: route.fulfill(status=503),
}


def called(page):
    """A call by a clock that the test turns."""
    page.clock.install()
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")


def tried(page, times):
    """So many new calls failed, and the next is waited for."""
    made = f"fake.peers.length === {1 + times} && fake.held().peers === 0"
    page.wait_for_function(f"{made} && call.state === 'reconnecting'")


@pytest.mark.parametrize("absent", ABSENT.values(), ids=ABSENT)
def test_a_server_that_takes_seconds_to_come_back_is_called_again(caller, site, absent):
    page = caller()
    called(page)
    page.route("**/calls", absent)
    page.evaluate("fake.peer.become('failed')")
    for times, wait_ms in enumerate(WAITS_MS[:3], 1):
        tried(page, times)
        page.clock.run_for(wait_ms - 100)
        assert page.evaluate("fake.peers.length") == 1 + times
        if times == 3:
            page.unroute("**/calls")
        page.clock.run_for(100)
    page.wait_for_function("call.state === 'listening' && fake.peers.length === 5")
    assert states(page) == ["connecting", "listening", "reconnecting", "listening"]
    assert told(page, "error") == []
    assert page.evaluate("fake.held().peers") == 1
    page.clock.run_for(16_000)  # the limit of the tries is none of the call
    assert page.evaluate("[call.state, fake.peers.length]") == ["listening", 5]
    page.evaluate("call.hangUp()")
    page.wait_for_function(RELEASED)


@pytest.mark.parametrize("absent", ABSENT.values(), ids=ABSENT)
def test_a_server_that_does_not_come_back_is_given_up(caller, absent):
    page = caller()
    called(page)
    page.route("**/calls", absent)
    page.evaluate("fake.peer.become('failed')")
    for times, wait_ms in enumerate(WAITS_MS, 1):
        tried(page, times)
        page.clock.run_for(wait_ms)
    tried(page, len(WAITS_MS) + 1)
    page.clock.run_for(3600)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    assert told(page, "ended") == [{"reason": "lost"}]
    page.wait_for_function(RELEASED)


def test_a_server_that_does_not_answer_any_more_is_given_up_as_soon(caller):
    """Not by the limits of each try, which are long: a first call may take its time."""
    page = caller()
    called(page)
    page.route("**/calls", lambda route: None)
    page.evaluate("fake.peer.become('failed')")
    page.wait_for_function("fake.peers.length === 2")
    page.clock.run_for(12_000)
    tried(page, 1)
    page.clock.run_for(500)
    page.wait_for_function("fake.peers.length === 3")
    page.clock.run_for(2600)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    page.wait_for_function(RELEASED)


@pytest.mark.parametrize(
    "leave",
    ["call.hangUp()", "dispatchEvent(new Event('pagehide'))"],
    ids=["hangUp", "pagehide"],
)
@pytest.mark.parametrize("moment", ["during a try", "between two"])
def test_who_hangs_up_is_not_called_again(caller, leave, moment):
    page = caller()
    called(page)
    page.route("**/calls", lambda route: None if moment == "during a try" else route.abort())
    page.evaluate("fake.peer.become('failed')")
    if moment == "between two":
        tried(page, 1)
    else:
        page.wait_for_function("fake.peers.length === 2")
    page.evaluate(leave)
    assert page.evaluate("call.state") == "ended"
    page.wait_for_function(RELEASED)
    page.clock.run_for(30_000)
    assert page.evaluate("[call.state, fake.peers.length]") == ["ended", 2]
    assert told(page, "ended") == [{"reason": "caller"}]


def test_a_try_of_a_call_that_is_over_takes_nothing_from_the_next_call(caller):
    """Killed: its failure, or its time being up, ended the connection of whoever came after."""
    page = caller()
    called(page)
    page.route("**/calls", lambda route: None)
    page.evaluate("fake.peer.become('failed')")
    page.wait_for_function("fake.peers.length === 2")
    page.unroute("**/calls")
    page.evaluate("() => { call.hangUp(); void call.call(); }")
    page.wait_for_function("call.state === 'listening'")
    page.clock.run_for(30_000)
    assert page.evaluate("[call.state, fake.peers.length]") == ["listening", 3]


def test_a_disturbance_that_heals_is_no_loss(caller, site):
    page = caller()
    page.evaluate("call.call()")
    page.clock.install()
    page.evaluate("fake.peer.become('disconnected')")
    page.clock.run_for(2900)
    page.evaluate("fake.peer.become('connected')")
    page.clock.run_for(60_000)
    assert page.evaluate("call.state") == "listening"
    page.evaluate("fake.peer.become('disconnected')")
    page.clock.run_for(3100)
    page.wait_for_function("call.state === 'listening' && fake.peers.length === 2")
    assert len(site.offers) == 2


def test_hanging_up_while_calling_again_stays_hung_up(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate("fake.peer.become('failed'); call.hangUp()")
    page.wait_for_function(RELEASED)
    assert states(page)[-2:] == ["reconnecting", "ended"]
    assert told(page, "ended") == [{"reason": "caller"}]


def test_a_loss_after_a_while_is_another_accident(caller, site):
    page = caller()
    page.clock.install()
    page.evaluate("call.call()")
    for _ in range(3):
        page.wait_for_function("call.state === 'listening'")
        page.clock.run_for(61_000)
        page.evaluate("fake.peer.become('failed')")
    page.wait_for_function("call.state === 'listening' && fake.peers.length === 4")
    assert told(page, "error") == []


OFFLINE = """(offline) => {
  Object.defineProperty(navigator, 'onLine', { get: () => !offline, configurable: true });
  dispatchEvent(new Event(offline ? 'offline' : 'online'));
}"""


def test_a_caller_without_a_network_is_called_again_when_there_is_one(caller, site):
    page = caller()
    page.clock.install()
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    page.evaluate(OFFLINE, True)
    page.evaluate("fake.peer.become('failed')")
    page.clock.run_for(15_000)
    assert page.evaluate("[call.state, fake.peers.length]") == ["reconnecting", 1]
    page.evaluate(OFFLINE, False)
    page.wait_for_function("call.state === 'listening' && fake.peers.length === 2")


def test_a_network_that_does_not_come_back_is_given_up(caller, site):
    page = caller()
    page.clock.install()
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    page.evaluate(OFFLINE, True)
    page.route("**/calls", lambda route: route.abort())
    page.evaluate("fake.peer.become('failed')")
    page.clock.run_for(20_000)
    tried(page, 1)  # browsers may be wrong about it
    page.clock.run_for(15_000)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    page.wait_for_function(RELEASED)


def test_hanging_up_without_a_network_places_no_call_when_there_is_one(caller, site):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate(OFFLINE, True)
    page.evaluate("fake.peer.become('failed'); call.hangUp()")
    page.evaluate(OFFLINE, False)
    page.wait_for_function(RELEASED)
    assert page.evaluate("[call.state, fake.peers.length]") == ["ended", 1]


@pytest.mark.parametrize("silent", ["**/calls", "**"], ids=["the calls", "the whole server"])
def test_an_offer_that_nobody_answers_is_given_up(caller, silent):
    """A proxy keeps the connection to a server that hangs; browsers wait for minutes."""
    page = caller()
    page.clock.install()
    page.route(silent, lambda route: None)
    page.evaluate("void call.call()")
    page.wait_for_function("fake.peers.length === 1")
    for _ in range(17):  # twelve seconds, and then it is asked whether anybody is there
        page.clock.run_for(1000)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["server-unreachable"]
    page.wait_for_function(RELEASED)
