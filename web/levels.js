/**
 * Meters of the two voices of a call, read from the streams by the browser's audio graph.
 *
 * An AnalyserNode and a timer rather than an AudioWorklet: a worklet's script is one more URL that
 * a host page's policy must name, and nothing here needs every sample.
 */

import { Ear, loudness, needle } from './ear.js';

const PERIOD_MS = 50;
// A reading is the largest power of two below this: 171 ms at 48 kHz. More than the period, so that
// nothing is lost between two unless the timer is late by 100 ms; less than the ear's AGENT_SILENCE_S.
const READING_S = 0.19;
const SHOWN_S = 0.085; // of it, the latest; a level of all of it would lag

/** @typedef {Readonly<{caller: number, agent: number}>} LevelPair each 0..1 */

export class Levels {
  #context = new AudioContext();
  #samples = 2 ** Math.floor(Math.log2(READING_S * this.#context.sampleRate)); // per reading
  #caller = this.#meter();
  #agent = this.#meter();
  #ear = new Ear();
  /** @type {MediaStreamAudioSourceNode | null} */
  #microphone = null;
  /** @type {LevelPair} */
  #shown = { caller: 0, agent: 0 };
  #timer = 0;

  /**
   * @param {MediaStream} agent needs a media element to play it: without one Chromium gives the
   *   audio graph silence (https://crbug.com/40094084)
   * @param {{onLevels: (levels: LevelPair) => void, onHeard: (waitedMs: number) => void}} listener
   */
  constructor(agent, { onLevels, onHeard }) {
    try {
      this.#context.createMediaStreamSource(agent).connect(this.#agent);
    } catch (error) {
      this.#context.close();
      throw error;
    }
    const [caller, heard] = [new Float32Array(this.#samples), new Float32Array(this.#samples)];
    const shown = -Math.round(SHOWN_S * this.#context.sampleRate);
    this.#timer = setInterval(() => {
      this.#caller.getFloatTimeDomainData(caller);
      this.#agent.getFloatTimeDomainData(heard);
      const { currentTime, sampleRate } = this.#context;
      const waitedMs = this.#ear.take(caller, heard, currentTime, sampleRate);
      this.#shown = {
        caller: needle(this.#shown.caller, loudness(caller.subarray(shown))),
        agent: needle(this.#shown.agent, loudness(heard.subarray(shown))),
      };
      onLevels(this.#shown);
      if (waitedMs !== null) onHeard(waitedMs);
    }, PERIOD_MS);
  }

  /** From the audio graph to the loudspeaker; 0 where the browser does not say. */
  get outputMs() {
    return 1000 * (this.#context.outputLatency || 0);
  }

  /** @param {MediaStream} microphone measured from now on, in place of the one before */
  listenTo(microphone) {
    this.#microphone?.disconnect();
    this.#microphone = null;
    try {
      this.#microphone = this.#context.createMediaStreamSource(microphone);
      this.#microphone.connect(this.#caller);
    } catch (cause) {
      // Firefox takes none of another rate than the graph's: it is spoken into all the same.
      console.warn('voxline: no levels of this microphone:', cause);
    }
  }

  stop() {
    clearInterval(this.#timer);
    return this.#context.close();
  }

  #meter() {
    return new AnalyserNode(this.#context, { fftSize: this.#samples, smoothingTimeConstant: 0 });
  }
}
