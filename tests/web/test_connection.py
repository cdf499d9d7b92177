"""connection.js, persist.js: a lost connection is called again, and given up clearly."""

import pytest
from web_call import LET_GO, RELEASED, pass_seconds, receive, states, stop_the_clock, told

LOSSES = {
    "the peer connection fails": "fake.peer.become('failed')",
    "nothing arrives any more": "fake.silent = true",
    "the channel closes": "fake.peer.channel.dispatchEvent(new Event('close'))",
    "the server lost us": "fake.receive({ type: 'voxline.call.ended', reason: 'lost' })",
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_lost_connection_is_called_again_once_and_keeps_the_transcript(caller, site, loss):
    page = caller()
    stop_the_clock(page)
    page.evaluate("call.call()")
    said = {"type": "response.output_audio_transcript.delta", "item_id": "a", "delta": "Hello."}
    receive(page, said)
    page.evaluate(loss)
    pass_seconds(page, 5)  # as long as it takes to be sure
    page.wait_for_function("call.state === 'listening' && fake.peers.length === 2")
    assert states(page) == ["connecting", "listening", "reconnecting", "listening"]
    assert page.evaluate("[call.transcript.length, call.transcript[0].done]") == [1, True]
    assert len(site.offers) == 2
    held = page.evaluate("fake.held()")
    assert held["microphones"] == 1 and held["peers"] == 1  # the same microphone, a new peer

    page.evaluate(loss)
    pass_seconds(page, 5)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    assert told(page, "ended") == [{"reason": "lost"}]
    page.wait_for_function(RELEASED)


def silent_for_three_seconds(page):
    stop_the_clock(page)
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    page.clock.run_for(1000)
    page.evaluate("fake.silent = true")
    pass_seconds(page, 3)


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


def lost_to_an_absent_server(page):
    """A call is lost, and nobody takes another."""
    stop_the_clock(page)
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    page.route("**/calls", lambda route: route.abort())
    page.evaluate("fake.peer.become('failed')")


def test_a_server_that_is_started_anew_is_called_again_when_it_is_there(caller, site):
    page = caller()
    lost_to_an_absent_server(page)
    pass_seconds(page, 3)
    assert page.evaluate("call.state") == "reconnecting"
    page.unroute("**/calls")
    pass_seconds(page, 4)
    page.wait_for_function("call.state === 'listening'")
    assert states(page) == ["connecting", "listening", "reconnecting", "listening"]
    assert told(page, "error") == []
    assert len(site.offers) == 2
    held = page.evaluate("fake.held()")
    assert held["microphones"] == 1 and held["peers"] == 1


def test_a_server_that_does_not_come_back_is_given_up_after_a_while(caller):
    page = caller()
    lost_to_an_absent_server(page)
    pass_seconds(page, 14)
    tried = page.evaluate("[call.state, fake.peers.length]")
    assert tried[0] == "reconnecting"
    assert 5 <= tried[1] <= 8, "sooner and sooner it would be a flood, once too little"
    pass_seconds(page, 2)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    assert told(page, "ended") == [{"reason": "lost"}]
    page.wait_for_function(RELEASED)


STOPS = {"type": "voxline.call.ended", "reason": "shutdown"}


def stopped(page, *, comes_back):
    """A call is ended by a server that stops, and for a while nobody takes another."""
    stop_the_clock(page)
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    refusal = {"error": {"code": "shutting_down", "message": "the server is stopping"}}
    page.route("**/calls", lambda route: route.fulfill(status=503, json=refusal))
    receive(page, STOPS)
    pass_seconds(page, 3)
    assert page.evaluate("call.state") == "reconnecting"
    if comes_back:
        page.unroute("**/calls")
        pass_seconds(page, 4)
        page.wait_for_function("call.state === 'listening'")
    else:
        pass_seconds(page, 13)
        page.wait_for_function("!call.active")


def test_a_server_that_stops_in_good_order_is_called_again_as_one_that_dies_is(caller, site):
    """Killed: an orderly restart ended the calls that a power cut would not have ended."""
    page = caller()
    stopped(page, comes_back=True)
    assert states(page) == ["connecting", "listening", "reconnecting", "listening"]
    assert told(page, "error") == told(page, "ended") == []
    assert len(site.offers) == 2


def test_a_server_that_stopped_and_does_not_come_back_has_ended_the_call(caller):
    page = caller()
    stopped(page, comes_back=False)
    assert states(page)[-2:] == ["reconnecting", "ended"]
    assert told(page, "ended") == [{"reason": "shutdown"}]
    assert told(page, "error") == []  # the caller's network is well
    page.wait_for_function(RELEASED)


def test_a_server_that_stops_again_soon_is_not_called_again(caller, site):
    page = caller()
    stopped(page, comes_back=True)
    receive(page, STOPS)
    assert page.evaluate("call.state") == "ended"
    assert told(page, "ended") == [{"reason": "shutdown"}]
    assert len(site.offers) == 2
    page.wait_for_function(RELEASED)


def test_a_call_that_hangs_while_it_is_tried_again_is_given_up_too(caller):
    page = caller()
    lost_to_an_absent_server(page)
    page.evaluate("fake.connects = false")
    page.unroute("**/calls")
    pass_seconds(page, 16)
    page.wait_for_function("call.state === 'failed'")
    page.wait_for_function(RELEASED)


def test_hanging_up_between_two_tries_is_the_last_word(caller):
    page = caller()
    lost_to_an_absent_server(page)
    pass_seconds(page, 1)
    tried = page.evaluate("fake.peers.length")
    page.evaluate("call.hangUp()")
    page.wait_for_function(RELEASED)
    pass_seconds(page, 16)
    assert page.evaluate("[call.state, fake.peers.length]") == ["ended", tried]
    assert told(page, "error") == []


@pytest.mark.parametrize("leave", ["call.hangUp()", "dispatchEvent(new Event('pagehide'))"])
def test_leaving_during_a_try_is_the_last_word(caller, leave):
    page = caller()
    lost_to_an_absent_server(page)
    page.route("**/calls", lambda route: None)
    pass_seconds(page, 1)
    tried = page.evaluate("fake.peers.length")
    page.evaluate(leave)
    assert page.evaluate("call.state") == "ended"
    page.wait_for_function(LET_GO)
    pass_seconds(page, 16)
    assert page.evaluate("[call.state, fake.peers.length]") == ["ended", tried]
    page.wait_for_function(RELEASED)


@pytest.mark.parametrize("when", ["as it is lost", "during a try"])
def test_a_call_that_is_over_is_not_tried_in_place_of_the_next_one(caller, when):
    """Killed: a page that calls anew by itself got two calls, and held on to the wrong one."""
    page = caller()
    stop_the_clock(page)
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    anew = "() => { call.hangUp(); void call.call(); }"
    if when == "as it is lost":
        page.evaluate(f"""() => call.addEventListener('statechange', ({{ detail }}) => {{
          if (detail.state === 'reconnecting') ({anew})();
        }})""")
        page.evaluate("fake.peer.become('failed')")
    else:
        page.route("**/calls", lambda route: None)
        page.evaluate("fake.peer.become('failed')")
        page.wait_for_function("fake.peers.length === 2")
        page.unroute("**/calls")
        page.evaluate(anew)
    page.wait_for_function("call.state === 'listening'")
    pass_seconds(page, 16)
    assert page.evaluate("[call.state, fake.held().peers]") == ["listening", 1]
    page.evaluate("call.hangUp()")
    page.wait_for_function(RELEASED)


def test_giving_up_when_all_lines_stay_busy(caller, site):
    page = caller()
    stop_the_clock(page)
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    page.route(
        "**/calls",
        lambda route: route.fulfill(status=503, json={"error": {"code": "server_full"}}),
    )
    page.evaluate("fake.peer.become('failed')")
    pass_seconds(page, 16)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    page.wait_for_function(RELEASED)


def test_a_disturbance_that_heals_is_no_loss(caller, site):
    page = caller()
    page.evaluate("call.call()")
    stop_the_clock(page)
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
    stop_the_clock(page)
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
    stop_the_clock(page)
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
    stop_the_clock(page)
    page.evaluate("call.call()")
    page.wait_for_function("call.state === 'listening'")
    page.evaluate(OFFLINE, True)
    page.route("**/calls", lambda route: route.abort())
    page.evaluate("fake.peer.become('failed')")
    page.clock.run_for(21_000)
    pass_seconds(page, 16)
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
    stop_the_clock(page)
    page.route(silent, lambda route: None)
    page.evaluate("void call.call()")
    page.wait_for_function("fake.peers.length === 1")
    # After twelve seconds it is asked whether anybody is there, for four: no time may pass
    # meanwhile where an answer is on its way.
    for _ in range(13 if silent == "**/calls" else 17):
        page.clock.run_for(1000)
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["server-unreachable"]
    page.wait_for_function(RELEASED)
