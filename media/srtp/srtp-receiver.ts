import { type SrtpKey, type SrtpSuite } from '#core';
import { type IoMemory } from '../io/packet-io';
import { rtpHeaderBytes, RTP_SEQUENCE_AT, RTP_SSRC_AT } from '../rtp/header';
import { type CryptoBackend, WORK } from './crypto-backend';
import { type DirectionKeys, directionKeys, releaseKeys } from './packet-keys';
import { SourceTable } from './packet-index';
import { RTCP_CLEAR_BYTES } from './srtp-sender';

const RTCP_SSRC_AT = 4;
const INDEX_BYTES = 4;
const INDEX_MASK = 0x7fff_ffff;

/** Checks and decrypts what a peer sends, in place (RFC 3711 §3.3 and §3.4, RFC 7714 §8 and §9). */
export class SrtpReceiver {
  readonly #backend: CryptoBackend;
  readonly #keys: DirectionKeys;
  readonly #rtpSources = new SourceTable();
  readonly #rtcpSources = new SourceTable();

  /** @throws MediaError `REC_ERR_MEDIA_BAD_KEY` */
  constructor(backend: CryptoBackend, suite: SrtpSuite, key: SrtpKey) {
    this.#backend = backend;
    this.#keys = directionKeys(backend, suite, key);
  }

  /**
   * Turns an SRTP packet into the RTP packet that it protects.
   *
   * @returns the length of the RTP packet; 0: not authentic, a replay, too old, or no such packet at all. Its bytes mean
   * nothing then.
   */
  unprotectRtp(memory: IoMemory, at: number, length: number): number {
    const { iv, gcm, cipher, hmac, tagBytes } = this.#keys.rtp;
    const { mki } = this.#keys;
    const bodyBytes = length - tagBytes - mki.length;
    const clearBytes = bodyBytes < 0 ? 0 : rtpHeaderBytes(memory.bytes, at, bodyBytes);
    if (clearBytes === 0) {
      return 0;
    }
    const sequence = memory.view.getUint16(at + RTP_SEQUENCE_AT);
    const ssrc = memory.view.getInt32(at + RTP_SSRC_AT);
    const index = this.#rtpSources.find(ssrc);
    if (!index.estimate(sequence) || !index.isNew(index.roc, sequence)) {
      return 0;
    }
    iv.setRtp(ssrc, index.roc, sequence);
    const payloadAt = at + clearBytes;
    const payloadBytes = bodyBytes - clearBytes;
    let isGood: boolean;
    if (gcm !== null) {
      isGood =
        this.#hasMki(memory, at + bodyBytes + tagBytes) &&
        gcm.open(memory, payloadAt, payloadBytes, clearBytes, false);
    } else {
      this.#backend.work.view.setInt32(WORK.tail, index.roc);
      isGood =
        this.#hasMki(memory, at + bodyBytes) &&
        hmac?.digest(memory, at, bodyBytes, true) === true &&
        this.#hasTag(memory, at + bodyBytes + mki.length, tagBytes) &&
        cipher?.crypt(memory, payloadAt, memory, payloadAt, payloadBytes) === true;
    }
    if (!isGood) {
      return 0;
    }
    index.accept(index.roc, sequence);
    this.#rtpSources.adopt(ssrc, index);
    return bodyBytes;
  }

  /** The same for SRTCP. @returns the length of the compound RTCP packet, or 0. */
  unprotectRtcp(memory: IoMemory, at: number, length: number): number {
    const { iv, gcm, cipher, hmac, tagBytes } = this.#keys.rtcp;
    const { mki } = this.#keys;
    const { view } = memory;
    const bodyBytes = length - tagBytes - mki.length - INDEX_BYTES;
    if (bodyBytes < RTCP_CLEAR_BYTES) {
      return 0;
    }
    // The AEAD's tag stands before the index (RFC 7714 §9.2), the HMAC's after it.
    const wordAt = at + bodyBytes + (gcm === null ? 0 : tagBytes);
    const word = view.getInt32(wordAt);
    const isEncrypted = word < 0;
    const packetIndex = word & INDEX_MASK;
    const ssrc = view.getInt32(at + RTCP_SSRC_AT);
    const index = this.#rtcpSources.find(ssrc);
    const [upper, lower] = [packetIndex >>> 16, packetIndex & 0xffff];
    if (!index.isNew(upper, lower) || !this.#hasMki(memory, wordAt + INDEX_BYTES)) {
      return 0;
    }
    iv.setRtcp(ssrc, packetIndex);
    const payloadAt = at + RTCP_CLEAR_BYTES;
    const payloadBytes = bodyBytes - RTCP_CLEAR_BYTES;
    let isGood: boolean;
    if (gcm !== null) {
      this.#backend.work.view.setInt32(WORK.tail, word);
      // Unencrypted SRTCP was never agreed to, and nobody sends it with an AEAD.
      isGood = isEncrypted && gcm.open(memory, payloadAt, payloadBytes, RTCP_CLEAR_BYTES, true);
    } else {
      isGood =
        hmac?.digest(memory, at, bodyBytes + INDEX_BYTES, false) === true &&
        this.#hasTag(memory, wordAt + INDEX_BYTES + mki.length, tagBytes) &&
        (!isEncrypted ||
          cipher?.crypt(memory, payloadAt, memory, payloadAt, payloadBytes) === true);
    }
    if (!isGood) {
      return 0;
    }
    index.accept(upper, lower);
    this.#rtcpSources.adopt(ssrc, index);
    return bodyBytes;
  }

  release(): void {
    releaseKeys(this.#keys);
  }

  #hasMki(memory: IoMemory, at: number): boolean {
    const { mki } = this.#keys;
    for (let i = 0; i < mki.length; i++) {
      if (memory.bytes[at + i] !== mki[i]) {
        return false;
      }
    }
    return true;
  }

  /** Compares without telling by its time where the difference is. */
  #hasTag(memory: IoMemory, at: number, tagBytes: number): boolean {
    const { bytes } = this.#backend.work;
    let difference = 0;
    for (let i = 0; i < tagBytes; i++) {
      difference |= (memory.bytes[at + i] ?? 0) ^ (bytes[WORK.tag + i] ?? 0);
    }
    return difference === 0;
  }
}
