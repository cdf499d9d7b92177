/**
 * Whether the other end of a connection still lives, told from what arrives. Chromium's own
 * "disconnected" takes five seconds and more; a caller who talks to nobody should know sooner.
 */

const PERIOD_MS = 1_000;
// Browsers ask for a sign of life (STUN, RFC 7675) every 2.5 s, and sooner again when one is lost.
const SILENT_PERIODS = 4;

export class Pulse {
  #pc;
  #onStopped;
  #timer = 0;
  #seen = NaN;
  #silent = 0;

  /**
   * @param {Pick<RTCPeerConnection, 'getStats'>} pc once it is connected
   * @param {() => void} onStopped once; nothing has arrived for about four seconds
   */
  constructor(pc, onStopped) {
    this.#pc = pc;
    this.#onStopped = onStopped;
    this.#timer = setInterval(() => this.#feel(), PERIOD_MS);
  }

  stop() {
    clearInterval(this.#timer);
    this.#timer = 0;
  }

  async #feel() {
    const seen = received(await this.#pc.getStats());
    if (!this.#timer) return; // stopped meanwhile
    // Periods are counted, not milliseconds: a laptop that slept gets its four after waking.
    this.#silent = seen === this.#seen ? this.#silent + 1 : 0;
    this.#seen = seen;
    if (this.#silent !== SILENT_PERIODS) return;
    this.stop();
    this.#onStopped();
  }
}

/**
 * A number that changes with every packet, sound or STUN: an agent may send no sound for long, but
 * it answers. NaN, which equals nothing, where the browser does not count those answers.
 * @param {RTCStatsReport} report
 */
function received(report) {
  let sum = NaN;
  for (const stats of report.values()) {
    if (stats.type !== 'candidate-pair' || typeof stats.responsesReceived !== 'number') continue;
    const { responsesReceived, requestsReceived = 0, bytesReceived = 0 } = stats;
    sum = (sum || 0) + responsesReceived + requestsReceived + bytesReceived;
  }
  return sum;
}
