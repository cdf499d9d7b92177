/**
 * What can go wrong with a call, each with a code that stays and a remedy a caller can follow.
 * Knows exceptions and responses of the browser; shows nothing.
 */

import { answers } from './pulse.js';

/**
 * @typedef {'insecure-origin' | 'unsupported-browser'
 *   | 'microphone-denied' | 'microphone-absent' | 'microphone-busy' | 'microphone-lost'
 *   | 'microphone-unavailable'
 *   | 'server-unreachable' | 'server-full' | 'server-error' | 'origin-not-allowed'
 *   | 'offer-rejected' | 'never-connected' | 'connection-lost' | 'protocol' | 'page-error'} ErrorCode
 */

/** @type {Record<ErrorCode, [message: string, remedy: string]>} */
const TEXTS = {
  'insecure-origin': [
    'The browser gives no microphone to this address.',
    'Open the page by https://, or by http://localhost on the machine that runs it.',
  ],
  'unsupported-browser': [
    'This browser cannot place calls.',
    'Use a current Chrome, Edge, Firefox or Safari.',
  ],
  'microphone-denied': [
    'The microphone is not allowed here.',
    'Allow it for this site (the icon beside the address, or your system’s privacy settings), then call again.',
  ],
  'microphone-absent': [
    'No microphone was found.',
    'Plug one in or choose another, then call again.',
  ],
  'microphone-busy': [
    'The microphone is in use by another program.',
    'Close the other program, or choose another microphone, then call again.',
  ],
  'microphone-lost': [
    'The microphone went away.',
    'Plug it in again, or choose another one. The call goes on meanwhile.',
  ],
  'microphone-unavailable': [
    'The chosen microphone cannot be had.',
    'It may be unplugged, not allowed, or in use by another program: choose another one. The call goes on meanwhile.',
  ],
  'server-unreachable': [
    'The agent cannot be reached.',
    'Check your connection and try again. Whoever runs this page: is the server up, and does the page’s policy (connect-src) name it?',
  ],
  'server-full': ['All lines are busy.', 'Try again in a moment.'],
  'server-error': ['The agent had a problem of its own.', 'Try again in a moment.'],
  'origin-not-allowed': [
    'The agent does not answer this site.',
    'Try again in a moment: it may be starting. Whoever runs the agent: is this site’s origin in server.cors_origins of config.yaml?',
  ],
  'offer-rejected': ['The agent refused the call.', 'Reload the page and call again.'],
  'never-connected': [
    'The agent answered, but no sound came through.',
    'A firewall may block it (WebRTC needs UDP). Try another network.',
  ],
  'connection-lost': [
    'The connection was lost, and calling again did not help.',
    'Check your network, then call again.',
  ],
  protocol: ['The agent could not do what was asked.', 'The call goes on.'],
  'page-error': ['This page has set up the call wrongly.', 'Whoever runs this page: see what follows.'],
};

/** An error with a stable `code` and a `remedy` to show beside the message. */
export class CallError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {{detail?: string, retryAfterS?: number, cause?: unknown}} [more]
   *   detail: the server's or the browser's own words; retryAfterS: when a full server wants to be
   *   asked again
   */
  constructor(code, { detail = '', retryAfterS, cause } = {}) {
    const [message, remedy] = TEXTS[code];
    super(message, { cause });
    this.name = 'CallError';
    this.code = code;
    this.detail = detail;
    this.retryAfterS = retryAfterS;
    this.remedy =
      retryAfterS === undefined ? remedy : `Try again in ${retryAfterS} ${retryAfterS === 1 ? 'second' : 'seconds'}.`;
  }
}

/** @param {unknown} error anything else than ours means an answer the browser cannot use */
export function asCallError(error) {
  if (error instanceof CallError) return error;
  return new CallError('server-error', { detail: String(error), cause: error });
}

/**
 * Why the offer was not answered with 201. Reads the body: {"error": {code, message, param}}.
 * @param {Response} response
 */
export async function responseError(response) {
  /** @type {unknown} */
  const body = await response.json().catch(() => null); // a proxy's error page is not JSON
  const error = /** @type {{error?: Record<string, unknown>} | null} */ (body)?.error;
  const detail = typeof error?.message === 'string' ? error.message : `HTTP ${response.status}`;
  if (error?.code === 'server_full') {
    const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
    // Without the server's words: they could only say again that it is full.
    return new CallError('server-full', { retryAfterS: seconds > 0 ? seconds : undefined });
  }
  if (response.status === 403) return new CallError('origin-not-allowed', { detail });
  if (response.status >= 500) return new CallError('server-error', { detail });
  // The page's, which nothing that a caller does can mend.
  if (String(error?.param).startsWith('session')) return new CallError('page-error', { detail });
  return new CallError('offer-rejected', { detail });
}

/**
 * Why the request did not even get a response. The browser tells a page nothing about the reason
 * (a refused origin looks like a dead server), so the server is asked twice whether it lives: if
 * it answers and we may not read that, it refuses our origin, or a proxy answers in its place.
 * @param {string} src the server's base URL
 * @param {unknown} cause
 */
export async function networkError(src, cause) {
  const [lives, readable] = await Promise.all([answers(src), answers(src, 'cors')]);
  return new CallError(lives && !readable ? 'origin-not-allowed' : 'server-unreachable', { cause });
}
