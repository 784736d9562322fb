import { randomInt } from 'node:crypto';
import { formatSdp, type SdpMediaOptions } from './sdp';

/** The bodies that we write in one dialog: the o= version grows with each one that differs (RFC 3264 §8). */
export class SdpSession {
  readonly #sessionId = String(randomInt(1, 2 ** 47));
  readonly #host: string;
  #version = 0;
  #last = '';

  /** @param host IP literal for o= and c=. */
  constructor(host: string) {
    this.#host = host;
  }

  format(media: readonly SdpMediaOptions[]): string {
    const write = (version: number): string =>
      formatSdp({ sessionId: this.#sessionId, version, host: this.#host, media });
    if (write(this.#version) !== this.#last) {
      this.#version += 1;
      this.#last = write(this.#version);
    }
    return this.#last;
  }
}
