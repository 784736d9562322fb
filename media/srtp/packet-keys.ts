import { type SrtpKey, type SrtpSuite } from '#core';
import { type CounterMode, type CryptoBackend, type Gcm, type HmacSha1 } from './crypto-backend';
import { InitialVector } from './initial-vector';
import { deriveSessionKeys, type SessionKeys } from './key-derivation';
import { SUITES } from './suites';

/** The keyed contexts for packets of one kind (RTP or RTCP) in one direction: either the AEAD, or cipher and HMAC. */
export interface PacketKeys {
  readonly iv: InitialVector;
  readonly tagBytes: number;
  readonly gcm: Gcm | null;
  readonly cipher: CounterMode | null;
  readonly hmac: HmacSha1 | null;
}

/** The contexts of one direction. */
export interface DirectionKeys {
  readonly rtp: PacketKeys;
  readonly rtcp: PacketKeys;
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
  const contexts = (keys: SessionKeys, tagBytes: number): PacketKeys => ({
    iv: new InitialVector(backend.work, keys.salt, isAead),
    tagBytes,
    gcm: isAead ? backend.gcm(keys.cipher) : null,
    cipher: isAead ? null : backend.counterMode(keys.cipher),
    hmac: isAead ? null : backend.hmacSha1(keys.auth),
  });
  return {
    rtp: contexts(derived.rtp, rtpTagBytes),
    rtcp: contexts(derived.rtcp, rtcpTagBytes),
    mki: derived.mki,
  };
}

/** Gives the contexts back to the library. */
export function releaseKeys({ rtp, rtcp }: DirectionKeys): void {
  for (const { gcm, cipher, hmac } of [rtp, rtcp]) {
    gcm?.release();
    cipher?.release();
    hmac?.release();
  }
}
