/**
 * When a call that was lost is tried again: at once, then after growing waits, since a server that
 * is started anew takes some seconds. Knows time and the network; no calls.
 */

// After each try that failed; the fifth and later ones wait as the fourth does.
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 4_000;
const TRYING_MS = 15_000;
// A telephone that changes from one network to another is without any for some seconds.
const OFFLINE_MS = 20_000;

/**
 * Wait for a network, for a while; then attempt until it succeeds, for TRYING_MS at most.
 * @param {() => Promise<void>} attempt
 * @param {() => void} undo after an attempt that failed; also ends one that takes too long
 * @param {AbortSignal} signal after it nothing is attempted or undone
 * @returns {Promise<void>} resolves, too, if it was aborted before the first attempt
 * @throws what the last attempt threw
 */
export async function persist(attempt, undo, signal) {
  await online(signal);
  if (signal.aborted) return;
  const trying = new AbortController();
  const stop = () => (clearTimeout(timer), trying.abort());
  const timer = setTimeout(() => (stop(), undo()), TRYING_MS);
  signal.addEventListener('abort', stop);
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      await attempt();
      return clearTimeout(timer);
    } catch (error) {
      if (trying.signal.aborted) throw error;
      undo();
      await pause(waitMs, trying.signal);
      if (trying.signal.aborted) throw error;
    }
  }
}

/**
 * Return when there is a network, or after a while without one.
 * @param {AbortSignal} signal ends the wait
 */
async function online(signal) {
  if (!navigator.onLine) await pause(OFFLINE_MS, signal, 'online');
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal ends it
 * @param {string} [sooner] an event of the page that ends it, too
 * @returns {Promise<void>}
 */
function pause(ms, signal, sooner) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const done = () => (clearTimeout(timer), resolve());
    if (sooner) globalThis.addEventListener(sooner, done, { once: true, signal });
    signal.addEventListener('abort', done);
  });
}
