/**
 * How long a packet of the agent's waits in this browser before it is heard: in the jitter buffer,
 * by the counters of getStats(), and in the sound card. The server cannot measure it, and needs it
 * to know where in a reply the caller was.
 */

const PERIOD_MS = 2_000;
// Less is not worth an event: words last a quarter of a second.
const STEP_MS = 10;
const MOST_MS = 1_000;

/** @typedef {Readonly<{delay: number, count: number}>} Counters seconds in all, samples in all */

export class PlayoutDelay {
  #pc;
  #listener;
  #timer = 0;
  /** @type {Counters} */
  #buffered = { delay: 0, count: 0 };
  /** @type {Counters} */
  #played = { delay: 0, count: 0 };
  #told = -Infinity;

  /**
   * @param {Pick<RTCPeerConnection, 'getStats'>} pc once it is connected
   * @param {{outputMs: () => number, onChange: (delayMs: number) => void}} listener
   *   outputMs: of the sound card, where getStats() does not count it
   */
  constructor(pc, listener) {
    this.#pc = pc;
    this.#listener = listener;
    this.#timer = setInterval(() => this.#measure(), PERIOD_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  async #measure() {
    const report = await this.#pc.getStats();
    if (!this.#timer) return; // stopped meanwhile
    const buffered = counters(report, 'inbound-rtp', 'jitterBufferDelay', 'jitterBufferEmittedCount');
    const played = counters(report, 'media-playout', 'totalPlayoutDelay', 'totalSamplesCount');
    const bufferMs = meanMs(this.#buffered, buffered);
    const cardMs = meanMs(this.#played, played) ?? this.#listener.outputMs();
    [this.#buffered, this.#played] = [buffered, played];
    if (bufferMs === null) return; // nothing was heard since the last look
    const delayMs = Math.round(Math.min(MOST_MS, Math.max(0, bufferMs + cardMs)));
    if (Math.abs(delayMs - this.#told) < STEP_MS) return;
    this.#told = delayMs;
    this.#listener.onChange(delayMs);
  }
}

/**
 * @param {RTCStatsReport} report
 * @param {string} type @param {string} delay @param {string} count names of the two counters
 * @returns {Counters}
 */
function counters(report, type, delay, count) {
  for (const stats of report.values()) {
    if (stats.type !== type || (stats.kind ?? 'audio') !== 'audio') continue;
    return { delay: Number(stats[delay]) || 0, count: Number(stats[count]) || 0 };
  }
  return { delay: 0, count: 0 };
}

/** @param {Counters} before @param {Counters} after @returns {number | null} null: none came */
function meanMs(before, after) {
  const count = after.count - before.count;
  return count > 0 ? (1000 * (after.delay - before.delay)) / count : null;
}
