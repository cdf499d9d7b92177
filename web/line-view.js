/**
 * The line: the caller's voice rises above it, the agent's hangs below it, and both travel
 * outward from the middle. Draws levels; knows no call.
 */

import { el, svg } from './dom.js';

const BARS = 33; // on each side of the middle one
const STEP = 6; // from bar to bar, in the picture's own units
const HALF_HEIGHT = 44;
// A bar of silence is a dot: the stroke's round caps.
const DOT = 0.01;

// agent-style.js knows the proportions, too.
const WIDTH = (2 * BARS + 1) * STEP;
const VIEW_BOX = `${-WIDTH / 2} ${-HALF_HEIGHT - 3} ${WIDTH} ${2 * HALF_HEIGHT + 6}`;

export class LineView {
  #caller = svg('path', { class: 'voice-caller' });
  #agent = svg('path', { class: 'voice-agent' });
  element = el(
    'div',
    { class: 'line', part: 'line', 'aria-hidden': 'true' },
    el('span', { class: 'name-caller' }, 'You'),
    el('span', { class: 'name-agent' }, 'Agent'),
    svg('svg', { viewBox: VIEW_BOX }, this.#agent, this.#caller),
  );
  /** @type {{caller: number, agent: number}[]} newest first */
  #past = [];
  #still = matchMedia('(prefers-reduced-motion: reduce)');

  constructor() {
    this.rest();
  }

  /** @param {{caller: number, agent: number}} levels each 0..1 */
  show(levels) {
    // Without motion nothing travels: all bars breathe with the present levels.
    this.#past = this.#still.matches
      ? Array(BARS + 1).fill(levels)
      : [levels, ...this.#past.slice(0, BARS)];
    this.#draw();
  }

  /** Nobody is on the line. */
  rest() {
    this.#past = [];
    this.#draw();
  }

  #draw() {
    this.#caller.setAttribute('d', this.#bars('caller', -1));
    this.#agent.setAttribute('d', this.#bars('agent', 1));
  }

  /** @param {'caller' | 'agent'} who @param {1 | -1} downwards */
  #bars(who, downwards) {
    let path = '';
    for (let bar = -BARS; bar <= BARS; bar++) {
      const far = Math.abs(bar) / (BARS + 1);
      const level = (this.#past[Math.abs(bar)]?.[who] ?? 0) * (1 - far * far);
      // Squared, or a soft voice would look as large as a loud one: levels are decibels.
      const height = Math.max(DOT, level * level * HALF_HEIGHT);
      path += `M${bar * STEP} 0v${(downwards * height).toFixed(2)}`;
    }
    return path;
  }
}
