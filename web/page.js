/**
 * The page around the element: it shows what each turn took, and the call in the tab's title.
 */

import { el } from './dom.js';
import './voxline-agent.js';

/** @import { Stage, Turn } from './conversation.js' */

// The lanes' full width. One scale for all turns, so that they can be compared at a glance.
const SCALE_MS = 1000;

/** @type {Record<string, [label: string, lane: 'waiting' | 'working']>} */
const STAGES = {
  vad: ['noticing the silence', 'waiting'],
  wait: ['judging it the end', 'waiting'],
  brain: ['finding the words', 'working'],
  voice: ['finding the voice', 'working'],
  playout: ['sending', 'waiting'],
};

const NO_CALL = ['idle', 'ended', 'failed'];

const agent = /** @type {HTMLElement} */ (document.querySelector('voxline-agent'));
const invitation = /** @type {HTMLElement} */ (agent.querySelector('h2'));
/** @type {Map<string, HTMLDetailsElement>} response id → what is shown of it */
const shown = new Map();

agent.addEventListener('voxline:turn', (event) => {
  const turn = /** @type {CustomEvent<Turn>} */ (event).detail;
  const slot = `item-${turn.itemId}`;
  const details = shown.get(turn.responseId) ?? el('details', { class: 'turn', slot });
  details.replaceChildren(...described(turn));
  if (shown.has(turn.responseId)) return;
  // Not for the ear: the log around it is read out as it grows.
  details.setAttribute('aria-live', 'off');
  details.addEventListener('toggle', () => details.scrollIntoView({ block: 'nearest' }));
  shown.set(turn.responseId, details);
  agent.append(details);
});

agent.addEventListener('voxline:state', (event) => {
  const { state } = /** @type {CustomEvent<{state: string}>} */ (event).detail;
  const called = !NO_CALL.includes(state);
  document.title = called ? 'On the line · Voxline' : 'Voxline';
  invitation.textContent = called ? 'Just talk.' : 'Press Call, then just talk.';
  if (state !== 'connecting') return;
  for (const details of shown.values()) details.remove();
  shown.clear();
});

/** @param {Turn} turn @returns {Node[]} */
function described({ latencyMs, heardMs, stages }) {
  const lanes = el('span', { class: 'lanes', 'aria-hidden': 'true' });
  const scaleMs = Math.max(SCALE_MS, latencyMs);
  for (const stage of stages) {
    const bar = el('i', { class: STAGES[stage.name]?.[1] ?? 'working' });
    bar.style.insetInlineStart = `${(100 * Math.max(0, stage.beginMs)) / scaleMs}%`;
    bar.style.width = `${(100 * lengthMs(stage)) / scaleMs}%`;
    lanes.append(bar);
  }
  const list = el('dl');
  for (const stage of stages) list.append(...row(STAGES[stage.name]?.[0] ?? stage.name, lengthMs(stage)));
  list.append(...row('answered, at the server', latencyMs));
  if (heardMs !== null) list.append(...row('heard, in this browser', heardMs));
  return [el('summary', {}, `answered in ${inMs(latencyMs)}`, lanes), list];
}

/** @param {Stage} stage */
function lengthMs({ beginMs, endMs }) {
  return Math.max(0, endMs - beginMs);
}

/** @param {string} name @param {number} ms */
function row(name, ms) {
  return [el('dt', {}, name), el('dd', {}, inMs(ms))];
}

/** @param {number} ms */
function inMs(ms) {
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}
