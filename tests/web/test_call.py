"""The whole path: Chromium's microphone, Opus over WebRTC, the operator, and back.

The caller's words are spoken by espeak-ng into the file that Chromium takes for a microphone; a
file begins when the microphone is opened and ends in silence, long before it would repeat.
"""

import re
import urllib.request

import coturn
import pytest
from in_thread import in_thread
from playwright.sync_api import expect
from prefix_proxy import prefixed

pytestmark = pytest.mark.slow

LISTEN = """() => {
  // Samples of the agent's voice beside the moments that matter, in ms of one clock.
  globalThis.heard = { levels: [], cut: null, answered: null };
  const host = document.querySelector('voxline-agent');
  host.addEventListener('voxline:state', ({ detail }) => {
    if (heard.cut && detail.state === 'speaking') heard.answered ??= performance.now();
    const { srcObject } = host.shadowRoot.querySelector('audio');
    if (!srcObject || heard.context) return;
    heard.context = new AudioContext();
    // As many as a busy page may be late for; a level is that of 1024 of them (21 ms).
    const analyser = new AnalyserNode(heard.context, { fftSize: 16384 }); // 341 ms
    heard.context.createMediaStreamSource(srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let at = performance.now();
    setInterval(() => {
      const now = performance.now();
      analyser.getFloatTimeDomainData(samples);
      for (at = Math.max(at, now - 300); at <= now; at += 10) {
        const ago = Math.round(((now - at) * heard.context.sampleRate) / 1000);
        const last = samples.slice(samples.length - ago - 1024, samples.length - ago);
        heard.levels.push([at, Math.max(...last.map(Math.abs))]);
      }
    }, 10);
  });
  host.addEventListener('voxline:transcript', ({ detail }) => {
    if (detail.some((item) => item.unheard)) heard.cut ??= performance.now();
  });
}"""


@pytest.fixture
def call(chromium, watched, request):
    """Open the page with a microphone and press Call."""

    def place(microphone, url=""):
        page = watched(chromium(microphone=microphone).new_context().new_page())
        page.goto(url or request.getfixturevalue("server_url"))
        page.evaluate(LISTEN)
        page.get_by_role("button", name="Call", exact=True).click()
        expect(page.get_by_role("button", name="Hang up")).to_be_visible()
        return page

    return place


def lines(page, who):
    return (
        page.get_by_role("log").get_by_role("listitem").filter(has_text=re.compile(f"^{who}"))
    )


def counted(server_url, name):
    """Its values by reason, of which most counts of calls have none."""
    with urllib.request.urlopen(f"{server_url}/metrics") as answer:
        told = re.findall(
            rf'^{name}(?:{{reason="(\w+)"}})? (\S+)', answer.read().decode(), re.MULTILINE
        )
    return {reason: float(count) for reason, count in told}


def active_calls(server_url):
    return counted(server_url, "voxline_calls_active")[""]


def lost_calls(server_url):
    """Those whose end nobody told: they kept their seats for seconds."""
    ended = counted(server_url, "voxline_calls_ended_total")
    return sum(count for reason, count in ended.items() if reason != "caller")


def eventually(page, truth):
    """Poll from here: the page may not fetch the server's metrics of a call that is over."""
    for _ in range(1200):
        if truth():
            return
        page.wait_for_timeout(25)
    raise AssertionError("not within half a minute")


def test_a_spoken_request_is_answered(call, says, server_url):
    page = call(says(1.0, "what time is it"))
    expect(lines(page, "You")).to_have_text("YouWhat time is it")
    expect(lines(page, "Agent").last).to_contain_text(re.compile(r"It is |It's "))
    expect(page.get_by_text(re.compile(r"^answered in \d+ ms"))).to_be_visible()
    page.wait_for_function("() => heard.levels.some(([, peak]) => peak > 0.05)")
    page.wait_for_function("() => document.querySelector('voxline-agent').turns[0].heardMs > 0")
    turn = page.evaluate("document.querySelector('voxline-agent').turns[0]")
    assert {stage["name"] for stage in turn["stages"]} >= {"vad", "wait", "brain", "voice"}
    # The browser hears later than the server sends: codec and network lie between. Each places
    # the end of the caller's speech by its own ear, which may differ by a syllable's end.
    assert turn["latencyMs"] - 100 < turn["heardMs"] < turn["latencyMs"] + 1000


def test_an_interruption_silences_the_agent_and_strikes_out_what_was_not_heard(call, says):
    page = call(says(1.0, "count to twenty", 3.0, "stop stop that is enough thank you"))
    row = lines(page, "Agent").filter(has_text="one")
    unheard = row.locator("s")
    expect(unheard).to_contain_text("twenty")
    heard = row.locator("p").inner_text().split("(not heard")[0]
    assert "two" in heard.lower() and "twenty" not in heard.lower()
    page.wait_for_function("() => heard.answered")
    cut, answered, levels = page.evaluate("[heard.cut, heard.answered, heard.levels]")
    assert max(peak for at, peak in levels if cut - 3000 < at < cut) > 0.05  # it did speak
    quiet = [at for at, peak in levels if at > cut and peak < 0.01]
    assert quiet and quiet[0] - cut < 400
    # and it stays so until the interruption is answered: no packet of the old reply is late
    assert sum(1 for at in quiet if at - quiet[0] < 150) >= 8
    after = [peak for at, peak in levels if cut + 800 < at < answered - 200]
    assert after and max(after) < 0.01


def test_goodbye_makes_the_agent_hang_up(call, says, server_url):
    page = call(says(1.0, "goodbye"))
    expect(page.get_by_role("status")).to_have_text("The agent hung up")
    expect(page.get_by_role("button", name="Call", exact=True)).to_be_visible()
    eventually(page, lambda: active_calls(server_url) == 0)


def test_hanging_up_releases_both_sides(call, says, server_url):
    page = call(says(1.0))
    assert active_calls(server_url) == 1
    page.get_by_role("button", name="Hang up").click()
    eventually(page, lambda: active_calls(server_url) == 0)
    audio = "document.querySelector('voxline-agent').shadowRoot.querySelector('audio')"
    assert page.evaluate(f"{audio}.srcObject") is None


def test_a_closed_page_frees_its_seat_at_once(call, says, server_url):
    lost = lost_calls(server_url)
    page = call(says(1.0))
    other = page.context.new_page()
    page.close(run_before_unload=True)
    eventually(other, lambda: active_calls(server_url) == 0)
    assert lost_calls(server_url) == lost


def test_a_page_that_goes_before_it_reads_the_answer_frees_its_seat_at_once(
    chromium, watched, server_url
):
    """Killed: nothing but limits.connect_s freed it, as the page did not know its id."""
    lost = lost_calls(server_url)
    page = watched(chromium().new_context().new_page())
    other = page.context.new_page()
    # Placed, and nobody reads the answer. Not by routing: a request that is held there when its
    # page goes is sent on, and places a second call.
    page.add_init_script("""
      const real = globalThis.fetch;
      globalThis.fetch = async (...request) => (await real(...request), new Promise(() => {}));
    """)
    page.goto(server_url)
    page.get_by_role("button", name="Call", exact=True).click()
    eventually(other, lambda: active_calls(server_url) == 1)
    page.close(run_before_unload=True)
    eventually(other, lambda: active_calls(server_url) == 0)
    assert lost_calls(server_url) == lost


def test_a_proxy_may_serve_it_under_a_path_and_strip_that(call, says, server_url):
    with in_thread(prefixed(server_url, "/voice")) as url:
        page = call(says(1.0, "what time is it"), f"{url}/")
        expect(lines(page, "Agent").last).to_contain_text(re.compile(r"It is |It's "))
        # a connection that is seen to be closed ends the call, perhaps before the request comes
        page.evaluate("RTCPeerConnection.prototype.close = () => {}")
        page.evaluate("RTCDataChannel.prototype.close = () => {}")
        with page.expect_response("**/hangup") as answered:
            page.get_by_role("button", name="Hang up").click()
        assert answered.value.status == 200
        eventually(page, lambda: active_calls(server_url) == 0)


@pytest.mark.skipif(coturn.PROGRAM is None, reason="coturn is not installed")
def test_a_caller_whose_network_lets_no_udp_out_calls_through_a_relay(
    chromium, watched, server_url, says, tmp_path
):
    """The offer has no candidates: the server learns of the relay by its packets."""
    options = ["--lt-cred-mech", "--user=me:secret", "--realm=test", "--allow-loopback-peers"]
    with coturn.running(tmp_path, *options, "--no-cli") as port:
        page = watched(chromium(microphone=says(1.0, "what time is it")).new_page())
        page.goto(server_url)
        page.evaluate(
            """(urls) => {
              const relay = { urls, username: 'me', credential: 'secret' };
              const configuration = { iceServers: [relay], iceTransportPolicy: 'relay' };
              document.querySelector('voxline-agent').rtcConfiguration = configuration;
            }""",
            f"turn:127.0.0.1:{port}?transport=tcp",
        )
        page.get_by_role("button", name="Call", exact=True).click()
        expect(lines(page, "Agent").last).to_contain_text(re.compile(r"It is |It's "))


def test_ice_servers_that_are_none_are_the_pages_mistake(chromium, watched, server_url):
    page = watched(chromium().new_page())
    page.goto(server_url)
    page.evaluate(
        "document.querySelector('voxline-agent').rtcConfiguration = { iceServers: 'turn:a' }"
    )
    page.get_by_role("button", name="Call", exact=True).click()
    alert = page.get_by_role("alert").filter(has_text="This page has set up the call wrongly.")
    expect(alert).to_contain_text("iceServers")


def test_packets_are_sent_while_there_is_no_microphone(chromium, watched, server_url):
    """For a track that has ended Chromium sends none: the server would miss the caller."""
    page = watched(chromium().new_page())
    page.goto(server_url)
    page.mouse.click(1, 1)  # as everyone who calls has
    page.evaluate("""async () => {
      const { VoxlineCall } = await import('/sdk/voxline.js');
      const { getUserMedia } = navigator.mediaDevices;
      navigator.mediaDevices.getUserMedia = async (wanted) =>
        (globalThis.spoken = await getUserMedia.call(navigator.mediaDevices, wanted));
      const Peer = RTCPeerConnection;
      globalThis.RTCPeerConnection = class extends Peer {
        constructor(configuration) {
          super(configuration);
          globalThis.peer ??= this;
        }
      };
      globalThis.sent = async () => {
        const stats = [...(await peer.getStats()).values()];
        return stats.find(({ type }) => type === 'outbound-rtp').packetsSent;
      };
      globalThis.call = new VoxlineCall();
      await call.call();
      await new Promise((next) => setTimeout(next, 500));
      navigator.mediaDevices.getUserMedia = async () => {
        throw new DOMException('', 'NotFoundError');
      };
      const [track] = spoken.getAudioTracks();
      track.stop();
      track.dispatchEvent(new Event('ended'));
    }""")
    page.wait_for_timeout(500)  # what had been on its way
    before = page.evaluate("sent()")
    assert before > 10
    eventually(page, lambda: page.evaluate("sent()") > before + 50)
    assert page.evaluate("call.state") == "listening"


def test_a_server_that_dies_is_missed_before_the_browser_misses_it(call, says, mortal_server):
    url, server = mortal_server
    page = call(says(1.0), url)
    page.evaluate("""() => {
      document.addEventListener('voxline:state', ({ detail }) => {
        if (detail.state === 'reconnecting') globalThis.missed ??= performance.now();
      });
    }""")
    page.wait_for_timeout(3000)  # in a call that stands, the browser probes less often
    killed = page.evaluate("performance.now()")
    server.kill()
    page.wait_for_function("() => globalThis.missed")
    print(f"missed after {page.evaluate('missed') - killed:.0f} ms")
    assert page.evaluate("missed") - killed < 8000  # without our own look it took ten seconds
    expect(page.get_by_role("status")).to_have_text("Connection lost. Calling again…")


def test_an_agent_that_hangs_up_leaves_no_error_in_the_console(call, says):
    page = call(says(1.0, "goodbye"))
    complaints = []
    page.on("console", lambda line: line.type == "error" and complaints.append(line.text))
    expect(page.get_by_role("status")).to_have_text("The agent hung up")
    page.wait_for_load_state("networkidle")
    assert complaints == []
