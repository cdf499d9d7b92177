"""What tests of voxline.js share: a page with a VoxlineCall, and what it dispatched."""

SETUP = """async (options) => {
  const { VoxlineCall } = await import('/sdk/voxline.js');
  globalThis.told = [];
  globalThis.call = new VoxlineCall(options);
  const types = ['statechange', 'transcript', 'levels', 'turn', 'error', 'ended', 'event'];
  for (const type of types) {
    call.addEventListener(type, ({ detail }) => {
      if (type === 'levels') globalThis.levels = detail;
      else told.push([type, detail instanceof Error
        ? { ...detail, message: detail.message } : detail]);
    });
  }
}"""
NOTHING_HELD = {"microphones": 0, "peers": 0, "contexts": 0, "pagehide": 0}
LET_GO = "() => fake.held().microphones + fake.held().peers === 0"
RELEASED = "() => Object.values(fake.held()).every((count) => count === 0)"


def stop_the_clock(page):
    """From now on timers of the page run in `page.clock.run_for` alone: once installed, the
    clock goes on by itself, and a busy machine takes a second between two of a test's lines.
    """
    page.clock.install(time=0)
    page.clock.pause_at(1000)


def pass_seconds(page, seconds, settled="/settled"):
    for _ in range(2 * seconds):
        page.clock.run_for(500)
        # what was asked before it has been answered
        page.evaluate("async (settled) => void (await fetch(settled))", settled)


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
