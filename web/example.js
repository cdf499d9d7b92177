/**
 * Of the example page: a button below each snippet that copies it.
 */

import { el } from './dom.js';

for (const snippet of document.querySelectorAll('pre')) {
  const name = `Copy: ${snippet.getAttribute('aria-label')}`;
  const button = el('button', { type: 'button', 'aria-label': name }, 'Copy');
  const outcome = el('span', { role: 'status' });
  button.addEventListener('click', async () => {
    outcome.textContent = (await copied(snippet)) ? 'Copied' : 'Selected. Press Ctrl+C (⌘C) to copy.';
  });
  snippet.after(el('div', { class: 'copy' }, outcome, button));
}

/**
 * @param {HTMLElement} snippet
 * @returns {Promise<boolean>} false when it could only be selected: pages without https have no
 *   clipboard, and a browser may refuse it
 */
async function copied(snippet) {
  try {
    await navigator.clipboard.writeText(snippet.textContent);
    return true;
  } catch {
    getSelection()?.selectAllChildren(snippet);
    return false;
  }
}
