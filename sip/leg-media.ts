import { isDeepStrictEqual } from 'node:util';
import { type IdSource, type LocalEndpoint, type RemoteStream, type SrtpSuite } from '#core';
import { type RecordPreference } from './ports';
import { isSecureProfile } from './sdp/crypto';
import { LegSecurity } from './sdp/leg-security';
import { SdpOrigin } from './sdp/sdp-origin';
import { formatSdp, parseSdp, type SessionDescription } from './sdp/session-description';

/** One leg of a call in its exchanges of offer and answer: who we are toward it, and what its peer has said. */
export class LegMedia {
  /** Where our media of the leg is; null: not open yet. */
  local: LocalEndpoint | null;
  /** RFC 5761: stated by both sides in the last exchange. */
  mux = false;
  preference: RecordPreference = 'nopreference';
  readonly security: LegSecurity;
  readonly #ids: IdSource;
  #origin: SdpOrigin;
  /** As text, because it is kept for long and read seldom. */
  #agreed: string | null = null;
  #told: RemoteStream | null = null;

  /** @param suites of SRTP that are taken and offered, most wanted first. */
  constructor(ids: IdSource, suites: readonly SrtpSuite[], local: LocalEndpoint | null = null) {
    this.local = local;
    this.security = new LegSecurity(suites);
    this.#ids = ids;
    this.#origin = new SdpOrigin(ids);
  }

  /** Of the descriptions that the leg gets. */
  get origin(): SdpOrigin {
    return this.#origin;
  }

  get hasAgreed(): boolean {
    return this.#agreed !== null;
  }

  /** What the peer has said last in an exchange that was completed; null: none was. */
  get agreed(): SessionDescription | null {
    return this.#agreed === null ? null : parseSdp(this.#agreed);
  }

  /** An exchange is complete. */
  agree(description: SessionDescription | null): void {
    this.#agreed = description === null ? null : formatSdp(description);
  }

  /** @returns whether the stream differs from the one that was told last. It counts as told from now on. */
  isNews(stream: RemoteStream): boolean {
    const isNews = !isDeepStrictEqual(stream, this.#told);
    this.#told = isNews ? stream : this.#told;
    return isNews;
  }

  /**
   * From now on the leg talks with us, who were not part of what was agreed.
   * @param passed what the leg was told by the other peer: ours are to be newer
   * @param protocol of the m-line that the peer has
   */
  takeOver(passed: SessionDescription | null, protocol: string | undefined): void {
    const after = passed?.session.find(line => line.startsWith('o='));
    this.#origin = new SdpOrigin(this.#ids, after);
    this.mux = false;
    this.security.assume(protocol !== undefined && isSecureProfile(protocol));
  }
}
