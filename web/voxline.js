/**
 * Voxline's SDK: place a call to a voice agent from any web page.
 *
 *     const call = new VoxlineCall({ src: 'https://agent.example' });
 *     call.addEventListener('stream', ({ detail }) => (audio.srcObject = detail));
 *     await call.call(); // from a click: browsers want one before they play sound
 *
 * It touches no document. To be heard (and measured) the agent's voice needs an <audio autoplay>
 * of yours, given the stream once: each time it is given one, it begins anew. <voxline-agent> does
 * all that for you.
 */

import { asCallError, CallError } from './call-error.js';
import { Connection } from './connection.js';
import { Conversation } from './conversation.js';
import { Levels } from './levels.js';
import { listMicrophones, Microphone } from './microphone.js';
import { persist } from './persist.js';
import { PlayoutDelay } from './playout-delay.js';
import { Tools } from './tools.js';

export { CallError };

// A connection that is lost so soon after another one is no accident, and not called again.
const AGAIN_MS = 60_000;
// Refusals of what came too late, and is no mistake of the caller: to interrupt a reply that is
// already generated, and to answer for a function that the agent waits for no longer.
const TOO_LATE = ['response_cancel_not_active', 'function_call_already_answered'];

/** @import { Phase, ServerEvent } from './conversation.js' */
/** @import { LevelPair } from './levels.js' */
/** @import { Tool } from './tools.js' */

/**
 * idle          never called yet
 * connecting    asking for the microphone, then for the agent
 * listening     connected; nobody speaks
 * hearing       the caller speaks, or pauses for breath
 * thinking      the agent has the word and is not heard yet
 * speaking      the agent speaks (the caller may, too: that is an interruption)
 * reconnecting  the connection was lost, or the server stops; a new call is being tried, several
 *               times for up to 15 s (once there is a network, which is waited for up to 20 s)
 * ended         hung up, by either side; call() starts anew
 * failed        could not connect, or was lost; `error` told why; call() starts anew
 * @typedef {'idle' | 'connecting' | Phase | 'reconnecting' | 'ended' | 'failed'} State
 */

/**
 * Why a call ended: the reasons of `voxline.call.ended`, or `failed` when it never began.
 * @typedef {'caller' | 'agent' | 'silence' | 'too_long' | 'lost' | 'never_connected' | 'shutdown'
 *   | 'error' | 'failed'} EndReason
 */

/**
 * Events, all CustomEvents:
 *
 * | type | detail | when |
 * | --- | --- | --- |
 * | statechange | {state, previous} | `state` changed |
 * | stream | MediaStream or null | `remoteStream` changed: once for each connection, and its end |
 * | microphone | {label} | another one is spoken into, chosen or because the one before went away |
 * | transcript | Item[] | words came, or it turned out which of them were not heard |
 * | levels | {caller, agent}, 0..1 | about 20 times a second during a call |
 * | turn | Turn | a reply was measured; again, with `heardMs`, once it is heard |
 * | error | CallError | see `code` and `remedy`; the call is over only if `state` says so |
 * | ended | {reason} | exactly once for each call() |
 * | event | the server's event | every event of the data channel, also those unknown here |
 */
export class VoxlineCall extends EventTarget {
  /** @type {string} */
  #src;
  #session;
  #tools;
  #rtcConfiguration;
  #microphone;
  /** @type {State} */
  #state = 'idle';
  #conversation = new Conversation();
  /** @type {LevelPair} */
  #levels = { caller: 0, agent: 0 };
  // Which call() is meant: what comes late from one that is over recognises itself by its number.
  #number = 0;
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Levels | null} */
  #meters = null;
  /** @type {PlayoutDelay | null} */
  #delay = null;
  #page = new AbortController();
  #connected = false;
  /** The one that was told of. @type {MediaStream | null} */
  #stream = null;
  #calledAgainMs = -Infinity; // when, by the page's clock

  /**
   * @param {{src?: string, microphone?: string, session?: object, tools?: Record<string, Tool>,
   *   rtcConfiguration?: RTCConfiguration}} [options]
   *   src: the server's base URL, by default where this script came from: BASE of
   *   BASE/sdk/voxline.js.
   *   microphone: a deviceId of `microphones()`, by default the system's choice.
   *   session: a Realtime session object, for instance {instructions: "…"}.
   *   tools: functions that the agent may call, by name, for instance
   *   {cart: {description: "What is in the cart", run: () => cart.items}}.
   *   rtcConfiguration: of the peer connection, for instance {iceServers: [{urls: 'turn:…',
   *   username, credential}]} for callers whose network lets no UDP out.
   */
  constructor({ src = '', microphone = '', session, tools = {}, rtcConfiguration } = {}) {
    super();
    const base = new URL(src || new URL('..', import.meta.url), globalThis.location?.href);
    this.#src = base.href.replace(/\/+$/, '');
    this.#microphone = new Microphone(microphone, {
      onStream: (stream) => {
        const [{ label }] = this.#speakInto(stream);
        if (!this.#microphone.gone) this.#tell('microphone', { label });
      },
      onError: (error) => this.#tell('error', error),
    });
    this.#tools = new Tools(tools);
    const offered = this.#tools.offerIn(session);
    this.#session = offered && JSON.stringify(offered); // throws at once what cannot be sent
    if (rtcConfiguration) new RTCPeerConnection(rtcConfiguration).close(); // or be understood
    this.#rtcConfiguration = rtcConfiguration;
  }

  /** Microphones to choose from; browsers name them only once one has been allowed. */
  static microphones() {
    return listMicrophones();
  }

  get state() {
    return this.#state;
  }

  get transcript() {
    return this.#conversation.transcript;
  }

  get turns() {
    return this.#conversation.turns;
  }

  get levels() {
    return this.#levels;
  }

  get muted() {
    return this.#microphone.muted;
  }

  /**
   * The deviceId of the microphone that is spoken into, '' while there is none. Browsers may let
   * the caller choose as they ask for permission.
   */
  get microphone() {
    return this.#microphone.used;
  }

  /** The agent's voice while there is a call. @returns {MediaStream | null} */
  get remoteStream() {
    return this.#connection?.remoteStream ?? null;
  }

  /** Whether there is a call, or one is being placed. */
  get active() {
    return !['idle', 'ended', 'failed'].includes(this.#state);
  }

  /**
   * Ask for the microphone and place the call. Does nothing during one.
   * @returns {Promise<boolean>} whether it is connected; if not, `error` or `ended` told why.
   *   Never rejects.
   */
  async call() {
    if (this.active) return true;
    const number = ++this.#number;
    this.#calledAgainMs = -Infinity;
    this.#conversation = new Conversation();
    this.#page = new AbortController();
    const { signal } = this.#page;
    globalThis.addEventListener('pagehide', () => this.hangUp(), { signal });
    this.#become('connecting');
    this.#tell('transcript', this.transcript);
    try {
      if (!(await this.#microphone.open())) return false;
      await this.#connect(number);
    } catch (error) {
      if (number === this.#number) this.#fail(error, 'failed');
    }
    return number === this.#number && this.active;
  }

  /** Hang up, whatever the state. */
  hangUp() {
    if (this.active) this.#end('caller');
  }

  /** @param {boolean} [on] the caller is not heard while muted; holds for later calls, too */
  mute(on = true) {
    if (on !== this.muted) this.send({ type: 'voxline.caller.muted', muted: on });
    this.#microphone.mute(on);
  }

  /** Stop the agent in mid-sentence, as speaking over it does. */
  interrupt() {
    this.send({ type: 'response.cancel' });
    this.send({ type: 'output_audio_buffer.clear' });
  }

  /**
   * Speak into another microphone, at once during a call.
   * @param {string} deviceId of `microphones()`; '' for the system's choice
   */
  async setMicrophone(deviceId) {
    await this.#microphone.choose(deviceId);
  }

  /**
   * Send a client event of the Realtime API; dropped when not connected.
   * @param {{type: string, [field: string]: unknown}} event
   */
  send(event) {
    this.#connection?.send(event);
  }

  /** @param {number} number */
  async #connect(number) {
    const microphone = /** @type {MediaStream} */ (this.#microphone.stream);
    /** @type {Connection} */
    const connection = new Connection(
      this.#src,
      {
        onEvent: (event) => this.#connection === connection && this.#take(event),
        onLost: () => this.#connection === connection && this.#reconnect(number),
      },
      this.#rtcConfiguration,
    );
    this.#connection = connection;
    await connection.open(microphone, this.#session);
    if (number !== this.#number) return;
    const meters = (this.#meters = this.#measured(connection.remoteStream));
    this.#speakInto(/** @type {MediaStream} */ (this.#microphone.stream)); // it may be another one
    this.#delay = new PlayoutDelay(connection, {
      outputMs: () => meters?.outputMs ?? 0,
      onChange: (delay_ms) => connection.send({ type: 'voxline.playout.delay', delay_ms }),
    });
    if (this.muted) this.send({ type: 'voxline.caller.muted', muted: true });
    this.#connected = true;
    this.#become(this.#conversation.phase);
  }

  /** @param {MediaStream} agent @returns {Levels | null} null where the browser measures nothing */
  #measured(agent) {
    try {
      return new Levels(agent, {
        onLevels: (levels) => this.#tell('levels', (this.#levels = levels)),
        onHeard: (waitedMs) => this.#conversation.hear(waitedMs) && this.#tellTurn(),
      });
    } catch (cause) {
      console.warn('voxline: no levels:', cause); // a call without a picture is one all the same
      return null;
    }
  }

  /**
   * The connection is gone: a new call with the same microphone.
   * @param {number} number @param {'lost' | 'shutdown'} [reason]
   */
  async #reconnect(number, reason = 'lost') {
    const { signal } = this.#page;
    this.#disconnect();
    if (performance.now() - this.#calledAgainMs < AGAIN_MS) return this.#giveUp(reason);
    this.#calledAgainMs = performance.now();
    this.#become('reconnecting');
    this.#tell('transcript', this.transcript);
    try {
      await persist(() => this.#connect(number), () => this.#disconnect(), signal);
    } catch (cause) {
      if (number === this.#number) this.#giveUp(reason, cause);
    }
  }

  /** @param {'lost' | 'shutdown'} reason @param {unknown} [cause] */
  #giveUp(reason, cause) {
    // A server that has said that it stops is no fault of the caller's network.
    if (reason === 'shutdown') this.#end(reason);
    else this.#fail(new CallError('connection-lost', { cause }), reason);
  }

  /** @param {ServerEvent} event */
  #take(event) {
    this.#tell('event', event);
    this.#answer(event, this.#connection);
    if (event.type === 'voxline.call.ended') this.#over(event.reason);
    switch (this.#conversation.take(event)) {
      case 'phase':
        // Until open() has resolved the call is still connecting.
        if (this.#connected) this.#become(this.#conversation.phase);
        break;
      case 'transcript':
        this.#tell('transcript', this.transcript);
        break;
      case 'turn':
        this.#tellTurn();
        break;
      case 'error':
        this.#complain(event.error);
    }
  }

  /**
   * Run what the agent calls. Of a call that is over by then, the result goes nowhere.
   * @param {ServerEvent} event @param {Connection | null} connection
   */
  async #answer(event, connection) {
    for (const answer of await this.#tools.answer(event)) connection?.send(answer);
  }

  #tellTurn() {
    this.#tell('turn', this.turns.at(-1));
  }

  /** @param {unknown} reason */
  #over(reason) {
    // It hears nothing of us and yet we hear it (a laptop that slept, a changed network), or it
    // stops, and may be started anew.
    if (reason === 'lost' || reason === 'shutdown') {
      this.#reconnect(this.#number, reason);
      return;
    }
    if (reason === 'error') this.#tell('error', new CallError('server-error'));
    this.#end(/** @type {EndReason} */ (reason));
  }

  /** @param {{code?: string, message?: string} | undefined} error of the server's error event */
  #complain(error) {
    if (TOO_LATE.includes(error?.code ?? '')) return;
    this.#tell('error', new CallError('protocol', { detail: error?.message }));
  }

  /** @param {unknown} error @param {EndReason} reason */
  #fail(error, reason) {
    this.#end(reason, asCallError(error));
  }

  /** @param {EndReason} reason @param {CallError} [error] why there is no call any more */
  #end(reason, error) {
    this.#release();
    this.#become(error ? 'failed' : 'ended');
    this.#tell('transcript', this.transcript); // nothing is being said any more
    if (error) this.#tell('error', error);
    this.#tell('ended', { reason });
  }

  /** Everything a call owns. */
  #release() {
    this.#number++;
    this.#page.abort();
    this.#disconnect();
    this.#microphone.close();
  }

  #disconnect() {
    this.#conversation.close();
    this.#delay?.stop();
    this.#delay = null;
    this.#meters?.stop();
    this.#meters = null;
    this.#connection?.close();
    this.#connection = null;
    this.#connected = false;
    this.#levels = { caller: 0, agent: 0 };
  }

  /** @param {MediaStream} microphone @returns {MediaStreamTrack[]} its only one */
  #speakInto(microphone) {
    const tracks = microphone.getAudioTracks();
    this.#meters?.listenTo(microphone);
    this.#connection?.replaceTrack(tracks[0]);
    return tracks;
  }

  /** @param {State} state */
  #become(state) {
    const previous = this.#state;
    if (state === previous) return;
    this.#state = state;
    this.#tell('statechange', { state, previous });
    if (this.remoteStream !== this.#stream) this.#tell('stream', (this.#stream = this.remoteStream));
  }

  /** @param {string} type @param {unknown} detail */
  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
