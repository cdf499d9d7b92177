/**
 * Whether the other end of a connection still lives, told from what arrives. Chromium's own
 * "disconnected" takes five seconds and more; a caller who talks to nobody should know sooner.
 */

const PERIOD_MS = 1_000;
// The server asks for a sign of life (STUN, RFC 7675) every second, browsers every 2.5 s.
const SUSPICIOUS_PERIODS = 2;
const SILENT_PERIODS = 4;
const ASKED_MS = 4_000;

export class Pulse {
  #pc;
  #mayLive;
  #onStopped;
  #timer = 0;
  #seen = NaN;
  #silent = 0;

  /**
   * @param {Pick<RTCPeerConnection, 'getStats'>} pc once it is connected
   * @param {() => Promise<boolean>} mayLive asked when nothing arrives; a network that is down
   *   for a moment is no reason for false
   * @param {() => void} onStopped once; nothing has arrived for about four seconds, or for two
   *   and nobody is there
   */
  constructor(pc, mayLive, onStopped) {
    this.#pc = pc;
    this.#mayLive = mayLive;
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
    if (this.#silent < SUSPICIOUS_PERIODS) return;
    if (this.#silent < SILENT_PERIODS) {
      if (await this.#mayLive()) return;
      if (!this.#timer || this.#silent < SUSPICIOUS_PERIODS) return; // a sign of life came first
    }
    this.stop();
    this.#onStopped();
  }
}

/**
 * Whether anybody answers at a server's base URL, even where the answer may not be read.
 * @param {string} src
 * @param {RequestMode} [mode] 'cors': it must be readable
 */
export async function answers(src, mode = 'no-cors') {
  const signal = AbortSignal.timeout(ASKED_MS);
  const asked = fetch(`${src}/healthz`, { mode, cache: 'no-store', signal });
  // A proxy answers for a server that is not there.
  return asked.then(({ type, status }) => type === 'opaque' || status < 500, () => false);
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
