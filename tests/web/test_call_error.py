"""call-error.js and microphone.js: whatever goes wrong has a code and a remedy."""

import pytest
from web_call import NOTHING_HELD, RELEASED, SETUP, states, told
from web_site import CALLS


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
    [error] = told(page, "error")
    assert error["code"] == "microphone-unavailable"
    assert "call again" not in error["remedy"]


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


@pytest.mark.parametrize("param", ["session", "session.tools[0].name"])
def test_a_session_that_is_refused_is_the_pages_mistake(caller, site, param):
    """Killed: whoever called was told to reload the page."""
    page = caller(session={"tools": []})
    site.refuse(400, "invalid_value", f"{param} is wrong", param=param)
    page.evaluate("call.call()")
    [error] = told(page, "error")
    assert (error["code"], error["detail"]) == ("page-error", f"{param} is wrong")


def test_a_full_server_says_when_to_try_again(caller, site):
    page = caller()
    site.refuse(503, "server_full", "all lines are busy", retry_after_s=15)
    page.evaluate("call.call()")
    [error] = told(page, "error")
    assert (error["code"], error["remedy"]) == ("server-full", "Try again in 15 seconds.")
    assert error["detail"] == ""  # the server only says again that it is full


@pytest.mark.parametrize("code", ["shutting_down", "of_a_proxy"])
def test_whoever_else_is_not_available_is_not_called_full(caller, site, code):
    page = caller()
    site.refuse(503, code, "not now", retry_after_s=5)
    page.evaluate("call.call()")
    assert [error["code"] for error in told(page, "error")] == ["server-error"]


def test_a_dead_server_is_unreachable(caller):
    page = caller(src="http://127.0.0.1:9")  # "discard": nobody listens
    page.evaluate("call.call()")
    assert [error["code"] for error in told(page, "error")] == ["server-unreachable"]


def test_a_living_server_that_refuses_our_origin_is_told_from_a_dead_one(caller, site):
    """A proxy whose server is only starting looks the same: the text is true of both."""
    page = caller(src=site.origin.replace("127.0.0.1", "localhost"))
    page.evaluate("call.call()")
    [error] = told(page, "error")
    assert error["code"] == "origin-not-allowed" and "cors_origins" in error["remedy"]
    assert error["message"] == "The agent does not answer this site."
    assert error["remedy"].startswith("Try again in a moment: it may be starting.")


def test_a_server_that_only_just_came_up_is_not_said_to_refuse_our_origin(caller, site):
    """It was not there for the offer, and is when it is asked whether it lives."""
    site.allows = site.origin
    page = caller(src=site.origin.replace("127.0.0.1", "localhost"))
    page.route(f"**{CALLS}", lambda route: route.abort())
    page.evaluate("call.call()")
    assert [error["code"] for error in told(page, "error")] == ["server-unreachable"]


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
