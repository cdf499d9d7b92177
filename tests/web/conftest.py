"""Headless Chromium with a microphone that the test chooses, and pages to load in it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Error, Page, Playwright, expect, sync_playwright
from web_call import SETUP
from web_site import Site, SiteServer, served, strict_policy

from agent.audio.frame import SPEAK_HZ
from agent.engines import Style
from agent.voices.espeak import EspeakVoice

HERE = Path(__file__).parent
SCREENSHOTS = HERE.parents[1] / ".pytest_cache" / "screenshots"
CHROMIUM = (
    os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
)
FLAGS = (
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",  # there is none, and to play one takes as long as the page
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)

SILENT_TAIL_S = 60
PATIENCE_MS = 30_000  # nothing that comes takes so long, however busy the machine is
expect.set_options(timeout=PATIENCE_MS)

Launch = Callable[..., Browser]
Visit = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):  # type: ignore[no-untyped-def]
    report = yield
    page = getattr(item, "funcargs", {}).get("_pages", [])
    if report.when == "call" and report.failed and HERE in item.path.parents:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for number, shown in enumerate(page):
            path = SCREENSHOTS / f"{item.name.replace('/', '_')}-{number}.png"
            try:
                shown.screenshot(path=path)
                told = str(path)
            except Error as error:  # raised here it would end the whole run
                told = str(error)
            report.sections.append(("screenshot", told))
    return report


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """While it is there a loop runs in this thread, and no test can run one of its own."""
    with sync_playwright() as started:
        yield started


@pytest.fixture
def chromium(playwright: Playwright) -> Iterator[Launch]:
    """Launch with `microphone=a WAV file` (it loops) and further `flags`; closed at the end."""
    if CHROMIUM is None:
        pytest.fail("no Chromium: install it (apt-get install chromium) or set CHROMIUM")
    launched: list[Browser] = []

    def launch(*flags: str, microphone: Path | None = None) -> Browser:
        sound = [f"--use-file-for-fake-audio-capture={microphone}"] if microphone else []
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, headless=True, args=[*FLAGS, *sound, *flags]
        )
        launched.append(browser)
        return browser

    yield launch
    for browser in launched:
        browser.close()


@pytest.fixture(scope="session")
def site_server() -> Iterator[SiteServer]:
    with served() as server:
        yield server


@pytest.fixture
def site(site_server: SiteServer) -> Site:
    return site_server.fresh()


@pytest.fixture(scope="module")
def shared_chromium(playwright: Playwright, site_server: SiteServer) -> Iterator[Browser]:
    """One for all tests that bring no microphone of their own: launching takes half a second.

    Asks for the server only to be closed before it, so that no connection is left to it.
    """
    if CHROMIUM is None:
        pytest.fail("no Chromium: install it (apt-get install chromium) or set CHROMIUM")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=[*FLAGS])
    yield browser
    browser.close()


@pytest.fixture
def says(tmp_path: Path) -> Callable[..., Path]:
    """Write a microphone's WAV from phrases (str) and silences (seconds)."""
    voice = EspeakVoice()

    def write(*parts: str | float) -> Path:
        sound = [
            np.zeros(round(part * SPEAK_HZ), np.float32)
            if isinstance(part, int | float)
            else np.concatenate(
                [speech.samples for speech in voice.speak(part, Style(voice=""))]
            )
            for part in (*parts, SILENT_TAIL_S)
        ]
        path = tmp_path / "microphone.wav"
        soundfile.write(path, np.concatenate(sound), SPEAK_HZ, subtype="PCM_16")
        return path

    return write


@contextmanager
def real_server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """In a process of its own, with the operator and no greeting: its URL and the process."""
    command = [sys.executable, "-m", "agent", "serve", "--engine", "operator"]
    # the last one: what a busy machine holds back is late, and no silence in its place
    settings = ["server.port=0", "agent.greeting=''", "receive.stall_ms=2000"]
    for setting in settings:
        command += ["--set", setting]
    with subprocess.Popen(
        command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            line = server.stdout.readline()  # its first, once it answers calls
            found = re.fullmatch(r"listening on (http://\S+?)/?\n", line)
            assert found, f"the server did not start; it said {line!r}"
            yield found[1], server
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    with real_server() as (url, _):
        yield url


@pytest.fixture
def mortal_server() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """One for a test that kills it."""
    with real_server() as served_here:
        yield served_here


@pytest.fixture(scope="module")
def bare_page(shared_chromium: Browser, site_server: SiteServer) -> Iterator[Page]:
    """One empty page for tests of pure modules, which leave nothing behind."""
    page = shared_chromium.new_page()
    page.goto(site_server.fresh().page("/empty", "<!doctype html><title>empty</title>"))
    yield page
    page.close()


@pytest.fixture
def _pages() -> list[Page]:
    return []


@pytest.fixture
def watched(_pages: list[Page]) -> Iterator[Callable[[Page], Page]]:
    """Fails the test for exceptions in its pages, and shows them if it fails otherwise."""
    errors: list[str] = []

    def watch(page: Page) -> Page:
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.set_default_timeout(PATIENCE_MS)
        _pages.append(page)
        return page

    yield watch
    assert errors == []


@pytest.fixture
def visit(
    shared_chromium: Browser, site: Site, watched: Callable[[Page], Page]
) -> Iterator[Visit]:
    """Open a URL (default: an empty page) in a fresh context, with `fake_webrtc.js`."""
    contexts = []

    def open_page(url: str = "", **options: object) -> Page:
        context = shared_chromium.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = watched(context.new_page())
        page.add_init_script(path=HERE / "fake_webrtc.js")
        page.goto(url or site.page("/empty", "<!doctype html><title>empty</title>"))
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def caller(visit: Visit) -> Callable[..., Page]:
    """A page with `call`, a VoxlineCall with `options`, and `told`, what it dispatched."""

    def ready(url: str = "", **options: object) -> Page:
        page = visit(url)
        page.evaluate(SETUP, options)
        return page

    return ready


@pytest.fixture
def host(visit: Visit, site: Site) -> Visit:
    """A page of another origin than the agent's; its policy allows what the agent needs."""
    server = site.origin.replace("127.0.0.1", "localhost")
    site.allows = site.origin

    def load(elements: str = "<voxline-agent></voxline-agent>", **options: object) -> Page:
        script = f'<script type="module" src="{server}/sdk/voxline-agent.js"></script>'
        html = f'<!doctype html><html lang="en"><title>A shop</title>{script}{elements}'
        page = visit(site.page("/shop", html, policy=strict_policy(server)), **options)
        page.wait_for_function("!!customElements.get('voxline-agent')")
        return page

    return load
