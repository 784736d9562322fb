import { isIPv6 } from 'node:net';
import { type IdSource } from '#core';

/**
 * Our own `o=` line of one dialog (RFC 8866 §5.2, RFC 3264 §8): a session id that never changes and a version that
 * grows by one whenever the rest of the description differs from the one last written.
 */
export class SdpOrigin {
  readonly #sessionId: string;
  /** The o= line of somebody else that ours continue, around its version. */
  readonly #adopted: { readonly head: string; readonly tail: string } | null = null;
  #version = 0n;
  #last: { readonly host: string; readonly rest: string } | null = null;

  /**
   * @param after an o= line that the peer has had from somebody else through us: for the peer ours are further versions of it
   *   (RFC 3264 §8)
   */
  constructor(ids: IdSource, after?: string) {
    // 15 hexadecimal digits fit a 64-bit signed integer, which is what peers parse it into.
    this.#sessionId = BigInt(`0x${ids.uuid().replaceAll('-', '').slice(0, 15)}`).toString();
    const match = /^(o=\S+ \S+) (\d{1,20}) (IN IP[46] \S+)\s*$/.exec(after ?? '');
    if (match !== null) {
      this.#adopted = { head: match[1] ?? '', tail: match[3] ?? '' };
      this.#version = BigInt(match[2] ?? '0');
    }
  }

  /**
   * The o= line to go with the rest of a description.
   * @param host our address in this description
   * @param rest every other line
   */
  line(host: string, rest: string): string {
    if (host !== this.#last?.host || rest !== this.#last.rest) {
      this.#version++;
      this.#last = { host, rest };
    }
    return this.#adopted === null
      ? `o=- ${this.#sessionId} ${this.#version} IN ${addressType(host)} ${host}`
      : `${this.#adopted.head} ${this.#version} ${this.#adopted.tail}`;
  }
}

/** `IP4` or `IP6` for an IP literal. */
export function addressType(host: string): 'IP4' | 'IP6' {
  return isIPv6(host) ? 'IP6' : 'IP4';
}

/** A c= line for an IP literal. */
export function connectionLine(host: string): string {
  return `c=IN ${addressType(host)} ${host}`;
}
