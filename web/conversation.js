/**
 * What the agent's events mean: who speaks, what was said, what of it was heard, what it took.
 * Events in, values out; no network, no browser, no clock. The wire format is PROTOCOL.md's:
 * OpenAI Realtime server events and our own with the prefix `voxline.`.
 */

/** @typedef {'listening' | 'hearing' | 'thinking' | 'speaking'} Phase */

/**
 * One utterance. `heard` + `unheard` make `text`; `unheard` is empty unless the caller cut in.
 * @typedef {Readonly<{id: string, role: 'caller' | 'agent', text: string, heard: string,
 *   unheard: string, done: boolean}>} Item
 */

/**
 * Where the milliseconds of one reply went; 0 is the caller's last speech sample.
 * Stages may overlap: work done during a wait is drawn under the wait. `latencyMs` is the server's
 * measure, up to the first packet it sent; `heardMs` the browser's own, up to the first sound,
 * null until there is one.
 * @typedef {Readonly<{responseId: string, itemId: string, latencyMs: number,
 *   heardMs: number | null, stages: readonly Stage[]}>} Turn
 * @typedef {Readonly<{name: string, beginMs: number, endMs: number}>} Stage
 */

/** @typedef {{type: string, [field: string]: any}} ServerEvent */

/** @typedef {'phase' | 'transcript' | 'turn' | 'error'} Change */

export class Conversation {
  /** The turn machine's state, in the server's words. */
  #server = 'listening';
  #audible = false;
  // It was heard, and is over or cut off: who has the word now is about to be told.
  #spoke = false;
  /** @type {Map<string, Item>} in the order of the conversation */
  #items = new Map();
  /** @type {Turn[]} */
  #turns = [];
  /** @type {Map<string, string>} response id → item id */
  #spoken = new Map();

  /** @returns {Phase} */
  get phase() {
    if (this.#server === 'replying' || this.#server === 'overlap') {
      if (this.#audible) return 'speaking';
      if (!this.#spoke) return 'thinking';
      return this.#server === 'overlap' ? 'hearing' : 'listening';
    }
    // A pause may be a breath: the caller still has the word until the server takes it.
    return this.#server === 'hearing' || this.#server === 'paused' ? 'hearing' : 'listening';
  }

  /** @returns {readonly Item[]} */
  get transcript() {
    return [...this.#items.values()];
  }

  /** @returns {readonly Turn[]} */
  get turns() {
    return [...this.#turns];
  }

  /**
   * Take in one server event. An unknown one, or one about something unknown, changes nothing.
   * @param {ServerEvent} event
   * @returns {Change | null} what is different now
   */
  take(event) {
    switch (event.type) {
      case 'voxline.state':
        return this.#phase(() => this.#enter(text(event.state)));
      case 'response.created':
        return this.#phase(() => (this.#spoke = false));
      case 'output_audio_buffer.started':
        return this.#phase(() => (this.#audible = this.#spoke = true));
      case 'output_audio_buffer.stopped':
      case 'output_audio_buffer.cleared':
        return this.#phase(() => (this.#audible = false));
      case 'response.output_item.added':
        if (event.item?.type === 'function_call') return null;
        this.#spoken.set(text(event.response_id), text(event.item?.id));
        return null;
      case 'conversation.item.added':
        return this.#add(event.item);
      case 'conversation.item.deleted':
        return this.#items.delete(text(event.item_id)) ? 'transcript' : null;
      case 'conversation.item.input_audio_transcription.completed':
        return this.#say(event.item_id, 'caller', { text: text(event.transcript), done: true });
      case 'response.output_audio_transcript.delta': {
        const before = this.#items.get(text(event.item_id))?.text ?? '';
        return this.#say(event.item_id, 'agent', { text: before + text(event.delta) });
      }
      case 'response.output_audio_transcript.done':
        return this.#say(event.item_id, 'agent', { text: text(event.transcript) });
      case 'voxline.response.heard': {
        const [heard, unheard] = [text(event.heard), text(event.unheard)];
        return this.#say(event.item_id, 'agent', { text: heard + unheard, unheard });
      }
      case 'response.done':
        return this.#finish(event.response?.output);
      case 'voxline.turn.latency':
        return this.#measure(event);
      case 'error':
        return 'error';
      default:
        return null;
    }
  }

  /**
   * The agent was heard `heardMs` after the caller's last sound; this belongs to the last turn.
   * @param {number} heardMs
   * @returns {Change | null}
   */
  hear(heardMs) {
    const last = this.#turns.at(-1);
    if (!last || last.heardMs !== null) return null;
    this.#turns[this.#turns.length - 1] = { ...last, heardMs };
    return 'turn';
  }

  /** The connection is gone: whatever was being said stays as it is. */
  close() {
    for (const item of this.#items.values()) {
      if (!item.done) this.#items.set(item.id, { ...item, done: true });
    }
    this.#enter('listening');
    this.#audible = false;
  }

  /** @param {string} state the server's */
  #enter(state) {
    this.#server = state;
    if (state !== 'replying' && state !== 'overlap') this.#spoke = false;
  }

  /** @param {() => void} step @returns {Change | null} */
  #phase(step) {
    const before = this.phase;
    step();
    return this.phase === before ? null : 'phase';
  }

  /** @param {any} item an item of the wire @returns {Change | null} */
  #add(item) {
    const role = item?.role === 'user' ? 'caller' : item?.role === 'assistant' ? 'agent' : null;
    if (role === null || this.#items.has(text(item.id))) return null;
    const content = item.content?.[0];
    if (content?.type === 'input_text') return this.#say(item.id, role, { text: text(content.text), done: true });
    return this.#say(item.id, role, { text: text(content?.transcript) });
  }

  /**
   * @param {unknown} id
   * @param {Item['role']} role
   * @param {{text: string, unheard?: string, done?: boolean}} said
   * @returns {Change | null}
   */
  #say(id, role, { text: whole, unheard = '', done }) {
    if (typeof id !== 'string' || id === '') return null;
    const before = this.#items.get(id);
    // Text that comes after the cut was known cannot have been heard either.
    if (before?.unheard && !unheard) return null;
    const heard = whole.slice(0, whole.length - unheard.length);
    this.#items.set(id, { id, role, text: whole, heard, unheard, done: done ?? before?.done ?? false });
    return 'transcript';
  }

  /**
   * So is what the caller said before it: not every engine writes that down, and who does may be late.
   * @param {unknown} output the items of a response that is over
   * @returns {Change | null}
   */
  #finish(output) {
    /** @type {Change | null} */
    let change = null;
    const over = (Array.isArray(output) ? output : []).map((said) => text(said?.id));
    for (const item of this.#items.values()) {
      if (item.done || !(item.role === 'caller' || over.includes(item.id))) continue;
      this.#items.set(item.id, { ...item, done: true });
      change = 'transcript';
    }
    return change;
  }

  /** @param {ServerEvent} event @returns {Change | null} */
  #measure(event) {
    if (typeof event.latency_ms !== 'number' || !Array.isArray(event.stages)) return null;
    const responseId = text(event.response_id);
    this.#turns.push({
      responseId,
      itemId: this.#spoken.get(responseId) ?? '',
      latencyMs: event.latency_ms,
      heardMs: null,
      stages: event.stages.map((stage) => ({
        name: text(stage?.name),
        beginMs: Number(stage?.begin_ms),
        endMs: Number(stage?.end_ms),
      })),
    });
    return 'turn';
  }
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : '';
}
