import { type SrtpSuite, type StreamCrypto } from '#core';
import { SipError } from '../errors';
import {
  agreedCrypto,
  CryptoKeys,
  type CryptoLine,
  cryptoLine,
  cryptoLines,
  isSecureProfile,
  profileFor,
} from './crypto';
import { type MediaDescription } from './session-description';

/** How our m-line toward a leg is written: its profile, given that of the other leg, and its `a=crypto` lines. */
export interface MediaSecurity {
  readonly protocolFor: (described: string) => string;
  readonly lines: readonly string[];
}

/**
 * SDES keys of one leg (RFC 4568 §5.1). The legs of a call know nothing of one another: each has keys of its own, and one
 * may be protected while the other is not.
 */
export class LegSecurity {
  /** What is in force; null: plain RTP, or nothing yet. */
  agreed: StreamCrypto | null = null;
  readonly #suites: readonly SrtpSuite[];
  readonly #keys = new CryptoKeys();
  #isSecure = false;
  /** Of the exchange that is under way. */
  #offered: readonly CryptoLine[] = [];
  #answer: { protocol: string; line: CryptoLine | null; crypto: StreamCrypto | null } | null = null;

  /** @param suites that we take and offer, most wanted first. */
  constructor(suites: readonly SrtpSuite[]) {
    this.#suites = suites;
  }

  /** Whether the leg is protected since the last exchange, and is offered protection in the next. */
  get isSecure(): boolean {
    return this.#isSecure;
  }

  /** What the peer does already although we were not part of it. */
  assume(isSecure: boolean): void {
    this.#isSecure = isSecure;
  }

  /**
   * Takes the m-line of an offer of the leg.
   * @returns what answering it will put into force; null: plain RTP
   * @throws SipError `REC_ERR_SIP_NOT_ANCHORABLE` for SRTP without a key that we take
   */
  takeOffer(media: MediaDescription): StreamCrypto | null {
    const isSecure = isSecureProfile(media.protocol);
    const answer = isSecure ? this.#keys.answer(cryptoLines(media), this.#suites) : null;
    if (isSecure && answer === null && media.port !== 0) {
      throw new SipError('REC_ERR_SIP_NOT_ANCHORABLE', 'no SRTP key of a known suite is offered', {
        details: { reason: 'srtp-only' },
      });
    }
    const { line = null, crypto = null } = answer ?? {};
    this.#answer = { protocol: media.protocol, line, crypto };
    return crypto;
  }

  /** The m-line that answers the leg's offer. */
  answer(): MediaSecurity {
    const { protocol, line } = this.#answer ?? { protocol: null, line: null };
    return {
      protocolFor: described => protocol ?? described,
      lines: line === null ? [] : [cryptoLine(line)],
    };
  }

  /** The m-line of an offer of ours, with the keys that are in force if there are any. */
  offer(isSecure: boolean): MediaSecurity {
    this.#offered = isSecure ? this.#keys.offer(this.#suites) : [];
    return {
      protocolFor: described => profileFor(described, isSecure),
      lines: this.#offered.map(cryptoLine),
    };
  }

  /**
   * Takes the m-line of the leg's answer to {@link offer}.
   * @returns what it puts into force; null: plain RTP
   * @throws SipError `REC_ERR_SIP_BAD_ANSWER` when it does not take one of our keys, or takes protection away
   */
  takeAnswer(media: MediaDescription): StreamCrypto | null {
    if (media.port === 0) {
      return this.agreed;
    }
    if (isSecureProfile(media.protocol) !== this.#offered.length > 0) {
      throw new SipError('REC_ERR_SIP_BAD_ANSWER', `the answer is ${media.protocol}`);
    }
    return this.#offered.length === 0 ? null : agreedCrypto(this.#offered, cryptoLines(media));
  }

  /** What the leg's offer is answered with. */
  get answered(): StreamCrypto | null {
    return this.#answer?.crypto ?? null;
  }

  /** The exchange is complete. */
  commit(crypto: StreamCrypto | null): void {
    this.agreed = crypto;
    this.#isSecure = crypto !== null;
  }
}
