"""voxline.js: one call from click to release, with a peer connection that the test drives."""

import pytest
from web_site import CALLS

SETUP = """async (options) => {
  const { VoxlineCall } = await import('/sdk/voxline.js');
  globalThis.told = [];
  globalThis.call = new VoxlineCall(options);
  const types = ['statechange', 'transcript', 'levels', 'turn', 'error', 'ended', 'event'];
  for (const type of types) {
    call.addEventListener(type, ({ detail }) => {
      if (type === 'levels') globalThis.levels = detail;
      else told.push([type, detail instanceof Error
        ? { code: detail.code, remedy: detail.remedy, detail: detail.detail } : detail]);
    });
  }
}"""
NOTHING_HELD = {"microphones": 0, "peers": 0, "contexts": 0, "pagehide": 0}
RELEASED = "() => Object.values(fake.held()).every((count) => count === 0)"


@pytest.fixture
def caller(visit):
    """A page with `call`, a VoxlineCall, and `told`, what it dispatched."""

    def ready(url="", **options):
        page = visit(url)
        page.evaluate(SETUP, options)
        return page

    return ready


def states(page):
    return page.evaluate(
        "told.filter(([type]) => type === 'statechange').map(([, { state }]) => state)"
    )


def told(page, kind):
    return page.evaluate(
        "(kind) => told.filter(([type]) => type === kind).map(([, d]) => d)", kind
    )


def receive(page, *events):
    page.evaluate("(events) => fake.receive(...events)", list(events))


def state(name):
    return {"type": "voxline.state", "state": name}


def test_a_call_from_idle_to_ended(caller, site):
    page = caller()
    assert page.evaluate("call.state") == "idle"
    assert page.evaluate("call.call()") is True
    receive(
        page, state("replying"), {"type": "output_audio_buffer.started"}, state("listening")
    )
    page.evaluate("call.hangUp()")
    assert states(page) == [
        "connecting",
        "listening",
        "thinking",
        "speaking",
        "listening",
        "ended",
    ]
    assert told(page, "ended") == [{"reason": "caller"}]
    assert site.offers == ["v=0 fake offer"]
    assert page.evaluate("fake.beacons") == [f"{site.origin}{CALLS}/{site.calls[0]}/hangup"]


def test_hang_up_releases_everything(caller, site):
    page = caller()
    page.evaluate("call.call()")
    held = page.evaluate("fake.held()")
    assert held == {"microphones": 1, "peers": 1, "contexts": 1, "pagehide": 1}
    page.evaluate("call.hangUp()")
    page.wait_for_function(RELEASED)
    assert page.evaluate("call.remoteStream") is None
    assert len(told(page, "ended")) == 1


def test_the_microphone_is_asked_for_mono_and_without_echo(caller):
    page = caller(microphone="")
    page.evaluate("call.call()")
    audio = {"echoCancellation": True, "noiseSuppression": True, "autoGainControl": True}
    assert page.evaluate("fake.constraints") == [{"audio": audio | {"channelCount": 1}}]


def test_the_session_travels_with_the_offer(caller, site):
    page = caller(session={"instructions": "Speak like a pirate."})
    page.evaluate("call.call()")
    assert site.offers == ["v=0 fake offer"]
    assert site.sessions == ['{"instructions":"Speak like a pirate."}']


def test_the_agent_may_hang_up(caller):
    page = caller()
    page.evaluate("call.call()")
    receive(page, {"type": "voxline.call.ended", "reason": "agent"})
    assert page.evaluate("call.state") == "ended"
    assert told(page, "ended") == [{"reason": "agent"}]
    assert told(page, "error") == []
    page.wait_for_function(RELEASED)


def test_what_comes_after_the_end_is_not_heard(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate("call.hangUp()")
    before = page.evaluate("told.length")
    receive(page, state("hearing"), {"type": "voxline.call.ended", "reason": "agent"})
    page.evaluate("fake.peer.become('failed')")
    assert page.evaluate("told.length") == before


def test_hanging_up_twice_or_before_calling_is_nothing(caller):
    page = caller()
    page.evaluate("call.hangUp(); call.mute(); call.interrupt(); call.send({type: 'x'})")
    page.evaluate("call.mute(false); call.call().then(() => { call.hangUp(); call.hangUp(); })")
    page.wait_for_function("call.state === 'ended'")
    assert len(told(page, "ended")) == 1


@pytest.mark.parametrize("steps", range(8))
def test_hanging_up_at_any_moment_of_connecting_releases_everything(caller, steps):
    page = caller()
    connected = page.evaluate(
        """async (steps) => {
          const done = call.call();
          const later = () => new Promise((next) => setTimeout(next, 4));
          for (let step = 0; step < steps; step++) await later();
          call.hangUp();
          return await done;
        }""",
        steps,
    )
    assert connected in (False, True)  # the last moments may be after the connection
    page.wait_for_function(RELEASED)
    assert page.evaluate("call.state") == "ended"
    assert len(told(page, "ended")) == 1


def test_a_second_call_starts_afresh(caller, site):
    page = caller()
    said = {"type": "response.output_audio_transcript.delta", "item_id": "a", "delta": "Hello."}
    page.evaluate("call.call()")
    receive(page, said)
    page.evaluate("call.hangUp()")
    assert page.evaluate("call.transcript.length") == 1  # still to be read
    assert page.evaluate("call.call()") is True
    assert page.evaluate("call.transcript") == []
    assert len(site.offers) == 2


def test_calling_during_a_call_does_not_call_twice(caller, site):
    page = caller()
    page.evaluate("Promise.all([call.call(), call.call()])")
    assert len(site.offers) == 1


def test_a_closed_page_hangs_up(caller, site):
    page = caller()
    page.evaluate("call.call()")
    page.close(run_before_unload=True)
    assert site.hang_ups.get(timeout=10) == site.calls[0]


def test_a_page_that_was_left_hangs_up(caller, site):
    page = caller()
    page.evaluate("call.call()")
    page.goto("about:blank")
    assert site.hang_ups.get(timeout=10) == site.calls[0]


def test_mute_silences_the_microphone_and_outlasts_a_new_one(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate("call.mute()")
    assert page.evaluate("[call.muted, fake.tracks[0].enabled]") == [True, False]
    page.evaluate("call.setMicrophone('')")
    assert page.evaluate("fake.tracks.map((track) => [track.readyState, track.enabled])") == [
        ["ended", False],
        ["live", False],
    ]
    assert page.evaluate("fake.peer.senders[0].track === fake.tracks[1]")
    page.evaluate("call.mute(false)")
    assert page.evaluate("fake.tracks[1].enabled")


def test_microphones_can_be_chosen(caller):
    page = caller()
    page.evaluate("call.call()")
    devices = page.evaluate("call.constructor.microphones()")
    assert len(devices) > 1 and all(device["label"] for device in devices)
    page.evaluate("(id) => call.setMicrophone(id)", devices[1]["deviceId"])
    chosen = page.evaluate("fake.constraints.at(-1).audio.deviceId")
    assert chosen == {"exact": devices[1]["deviceId"]}


def test_a_microphone_that_goes_away_is_told_and_the_call_goes_on(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate("fake.tracks[0].dispatchEvent(new Event('ended'))")
    assert [error["code"] for error in told(page, "error")] == ["microphone-lost"]
    assert page.evaluate("call.state") == "listening"


def test_interrupt_stops_generation_and_sound(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate("call.interrupt()")
    assert page.evaluate("fake.peer.channel.sent") == [
        {"type": "response.cancel"},
        {"type": "output_audio_buffer.clear"},
    ]
    refused = {"code": "response_cancel_not_active", "message": "no active response"}
    receive(page, {"type": "error", "error": refused})
    assert told(page, "error") == []


def test_an_error_of_the_server_is_told_and_the_call_goes_on(caller):
    page = caller()
    page.evaluate("call.call()")
    receive(page, {"type": "error", "error": {"code": "bad_value", "message": "speed: 9"}})
    [error] = told(page, "error")
    assert (error["code"], error["detail"]) == ("protocol", "speed: 9")
    assert page.evaluate("call.state") == "listening"


def test_events_unknown_here_reach_the_page_and_rubbish_does_not(caller):
    page = caller()
    page.evaluate("call.call()")
    future = {"type": "voxline.of.the.future", "value": 1}
    receive(page, "not JSON", "null", "[]", '{"type": 4}', future)
    assert told(page, "event") == [future]


def test_levels_of_the_caller_are_shown(caller):
    page = caller()
    page.evaluate("call.call()")
    page.wait_for_function("globalThis.levels?.caller > 0.2")  # Chromium's microphone beeps
    assert page.evaluate("call.levels.agent") == 0


# -- what can go wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        ("NotAllowedError", "microphone-denied"),
        ("NotFoundError", "microphone-absent"),
        ("OverconstrainedError", "microphone-absent"),
        ("NotReadableError", "microphone-busy"),
        ("TypeError", "unsupported-browser"),
    ],
)
def test_no_microphone_is_explained(caller, site, exception, code):
    page = caller()
    page.evaluate("(name) => (fake.microphone = name)", exception)
    assert page.evaluate("call.call()") is False
    [error] = told(page, "error")
    assert error["code"] == code and len(error["remedy"]) > 20
    assert states(page) == ["connecting", "failed"]
    assert told(page, "ended") == [{"reason": "failed"}]
    assert site.offers == [] and page.evaluate("fake.held()") == NOTHING_HELD


def test_a_chosen_microphone_that_is_gone_does_not_end_the_call(caller):
    page = caller()
    page.evaluate("call.call()")
    page.evaluate("fake.microphone = 'NotFoundError'; call.setMicrophone('gone')")
    page.wait_for_function("told.some(([type]) => type === 'error')")
    assert page.evaluate("[call.state, fake.held().microphones]") == ["listening", 1]


def test_an_insecure_page_is_told_what_to_do(chromium, watched, site):
    browser = chromium("--host-resolver-rules=MAP insecure.test 127.0.0.1")
    page = watched(browser.new_page())
    url = site.page("/http", "<!doctype html><title>not https</title>")
    page.goto(url.replace("127.0.0.1", "insecure.test"))
    page.evaluate(SETUP, {})
    assert page.evaluate("call.call()") is False
    [error] = told(page, "error")
    assert error["code"] == "insecure-origin" and "https" in error["remedy"]


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "offer-rejected"), (403, "origin-not-allowed"), (500, "server-error")],
)
def test_a_refused_offer_says_so_in_the_servers_words(caller, site, status, code):
    page = caller()
    site.refuse(status, "some_code", "because of this")
    assert page.evaluate("call.call()") is False
    [error] = told(page, "error")
    assert (error["code"], error["detail"]) == (code, "because of this")
    page.wait_for_function(RELEASED)


def test_a_full_server_says_when_to_try_again(caller, site):
    page = caller()
    site.refuse(503, "server_full", "all lines are busy", retry_after_s=15)
    page.evaluate("call.call()")
    [error] = told(page, "error")
    assert (error["code"], error["remedy"]) == ("server-full", "Try again in 15 seconds.")


def test_a_server_that_stops_is_not_called_full(caller, site):
    page = caller()
    site.refuse(503, "shutting_down", "the server is stopping", retry_after_s=5)
    page.evaluate("call.call()")
    assert [error["code"] for error in told(page, "error")] == ["server-error"]


def test_a_dead_server_is_unreachable(caller):
    page = caller(src="http://127.0.0.1:9")  # "discard": nobody listens
    page.evaluate("call.call()")
    assert [error["code"] for error in told(page, "error")] == ["server-unreachable"]


def test_a_living_server_that_refuses_our_origin_is_told_from_a_dead_one(caller, site):
    page = caller(src=site.origin.replace("127.0.0.1", "localhost"))
    page.evaluate("call.call()")
    [error] = told(page, "error")
    assert error["code"] == "origin-not-allowed" and "cors_origins" in error["remedy"]


def test_another_origin_that_is_allowed_can_be_called(caller, site):
    site.allows = site.origin
    other = site.origin.replace("127.0.0.1", "localhost")
    page = caller(src=other + "/")
    assert page.evaluate("call.call()") is True
    page.evaluate("call.hangUp()")
    assert page.evaluate("fake.beacons") == [f"{other}{CALLS}/{site.calls[0]}/hangup"]


def test_an_answer_without_a_connection_fails(caller):
    page = caller()
    page.evaluate("() => { fake.connects = false; globalThis.done = call.call(); }")
    page.wait_for_function("fake.peer?.remoteDescription")
    page.evaluate("fake.peer.become('failed')")
    assert page.evaluate("globalThis.done") is False
    assert [error["code"] for error in told(page, "error")] == ["never-connected"]


# -- a lost connection ------------------------------------------------------------------------

LOSSES = {
    "the peer connection fails": "fake.peer.become('failed')",
    "the channel closes": "fake.peer.channel.dispatchEvent(new Event('close'))",
    "the server lost us": "fake.receive({ type: 'voxline.call.ended', reason: 'lost' })",
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_lost_connection_is_called_again_once_and_keeps_the_transcript(caller, site, loss):
    page = caller()
    page.evaluate("call.call()")
    said = {"type": "response.output_audio_transcript.delta", "item_id": "a", "delta": "Hello."}
    receive(page, said)
    page.evaluate(loss)
    page.wait_for_function("call.state === 'listening'")
    assert states(page) == ["connecting", "listening", "reconnecting", "listening"]
    assert page.evaluate("[call.transcript.length, call.transcript[0].done]") == [1, True]
    assert len(site.offers) == 2
    held = page.evaluate("fake.held()")
    assert held["microphones"] == 1 and held["peers"] == 1  # the same microphone, a new peer

    page.evaluate(loss)
    assert page.evaluate("call.state") == "failed"
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    assert told(page, "ended") == [{"reason": "lost"}]
    page.wait_for_function(RELEASED)


def test_giving_up_when_the_second_call_does_not_come_through(caller, site):
    page = caller()
    page.evaluate("call.call()")
    site.refuse(503, "server_full", "all lines are busy")
    page.evaluate("fake.peer.become('failed')")
    page.wait_for_function("call.state === 'failed'")
    assert [error["code"] for error in told(page, "error")] == ["connection-lost"]
    page.wait_for_function(RELEASED)


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
