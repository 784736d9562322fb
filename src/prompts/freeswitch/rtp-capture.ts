import { decodeG711 } from '#media';

import { SPEECH_FORMATS, type SpeechFormat } from './speech-offer';

const RTP_HEADER_BYTES = 12;
/** Longer than any prompt may be, silence around it included, s. */
export const MAX_CAPTURE_S = 62;

/** What was heard on one RTP stream: samples at the places that their timestamps say. Bounded; hostile packets are left out. */
export class RtpCapture {
  /** More came than a prompt may have. */
  isTooLong = false;
  #format: SpeechFormat | null = null;
  #ssrc = 0;
  #firstTimestamp = 0;
  #samples = new Int16Array(0);
  #length = 0;

  /** Takes one datagram; what is no RTP of the stream, or of no format that we offered, is left out. */
  take(packet: Buffer): void {
    const payload = payloadOf(packet);
    const format = SPEECH_FORMATS.find(each => each.payloadType === ((packet[1] ?? 0) & 0x7f));
    if (payload === null || payload.length === 0 || format === undefined) {
      return;
    }
    const timestamp = packet.readUInt32BE(4);
    const ssrc = packet.readUInt32BE(8);
    if (this.#format === null) {
      this.#format = format;
      this.#ssrc = ssrc;
      this.#firstTimestamp = timestamp;
    } else if (format !== this.#format || ssrc !== this.#ssrc) {
      return;
    }
    const samples = decode(format, payload);
    const at = (timestamp - this.#firstTimestamp) | 0;
    if (at < 0 || at + samples.length > MAX_CAPTURE_S * format.clockRateHz) {
      this.isTooLong ||= at > 0;
      return;
    }
    this.#write(samples, at);
  }

  /** What was heard so far; null: nothing. */
  get clip(): { readonly samples: Int16Array; readonly sampleRateHz: number } | null {
    return this.#format === null
      ? null
      : { samples: this.#samples.slice(0, this.#length), sampleRateHz: this.#format.clockRateHz };
  }

  #write(samples: Int16Array, at: number): void {
    const end = at + samples.length;
    if (end > this.#samples.length) {
      const grown = new Int16Array(Math.max(end, 2 * this.#samples.length));
      grown.set(this.#samples);
      this.#samples = grown;
    }
    this.#samples.set(samples, at);
    this.#length = Math.max(this.#length, end);
  }
}

/** RFC 3550 §5.1; null: no RTP. */
function payloadOf(packet: Buffer): Buffer | null {
  const first = packet[0] ?? 0;
  if (packet.length < RTP_HEADER_BYTES || first >> 6 !== 2) {
    return null;
  }
  let start = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (packet.length < start + 4) {
      return null;
    }
    start += 4 + 4 * packet.readUInt16BE(start + 2);
  }
  const padding = (first & 0x20) === 0 ? 0 : (packet[packet.length - 1] ?? 0);
  const end = packet.length - padding;
  return start > end ? null : packet.subarray(start, end);
}

function decode({ encoding }: SpeechFormat, payload: Buffer): Int16Array {
  if (encoding !== 'L16') {
    return decodeG711(encoding, payload);
  }
  return Int16Array.from({ length: payload.length >> 1 }, (_, i) => payload.readInt16BE(2 * i));
}
