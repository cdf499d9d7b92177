"""The page that the server ships: one calm screen, and the latency of each turn."""

import pytest
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 360, "height": 640}}
SIDEWAYS = {"viewport": {"width": 667, "height": 320}}  # a phone's, with the browser's own bars
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
STAGES = [
    {"name": "vad", "begin_ms": 0, "end_ms": 68},
    {"name": "wait", "begin_ms": 68, "end_ms": 420},
    {"name": "brain", "begin_ms": 68, "end_ms": 71},
    {"name": "voice", "begin_ms": 71, "end_ms": 118},
    {"name": "playout", "begin_ms": 420, "end_ms": 447.2},
]
TURN = [
    {"type": "conversation.item.added", "item": {"id": "a", "role": "assistant"}},
    {"type": "response.output_item.added", "response_id": "r", "item": {"id": "a"}},
    {"type": "response.output_audio_transcript.delta", "item_id": "a", "delta": "It is noon."},
    {"type": "voxline.turn.latency", "response_id": "r", "latency_ms": 447.2, "stages": STAGES},
]


@pytest.fixture
def page(visit, site):
    return visit(site.origin + "/", **DESKTOP)


def connect(page):
    page.get_by_role("button", name="Call", exact=True).click()
    expect(page.get_by_role("button", name="Hang up")).to_be_visible()


def receive(page, *events):
    page.evaluate("(events) => fake.receive(...events)", list(events))


def test_it_says_what_to_do_and_what_to_ask(page):
    expect(page.get_by_role("heading", name="Press Call, then just talk.")).to_be_visible()
    for words in ("What time is it?", "Tell me a joke", "Count to twenty"):
        expect(page.get_by_role("listitem").filter(has_text=words)).to_be_visible()
    expect(page.get_by_text("Interrupt whenever you like")).to_be_visible()


def test_a_turn_shows_its_latency_beside_the_reply_and_its_stages_on_demand(page):
    connect(page)
    receive(page, *TURN)
    summary = page.get_by_text("answered in 447 ms")
    expect(summary).to_be_visible()
    reply = page.get_by_text("It is noon.").bounding_box()
    assert 0 < summary.bounding_box()["y"] - reply["y"] < 60
    stage = page.get_by_text("judging it the end")
    expect(stage).to_be_hidden()
    summary.click()
    expect(stage).to_be_visible()
    assert page.locator("dl").inner_text().split("\n") == [
        "noticing the silence",
        "68 ms",
        "judging it the end",
        "352 ms",
        "finding the words",
        "3.0 ms",
        "finding the voice",
        "47 ms",
        "sending",
        "27 ms",
        "answered, at the server",
        "447 ms",
    ]


def test_on_the_narrowest_screen_a_turns_latency_is_one_line(page):
    page.set_viewport_size({"width": 320, "height": 640})
    connect(page)
    receive(page, *TURN)
    assert page.locator("summary").bounding_box()["height"] < 30
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_work_done_during_the_wait_is_drawn_under_it(page):
    connect(page)
    receive(page, *TURN)
    boxes = [bar.bounding_box() for bar in page.locator(".lanes i").all()]
    vad, wait, _, voice, playout = boxes
    assert vad["x"] < wait["x"] < playout["x"]
    assert wait["x"] < voice["x"] < wait["x"] + wait["width"]
    assert voice["y"] > wait["y"] + 2
    assert abs(wait["width"] / vad["width"] - 352 / 68) < 0.3  # to scale


def test_the_same_turn_is_not_shown_twice_when_it_is_heard(page):
    connect(page)
    receive(page, *TURN)
    page.evaluate("""() => {
      const agent = document.querySelector('voxline-agent');
      const detail = { ...agent.turns[0], heardMs: 512 };
      agent.dispatchEvent(new CustomEvent('voxline:turn', { detail }));
    }""")
    expect(page.locator("details")).to_have_count(1)
    page.locator("summary").click()
    expect(page.get_by_text("heard, in this browser")).to_be_visible()


def test_the_next_call_starts_with_an_empty_page(page):
    connect(page)
    receive(page, *TURN)
    page.get_by_role("button", name="Hang up").click()
    expect(page.get_by_text("answered in 447 ms")).to_be_visible()  # still to be read
    connect(page)
    expect(page.locator("details")).to_have_count(0)


def test_the_tab_says_that_there_is_a_call(page):
    assert page.title() == "Voxline"
    connect(page)
    assert page.title() == "On the line · Voxline"
    page.get_by_role("button", name="Hang up").click()
    assert page.title() == "Voxline"


def test_its_own_policy_forbids_inline_code_and_holds(page):
    assert page.evaluate("""() => {
      const script = document.createElement('script');
      script.textContent = 'globalThis.broken = true';
      document.body.append(script);
      return globalThis.broken ?? false;
    }""") is False  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "device", [PHONE, SIDEWAYS, DESKTOP], ids=["phone", "sideways", "desktop"]
)
def test_it_is_one_screen_and_nothing_is_cut_off(visit, site, device, scheme):
    page = visit(site.origin + "/", color_scheme=scheme, **device)
    page.evaluate("document.fonts.ready")
    for first in (page.get_by_text("Press Call"), page.get_by_role("button", name="Call")):
        expect(first).to_be_in_viewport(ratio=1)
    connect(page)
    for number in range(12):
        item = {"id": f"i{number}", "role": "assistant"}
        delta = {"item_id": f"i{number}", "delta": f"Sentence {number} of a long talk."}
        receive(
            page,
            {"type": "conversation.item.added", "item": item},
            {"type": "response.output_audio_transcript.delta", **delta},
        )
    expect(page.get_by_text("Sentence 11 of a long talk.")).to_be_in_viewport()  # it follows
    for name in ("Mute", "Hang up"):
        expect(page.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    for side in ("Width", "Height"):
        length = page.evaluate(f"document.documentElement.scroll{side}")
        assert length == device["viewport"][side.lower()]


CONTRAST = """(selector) => {
  const host = document.querySelector('voxline-agent');
  const inner = host.shadowRoot.querySelector(selector) ?? document.querySelector(selector);
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const luminance = (color) => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const { color, backgroundColor } = getComputedStyle(inner);
  const own = !backgroundColor.endsWith(', 0)');
  const ground = own ? backgroundColor : getComputedStyle(document.body).backgroundColor;
  const [a, b] = [luminance(color), luminance(ground)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("selector", [".call", ".status", "h1", ".hints p", "header a"])
def test_words_stand_out_by_4_5_to_1(visit, site, scheme, selector):
    """WCAG 2.2, 1.4.3."""
    page = visit(site.origin + "/", color_scheme=scheme)
    assert page.evaluate(CONTRAST, selector) >= 4.5


def test_the_example_shows_the_snippet_and_its_element_calls(visit, site):
    page = visit(site.origin + "/sdk/example.html")
    snippet = page.locator("pre").first
    expect(snippet).to_contain_text("<voxline-agent></voxline-agent>")
    assert len(snippet.inner_text().strip().splitlines()) == 10
    connect(page)
    assert len(site.offers) == 1


def test_the_call_by_script_gives_the_voice_to_its_audio_once(visit, site):
    page = visit(site.origin + "/sdk/example.html")
    snippet = page.get_by_label("A call by script", exact=True).inner_text()
    snippet = snippet.replace("https://agent.example", site.origin)
    page.evaluate("""() => {
      const elements = '<audio id=audio autoplay></audio><button id=button>Go</button>';
      document.body.insertAdjacentHTML('beforeend', elements);
      Object.assign(globalThis, { starts: 0, show() {} });
      audio.addEventListener('loadstart', () => starts++);
    }""")
    page.add_script_tag(content=snippet + "\nglobalThis.call = call;", type="module")
    page.wait_for_function("'call' in globalThis")
    page.get_by_role("button", name="Go").click()
    page.wait_for_function("call.state === 'listening'")
    receive(page, {"type": "voxline.state", "state": "hearing"})
    page.wait_for_function("call.state === 'hearing' && starts")
    receive(page, {"type": "voxline.state", "state": "replying"})
    page.wait_for_function("call.state === 'thinking'")
    page.evaluate("new Promise((next) => setTimeout(next))")  # a load begins a task later
    assert page.evaluate("starts") == 1


def test_a_snippet_is_copied_by_its_button(visit, site):
    page = visit(site.origin + "/sdk/example.html")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy: A whole page")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("pre").first.inner_text()
    assert page.get_by_role("button", name="Copy: ").count() == page.locator("pre").count()


@pytest.mark.parametrize(
    "clipboard",
    [
        "undefined",
        "{ writeText: async () => { throw new DOMException('', 'NotAllowedError') } }",
    ],
    ids=["without https", "refused"],
)
def test_without_a_clipboard_the_snippet_is_selected(visit, site, clipboard):
    page = visit(site.origin + "/sdk/example.html")
    page.evaluate(f"Object.defineProperty(navigator, 'clipboard', {{ value: {clipboard} }})")
    page.get_by_role("button", name="Copy: A whole page").click()
    expect(page.get_by_role("status").filter(has_text="Selected")).to_be_visible()
    selected = page.evaluate("getSelection().toString()")
    assert selected.strip() == page.locator("pre").first.inner_text().strip()
