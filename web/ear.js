/**
 * How loud the two voices are, and how long the caller waited for an answer: sums over samples.
 * Knows no microphone and no clock; audio time is passed in, in seconds.
 */

// Peak amplitude that counts as sound (−40 dBFS). The browser's noise suppression leaves less than
// that of a quiet room, and its comfort noise is below it too.
const SOUND = 0.01;
// The agent has begun anew when it is heard after so much silence.
const AGENT_SILENCE_S = 0.25;
// A longer wait is no answer to what the caller said before it.
const LONGEST_WAIT_S = 10;

// Levels are linear in decibels: 0 at −60 dBFS (silence), 1 at −12 dBFS (a near, loud voice).
const SILENT_DB = -60;
const LOUD_DB = -12;
// Share of the way to a new level per reading: up at once, down slowly, as needles of meters do.
const RISE = 0.7;
const FALL = 0.25;

/**
 * @param {Float32Array} samples in −1..1
 * @returns {number} 0..1
 */
export function loudness(samples) {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  const db = 10 * Math.log10(energy / Math.max(1, samples.length));
  return Math.min(1, Math.max(0, (db - SILENT_DB) / (LOUD_DB - SILENT_DB)));
}

/**
 * @param {number} shown the level so far
 * @param {number} now the level of the latest samples
 */
export function needle(shown, now) {
  return shown + (now - shown) * (now > shown ? RISE : FALL);
}

/** Listens to both voices and tells how long after the caller's last sound the agent's first came. */
export class Ear {
  #callerS = -Infinity; // when the caller last made a sound
  #agentS = -Infinity; // when the agent last made a sound
  #readS = -Infinity; // up to when all of both was read

  /**
   * @param {Float32Array} caller the latest samples, up to `nowS`; readings may overlap, and what
   *   lies between two of them (timers of a page that nobody sees are late) is not guessed
   * @param {Float32Array} agent likewise, as long
   * @param {number} nowS audio time of the last sample
   * @param {number} rateHz
   * @returns {number | null} milliseconds waited, when the agent has just begun to answer
   */
  take(caller, agent, nowS, rateHz) {
    /** @param {number} index */
    const timeS = (index) => nowS - (caller.length - 1 - index) / rateHz;
    if (timeS(-2) > this.#readS) [this.#callerS, this.#agentS] = [-Infinity, timeS(0)];
    this.#readS = nowS;
    const begun = agent.findIndex(loud);
    let waitedS = Infinity;
    if (begun >= 0 && timeS(begun) - this.#agentS > AGENT_SILENCE_S) {
      const before = caller.subarray(0, begun).findLastIndex(loud);
      waitedS = timeS(begun) - (before >= 0 ? timeS(before) : this.#callerS);
    }
    const [lastCaller, lastAgent] = [caller.findLastIndex(loud), agent.findLastIndex(loud)];
    if (lastCaller >= 0) this.#callerS = timeS(lastCaller);
    if (lastAgent >= 0) this.#agentS = timeS(lastAgent);
    return waitedS < LONGEST_WAIT_S ? Math.round(waitedS * 1000) : null;
  }
}

/** @param {number} sample */
function loud(sample) {
  return Math.abs(sample) > SOUND;
}
