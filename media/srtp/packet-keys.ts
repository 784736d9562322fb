import { type SrtpKey, type SrtpSuite } from '#core';
import { type StateRow } from '../rtp/state-row';
import { type CryptoBackend } from './crypto-backend';
import { setSalt } from './initial-vector';
import { deriveSessionKeys, type SessionKeys } from './key-derivation';
import { cipherOf, SRTP_ROW } from './srtp-rows';
import { SUITES } from './suites';

/** The keys of one direction: a row of {@link SRTP_ROW} for packets of each kind. */
export interface DirectionKeys {
  readonly rtp: StateRow;
  readonly rtcp: StateRow;
  readonly mki: Uint8Array;
}

/** @throws MediaError `REC_ERR_MEDIA_BAD_KEY` */
export function directionKeys(
  backend: CryptoBackend,
  suite: SrtpSuite,
  key: SrtpKey,
): DirectionKeys {
  const { isAead, rtpTagBytes, rtcpTagBytes } = SUITES[suite];
  const derived = deriveSessionKeys(suite, key);
  const keyRow = (keys: SessionKeys, tagBytes: number): StateRow => {
    const row = backend.rows.take();
    const { words, doubles, at } = row;
    setSalt(words, at + SRTP_ROW.salt, keys.salt);
    words[at + SRTP_ROW.tagBytes] = tagBytes;
    words[at + SRTP_ROW.isAead] = isAead ? 1 : 0;
    doubles[(at + SRTP_ROW.cipher) >> 1] = isAead
      ? backend.gcm(keys.cipher)
      : backend.counterMode(keys.cipher);
    if (!isAead) {
      backend.keyHmac(keys.auth, words, at + SRTP_ROW.hmac);
    }
    return row;
  };
  return {
    rtp: keyRow(derived.rtp, rtpTagBytes),
    rtcp: keyRow(derived.rtcp, rtcpTagBytes),
    mki: derived.mki,
  };
}

/** Gives the contexts back to the library. Once: the rows are others' after it. */
export function releaseKeys(backend: CryptoBackend, { rtp, rtcp }: DirectionKeys): void {
  for (const row of [rtp, rtcp]) {
    const { words, at } = row;
    backend.releaseCipher(cipherOf(row));
    if (words[at + SRTP_ROW.isAead] === 0) {
      backend.releaseHmac(words, at + SRTP_ROW.hmac);
    }
    backend.rows.give(row);
  }
}
