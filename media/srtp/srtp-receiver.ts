import { type SrtpKey, type SrtpSuite } from '#core';
import { type IoMemory } from '../io/packet-io';
import { ownRow } from '../rtp/state-row';
import { rtpHeaderBytes, RTP_SEQUENCE_AT, RTP_SSRC_AT } from '../rtp/header';
import { type CryptoBackend, WORK } from './crypto-backend';
import { type DirectionKeys, directionKeys, releaseKeys } from './packet-keys';
import { writeRtcpIv, writeRtpIv } from './initial-vector';
import { acceptIndex, estimateRoc, INDEX_WORDS, isNewIndex, SourceTable } from './packet-index';
import { cipherOf, indexOf, SRTP_ROW } from './srtp-rows';
import { RTCP_CLEAR_BYTES } from './srtp-sender';

const RTCP_SSRC_AT = 4;
const INDEX_BYTES = 4;
const INDEX_MASK = 0x7fff_ffff;

/** Checks and decrypts what a peer sends, in place (RFC 3711 §3.3 and §3.4, RFC 7714 §8 and §9). */
export class SrtpReceiver {
  readonly #backend: CryptoBackend;
  readonly #keys: DirectionKeys;
  readonly #rtpSources: SourceTable;
  readonly #rtcpSources = new SourceTable(ownRow(INDEX_WORDS));

  /** @throws MediaError `REC_ERR_MEDIA_BAD_KEY` */
  constructor(backend: CryptoBackend, suite: SrtpSuite, key: SrtpKey) {
    this.#backend = backend;
    this.#keys = directionKeys(backend, suite, key);
    const { rtp } = this.#keys;
    this.#rtpSources = new SourceTable(indexOf(rtp));
  }

  /**
   * Turns an SRTP packet into the RTP packet that it protects.
   *
   * @returns the length of the RTP packet; 0: not authentic, a replay, too old, or no such packet at all. Its bytes mean
   * nothing then.
   */
  unprotectRtp(memory: IoMemory, at: number, length: number): number {
    const backend = this.#backend;
    const { mki, rtp: keys } = this.#keys;
    const { words } = keys;
    const isAead = words[keys.at + SRTP_ROW.isAead] === 1;
    const tagBytes = words[keys.at + SRTP_ROW.tagBytes] ?? 0;
    const bodyBytes = length - tagBytes - mki.length;
    const clearBytes = bodyBytes < 0 ? 0 : rtpHeaderBytes(memory.bytes, at, bodyBytes);
    if (clearBytes === 0) {
      return 0;
    }
    const sequence = memory.view.getUint16(at + RTP_SEQUENCE_AT);
    const ssrc = memory.view.getInt32(at + RTP_SSRC_AT);
    const index = this.#rtpSources.find(ssrc);
    const roc = estimateRoc(index.words, index.at, sequence);
    if (roc < 0 || !isNewIndex(index.words, index.at, roc, sequence)) {
      return 0;
    }
    const cipher = cipherOf(keys);
    writeRtpIv(backend.work.view, words, keys.at + SRTP_ROW.salt, isAead, ssrc, roc, sequence);
    const payloadAt = at + clearBytes;
    const payloadBytes = bodyBytes - clearBytes;
    let isGood: boolean;
    if (isAead) {
      isGood =
        this.#hasMki(memory, at + bodyBytes + tagBytes) &&
        backend.open(cipher, memory, payloadAt, payloadBytes, clearBytes, false);
    } else {
      backend.work.view.setInt32(WORK.tail, roc);
      isGood =
        this.#hasMki(memory, at + bodyBytes) &&
        backend.digest(words, keys.at + SRTP_ROW.hmac, memory, at, bodyBytes, true) &&
        this.#hasTag(memory, at + bodyBytes + mki.length, tagBytes) &&
        backend.crypt(cipher, memory, payloadAt, memory, payloadAt, payloadBytes);
    }
    if (!isGood) {
      return 0;
    }
    acceptIndex(index.words, index.at, roc, sequence);
    this.#rtpSources.adopt(ssrc, index);
    return bodyBytes;
  }

  /** The same for SRTCP. @returns the length of the compound RTCP packet, or 0. */
  unprotectRtcp(memory: IoMemory, at: number, length: number): number {
    const backend = this.#backend;
    const { mki, rtcp: keys } = this.#keys;
    const { words } = keys;
    const isAead = words[keys.at + SRTP_ROW.isAead] === 1;
    const tagBytes = words[keys.at + SRTP_ROW.tagBytes] ?? 0;
    const cipher = cipherOf(keys);
    const { view } = memory;
    const bodyBytes = length - tagBytes - mki.length - INDEX_BYTES;
    if (bodyBytes < RTCP_CLEAR_BYTES) {
      return 0;
    }
    // The AEAD's tag stands before the index (RFC 7714 §9.2), the HMAC's after it.
    const wordAt = at + bodyBytes + (isAead ? tagBytes : 0);
    const word = view.getInt32(wordAt);
    const isEncrypted = word < 0;
    const packetIndex = word & INDEX_MASK;
    const ssrc = view.getInt32(at + RTCP_SSRC_AT);
    const index = this.#rtcpSources.find(ssrc);
    const [upper, lower] = [packetIndex >>> 16, packetIndex & 0xffff];
    if (
      !isNewIndex(index.words, index.at, upper, lower) ||
      !this.#hasMki(memory, wordAt + INDEX_BYTES)
    ) {
      return 0;
    }
    writeRtcpIv(backend.work.view, words, keys.at + SRTP_ROW.salt, isAead, ssrc, packetIndex);
    const payloadAt = at + RTCP_CLEAR_BYTES;
    const payloadBytes = bodyBytes - RTCP_CLEAR_BYTES;
    let isGood: boolean;
    if (isAead) {
      backend.work.view.setInt32(WORK.tail, word);
      // Unencrypted SRTCP was never agreed to, and nobody sends it with an AEAD.
      isGood =
        isEncrypted &&
        backend.open(cipher, memory, payloadAt, payloadBytes, RTCP_CLEAR_BYTES, true);
    } else {
      isGood =
        backend.digest(
          words,
          keys.at + SRTP_ROW.hmac,
          memory,
          at,
          bodyBytes + INDEX_BYTES,
          false,
        ) &&
        this.#hasTag(memory, wordAt + INDEX_BYTES + mki.length, tagBytes) &&
        (!isEncrypted || backend.crypt(cipher, memory, payloadAt, memory, payloadAt, payloadBytes));
    }
    if (!isGood) {
      return 0;
    }
    acceptIndex(index.words, index.at, upper, lower);
    this.#rtcpSources.adopt(ssrc, index);
    return bodyBytes;
  }

  release(): void {
    releaseKeys(this.#backend, this.#keys);
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
