"""The vendor's own SDK for browsers, unmodified, in a call with the operator.

It comes from npm, once, into pytest's cache; without npm or a network these are skipped.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

PACKAGE, VERSION = "@openai/agents-realtime", "0.20.0"
BUNDLE = f"node_modules/{PACKAGE}/dist/bundle/openai-realtime-agents.umd.js"
CONNECT = """async () => {
  const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebRTC } = OpenAIAgentsRealtime;
  const transport = new OpenAIRealtimeWebRTC({
    baseUrl: `${location.origin}/v1/realtime/calls`,
    useInsecureApiKey: true, // its server has no tokens to hand out
  });
  globalThis.types = [];
  globalThis.mistakes = [];
  transport.on('*', (event) => types.push(event.type));
  const agent = new RealtimeAgent({ name: 'operator', instructions: 'Be brief.' });
  globalThis.session = new RealtimeSession(agent, { transport });
  session.on('error', ({ error }) => mistakes.push(error?.message ?? JSON.stringify(error)));
  await session.connect({ apiKey: 'none' });
}"""
SAID = """(role) => session.history
  .filter((item) => item.role === role)
  .flatMap(({ content }) => content.map(({ text, transcript }) => text ?? transcript ?? ''))"""

THE_TIME = "^(It is|It's) "  # there may be a twenty in it


@pytest.fixture(scope="module")
def sdk(request: pytest.FixtureRequest) -> str:
    """Its script."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    folder = Path(request.config.cache.mkdir(f"agents-realtime-{VERSION}"))
    if not (folder / BUNDLE).exists():
        command = [npm, "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"]
        got = subprocess.run(
            [*command, f"{PACKAGE}@{VERSION}"], cwd=folder, capture_output=True, text=True
        )
        if got.returncode:
            pytest.skip(f"npm has no {PACKAGE}: {got.stderr.strip()[-200:]}")
    return (folder / BUNDLE).read_text()


@pytest.fixture
def caller(chromium, watched, sdk, server_url, says):
    """A page in whose call this is said."""

    def connect(*said):
        context = chromium(microphone=says(*said)).new_context(bypass_csp=True)
        page = watched(context.new_page())
        page.goto(f"{server_url}/sdk/example.html")
        page.add_script_tag(content=sdk)
        page.evaluate(CONNECT)
        return page

    return connect


def wait_for(page, role, words):
    page.wait_for_function(
        f"(wanted) => ({SAID})(wanted[0]).some((said) => new RegExp(wanted[1]).test(said))",
        arg=[role, words],
    )


def test_it_hears_an_answer_sends_text_and_interrupts(caller) -> None:
    page = caller(1.0, "what time is it")
    wait_for(page, "user", "^What time is it")
    wait_for(page, "assistant", THE_TIME)
    page.evaluate("types.length = 0")
    page.evaluate("session.sendMessage('count to twenty')")
    page.wait_for_function("types.includes('output_audio_buffer.started')")
    page.evaluate("session.interrupt()")
    page.wait_for_function("types.includes('output_audio_buffer.cleared')")
    page.evaluate("session.sendMessage('tell me a joke')")
    page.wait_for_function(
        "types.filter((t) => t === 'output_audio_buffer.started').length === 2"
    )
    said = [each for each in page.evaluate(SAID, "assistant") if not re.search(THE_TIME, each)]
    assert not any(re.search("twenty", each, re.IGNORECASE) for each in said), "it was cut off"
    assert page.evaluate("mistakes") == []
    page.evaluate("session.close()")
