import {
  decodeG711,
  encodeG711,
  type G711Encoding,
  G722BandDecoder,
  G722BandEncoder,
} from '#media';

/** What a phone can speak, by RTP encoding names. */
export type SpeechEncoding = G711Encoding | 'G722';

/**
 * Encodes a stream of 8 kHz samples. Of G.722 only the lower sub-band is used: it has the same sample rate, and the
 * lab's sources have nothing beyond it.
 */
export class SpeechEncoder {
  readonly #g722 = new G722BandEncoder();

  /** @returns one octet for a sample, in every encoding. */
  encode(encoding: SpeechEncoding, samples: Int16Array): Uint8Array {
    if (encoding !== 'G722') {
      return encodeG711(encoding, samples);
    }
    const pairs = new Int16Array(2 * samples.length);
    samples.forEach((sample, n) => {
      pairs[2 * n] = sample >> 1;
    });
    const codes = new Uint8Array(samples.length);
    this.#g722.encode(pairs, codes.length, codes, 0);
    return codes;
  }
}

/** Decodes a stream to 8 kHz samples; of G.722 the lower sub-band. */
export class SpeechDecoder {
  readonly #g722 = new G722BandDecoder();

  decode(encoding: SpeechEncoding, payload: Uint8Array): Int16Array {
    if (encoding !== 'G722') {
      return decodeG711(encoding, payload);
    }
    const pairs = new Int16Array(2 * payload.length);
    this.#g722.decode(payload, 0, payload.length, pairs);
    return Int16Array.from(payload, (_, n) => (pairs[2 * n] ?? 0) << 1);
  }
}
