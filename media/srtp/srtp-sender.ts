import { type SrtpKey, type SrtpSuite } from '#core';
import { type IoMemory } from '../io/packet-io';
import { RTP_HEADER_BYTES, rtpHeaderBytes, RTP_SEQUENCE_AT, RTP_SSRC_AT } from '../rtp/header';
import { type StateRow } from '../rtp/state-row';
import { type CryptoBackend, WORK } from './crypto-backend';
import { writeRtcpIv, writeRtpIv } from './initial-vector';
import { acceptIndex, estimateRoc, isNewIndex, retractIndex, SourceTable } from './packet-index';
import { type DirectionKeys, directionKeys, releaseKeys } from './packet-keys';
import { cipherOf, indexOf, SRTP_ROW, SrtpRows } from './srtp-rows';

/** Of an RTCP packet, what stays in clear: the first header and SSRC (RFC 3711 §3.4). */
export const RTCP_CLEAR_BYTES = 8;
const RTCP_SSRC_AT = 4;
const INDEX_BYTES = 4;
const ENCRYPTED = 0x8000_0000;
const NO_MKI = new Uint8Array(0);

/**
 * Protects an RTP packet with a header of 12 bytes, of the one source whose index is in the row of this number, without
 * MKI: {@link SrtpSender.protectRtp} by the row alone (see {@link SrtpSender.rowNumber}).
 *
 * @returns the length of the SRTP packet at the begin of `to`; 0: not to be sent.
 */
export function protectByRow(
  backend: CryptoBackend,
  rowNumber: number,
  from: IoMemory,
  fromAt: number,
  length: number,
  to: IoMemory,
): number {
  const { words, doubles } = backend.rows;
  const at = SrtpRows.at(rowNumber);
  const sequence = from.view.getUint16(fromAt + RTP_SEQUENCE_AT);
  const roc = estimateRoc(words, at + SRTP_ROW.index, sequence);
  if (roc < 0 || !isNewIndex(words, at + SRTP_ROW.index, roc, sequence)) {
    return 0;
  }
  const cipher = doubles[(at + SRTP_ROW.cipher) >> 1] ?? 0;
  // prettier-ignore
  const bytes = protect(
    backend, words, at, cipher, roc, from, fromAt, RTP_HEADER_BYTES, length, to, 0, NO_MKI,
  );
  if (bytes > 0) {
    acceptIndex(words, at + SRTP_ROW.index, roc, sequence);
  }
  return bytes;
}

/** The packet that {@link protectByRow} protected could not be sent; the very same one will be protected again. */
export function retractByRow({ rows }: CryptoBackend, rowNumber: number, sequence: number): void {
  retractIndex(rows.words, SrtpRows.at(rowNumber) + SRTP_ROW.index, sequence);
}

/** Encrypts and authenticates one RTP packet with the keys of a row. @returns its length; 0: the library has failed. */
function protect(
  backend: CryptoBackend,
  words: Int32Array,
  at: number,
  cipher: number,
  roc: number,
  from: IoMemory,
  fromAt: number,
  clearBytes: number,
  length: number,
  to: IoMemory,
  toAt: number,
  mki: Uint8Array,
): number {
  const ssrc = from.view.getInt32(fromAt + RTP_SSRC_AT);
  const sequence = from.view.getUint16(fromAt + RTP_SEQUENCE_AT);
  const isAead = words[at + SRTP_ROW.isAead] === 1;
  const tagBytes = words[at + SRTP_ROW.tagBytes] ?? 0;
  writeRtpIv(backend.work.view, words, at + SRTP_ROW.salt, isAead, ssrc, roc, sequence);
  copyBytes(from, fromAt, to, toAt, clearBytes);
  const clearAt = fromAt + clearBytes;
  const payloadAt = toAt + clearBytes;
  const payloadBytes = length - clearBytes;
  const end = toAt + length;
  if (isAead) {
    // prettier-ignore
    const isDone = backend.seal(
      cipher, from, clearAt, to, payloadAt, payloadBytes, clearBytes, false,
    );
    return isDone ? putMki(mki, to, end + tagBytes) - toAt : 0;
  }
  backend.work.view.setInt32(WORK.tail, roc);
  const isDone =
    backend.crypt(cipher, from, clearAt, to, payloadAt, payloadBytes) &&
    backend.digest(words, at + SRTP_ROW.hmac, to, toAt, length, true);
  return isDone ? putTag(backend, to, putMki(mki, to, end), tagBytes) - toAt : 0;
}

/** Protects what we send (RFC 3711 §3.3 and §3.4, RFC 7714 §8 and §9). */
export class SrtpSender {
  readonly #backend: CryptoBackend;
  readonly #keys: DirectionKeys;
  readonly #sources: SourceTable;
  #lastIndex: StateRow | null = null;
  #lastSequence = 0;
  #rtcpIndex = 0;

  /** @throws MediaError `REC_ERR_MEDIA_BAD_KEY` */
  constructor(backend: CryptoBackend, suite: SrtpSuite, key: SrtpKey) {
    this.#backend = backend;
    this.#keys = directionKeys(backend, suite, key);
    const { rtp } = this.#keys;
    this.#sources = new SourceTable(indexOf(rtp));
  }

  /**
   * By which {@link protectByRow} can protect packets of a source in this sender's stead.
   * @returns 0 when it cannot: another source was first, there is an MKI, or the row lies by itself.
   */
  rowNumber(ssrc: number): number {
    const { rtp, mki } = this.#keys;
    return mki.length === 0 && this.#sources.isFirst(ssrc) ? this.#backend.rows.numberOf(rtp) : 0;
  }

  /**
   * Protects one RTP packet, in place or from one memory to another; the target has room for `length` and
   * {@link MAX_SRTP_OVERHEAD_BYTES} more.
   *
   * @returns the length of the SRTP packet; 0: not to be sent, because it has no sane header or its index was used
   * before (the same key stream must never cover two packets).
   */
  protectRtp(from: IoMemory, fromAt: number, length: number, to: IoMemory, toAt: number): number {
    const clearBytes = rtpHeaderBytes(from.bytes, fromAt, length);
    if (clearBytes === 0) {
      return 0;
    }
    const { view } = from;
    const sequence = view.getUint16(fromAt + RTP_SEQUENCE_AT);
    const ssrc = view.getInt32(fromAt + RTP_SSRC_AT);
    const index = this.#sources.find(ssrc);
    const roc = estimateRoc(index.words, index.at, sequence);
    if (roc < 0 || !isNewIndex(index.words, index.at, roc, sequence)) {
      return 0;
    }
    const { mki, rtp } = this.#keys;
    const { words, at } = rtp;
    const cipher = cipherOf(rtp);
    // prettier-ignore
    const bytes = protect(
      this.#backend, words, at, cipher, roc, from, fromAt, clearBytes, length, to, toAt, mki,
    );
    if (bytes > 0) {
      acceptIndex(index.words, index.at, roc, sequence);
      this.#sources.adopt(ssrc, index);
      this.#lastIndex = index;
      this.#lastSequence = sequence;
    }
    return bytes;
  }

  /** The packet protected last could not be sent; the very same one will be protected again. */
  retractRtp(): void {
    if (this.#lastIndex !== null) {
      retractIndex(this.#lastIndex.words, this.#lastIndex.at, this.#lastSequence);
      this.#lastIndex = null;
    }
  }

  /**
   * Protects one compound RTCP packet, in place.
   *
   * @param memory with room for {@link MAX_SRTP_OVERHEAD_BYTES} behind the packet.
   * @returns the length of the SRTCP packet; 0: not to be sent.
   */
  protectRtcp(memory: IoMemory, at: number, length: number): number {
    const index = this.#rtcpIndex;
    if (length < RTCP_CLEAR_BYTES || index >= ENCRYPTED) {
      return 0;
    }
    this.#rtcpIndex++;
    const backend = this.#backend;
    const { mki, rtcp: keys } = this.#keys;
    const { words } = keys;
    const isAead = words[keys.at + SRTP_ROW.isAead] === 1;
    const tagBytes = words[keys.at + SRTP_ROW.tagBytes] ?? 0;
    const cipher = cipherOf(keys);
    const { view } = memory;
    const ssrc = view.getInt32(at + RTCP_SSRC_AT);
    writeRtcpIv(backend.work.view, words, keys.at + SRTP_ROW.salt, isAead, ssrc, index);
    const payloadAt = at + RTCP_CLEAR_BYTES;
    const payloadBytes = length - RTCP_CLEAR_BYTES;
    // The E flag and the index of 31 bits (RFC 3711 §3.4).
    const word = (index | ENCRYPTED) >>> 0;
    let end = at + length;
    let isDone: boolean;
    if (isAead) {
      backend.work.view.setUint32(WORK.tail, word);
      // prettier-ignore
      isDone = backend.seal(
        cipher, memory, payloadAt, memory, payloadAt, payloadBytes, RTCP_CLEAR_BYTES, true,
      );
      end += tagBytes;
      view.setUint32(end, word);
      end = putMki(mki, memory, end + INDEX_BYTES);
    } else {
      isDone = backend.crypt(cipher, memory, payloadAt, memory, payloadAt, payloadBytes);
      view.setUint32(end, word);
      end += INDEX_BYTES;
      isDone &&= backend.digest(words, keys.at + SRTP_ROW.hmac, memory, at, end - at, false);
      end = putTag(backend, memory, putMki(mki, memory, end), tagBytes);
    }
    return isDone ? end - at : 0;
  }

  release(): void {
    releaseKeys(this.#backend, this.#keys);
  }
}

/** @returns where it ends. */
function putMki(mki: Uint8Array, memory: IoMemory, at: number): number {
  if (mki.length > 0) {
    memory.bytes.set(mki, at);
  }
  return at + mki.length;
}

/** @returns where it ends. */
function putTag({ work }: CryptoBackend, memory: IoMemory, at: number, tagBytes: number): number {
  copyBytes(work, WORK.tag, memory, at, tagBytes);
  return at + tagBytes;
}

function copyBytes(
  from: IoMemory,
  fromAt: number,
  to: IoMemory,
  toAt: number,
  length: number,
): void {
  if (from === to && fromAt === toAt) {
    return;
  }
  for (let i = 0; i < length; i++) {
    to.bytes[toAt + i] = from.bytes[fromAt + i] ?? 0;
  }
}
