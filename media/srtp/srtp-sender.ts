import { type SrtpKey, type SrtpSuite } from '#core';
import { type IoMemory } from '../io/packet-io';
import { rtpHeaderBytes, RTP_SEQUENCE_AT, RTP_SSRC_AT } from '../rtp/header';
import { type CryptoBackend, WORK } from './crypto-backend';
import { type DirectionKeys, directionKeys, releaseKeys } from './packet-keys';
import { type PacketIndex, SourceTable } from './packet-index';

/** Of an RTCP packet, what stays in clear: the first header and SSRC (RFC 3711 §3.4). */
export const RTCP_CLEAR_BYTES = 8;
const RTCP_SSRC_AT = 4;
const INDEX_BYTES = 4;
const ENCRYPTED = 0x8000_0000;

/** Protects what we send (RFC 3711 §3.3 and §3.4, RFC 7714 §8 and §9). */
export class SrtpSender {
  readonly #backend: CryptoBackend;
  readonly #keys: DirectionKeys;
  readonly #sources = new SourceTable();
  #lastIndex: PacketIndex | null = null;
  #lastSequence = 0;
  #rtcpIndex = 0;

  /** @throws MediaError `REC_ERR_MEDIA_BAD_KEY` */
  constructor(backend: CryptoBackend, suite: SrtpSuite, key: SrtpKey) {
    this.#backend = backend;
    this.#keys = directionKeys(backend, suite, key);
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
    if (!index.estimate(sequence) || !index.isNew(index.roc, sequence)) {
      return 0;
    }
    const { iv, gcm, cipher, hmac, tagBytes } = this.#keys.rtp;
    iv.setRtp(ssrc, index.roc, sequence);
    copyBytes(from, fromAt, to, toAt, clearBytes);
    const payloadAt = toAt + clearBytes;
    const payloadBytes = length - clearBytes;
    let end = toAt + length;
    let isDone: boolean;
    if (gcm !== null) {
      isDone = gcm.seal(from, fromAt + clearBytes, to, payloadAt, payloadBytes, clearBytes, false);
      end = this.#putMki(to, end + tagBytes);
    } else {
      this.#backend.work.view.setInt32(WORK.tail, index.roc);
      isDone =
        cipher?.crypt(from, fromAt + clearBytes, to, payloadAt, payloadBytes) === true &&
        hmac?.digest(to, toAt, length, true) === true;
      end = this.#putTag(to, this.#putMki(to, end), tagBytes);
    }
    if (!isDone) {
      return 0;
    }
    index.accept(index.roc, sequence);
    this.#sources.adopt(ssrc, index);
    this.#lastIndex = index;
    this.#lastSequence = sequence;
    return end - toAt;
  }

  /** The packet protected last could not be sent; the very same one will be protected again. */
  retractRtp(): void {
    this.#lastIndex?.retract(this.#lastSequence);
    this.#lastIndex = null;
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
    const { iv, gcm, cipher, hmac, tagBytes } = this.#keys.rtcp;
    const { view } = memory;
    iv.setRtcp(view.getInt32(at + RTCP_SSRC_AT), index);
    const payloadAt = at + RTCP_CLEAR_BYTES;
    const payloadBytes = length - RTCP_CLEAR_BYTES;
    // The E flag and the index of 31 bits (RFC 3711 §3.4).
    const word = (index | ENCRYPTED) >>> 0;
    let end = at + length;
    let isDone: boolean;
    if (gcm !== null) {
      this.#backend.work.view.setUint32(WORK.tail, word);
      isDone = gcm.seal(memory, payloadAt, memory, payloadAt, payloadBytes, RTCP_CLEAR_BYTES, true);
      end += tagBytes;
      view.setUint32(end, word);
      end = this.#putMki(memory, end + INDEX_BYTES);
    } else {
      isDone = cipher?.crypt(memory, payloadAt, memory, payloadAt, payloadBytes) === true;
      view.setUint32(end, word);
      end += INDEX_BYTES;
      isDone &&= hmac?.digest(memory, at, end - at, false) === true;
      end = this.#putTag(memory, this.#putMki(memory, end), tagBytes);
    }
    return isDone ? end - at : 0;
  }

  release(): void {
    releaseKeys(this.#keys);
  }

  #putMki(memory: IoMemory, at: number): number {
    const { mki } = this.#keys;
    if (mki.length > 0) {
      memory.bytes.set(mki, at);
    }
    return at + mki.length;
  }

  #putTag(memory: IoMemory, at: number, tagBytes: number): number {
    copyBytes(this.#backend.work, WORK.tag, memory, at, tagBytes);
    return at + tagBytes;
  }
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
