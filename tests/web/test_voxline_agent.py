"""<voxline-agent> on other people's pages: strict, removed, by keyboard, read aloud."""

import json
import re

import pytest
from playwright.sync_api import expect
from web_agent import ELEMENT, button, connect, receive
from web_site import WEB

SAID = [
    {"type": "conversation.item.added", "item": {"id": "c", "role": "user"}},
    {"type": "conversation.item.added", "item": {"id": "a", "role": "assistant"}},
    {
        "type": "response.output_audio_transcript.delta",
        "item_id": "a",
        "delta": "One, two, three",
    },
]
CUT = {
    "type": "voxline.response.heard",
    "item_id": "a",
    "heard": "One, two,",
    "unheard": " three",
}
DONE = {"type": "response.done", "response": {"output": [{"id": "a"}]}}
RELEASED = "() => Object.values(fake.held()).every((count) => count === 0)"


def test_it_calls_its_own_server_from_a_strict_page_without_a_violation(host, visit, site):
    page = host()
    page.evaluate("""() => {
      globalThis.violations = [];
      document.addEventListener('securitypolicyviolation', ({ violatedDirective }) => {
        violations.push(violatedDirective);
      });
    }""")
    connect(page)
    receive(page, *SAID, CUT)
    button(page, "Hang up").click()
    expect(button(page, "Call")).to_be_visible()
    assert len(site.offers) == 1
    assert page.evaluate("violations") == []
    # The look came through: a constructed stylesheet, which no policy forbids.
    accent = page.evaluate(
        f"getComputedStyle({ELEMENT}.shadowRoot.querySelector('.call')).backgroundColor"
    )
    assert accent == "rgb(11, 107, 93)"


def test_the_agents_voice_is_played(host):
    page = host()
    connect(page)
    tracks = (
        f"{ELEMENT}.shadowRoot.querySelector('audio').srcObject?.getAudioTracks().length ?? 0"
    )
    assert page.evaluate(tracks) == 1
    button(page, "Hang up").click()
    assert page.evaluate(tracks) == 0


def test_loading_the_script_twice_is_harmless(host, site):
    page = host(f'<script type="module" src="{site.origin}/sdk/voxline-agent.js"></script>'
                "<voxline-agent></voxline-agent>")  # fmt: skip
    connect(page)


def test_removal_hangs_up_and_coming_back_works(host, site):
    page = host()
    connect(page)
    page.evaluate(f"globalThis.kept = {ELEMENT}; kept.remove()")
    page.wait_for_function(RELEASED)
    assert page.evaluate("kept.state") == "ended"
    assert page.evaluate("fake.beacons.length") == 1
    page.evaluate("document.body.append(kept)")
    connect(page)
    assert len(site.offers) == 2


def test_a_move_within_the_page_is_no_removal(host):
    page = host("<main></main><voxline-agent></voxline-agent>")
    connect(page)
    page.evaluate(f"document.querySelector('main').append({ELEMENT})")
    page.evaluate("Promise.resolve()")
    assert page.evaluate(f"{ELEMENT}.state") == "listening"


def test_everything_works_by_keyboard(host):
    page = host('<button>before</button><voxline-agent label="Talk to us"></voxline-agent>')
    button(page, "before").focus()
    page.keyboard.press("Tab")
    expect(button(page, "Talk to us")).to_be_focused()
    page.keyboard.press("Enter")
    hang_up = button(page, "Hang up")
    expect(hang_up).to_be_focused()  # the same button: focus is not lost
    page.keyboard.press("Shift+Tab")
    expect(button(page, "Mute")).to_be_focused()
    page.keyboard.press("Space")
    assert page.evaluate("fake.tracks[0].enabled") is False
    expect(button(page, "Mute")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="Microphone")).to_be_focused()
    receive(page, *SAID)
    page.get_by_role("log").focus()
    expect(page.get_by_role("log")).to_be_focused()  # it scrolls by the arrow keys
    hang_up.press("Space")
    expect(button(page, "Talk to us")).to_be_visible()


@pytest.mark.parametrize(
    ("role", "name"), [("button", "Mute"), ("combobox", "Microphone")], ids=["mute", "choice"]
)
def test_the_focus_is_not_lost_with_a_control_that_goes_with_the_call(host, role, name):
    page = host()
    connect(page)
    held = page.get_by_role(role, name=name)
    held.focus()
    expect(held).to_be_focused()
    receive(page, {"type": "voxline.call.ended", "reason": "agent"})
    expect(button(page, "Call")).to_be_focused()


def test_a_call_that_ends_takes_no_focus_from_the_page(host):
    page = host("<voxline-agent></voxline-agent><button>behind</button>")
    connect(page)
    button(page, "behind").focus()
    receive(page, {"type": "voxline.call.ended", "reason": "agent"})
    expect(button(page, "Call")).to_be_visible()
    expect(button(page, "behind")).to_be_focused()


def test_a_label_without_words_is_none(host):
    page = host("<voxline-agent label></voxline-agent>")
    connect(page)


def test_focus_is_visible(host):
    page = host()
    page.keyboard.press("Tab")
    outline = f"getComputedStyle({ELEMENT}.shadowRoot.activeElement).outlineWidth"
    assert page.evaluate(outline) == "2px"


def test_it_has_names_and_roles(host):
    page = host()
    connect(page)
    receive(page, *SAID, CUT)
    region = page.get_by_role("region", name="Voice call")
    expect(region).to_be_visible()
    expect(region.get_by_role("group", name="Call controls")).to_be_visible()
    expect(region.get_by_role("log", name="Transcript")).to_be_visible()
    expect(region.get_by_role("status")).to_have_text("Connected")


def test_of_several_on_a_page_each_has_a_name_of_its_own(host):
    page = host('<voxline-agent></voxline-agent><voxline-agent label="Sales"></voxline-agent>')
    names = """[...document.querySelectorAll('voxline-agent')]
      .map(({ shadowRoot }) => shadowRoot.querySelector('section').ariaLabel)"""
    assert page.evaluate(names) == ["Voice call", "Voice call: Sales"]
    page.evaluate("document.querySelectorAll('voxline-agent')[0].setAttribute('label', 'Help')")
    expect(page.get_by_role("region", name="Voice call: Help", exact=True)).to_be_visible()


def test_an_utterance_is_read_out_once_when_it_is_complete(host):
    page = host()
    connect(page)
    receive(page, *SAID)
    row = page.get_by_role("listitem").filter(has_text="One, two, three")
    expect(row).to_have_attribute("aria-busy", "true")
    receive(page, DONE)
    expect(row).to_have_attribute("aria-busy", "false")


@pytest.mark.parametrize(
    "end",
    [
        "document.querySelector('voxline-agent').hangUp()",
        "fake.receive({ type: 'voxline.call.ended', reason: 'too_long' })",
    ],
)
def test_what_was_being_said_as_the_call_ends_is_read_out_and_the_rest_not_again(host, end):
    page = host()
    connect(page)
    receive(page, *SAID, DONE, {**SAID[0], "item": {"id": "d", "role": "user"}})
    receive(page, {**SAID[2], "item_id": "e"})
    rows = page.get_by_role("listitem")
    assert [row.get_attribute("aria-busy") for row in rows.all()] == ["false"] * 2 + [
        "true"
    ] * 2
    page.evaluate(f"""() => {{
      const words = (row) => row.querySelector('p');
      globalThis.rows = [...{ELEMENT}.shadowRoot.querySelectorAll('li')].map(words);
      globalThis.before = rows.map((row) => row.firstChild);
    }}""")
    page.evaluate(end)
    expect(button(page, "Call")).to_be_visible()
    assert [row.get_attribute("aria-busy") for row in rows.all()] == ["false"] * 4
    assert page.evaluate("rows.map((row, n) => row.firstChild === before[n]).slice(0, 2)") == [
        True,
        True,
    ]


def test_words_not_heard_are_struck_out_and_said_to_be(host):
    page = host()
    connect(page)
    receive(page, *SAID, CUT, DONE)
    row = page.get_by_role("listitem").filter(has_text="One, two,")
    expect(row.locator("s")).to_have_text(" three")
    expect(row.locator("p")).to_have_text("One, two, (not heard:  three)")


def test_a_turn_that_was_none_leaves_no_line(host):
    page = host()
    connect(page)
    receive(page, *SAID, CUT, DONE)
    expect(page.get_by_role("listitem")).to_have_count(2)
    receive(page, *({"type": "conversation.item.deleted", "item_id": id} for id in "ac"))
    expect(page.get_by_role("listitem")).to_have_count(0)
    receive(page, {"type": "conversation.item.added", "item": {"id": "d", "role": "user"}})
    expect(page.get_by_role("listitem")).to_have_text(["You(spoken)"])


def test_a_caller_without_a_transcript_is_still_a_turn(host):
    page = host()
    connect(page)
    receive(page, *SAID)
    expect(page.get_by_role("listitem").first).to_have_text("You(spoken)")


def test_what_is_said_is_never_markup(host):
    page = host()
    connect(page)
    words = "<img src=x onerror=alert(1)>"
    receive(page, SAID[1], {**SAID[2], "delta": words})
    expect(page.get_by_role("listitem").locator("p")).to_have_text(words)


LAST = """(element) => {
    const { firstChild: words } = element, range = document.createRange();
    const at = (from) => (range.setStart(words, from), range.setEnd(words, from + 1),
                          range.getBoundingClientRect().x);
    return at(words.length - 1) - at(0);
}"""  # how far to the right of its first character a text's last one stands


@pytest.mark.parametrize(
    ("direction", "words", "rightwards"),
    [("rtl", "How can I help?", True), ("ltr", "מה השעה?", False)],
)
def test_words_run_as_their_language_does_on_any_page(host, direction, words, rightwards):
    page = host(f'<html dir="{direction}"><voxline-agent></voxline-agent>')
    assert page.evaluate("getComputedStyle(document.body).direction") == direction
    connect(page)
    receive(page, SAID[1], {**SAID[2], "delta": words})
    said = page.get_by_role("listitem").locator("bdi")
    expect(said).to_have_text(words)
    assert (said.evaluate(LAST) > 0) is rightwards


def test_so_do_its_own_words(host):
    page = host('<html dir="rtl"><voxline-agent></voxline-agent>')
    page.evaluate("fake.connects = false")
    button(page, "Call").click()
    status = page.locator(".status")
    expect(status).to_have_text("Calling…")
    assert status.evaluate(LAST) > 0
    button(page, "Cancel").click()
    page.evaluate("fake.microphone = 'NotAllowedError'")
    button(page, "Call").click()
    trouble = page.get_by_role("alert").locator("strong")
    expect(trouble).to_have_text("The microphone is not allowed here.")
    assert trouble.evaluate(LAST) > 0


def test_an_error_is_shown_with_its_remedy_and_gone_with_the_next_call(host):
    page = host()
    page.evaluate("fake.microphone = 'NotAllowedError'")
    button(page, "Call").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("The microphone is not allowed here.")
    expect(alert).to_contain_text("Allow it for this site")
    expect(button(page, "Call")).to_be_visible()
    page.evaluate("fake.microphone = ''")
    connect(page)
    expect(alert).to_be_hidden()


def test_the_names_stand_at_the_lines_beginning(host):
    page = host('<voxline-agent layout="stage"></voxline-agent>')
    page.set_viewport_size({"width": 1280, "height": 800})
    connect(page)
    for who in ("caller", "agent"):
        label = page.locator(f".name-{who}").bounding_box()
        line = page.locator(f".voice-{who}").bounding_box()
        assert abs(label["x"] - line["x"]) < 12
        assert line["width"] > 300  # and it is no shorter for it


def test_it_tells_the_page_by_events_that_cross_shadow_roots(host):
    page = host("<main></main>")
    page.evaluate("""() => {
      globalThis.told = [];
      for (const type of ['state', 'transcript', 'error', 'turn', 'ended']) {
        addEventListener(`voxline:${type}`, ({ detail }) => told.push([type, detail]));
      }
      const inner = document.createElement('voxline-agent');
      document.querySelector('main').attachShadow({ mode: 'open' }).append(inner);
    }""")
    connect(page)
    receive(page, *SAID, {"type": "voxline.call.ended", "reason": "agent"})
    kinds = page.evaluate("[...new Set(told.map(([type]) => type))]")
    assert set(kinds) == {"state", "transcript", "ended"}
    assert page.evaluate("told.at(-1)") == ["ended", {"reason": "agent"}]


def test_it_can_be_driven_by_script(host, site):
    page = host()
    page.evaluate(f"{ELEMENT}.session = {{ instructions: 'Be brief.' }}")
    assert page.evaluate(f"{ELEMENT}.call()") is True
    assert site.sessions == ['{"instructions":"Be brief."}']
    page.evaluate(f"{ELEMENT}.mute(); {ELEMENT}.interrupt()")
    assert page.evaluate("fake.peer.channel.sent.map(({ type }) => type)") == [
        "voxline.caller.muted",
        "response.cancel",
        "output_audio_buffer.clear",
    ]
    page.evaluate(f"{ELEMENT}.hangUp()")
    assert page.evaluate(f"{ELEMENT}.state") == "ended"


def test_a_session_may_be_set_before_its_script_has_loaded(host, site):
    """As any script of the page's own does: a module runs after all of them."""
    page = host("")
    page.evaluate("""() => {
        const elsewhere = document.implementation.createHTMLDocument('');
        const early = elsewhere.createElement('voxline-agent');
        early.session = { instructions: 'Be brief.' };
        document.body.append(early); // here it becomes what it is to be
    }""")
    assert page.evaluate(f"{ELEMENT}.call()") is True
    assert site.sessions == ['{"instructions":"Be brief."}']


@pytest.mark.parametrize("early", [False, True], ids=["after its script", "before"])
def test_functions_of_the_page_are_offered_and_run(host, site, early):
    page = host("") if early else host()
    page.evaluate(
        """(early) => {
            const html = document.implementation.createHTMLDocument('');
            const agent = early
                ? html.createElement('voxline-agent')
                : document.querySelector('voxline-agent');
            agent.tools = { cart: { description: 'What is in the cart', run: () => ['tea'] } };
            if (early) document.body.append(agent);
        }""",
        early,
    )
    connect(page)
    [session] = site.sessions
    [offered] = json.loads(session)["tools"]
    assert (offered["name"], offered["description"]) == ("cart", "What is in the cart")
    call = {"type": "function_call", "name": "cart", "call_id": "c", "arguments": "{}"}
    receive(page, {"type": "response.output_item.done", "item": call})
    sent = "fake.peer.channel.sent.find(({ item }) => item?.call_id === 'c')"
    page.wait_for_function(f"() => {sent}")
    assert page.evaluate(f"{sent}.item.output") == '["tea"]'


def test_the_pages_ice_servers_are_used_and_again_when_the_connection_is_lost(host):
    page = host()
    servers = {"iceServers": [{"urls": "turn:127.0.0.1:1", "username": "a", "credential": "b"}]}
    page.evaluate(f"(servers) => void ({ELEMENT}.rtcConfiguration = servers)", servers)
    connect(page)
    assert page.evaluate("fake.peer.configuration") == servers
    first = page.evaluate("fake.peers.length")
    receive(page, {"type": "voxline.call.ended", "reason": "lost"})
    page.wait_for_function(f"() => fake.peers.length > {first}")
    assert page.evaluate("fake.peer.configuration") == servers


@pytest.mark.parametrize("none", ["undefined", "null", "{}"])
def test_without_functions_there_is_no_session(host, site, none):
    page = host()
    page.evaluate(f"{ELEMENT}.tools = {none}")
    connect(page)
    assert len(site.offers) == 1
    assert site.sessions == []


def test_a_microphone_can_be_chosen_during_a_call_and_stays_chosen(host):
    page = host()
    connect(page)
    box = page.get_by_role("combobox", name="Microphone")
    expect(box.get_by_role("option")).not_to_have_count(0)
    device = box.get_by_role("option").nth(1).get_attribute("value")
    box.select_option(index=1)
    page.wait_for_function("fake.constraints.length === 2")
    button(page, "Hang up").click()
    connect(page)
    asked = page.evaluate("fake.constraints.map(({ audio }) => audio.deviceId?.exact ?? '')")
    assert asked == ["", device, device]


def test_hints_show_until_something_is_said(host):
    page = host("<voxline-agent><p>Ask about opening hours.</p></voxline-agent>")
    hint = page.get_by_text("Ask about opening hours.")
    expect(hint).to_be_visible()
    connect(page)
    expect(hint).to_be_visible()
    receive(page, *SAID)
    expect(hint).to_be_hidden()


def test_until_something_is_said_all_of_it_stands_in_the_middle(host):
    page = host('<voxline-agent layout="stage"><p>Say something.</p></voxline-agent>')
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate(f"{ELEMENT}.style.height = '700px'")
    below = f"700 - {ELEMENT}.shadowRoot.querySelector('.controls').offsetTop"
    assert page.evaluate(below) > 200
    connect(page)
    receive(page, *SAID)
    expect(page.get_by_role("log")).to_be_visible()
    assert page.evaluate(below) < 100


def test_the_look_needs_no_has():
    """Firefox (153) matches it and yet does not apply it where the rule begins with :host()."""
    style = (WEB / "agent-style.js").read_text().split("replaceSync", 1)[1]
    assert ":has(" not in style


@pytest.mark.parametrize(
    ("theme", "scheme", "ink"),
    [
        ("auto", "light", "rgb(29, 28, 26)"),
        ("auto", "dark", "rgb(239, 237, 232)"),
        ("dark", "light", "rgb(239, 237, 232)"),
        ("light", "dark", "rgb(29, 28, 26)"),
    ],
)
def test_the_theme_follows_the_system_unless_told(host, theme, scheme, ink):
    page = host(f'<voxline-agent theme="{theme}"></voxline-agent>', color_scheme=scheme)
    assert page.evaluate(f"getComputedStyle({ELEMENT}).color") == ink


def test_custom_properties_reach_inside(host):
    page = host()
    page.evaluate(f"{ELEMENT}.style.setProperty('--voxline-accent', 'rgb(1, 2, 3)')")
    color = f"getComputedStyle({ELEMENT}.shadowRoot.querySelector('.call')).backgroundColor"
    assert page.evaluate(color) == "rgb(1, 2, 3)"


def test_the_transcript_can_be_left_out(host):
    page = host('<voxline-agent transcript="off"></voxline-agent>')
    connect(page)
    receive(page, *SAID)
    expect(page.get_by_role("log")).to_be_hidden()


PATHS = f"""(() => {{
  const path = (who) => {ELEMENT}.shadowRoot.querySelector(`.voice-${{who}}`).getAttribute('d');
  return Math.max(...path('caller').matchAll(/v-?([0-9.]+)/g).map(([, height]) => +height));
}})"""


def test_the_line_shows_the_callers_voice_and_rests_after_the_call(host):
    page = host()
    assert page.evaluate(PATHS + "()") < 0.1
    connect(page)
    page.wait_for_function(f"() => {PATHS}() > 1")  # Chromium's microphone beeps
    button(page, "Hang up").click()
    assert page.evaluate(PATHS + "()") < 0.1


def test_without_motion_nothing_travels_along_the_line(host):
    page = host(reduced_motion="reduce")
    connect(page)
    page.wait_for_function(f"() => {PATHS}() > 1")
    heights = page.evaluate(
        f"""[...{ELEMENT}.shadowRoot.querySelector('.voice-caller').getAttribute('d')
        .matchAll(/v-?([0-9.]+)/g)].map(([, height]) => +height)"""
    )
    half = heights[: len(heights) // 2 + 1]
    assert half == sorted(half)  # one swell, no waves
    animation = f"getComputedStyle({ELEMENT}.shadowRoot.querySelector('.line')).animationName"
    assert page.evaluate(animation) == "none"


def test_every_documented_part_exists(host):
    page = host()
    connect(page)
    receive(page, *SAID, CUT)
    [listed] = re.findall(r"Parts: (.*?)\.", (WEB / "voxline-agent.js").read_text(), re.DOTALL)
    documented = set(re.findall(r"[a-z]+", listed)) - {"also", "or"}
    inside = f"[...{ELEMENT}.shadowRoot.querySelectorAll('[part]')].flatMap((e) => [...e.part])"
    assert set(page.evaluate(inside)) == documented


def test_every_documented_property_is_used(host):
    documented = (WEB / "voxline-agent.js").read_text()
    used = (WEB / "agent-style.js").read_text()
    pattern = r"--voxline-[a-z-]*[a-z]"
    assert set(re.findall(pattern, documented)) == set(re.findall(pattern, used))
