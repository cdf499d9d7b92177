/**
 * The caller's microphone: which there are, and how to get one or the reason why not.
 */

import { CallError } from './call-error.js';

/** @returns {Promise<MediaDeviceInfo[]>} named only once a microphone has been allowed */
export async function listMicrophones() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter((device) => device.kind === 'audioinput' && device.deviceId);
}

/**
 * @param {string} deviceId '' for the system's choice
 * @returns {Promise<MediaStream>} mono, with the browser's echo and noise treatment: the server
 *   hears what the loudspeaker plays otherwise, and takes it for the caller
 * @throws {CallError}
 */
export async function openMicrophone(deviceId) {
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
export function stop(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * https://www.w3.org/TR/mediacapture-streams/#dom-mediadevices-getusermedia
 * @param {unknown} cause
 */
function codeOf(cause) {
  switch (cause instanceof Error ? cause.name : '') {
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
