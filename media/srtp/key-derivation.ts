import { type SrtpKey, type SrtpSuite } from '#core';
import { createCipheriv } from 'node:crypto';
import { MediaError } from '../errors';
import { MAX_MKI_BYTES, SUITES } from './suites';

/** Labels of the key derivation function (RFC 3711 §4.3.1 and §4.3.2). */
const LABELS = {
  rtp: { cipher: 0, auth: 1, salt: 2 },
  rtcp: { cipher: 3, auth: 4, salt: 5 },
} as const;
const AUTH_KEY_BYTES = 20;
/** Where the label meets the salt: the 56 bits of label and index are aligned to the right of 112. */
const LABEL_AT = 7;

/** What the packets of one kind are protected with. */
export interface SessionKeys {
  readonly cipher: Buffer;
  /** Empty for the AEAD suites. */
  readonly auth: Buffer;
  /** 14 bytes, 12 for the AEAD suites. */
  readonly salt: Buffer;
}

/**
 * A master key's bytes.
 *
 * @throws MediaError `REC_ERR_MEDIA_BAD_KEY` when key and salt are not as long as the suite says, or the MKI is too long.
 */
export function checkKey(suite: SrtpSuite, key: SrtpKey): { keySalt: Buffer; mki: Buffer } {
  const { keyBytes, saltBytes } = SUITES[suite];
  const keySalt = Buffer.from(key.keySalt, 'base64');
  const mki = Buffer.from(key.mki, 'hex');
  if (keySalt.length !== keyBytes + saltBytes || mki.length > MAX_MKI_BYTES) {
    // The key itself is told to nobody.
    throw new MediaError('REC_ERR_MEDIA_BAD_KEY', `not a master key of ${suite}`, {
      details: { suite, bytes: keySalt.length, mkiBytes: mki.length },
    });
  }
  return { keySalt, mki };
}

/**
 * The session keys of a master key, with a key derivation rate of zero: once for the life of the key (RFC 3711 §4.3).
 *
 * @throws MediaError `REC_ERR_MEDIA_BAD_KEY` as {@link checkKey}.
 */
export function deriveSessionKeys(
  suite: SrtpSuite,
  key: SrtpKey,
): { readonly rtp: SessionKeys; readonly rtcp: SessionKeys; readonly mki: Buffer } {
  const { keyBytes, saltBytes, isAead } = SUITES[suite];
  const { keySalt, mki } = checkKey(suite, key);
  const master = keySalt.subarray(0, keyBytes);
  const salt = keySalt.subarray(keyBytes);
  const sessionKeys = (labels: (typeof LABELS)[keyof typeof LABELS]): SessionKeys => ({
    cipher: derive(master, salt, labels.cipher, keyBytes),
    auth: isAead ? Buffer.alloc(0) : derive(master, salt, labels.auth, AUTH_KEY_BYTES),
    salt: derive(master, salt, labels.salt, saltBytes),
  });
  return { rtp: sessionKeys(LABELS.rtp), rtcp: sessionKeys(LABELS.rtcp), mki };
}

/** AES-CM as a pseudo-random function (RFC 3711 §4.3.3). A salt of 96 bits is filled up on the right (RFC 7714 §11). */
function derive(master: Buffer, salt: Buffer, label: number, bytes: number): Buffer {
  const block = Buffer.alloc(16);
  salt.copy(block);
  block[LABEL_AT] = (block[LABEL_AT] ?? 0) ^ label;
  const cipher = createCipheriv(
    master.length === 32 ? 'aes-256-ctr' : 'aes-128-ctr',
    master,
    block,
  );
  return cipher.update(Buffer.alloc(bytes));
}
