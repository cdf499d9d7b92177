"""What tests of <voxline-agent> share: finding it, calling, and what the agent sends."""

from playwright.sync_api import expect

CHANNEL = "fake.peer?.channel && (!fake.connects || fake.peer.channel.readyState === 'open')"
ELEMENT = "document.querySelector('voxline-agent')"


def receive(page, *events):
    """The server sends; not before there is a channel, which a click does not wait for."""
    page.wait_for_function(f"() => {CHANNEL}")
    page.evaluate("(events) => fake.receive(...events)", list(events))


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def connect(page):
    button(page, "Call").click()
    expect(button(page, "Hang up")).to_be_visible()
