/**
 * The look of <voxline-agent>, as a constructed stylesheet: those pass a policy that forbids
 * inline styles. What may be set from outside is listed in voxline-agent.js. Without :has():
 * Firefox does not apply it in a rule that begins with :host().
 */

export const style = new CSSStyleSheet();

style.replaceSync(`
:host {
  color-scheme: light dark;
  --ink: var(--voxline-ink, light-dark(#1d1c1a, #efede8));
  --muted: var(--voxline-muted, light-dark(#6b665f, #a19b92));
  --surface: var(--voxline-surface, light-dark(#ffffff, #1b1a18));
  --rule: var(--voxline-rule, light-dark(#e3dfd8, #35322e));
  --accent: var(--voxline-accent, light-dark(#0b6b5d, #5cc8b2));
  --on-accent: var(--voxline-on-accent, light-dark(#ffffff, #0c1f1b));
  --radius: var(--voxline-radius, 1rem);
  display: block;
  box-sizing: border-box;
  color: var(--ink);
  font: var(--voxline-font, 400 1rem/1.5 system-ui, sans-serif);
}
:host([hidden]) { display: none; }
:host([theme='light']) { color-scheme: light; }
:host([theme='dark']) { color-scheme: dark; }
:host([transcript='off']) .transcript { display: none; }

* { box-sizing: border-box; margin: 0; }
[hidden] { display: none !important; }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}

.frame {
  display: flex; flex-direction: column; gap: 0.75rem;
  height: 100%; padding: 1.25rem;
  background: var(--surface);
  border: 1px solid var(--rule); border-radius: var(--radius);
}

/* As wide as the picture in it (402 by 94), so that the names stand at the line's beginning. */
.line {
  --full: 4rem;
  position: relative; width: min(100%, var(--full) * 402 / 94); height: var(--full);
  margin-inline: auto;
}
.line svg { position: absolute; top: 50%; translate: 0 -50%; width: 100%; height: 4rem; }
.line span { position: absolute; inset-inline-start: 0; font-size: 0.75rem; line-height: 1.3; }
.line .name-caller { bottom: calc(50% + 0.5rem); }
.line .name-agent { top: calc(50% + 0.5rem); color: var(--accent); }
[data-state='idle'] .line span, [data-state='ended'] .line span, [data-state='failed'] .line span {
  visibility: hidden;
}
.line path { fill: none; stroke-width: 2.5; stroke-linecap: round; }
.line .voice-caller { stroke: var(--ink); }
.line .voice-agent { stroke: var(--accent); }
[data-state='idle'] .line, [data-state='ended'] .line, [data-state='failed'] .line { height: 2rem; }
[data-state='idle'] .line path, [data-state='ended'] .line path, [data-state='failed'] .line path {
  stroke: var(--rule);
}
[data-state='connecting'] .line, [data-state='reconnecting'] .line {
  animation: waiting 1.6s ease-in-out infinite;
}
@keyframes waiting { 50% { opacity: 0.35; } }

.status { text-align: center; color: var(--muted); min-height: 1.5em; }
.status::before {
  content: ''; display: inline-block; width: 0.5em; height: 0.5em; margin-inline-end: 0.5em;
  border-radius: 50%; background: var(--rule); vertical-align: 0.08em;
}
[data-state='listening'] .status::before, [data-state='hearing'] .status::before {
  background: var(--ink);
}
[data-state='thinking'] .status::before {
  background: var(--accent); animation: waiting 1s ease-in-out infinite;
}
[data-state='speaking'] .status::before { background: var(--accent); }

.controls { display: flex; flex-wrap: wrap; justify-content: center; gap: 0.5rem; }
button, select {
  min-height: 2.75rem; padding: 0 1.125rem;
  font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--rule); border-radius: 2.75rem;
}
button { cursor: pointer; }
button:hover, select:hover { border-color: var(--muted); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
select { flex: 1 1 7rem; min-width: 0; max-width: 12rem; text-overflow: ellipsis; background: var(--surface); }
.call {
  min-width: 8.5rem; font-weight: 600;
  color: var(--on-accent); background: var(--accent); border-color: transparent;
}
.call:hover { border-color: transparent; filter: brightness(1.08); }
.frame:not([data-state='idle'], [data-state='ended'], [data-state='failed']) .call {
  color: var(--surface); background: var(--ink);
}
.mute[aria-pressed='true'] { color: var(--accent); border-color: currentColor; font-weight: 600; }

.trouble {
  padding: 0.75rem 1rem; border: 1px solid var(--rule);
  border-inline-start: 3px solid var(--accent); border-radius: 0.5rem;
}
.trouble strong { display: block; font-weight: 600; }
.trouble .detail { color: var(--muted); font-size: 0.875em; }

.transcript {
  flex: 1 1 auto; min-height: 0; overflow-y: auto; overscroll-behavior: contain;
  max-height: var(--voxline-transcript-height, 16rem);
  mask-image: linear-gradient(transparent, #000 1rem);
  scrollbar-width: thin; scrollbar-color: var(--rule) transparent; border-radius: 0.25rem;
}
.unsaid .transcript { display: none; }
.frame:not(.unsaid) > slot { display: none; }
ol { display: grid; gap: 0.875rem; padding: 1rem 0 0.25rem; list-style: none; }
.who { display: block; color: var(--muted); font-size: 0.8125em; }
li.agent .who { color: var(--accent); }
li p { overflow-wrap: anywhere; }
.caller p::first-letter { text-transform: uppercase; } /* recognisers write no capitals */
.wordless { color: var(--muted); font-style: italic; }
s { color: var(--muted); text-decoration-thickness: 1px; }

/* One screen of its own, instead of a card within a page. */
:host([layout='stage']) .frame {
  gap: 1.25rem; padding: 0; background: none; border: 0; border-radius: 0;
}
:host([layout='stage']) .line { --full: clamp(3rem, 15vh, 8rem); flex: none; height: var(--full); }
:host([layout='stage']) .line svg { height: 100%; }
:host([layout='stage']) .status { font-size: 1.125em; }
:host([layout='stage']) [data-state='idle'] .status { display: none; }
:host([layout='stage']) .transcript { max-height: none; flex-basis: 0; }
:host([layout='stage']) :is(ol, .trouble) { width: 100%; max-width: 38rem; margin-inline: auto; }
:host([layout='stage']) .controls { margin-top: auto; }
/* Until something is said, all of it stands in the middle; on a phone the buttons stay in reach. */
@media (min-width: 40rem) {
  :host([layout='stage']) .frame.unsaid { justify-content: center; padding-bottom: 8vh; }
  :host([layout='stage']) .frame.unsaid .controls { margin-top: 1rem; }
}

@media (prefers-reduced-motion: reduce) {
  .line, .status::before { animation: none !important; }
}
@media (forced-colors: active) {
  .line path { stroke: CanvasText; }
  .line .voice-agent { stroke: Highlight; }
  .status::before { background: CanvasText; forced-color-adjust: none; }
}
`);
