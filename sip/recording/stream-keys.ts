import { type StreamCrypto } from '#core';
import { SipError } from '../errors';
import { type RecordingStreamOffer } from '../ports';
import {
  agreedCrypto,
  CryptoKeys,
  type CryptoLine,
  cryptoLines,
  isSecureProfile,
} from '../sdp/crypto';
import { type RecordingKeys } from '../sdp/recording-offer';
import { type MediaDescription } from '../sdp/session-description';

/**
 * The SRTP keys of one recording dialog (RFC 4568): ours are made for this dialog alone and are not those of the live
 * legs (RFC 7866 §12.2); those of the SRS come with what it says.
 */
export class RecordingStreamKeys implements RecordingKeys {
  readonly #keys: CryptoKeys[] = [];

  offer(index: number, stream: RecordingStreamOffer): readonly CryptoLine[] {
    const { srtpSuites = [] } = stream;
    return srtpSuites.length === 0 ? [] : this.#keysOf(index).offer(srtpSuites);
  }

  /**
   * What an answer of the SRS has agreed to.
   * @returns undefined for plain RTP that was offered as such
   * @throws SipError `REC_ERR_SIP_BAD_ANSWER` for plain RTP in answer to SRTP or the reverse, or another key than offered
   */
  agreed(
    index: number,
    stream: RecordingStreamOffer,
    media: MediaDescription,
  ): StreamCrypto | undefined {
    const offered = this.offer(index, stream);
    if (isSecureProfile(media.protocol) !== offered.length > 0) {
      throw badAnswer(`m-line ${index + 1} is ${media.protocol}`);
    }
    return offered.length === 0 ? undefined : agreedCrypto(offered, cryptoLines(media));
  }

  /**
   * Our answer to an offer of the SRS: the first of its keys with a suite that we would offer ourselves.
   * @throws SipError `REC_ERR_SIP_BAD_ANSWER` when the SRS would have the stream protected otherwise than we
   */
  answer(
    index: number,
    stream: RecordingStreamOffer,
    media: MediaDescription,
  ): { readonly line: CryptoLine; readonly crypto: StreamCrypto } | null {
    const suites = stream.srtpSuites ?? [];
    if (isSecureProfile(media.protocol) !== suites.length > 0) {
      throw badAnswer(`m-line ${index + 1} is ${media.protocol}`);
    }
    if (suites.length === 0) {
      return null;
    }
    const answer = this.#keysOf(index).answer(cryptoLines(media), suites);
    if (answer === null) {
      throw badAnswer(`m-line ${index + 1} of the SRS has no key of a suite of ours`);
    }
    return answer;
  }

  #keysOf(index: number): CryptoKeys {
    return (this.#keys[index] ??= new CryptoKeys());
  }
}

function badAnswer(message: string): SipError {
  return new SipError('REC_ERR_SIP_BAD_ANSWER', message);
}
