/**
 * The fixed header of RTP (RFC 3550 §5.1), read and written in place.
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                           timestamp                           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                             SSRC                              |
 * +=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+=+
 * ```
 */

/** Bytes of the fixed header. */
export const RTP_HEADER_BYTES = 12;
/** Offsets of the fields that a relay rewrites. */
export const RTP_SEQUENCE_AT = 2;
export const RTP_TIMESTAMP_AT = 4;
export const RTP_SSRC_AT = 8;
/** The longest packet that is relayed, bytes. Longer ones are counted as malformed. */
export const MAX_PACKET_BYTES = 2048;

/** Version 2, no padding, no extension, no CSRC: nearly every packet of a phone. */
const PLAIN_FIRST_OCTET = 0x80;

/**
 * Whether the bytes are a well-formed RTP packet: version 2, and CSRC list, header extension and padding
 * lie within it (RFC 3550 §A.1).
 *
 * @param at offset of the packet in `bytes`.
 * @param length bytes of the packet.
 */
export function isRtp(bytes: Uint8Array, at: number, length: number): boolean {
  if (length < RTP_HEADER_BYTES || length > MAX_PACKET_BYTES) {
    return false;
  }
  const first = bytes[at] ?? 0;
  return first === PLAIN_FIRST_OCTET || (first >> 6 === 2 && hasSaneLayout(bytes, at, length));
}

function hasSaneLayout(bytes: Uint8Array, at: number, length: number): boolean {
  const first = bytes[at] ?? 0;
  const headerBytes = rtpHeaderBytes(bytes, at, length);
  // RFC 3550 §5.1: the last octet counts the padding, itself included.
  const padding = (first & 0x20) === 0 ? 0 : (bytes[at + length - 1] ?? 0);
  const paddingIsSane = (first & 0x20) === 0 || padding > 0;
  return headerBytes > 0 && paddingIsSane && headerBytes + padding <= length;
}

/**
 * Bytes before the payload: fixed header, CSRC list and header extension, whatever the payload is.
 *
 * @returns 0 when they are not version 2 or do not lie within the packet.
 */
export function rtpHeaderBytes(bytes: Uint8Array, at: number, length: number): number {
  const first = bytes[at] ?? 0;
  let headerBytes = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if (first >> 6 !== 2) {
    return 0;
  }
  if ((first & 0x10) !== 0) {
    if (headerBytes + 4 > length) {
      return 0;
    }
    // RFC 3550 §5.3.1: 16 bits of profile, 16 bits of length in 32-bit words without this header.
    const words = ((bytes[at + headerBytes + 2] ?? 0) << 8) | (bytes[at + headerBytes + 3] ?? 0);
    headerBytes += 4 + 4 * words;
  }
  return headerBytes <= length ? headerBytes : 0;
}

/**
 * Where the payload of a well-formed packet begins: behind CSRC list and header extension.
 *
 * @returns offset in `bytes`.
 */
export function payloadStart(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  const start = at + RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if ((first & 0x10) === 0) {
    return start;
  }
  return start + 4 + 4 * (((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0));
}

/** Where the payload of a well-formed packet of `length` bytes ends: before padding. */
export function payloadEnd(bytes: Uint8Array, at: number, length: number): number {
  const end = at + length;
  return ((bytes[at] ?? 0) & 0x20) === 0 ? end : end - (bytes[end - 1] ?? 0);
}

/**
 * Tells RTCP from RTP on one port: RTCP packet types 192–223 stand where RTP has marker and payload type
 * (RFC 5761 §4). The caller has seen at least two bytes.
 */
export function looksLikeRtcp(secondOctet: number): boolean {
  return secondOctet >= 192 && secondOctet <= 223;
}
