import { type SrtpSuite } from '#core';

/** What a crypto suite is made of, sizes in bytes (RFC 3711 §8.2, RFC 4568 §6.2, RFC 7714 §12–14). */
export interface SuiteParameters {
  readonly keyBytes: number;
  readonly saltBytes: number;
  /** AES-GCM instead of AES-CM with HMAC-SHA1: the tag is part of the ciphertext. */
  readonly isAead: boolean;
  readonly rtpTagBytes: number;
  /** 80 bits for both AES-CM suites: only RTP's tag is ever short (RFC 4568 §6.2.2). */
  readonly rtcpTagBytes: number;
}

const COUNTER_MODE = { keyBytes: 16, saltBytes: 14, isAead: false, rtcpTagBytes: 10 } as const;
const AEAD = { saltBytes: 12, isAead: true, rtpTagBytes: 16, rtcpTagBytes: 16 } as const;

export const SUITES: Readonly<Record<SrtpSuite, SuiteParameters>> = {
  AES_CM_128_HMAC_SHA1_80: { ...COUNTER_MODE, rtpTagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { ...COUNTER_MODE, rtpTagBytes: 4 },
  AEAD_AES_128_GCM: { ...AEAD, keyBytes: 16 },
  AEAD_AES_256_GCM: { ...AEAD, keyBytes: 32 },
};

/** The longest MKI (RFC 4568 §6.1). */
export const MAX_MKI_BYTES = 128;
/** The most that protection adds to a packet: tag, SRTCP index, MKI; rounded up. */
export const MAX_SRTP_OVERHEAD_BYTES = 160;
