import { type SrtpKey, type StreamCrypto } from '#core';
import { type CryptoBackend } from './crypto-backend';
import { SrtpReceiver } from './srtp-receiver';
import { SrtpSender } from './srtp-sender';

/** Both directions of one protected stream. */
export interface StreamProtection {
  readonly crypto: StreamCrypto;
  readonly sender: SrtpSender;
  readonly receiver: SrtpReceiver;
}

/**
 * Puts what signalling says of a stream's protection into force. A direction whose suite and key stay keeps its
 * counters and its replay window; another key begins anew with a rollover counter of zero (RFC 4568 §7.1.4).
 *
 * @returns null for a stream in the clear.
 * @throws MediaError `REC_ERR_MEDIA_BAD_KEY`; nothing has changed then.
 */
export function updateProtection(
  backend: CryptoBackend,
  current: StreamProtection | null,
  crypto: StreamCrypto | undefined,
): StreamProtection | null {
  if (crypto === undefined) {
    releaseProtection(current);
    return null;
  }
  const { suite, sendKey, receiveKey } = crypto;
  const old = current !== null && current.crypto.suite === suite ? current : null;
  const keepsSender = old !== null && isSameKey(old.crypto.sendKey, sendKey);
  const keepsReceiver = old !== null && isSameKey(old.crypto.receiveKey, receiveKey);
  const next = {
    crypto,
    sender: keepsSender ? old.sender : new SrtpSender(backend, suite, sendKey),
    receiver: keepsReceiver ? old.receiver : new SrtpReceiver(backend, suite, receiveKey),
  };
  if (!keepsSender) {
    current?.sender.release();
  }
  if (!keepsReceiver) {
    current?.receiver.release();
  }
  return next;
}

/** The stream has ended. */
export function releaseProtection(protection: StreamProtection | null): void {
  protection?.sender.release();
  protection?.receiver.release();
}

function isSameKey(a: SrtpKey, b: SrtpKey): boolean {
  return a.keySalt === b.keySalt && a.mki === b.mki;
}
