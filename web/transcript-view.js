/**
 * The conversation as text, words that were not heard struck out. Draws items; knows no call.
 */

import { el } from './dom.js';

/** @import { Item } from './conversation.js' */

const NAMES = { caller: 'You', agent: 'Agent' };
// How near its end a reader must be, in pixels, for the log to follow new words.
const AT_END_PX = 48;

export class TranscriptView {
  #list = el('ol');
  element = el(
    'div',
    {
      class: 'transcript',
      part: 'transcript',
      role: 'log',
      'aria-label': 'Transcript',
      tabindex: '0', // it scrolls, so the keyboard must reach it
    },
    this.#list,
  );
  /** @type {Map<string, {row: HTMLElement, words: HTMLElement, shown: Item}>} */
  #rows = new Map();
  #follows = true; // whether the reader is at the end, as of the last look

  constructor() {
    this.element.addEventListener('scroll', () => this.#look());
  }

  /** @param {readonly Item[]} items the whole transcript, in order */
  show(items) {
    this.#look();
    const ids = new Set(items.map((item) => item.id));
    for (const [id, { row }] of this.#rows) {
      if (!ids.has(id)) row.remove(), this.#rows.delete(id);
    }
    for (const item of items) this.#showItem(item);
    this.#follow();
  }

  #look() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    this.#follows = scrollHeight - scrollTop - clientHeight < AT_END_PX;
  }

  /** Scroll to the newest words, unless somebody reads further up. */
  #follow() {
    if (this.#follows) this.element.scrollTop = this.element.scrollHeight;
  }

  /** @param {Item} item */
  #showItem(item) {
    const known = this.#rows.get(item.id);
    if (known?.shown === item) return;
    const { row, words } = known ?? this.#newRow(item);
    // Announced as a whole, when it is complete, not word by word.
    row.setAttribute('aria-busy', String(!item.done));
    words.replaceChildren(...wordsOf(item));
    this.#rows.set(item.id, { row, words, shown: item });
  }

  /** @param {Item} item */
  #newRow({ id, role }) {
    const words = el('bdi'); // they run as their own language does, whatever the page's
    // Pages may note something beside an utterance: <div slot="item-ID"> (its latency, say).
    const note = el('slot', { name: `item-${id}` });
    // By then the log has grown by it: too late to look where the reader is.
    note.addEventListener('slotchange', () => this.#follow());
    const said = el('p', { part: `words ${role}` }, words);
    const row = el('li', { class: role }, el('span', { class: 'who' }, NAMES[role]), said, note);
    this.#list.append(row);
    return { row, words };
  }
}

/** @param {Item} item @returns {(Node | string)[]} */
function wordsOf({ role, text, heard, unheard, done }) {
  if (!text) {
    // Engines that hear speech without writing it down have no words of the caller.
    return [el('span', { class: 'wordless' }, role === 'caller' ? '(spoken)' : done ? '(nothing)' : '…')];
  }
  if (!unheard) return [heard];
  // With a direction of its own it does not decide that of the words.
  const aside = el('span', { class: 'unseen', dir: 'ltr' }, ' (not heard: ');
  return [heard, aside, el('s', { part: 'unheard' }, unheard), el('span', { class: 'unseen' }, ')')];
}
