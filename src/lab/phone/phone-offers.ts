import { type Direction } from '#core';
import { LabError } from '../errors';
import { acceptFormats, answerDirection } from '../sip/codecs';
import { type Sdp, type SdpMediaOptions } from '../sip/sdp';
import { SdpSession } from '../sip/sdp-session';
import { type CallMedia } from './call-media';

/** The three ways in which phones put a call on hold. */
export type HoldForm = 'sendonly' | 'inactive' | 'zero-address';

/** What the phone's user wants of the audio; `holdForm` null: no hold. */
export interface PhoneWish {
  readonly direction: Direction;
  readonly holdForm: HoldForm | null;
}

/** The offers and answers of one call of a softphone: one audio m-line, the others refused (RFC 3264). */
export class PhoneOffers {
  /** What the next offer or answer will say. */
  wish: PhoneWish = { direction: 'sendrecv', holdForm: null };
  readonly #media: CallMedia;
  readonly #session: SdpSession;
  #remote: Sdp | null = null;

  /** @param host IP literal for our SDP. */
  constructor(media: CallMedia, host: string) {
    this.#media = media;
    this.#session = new SdpSession(host);
  }

  /** The peer's newest SDP. */
  get remote(): Sdp | null {
    return this.#remote;
  }

  /** Our offer as the call now stands. */
  offer(): string {
    return this.#session.format([this.#held(this.#media.describe(this.wish.direction))]);
  }

  /**
   * Answers the first audio m-line and refuses the others (RFC 3264 §6).
   * @throws LabError `REC_ERR_LAB_BAD_SDP` without a common format or a key that we can use.
   */
  answer(offer: Sdp): string {
    const audio = offer.media.find(media => media.kind === 'audio' && media.port !== 0);
    const formats = acceptFormats(audio?.formats ?? [], this.#media.codecs);
    if (audio === undefined || formats.length === 0) {
      throw new LabError('REC_ERR_LAB_BAD_SDP', 'the offer has no audio that we speak');
    }
    const direction = answerDirection(audio.direction, this.wish.direction);
    const ours = this.#media.describeAnswer(audio, direction, formats);
    if (ours === null) {
      throw new LabError('REC_ERR_LAB_BAD_SDP', 'the offer has no SRTP key that we can use');
    }
    this.#remote = offer;
    this.#media.agree(audio, formats, direction);
    return this.#session.format(
      offer.media.map(media =>
        media === audio
          ? this.#held(ours)
          : {
              kind: media.kind,
              protocol: media.protocol,
              port: 0,
              formats: media.formats,
              direction: 'inactive' as const,
            },
      ),
    );
  }

  /** Takes the answer to an offer of ours. @throws LabError `REC_ERR_LAB_BAD_SDP` when it refuses our audio or our keys. */
  take(answer: Sdp): void {
    const [audio] = answer.media;
    if (audio === undefined || audio.port === 0) {
      throw new LabError('REC_ERR_LAB_BAD_SDP', 'the answer refuses our audio');
    }
    if (!this.#media.takeAnsweredKeys(audio)) {
      throw new LabError('REC_ERR_LAB_BAD_SDP', 'the answer takes none of our SRTP keys');
    }
    this.#remote = answer;
    // What the peer may receive is what we may send, and we must want to.
    const direction = answerDirection(audio.direction, this.wish.direction);
    this.#media.agree(audio, audio.formats, direction);
  }

  /** The hold of RFC 2543 has no address, and says nothing about directions. */
  #held(media: SdpMediaOptions): SdpMediaOptions {
    return this.wish.holdForm === 'zero-address'
      ? { ...media, direction: 'sendrecv', connectionHost: '0.0.0.0' }
      : media;
  }
}
