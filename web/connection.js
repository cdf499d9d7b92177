/**
 * One WebRTC connection to the agent: offer and answer, the data channel, and the moment it is
 * lost. Knows neither turns nor where the microphone comes from; places no second call.
 */

import { CallError, networkError, responseError } from './call-error.js';
import { Pulse, answers } from './pulse.js';

/** @import { ServerEvent } from './conversation.js' */

const CHANNEL = 'oai-events';
// Until the offer is answered: behind a proxy nobody may be there, and the browser waits for minutes.
const ANSWER_MS = 12_000;
// From the answer to an open channel; the server gives up after ten (limits.connect_s).
const CONNECT_MS = 12_000;
// "disconnected" comes after some seconds without a sign of life, and often heals by itself.
const HEAL_MS = 3_000;

export class Connection {
  /** What the agent says; its track comes with the answer. */
  remoteStream = new MediaStream();
  #src;
  #listener;
  #pc;
  #channel;
  #closing = new AbortController();
  #healTimer = 0;
  /** @type {Pulse | null} */
  #pulse = null;
  #location = '';

  /**
   * @param {string} src the server's base URL
   * @param {{onEvent: (event: ServerEvent) => void, onLost: () => void}} listener
   *   onLost: once, only after open() has resolved, and not for a close() of our own
   * @param {RTCConfiguration} [configuration] of the peer connection
   */
  constructor(src, listener, configuration) {
    this.#src = src;
    this.#listener = listener;
    this.#pc = new RTCPeerConnection(configuration);
    this.#channel = this.#pc.createDataChannel(CHANNEL);
  }

  /**
   * Place the call. The offer leaves without its ICE candidates: the server sees ours by our
   * packets, so waiting for them would only cost time.
   * @param {MediaStream} microphone
   * @param {string} [session] JSON, sent beside the offer
   * @returns {Promise<void>} resolves when events and sound can flow
   * @throws {CallError} or the reason of close() when that came first
   */
  open(microphone, session) {
    const { signal } = this.#closing;
    /** @type {Promise<never>} */
    const closed = new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
    // What a peer connection was about to do when it was closed never ends.
    return Promise.race([this.#open(microphone, session), closed]);
  }

  /** @param {MediaStream} microphone @param {string} [session] */
  async #open(microphone, session) {
    const { signal } = this.#closing;
    const pc = this.#pc;
    for (const track of microphone.getAudioTracks()) pc.addTrack(track, microphone);
    pc.addEventListener('track', ({ track }) => this.remoteStream.addTrack(track), { signal });
    this.#channel.addEventListener('message', ({ data }) => this.#receive(data), { signal });
    await pc.setLocalDescription();
    const answer = await this.#exchange(pc.localDescription?.sdp ?? '', session);
    if (signal.aborted) throw signal.reason;
    const opened = this.#opened();
    opened.catch(() => {}); // awaited below, unless the answer is none
    await pc.setRemoteDescription({ type: 'answer', sdp: answer });
    await opened;

    const mayLive = async () => (await answers(this.#src)) || !navigator.onLine;
    this.#pulse = new Pulse(pc, mayLive, () => this.#lost());
    pc.addEventListener('connectionstatechange', () => this.#watch(), { signal });
    this.#channel.addEventListener('close', () => this.#lost(), { signal });
  }

  /**
   * @param {{type: string, [field: string]: unknown}} event dropped when the channel is not open
   */
  send(event) {
    if (this.#channel.readyState === 'open') this.#channel.send(JSON.stringify(event));
  }

  /** What the browser counts of it. */
  getStats() {
    return this.#pc.getStats();
  }

  /** @param {MediaStreamTrack} track to send from now on, in place of the one before */
  async replaceTrack(track) {
    await this.#pc.getSenders().find((sender) => sender.track?.kind === 'audio')?.replaceTrack(track);
  }

  /**
   * Hang up and release everything. Safe twice, and while open() is under way.
   *
   * The request is a beacon: it outlives a page that is being closed, and being a POST without
   * headers of its own it needs no preflight, which a closing page could not wait for.
   */
  close() {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    clearTimeout(this.#healTimer);
    this.#pulse?.stop();
    this.#sayGoodbye();
    this.#channel.close();
    this.#pc.close();
    for (const track of this.remoteStream.getTracks()) track.stop();
  }

  /** @param {string} sdp @param {string} [session] @returns {Promise<string>} the answer */
  async #exchange(sdp, session) {
    const request = session
      ? { body: form({ sdp, session }) }
      : { body: sdp, headers: { 'Content-Type': 'application/sdp' } };
    const calls = `${this.#src}/v1/realtime/calls`;
    const { signal } = this.#closing;
    // Not broken off by close(): a call that the server has placed meanwhile must be hung up.
    const giving = new AbortController();
    const timer = setTimeout(() => giving.abort(), ANSWER_MS);
    // A page that goes away before it learns the call's id knows the call by its offer.
    const leave = () => navigator.sendBeacon(`${calls}/hangup`, sdp);
    const answered = new AbortController();
    globalThis.addEventListener('pagehide', leave, { signal: answered.signal });
    const response = await fetch(calls, { method: 'POST', signal: giving.signal, ...request })
      .catch(async (cause) => {
        throw signal.aborted ? cause : await networkError(this.#src, cause);
      })
      .finally(() => (clearTimeout(timer), answered.abort()));
    if (!response.ok) throw await responseError(response);
    // Cross-origin the header is readable only if the server exposes it; without it a closed page
    // is noticed by the server's watchdog instead. Of its path, which may lack a prefix that a proxy
    // stripped, only the id counts.
    const id = response.headers.get('Location')?.split('/').at(-1);
    if (id) this.#location = `${response.url}/${id}`;
    if (signal.aborted) this.#sayGoodbye(); // closed while the answer was on its way
    return response.text();
  }

  #sayGoodbye() {
    if (this.#location) navigator.sendBeacon(`${this.#location}/hangup`);
  }

  /** Resolves when the channel is open. @returns {Promise<void>} */
  #opened() {
    const { signal } = this.#closing;
    return new Promise((resolve, reject) => {
      const fail = () => (clearTimeout(timer), reject(new CallError('never-connected')));
      const timer = setTimeout(fail, CONNECT_MS);
      this.#channel.addEventListener('open', () => (clearTimeout(timer), resolve()), { signal });
      this.#pc.addEventListener(
        'connectionstatechange',
        () => this.#pc.connectionState === 'failed' && fail(),
        { signal },
      );
      signal.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)));
    });
  }

  #watch() {
    clearTimeout(this.#healTimer);
    switch (this.#pc.connectionState) {
      case 'failed':
      case 'closed':
        return this.#lost();
      case 'disconnected':
        this.#healTimer = setTimeout(() => this.#lost(), HEAL_MS);
    }
  }

  #lost() {
    this.close();
    this.#listener.onLost();
  }

  /** @param {unknown} data */
  #receive(data) {
    /** @type {unknown} */
    let event;
    try {
      event = JSON.parse(String(data));
    } catch {
      event = null;
    }
    const type = /** @type {{type?: unknown} | null} */ (event)?.type;
    if (typeof type !== 'string') {
      console.warn('voxline: not an event:', data);
      return;
    }
    if (type === 'voxline.call.ended') this.#location = ''; // the server knows: no goodbye
    this.#listener.onEvent(/** @type {ServerEvent} */ (event));
  }
}

/** @param {Record<string, string>} fields */
function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  return data;
}
