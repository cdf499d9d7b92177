/**
 * <voxline-agent>: a voice agent on any page, by one script and one element.
 *
 *     <script type="module" src="https://agent.example/sdk/voxline-agent.js"></script>
 *     <voxline-agent></voxline-agent>
 *
 * Attributes (all may change at any time):
 *   src         the server's base URL; by default where this script came from. For the next call.
 *   label       what the call button says; "Call"
 *   theme       auto (default) | light | dark
 *   layout      card (default) | stage, which fills its box without a frame
 *   transcript  on (default) | off
 *   microphone  a deviceId; by default the system's choice
 *
 * Custom properties: --voxline-accent, --voxline-on-accent, --voxline-ink, --voxline-muted,
 *   --voxline-surface, --voxline-rule, --voxline-radius, --voxline-font,
 *   --voxline-transcript-height. Parts: frame, line, status, controls, call, mute, microphones,
 *   trouble, transcript, words (also caller or agent), unheard.
 * Slots: the default one shows while nothing has been said (hints, say); `item-ID` beside an
 *   utterance.
 * Methods: call(), hangUp(), mute(on), interrupt(). Properties, for the next call, which a page may
 *   set before this script has loaded: `session`, a Realtime session object; `tools`, functions of
 *   the page that the agent may call, agent.tools = { cart: { run: () => cart.items } };
 *   `rtcConfiguration`, of the peer connection, { iceServers: [{ urls: 'turn:…', … }] }.
 * Events, bubbling and composed: voxline:state {state, previous}, voxline:transcript Item[],
 *   voxline:turn Turn, voxline:error CallError, voxline:ended {reason}. See voxline.js.
 *
 * Removing the element hangs up; moving it within the document does not. Of several on a page one
 * at a time is in a call: they would share the microphone and hear one another.
 */

import { style } from './agent-style.js';
import { el } from './dom.js';
import { LineView } from './line-view.js';
import { TranscriptView } from './transcript-view.js';
import { CallError, VoxlineCall } from './voxline.js';

/** @import { ErrorCode } from './call-error.js' */
/** @import { Item } from './conversation.js' */
/** @import { Tool } from './tools.js' */
/** @import { EndReason, State } from './voxline.js' */

/** @type {Record<State, string>} */
const STATUS = {
  idle: 'Ready',
  connecting: 'Calling…',
  listening: 'Listening',
  hearing: 'Hearing you',
  thinking: 'Thinking',
  speaking: 'Speaking',
  reconnecting: 'Connection lost. Calling again…',
  ended: 'Call ended',
  failed: 'No connection',
};

/** @type {Partial<Record<EndReason, string>>} */
const FAREWELL = {
  agent: 'The agent hung up',
  silence: 'Call ended: nobody spoke',
  too_long: 'Call ended: it reached its longest time',
  never_connected: 'Call ended: no sound came through',
  shutdown: 'Call ended: the agent is shutting down',
};

/** @type {Partial<Record<ErrorCode, string>>} why there is no call, where it is not the connection */
const FAILURE = {
  'insecure-origin': 'No microphone',
  'microphone-denied': 'No microphone',
  'microphone-absent': 'No microphone',
  'microphone-busy': 'No microphone',
  'server-full': 'All lines are busy',
  'page-error': 'No call was placed',
};

/** @type {string[]} these say that the call goes on, which is not true of one that is over */
const PASSING = ['protocol', 'microphone-lost', 'microphone-unavailable'];

// Told on by name to the page: [the call's event, ours].
const RETOLD = {
  statechange: 'voxline:state',
  transcript: 'voxline:transcript',
  turn: 'voxline:turn',
  error: 'voxline:error',
  ended: 'voxline:ended',
};

/** @type {VoxlineAgent | null} the one of this page that is in a call */
let onTheLine = null;

export class VoxlineAgent extends HTMLElement {
  static observedAttributes = ['label', 'microphone'];

  // A page may have set these already: its scripts run before a module does.
  /** Sent with the next call, for instance {instructions: "…"}. */
  session = /** @type {{session?: object}} */ (this).session;
  /** What the agent may call in it, by name. */
  tools = /** @type {{tools?: Record<string, Tool> | null}} */ (this).tools;
  /** Of the peer connection, for instance {iceServers: […]}. */
  rtcConfiguration = /** @type {{rtcConfiguration?: RTCConfiguration}} */ (this).rtcConfiguration;

  #call = new VoxlineCall();
  #line = new LineView();
  #transcript = new TranscriptView();
  #status = el('p', { class: 'status', part: 'status', dir: 'auto' });
  // Read out: that there is a call, and that it is over. Who has the word can be heard.
  #announcement = el('p', { class: 'unseen', role: 'status' });
  #trouble = el('div', { class: 'trouble', part: 'trouble', role: 'alert', dir: 'auto' });
  #callButton = el('button', { class: 'call', part: 'call', type: 'button' });
  #muteButton = el('button', { class: 'mute', part: 'mute', type: 'button' }, 'Mute');
  #microphones = el('select', { part: 'microphones', 'aria-label': 'Microphone' });
  #audio = el('audio', { autoplay: '' });
  #frame = el(
    'section',
    { class: 'frame', part: 'frame' },
    this.#line.element,
    this.#status,
    this.#announcement,
    this.#trouble,
    this.#transcript.element,
    el('slot'),
    el(
      'div',
      { class: 'controls', part: 'controls', role: 'group', 'aria-label': 'Call controls' },
      this.#muteButton,
      this.#callButton,
      this.#microphones,
    ),
    this.#audio,
  );
  // Ends listening to what lives longer than the element's stay in the document.
  #stay = new AbortController();

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open', delegatesFocus: true });
    root.adoptedStyleSheets = [style];
    root.append(this.#frame);
    this.#callButton.addEventListener('click', () => {
      if (this.#call.active) this.hangUp();
      else this.call();
    });
    this.#muteButton.addEventListener('click', () => this.mute(!this.#call.muted));
    this.#microphones.addEventListener('change', () => {
      this.setAttribute('microphone', this.#microphones.value);
    });
    this.#clear();
    this.#show('idle');
  }

  connectedCallback() {
    if (!this.#stay.signal.aborted) this.#stay.abort(); // moved
    this.#stay = new AbortController();
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#list(), {
      signal: this.#stay.signal,
    });
  }

  disconnectedCallback() {
    // A move within the document is a removal and an insertion in one go.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.hangUp();
      this.#stay.abort();
    });
  }

  /** @param {string} name @param {string | null} _before @param {string | null} value */
  attributeChangedCallback(name, _before, value) {
    if (name === 'label') this.#name();
    if (name === 'microphone') this.#call.setMicrophone(value ?? '');
  }

  get state() {
    return this.#call.state;
  }

  get transcript() {
    return this.#call.transcript;
  }

  get turns() {
    return this.#call.turns;
  }

  /**
   * Place a call; does nothing during one. Best from a click: browsers want one to play sound.
   * @returns {Promise<boolean>} whether it is connected
   */
  async call() {
    if (this.#call.active) return true;
    const call = this.#prepare();
    if (!call) return false;
    const other = onTheLine;
    onTheLine = this;
    if (other) other.#makeWay();
    if (onTheLine !== this) return false; // the page had the other one call again at once
    call.mute(this.#call.muted);
    this.#call = call;
    this.#clear();
    this.#listen(this.#call);
    return this.#call.call();
  }

  /** @returns {VoxlineCall | null} null, and the page and its visitor told, where it cannot be */
  #prepare() {
    try {
      return new VoxlineCall({
        src: this.getAttribute('src') ?? '',
        microphone: this.getAttribute('microphone') ?? '',
        session: this.session,
        tools: this.tools ?? {},
        rtcConfiguration: this.rtcConfiguration,
      });
    } catch (cause) {
      const error = new CallError('page-error', { detail: String(cause), cause });
      this.#explain(error);
      this.#retell('voxline:error', error);
      return null;
    }
  }

  hangUp() {
    this.#call.hangUp();
  }

  #makeWay() {
    this.hangUp();
    if (!this.#call.active) this.#say('Call ended: another one began on this page');
  }

  /** @param {boolean} [on] */
  mute(on = true) {
    this.#call.mute(on);
    this.#muteButton.setAttribute('aria-pressed', String(on));
    if (this.state === 'listening') this.#show('listening');
  }

  interrupt() {
    this.#call.interrupt();
  }

  /** @param {VoxlineCall} call */
  #listen(call) {
    /** @param {string} type @param {(detail: any) => void} take */
    const on = (type, take) =>
      call.addEventListener(type, (event) => take(/** @type {CustomEvent} */ (event).detail));
    on('statechange', ({ state }) => this.#show(state));
    on('levels', (levels) => this.#line.show(levels));
    on('transcript', (items) => this.#write(items));
    on('error', (error) => this.#explain(error));
    on('microphone', () => this.#hearWell());
    on('ended', ({ reason }) => this.#bye(reason));
    for (const [type, name] of Object.entries(RETOLD)) {
      on(type, (detail) => this.#retell(name, detail));
    }
  }

  /** @param {string} name @param {unknown} detail */
  #retell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  /** @param {State} state */
  #show(state) {
    const { active, remoteStream } = this.#call;
    this.#frame.dataset.state = state;
    this.#name();
    const held = this.shadowRoot?.activeElement;
    this.#muteButton.hidden = this.#microphones.hidden = !active || state === 'connecting';
    // Who held one of them stays by the keyboard where they were: the focus would go to the page.
    if (held instanceof HTMLElement && held.hidden) this.#callButton.focus();
    const placed = active && state !== 'connecting' && state !== 'reconnecting';
    const deaf = state === 'listening' && this.#call.muted;
    this.#say(deaf ? 'You are muted' : STATUS[state], placed ? 'Connected' : STATUS[state]);
    if (!active) this.#line.rest();
    if (this.#audio.srcObject !== remoteStream) {
      this.#audio.srcObject = remoteStream;
      if (active) this.#list();
    }
  }

  #name() {
    const label = this.getAttribute('label');
    // Of several on a page each has a name of its own.
    this.#frame.setAttribute('aria-label', label ? `Voice call: ${label}` : 'Voice call');
    this.#callButton.textContent = this.#call.active
      ? this.state === 'connecting'
        ? 'Cancel'
        : 'Hang up'
      : label || 'Call';
  }

  /**
   * @param {string} words to be seen
   * @param {string} [aloud] read out unless they were the last ones
   */
  #say(words, aloud = words) {
    this.#status.textContent = words;
    // The same words are in the accessibility tree once.
    this.#status.setAttribute('aria-hidden', String(words === aloud));
    if (this.#announcement.textContent !== aloud) this.#announcement.textContent = aloud;
  }

  /** @param {CallError} error */
  #explain({ code, message, remedy, detail }) {
    if (this.state === 'failed') this.#say(FAILURE[code] ?? STATUS.failed);
    this.#trouble.hidden = false;
    this.#trouble.dataset.code = code;
    this.#trouble.replaceChildren(remedy);
    const said = message === `${this.#status.textContent}.`;
    if (!said) this.#trouble.prepend(el('strong', {}, message));
    if (detail) this.#trouble.append(el('p', { class: 'detail' }, detail));
    if (code.startsWith('microphone')) this.#list();
  }

  #hearWell() {
    if (this.#trouble.dataset.code?.startsWith('microphone')) this.#untrouble();
    this.#list();
  }

  /** @param {EndReason} reason */
  #bye(reason) {
    if (onTheLine === this) onTheLine = null;
    if (this.state === 'ended') this.#say(FAREWELL[reason] ?? STATUS.ended);
    if (PASSING.includes(this.#trouble.dataset.code ?? '')) this.#untrouble();
  }

  /** @param {readonly Item[]} items */
  #write(items) {
    this.#transcript.show(items);
    this.#frame.classList.toggle('unsaid', items.length === 0);
  }

  #untrouble() {
    this.#trouble.hidden = true;
    this.#trouble.replaceChildren();
  }

  #clear() {
    this.#untrouble();
    this.#write([]);
    this.#muteButton.setAttribute('aria-pressed', String(this.#call.muted));
  }

  /** Offer the microphones there are, and show which one is spoken into: none, while there is none. */
  async #list() {
    const devices = await VoxlineCall.microphones();
    this.#microphones.replaceChildren(
      ...devices.map(({ deviceId, label }) => el('option', { value: deviceId }, label || 'Microphone')),
    );
    this.#microphones.value = this.#call.microphone;
  }
}

// The script may be on a page twice, from two servers.
if (!customElements.get('voxline-agent')) customElements.define('voxline-agent', VoxlineAgent);
