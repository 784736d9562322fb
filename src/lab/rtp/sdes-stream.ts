import { SRTP_SUITES, type SrtpSuite } from '#core';
import { newSrtpKey, SrtpInbound, SrtpOutbound } from './srtp';

const CRYPTO = /^a=crypto:(\d+) +(\S+) +inline:([A-Za-z0-9+/=]+)/;

interface Line {
  readonly tag: string;
  readonly suite: SrtpSuite;
  readonly key: string;
}

/** SRTP of one stream, keyed by SDP (RFC 4568): the lab's own reading and writing of `a=crypto`. */
export class SdesStream {
  readonly #keys = new Map<SrtpSuite, string>();
  #tag = '1';
  #suite: SrtpSuite | null = null;
  #peerKey = '';
  readonly #peerKeys = new Set<string>();
  #out: SrtpOutbound | null = null;
  #in: SrtpInbound | null = null;
  #unauthentic = 0;

  /** Suite that is in force; null: plain RTP. */
  get suite(): SrtpSuite | null {
    return this.#suite;
  }

  /** Packets that were no authentic SRTP. */
  get unauthentic(): number {
    return this.#unauthentic;
  }

  /** Every key that was offered or agreed on, for those who have to prove that it stands nowhere. */
  get secrets(): readonly string[] {
    return [...this.#keys.values(), ...this.#peerKeys];
  }

  /** Our line of an offer. */
  offerLine(suite: SrtpSuite): string {
    this.#tag = '1';
    return `a=crypto:1 ${suite} inline:${this.#keyOf(suite)}`;
  }

  /** Takes the peer's offer. @returns our line of the answer; null when there is no key that we can use. */
  takeOffer(lines: readonly string[]): string | null {
    const [chosen] = readLines(lines);
    if (chosen === undefined) {
      return null;
    }
    this.#tag = chosen.tag;
    this.#agree(chosen);
    return `a=crypto:${this.#tag} ${chosen.suite} inline:${this.#keyOf(chosen.suite)}`;
  }

  /** Takes the answer to our offer. @returns false when it is no proper answer. */
  takeAnswer(lines: readonly string[]): boolean {
    const [chosen, ...more] = readLines(lines);
    if (chosen === undefined || more.length > 0 || !this.#keys.has(chosen.suite)) {
      return false;
    }
    this.#agree(chosen);
    return true;
  }

  /** Plain RTP was agreed on. */
  clear(): void {
    this.#suite = null;
    this.#out = null;
    this.#in = null;
  }

  protect(packet: Buffer): Buffer {
    return this.#out?.protect(packet) ?? packet;
  }

  protectRtcp(packet: Buffer): Buffer {
    return this.#out?.protectRtcp(packet) ?? packet;
  }

  unprotect(packet: Buffer): Buffer | null {
    return this.#count(this.#in === null ? packet : this.#in.unprotect(packet));
  }

  unprotectRtcp(packet: Buffer): Buffer | null {
    return this.#count(this.#in === null ? packet : this.#in.unprotectRtcp(packet));
  }

  #count(plain: Buffer | null): Buffer | null {
    this.#unauthentic += plain === null ? 1 : 0;
    return plain;
  }

  /** Keys that stay keep their counters. */
  #agree({ suite, key }: Line): void {
    if (suite !== this.#suite || this.#out === null) {
      this.#out = new SrtpOutbound(suite, this.#keyOf(suite));
    }
    if (suite !== this.#suite || key !== this.#peerKey || this.#in === null) {
      this.#in = new SrtpInbound(suite, key);
    }
    this.#suite = suite;
    this.#peerKey = key;
    this.#peerKeys.add(key);
  }

  #keyOf(suite: SrtpSuite): string {
    const key = this.#keys.get(suite) ?? newSrtpKey(suite);
    this.#keys.set(suite, key);
    return key;
  }
}

/** Whether an m-line is under SDES SRTP. */
export function isSdes(protocol: string): boolean {
  return protocol === 'RTP/SAVP' || protocol === 'RTP/SAVPF';
}

function readLines(lines: readonly string[]): Line[] {
  return lines.flatMap(line => {
    const [, tag, name, key] = CRYPTO.exec(line) ?? [];
    const suite = SRTP_SUITES.find(each => each === name);
    return tag === undefined || key === undefined || suite === undefined
      ? []
      : [{ tag, suite, key }];
  });
}
