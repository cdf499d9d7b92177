/**
 * The caller's microphone: which there are, how to get one or the reason why not, and what is sent
 * when it goes away in mid-call.
 */

import { CallError } from './call-error.js';

/** @returns {Promise<MediaDeviceInfo[]>} named only once a microphone has been allowed */
export async function listMicrophones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter((device) => device.kind === 'audioinput' && device.deviceId);
}

export class Microphone {
  /** What is sent; null before open() and after close(). @type {MediaStream | null} */
  stream = null;
  #device;
  #muted = false;
  #listener;
  #use = new AbortController(); // from open() to close()
  #held = new AbortController(); // until another stream takes the place of this one
  /** What makes silence, while there is no microphone. @type {AudioContext | null} */
  #silence = null;

  /**
   * @param {string} device a deviceId; '' for the system's choice
   * @param {{onStream: (stream: MediaStream) => void, onError: (error: CallError) => void}} listener
   *   onStream: `stream` is another one now; not for the one that open() waited for
   */
  constructor(device, listener) {
    this.#device = device;
    this.#listener = listener;
  }

  get muted() {
    return this.#muted;
  }

  /** Whether there is none, and what is sent is silence. */
  get gone() {
    return this.#silence !== null;
  }

  /** The deviceId of the one that is open, which may not be the one chosen; '' for none. */
  get used() {
    return (!this.gone && this.stream?.getAudioTracks()[0]?.getSettings().deviceId) || '';
  }

  /**
   * Ask for the chosen microphone, or for the system's choice where that one is not there any more.
   * @returns {Promise<boolean>} false: closed meanwhile
   * @throws {CallError}
   */
  async open() {
    this.close();
    const { signal } = (this.#use = new AbortController());
    let device;
    do {
      device = this.#device;
      const stream = await openOrAny(device);
      if (signal.aborted) stop(stream);
      else this.#hold(stream);
    } while (device !== this.#device && !signal.aborted); // chosen meanwhile
    return !signal.aborted;
  }

  /** Let go of it. Safe at any time; it may be opened again. */
  close() {
    this.#use.abort();
    this.#hold(null);
  }

  /** @param {boolean} on holds for those opened later, too */
  mute(on) {
    this.#muted = on;
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !on;
  }

  /**
   * Take another one, at once if it is open. Where that cannot be had the one before stays.
   * @param {string} device
   */
  async choose(device) {
    this.#device = device;
    if (!this.stream) return;
    const { signal } = this.#use;
    try {
      const stream = await openMicrophone(device);
      // Of two that were chosen in a row the first one may come last.
      if (signal.aborted || device !== this.#device) stop(stream);
      else this.#replace(stream);
    } catch (cause) {
      if (signal.aborted || device !== this.#device) return;
      this.#listener.onError(new CallError('microphone-unavailable', { cause }));
    }
  }

  /** @param {MediaStream} stream */
  #replace(stream) {
    this.#hold(stream);
    this.#listener.onStream(stream);
  }

  /** @param {MediaStream | null} stream */
  #hold(stream) {
    this.#held.abort();
    this.#silence?.close();
    this.#silence = null;
    const { signal } = (this.#held = new AbortController());
    if (this.stream) stop(this.stream);
    this.stream = stream;
    this.mute(this.#muted);
    for (const track of stream?.getAudioTracks() ?? []) {
      // not by our own stop(), which fires nothing
      track.addEventListener('ended', () => this.#lost(), { signal });
    }
  }

  async #lost() {
    const { signal } = this.#held;
    if ((await this.#again()) || signal.aborted) return;
    this.#fallSilent();
    this.#listener.onError(new CallError('microphone-lost'));
  }

  /** Look for one in place of what is held. @returns {Promise<boolean>} whether there is one */
  async #again() {
    const { signal } = this.#held;
    const stream = await openOrAny(this.#device).catch(() => null);
    if (stream === null) return false;
    if (signal.aborted) stop(stream);
    else this.#replace(stream);
    return true;
  }

  /**
   * Send silence until there is a microphone again: for a track that has ended Chromium sends
   * nothing, and who sends nothing is lost to the server.
   */
  #fallSilent() {
    const silence = new AudioContext();
    const out = silence.createMediaStreamDestination();
    const nothing = new ConstantSourceNode(silence, { offset: 0 });
    nothing.connect(out); // without a source nothing would be sent here either
    nothing.start();
    this.#hold(out.stream);
    this.#silence = silence;
    const { signal } = this.#held;
    navigator.mediaDevices.addEventListener('devicechange', () => this.#again(), { signal });
    this.#listener.onStream(/** @type {MediaStream} */ (this.stream));
  }
}

/** @param {string} deviceId @returns {Promise<MediaStream>} the system's choice if that is gone */
async function openOrAny(deviceId) {
  return openMicrophone(deviceId).catch((error) => {
    if (!deviceId || error.code !== 'microphone-absent') throw error;
    return openMicrophone('');
  });
}

/**
 * @param {string} deviceId '' for the system's choice
 * @returns {Promise<MediaStream>} mono, with the browser's echo and noise treatment: the server
 *   hears what the loudspeaker plays otherwise, and takes it for the caller
 * @throws {CallError}
 */
async function openMicrophone(deviceId) {
  if (globalThis.isSecureContext === false) throw new CallError('insecure-origin');
  if (!navigator.mediaDevices || !globalThis.RTCPeerConnection) {
    throw new CallError('unsupported-browser');
  }
  const audio = {
    echoCancellation: true,
    noiseSuppression: true,
    autoGainControl: true,
    channelCount: 1,
    ...(deviceId ? { deviceId: { exact: deviceId } } : {}),
  };
  return navigator.mediaDevices.getUserMedia({ audio }).catch((cause) => {
    throw new CallError(codeOf(cause), { cause });
  });
}

/** @param {MediaStream} stream */
function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * https://www.w3.org/TR/mediacapture-streams/#dom-mediadevices-getusermedia
 * @param {unknown} cause
 */
function codeOf(cause) {
  // Not all of them are an Error everywhere: OverconstrainedError was none for long.
  switch (/** @type {{name?: unknown} | null} */ (cause)?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'microphone-denied';
    case 'NotReadableError':
    case 'AbortError':
      return 'microphone-busy';
    case 'NotFoundError':
    case 'OverconstrainedError': // the chosen device is not there any more
      return 'microphone-absent';
    default:
      return 'unsupported-browser';
  }
}
