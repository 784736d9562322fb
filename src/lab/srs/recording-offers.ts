import { errorMessage } from '#core';
import { parseSdp, type Sdp } from '../sip/sdp';
import { type SrsBehaviour } from './behaviour';
import { type SrsDeviation } from './deviation';
import { type RecordingMedia } from './recording-media';
import { checkFollowingSdp, checkSdp } from './signalling-checks';

/** The final response that an offer gets. */
export interface OfferAnswer {
  readonly status: number;
  /** '': the usual phrase. */
  readonly reason: string;
  /** SDP; '' with a refusal. */
  readonly body: string;
}

/** The offers of an SRC in one recording session: judged, answered, or refused as the behaviour says. */
export class RecordingOffers {
  readonly #media: RecordingMedia;
  readonly #behaviour: SrsBehaviour;
  readonly #judge: (findings: readonly Omit<SrsDeviation, 'where'>[]) => void;
  #last: (Sdp & { text: string }) | null = null;
  #refusedReinvites = 0;

  constructor(options: {
    readonly media: RecordingMedia;
    readonly behaviour: SrsBehaviour;
    readonly judge: (findings: readonly Omit<SrsDeviation, 'where'>[]) => void;
  }) {
    this.#media = options.media;
    this.#behaviour = options.behaviour;
    this.#judge = options.judge;
  }

  /** Labels of the newest offer, in the order of its m-lines. */
  get labels(): readonly string[] {
    return (this.#last?.media ?? []).flatMap(({ label }) => label ?? []);
  }

  /**
   * The status that the behaviour has for this re-INVITE; null: it is to be served. What is refused changes nothing
   * but the version that the next offer must have.
   */
  refusalOfReinvite(sdp: string | null): number | null {
    const status = this.#behaviour.refuseReinvites?.[this.#refusedReinvites];
    if (status === undefined) {
      return null;
    }
    this.#refusedReinvites += 1;
    if (sdp !== null) {
      this.#last = { ...parseSdp(sdp), text: sdp };
    }
    return status;
  }

  /** Answers an offer: 400 when there is none that can be read, 488 when no stream of it can be taken. */
  async answer(sdp: string | null): Promise<OfferAnswer> {
    if (sdp === null) {
      return { status: 400, reason: 'An SDP Offer Is Needed', body: '' };
    }
    const offer = this.#read(sdp);
    if (offer === null) {
      return { status: 400, reason: 'Bad SDP', body: '' };
    }
    this.#judge(checkSdp(offer));
    const following = { ...offer, text: sdp };
    if (this.#last !== null) {
      this.#judge(checkFollowingSdp(this.#last, following));
    }
    this.#last = following;
    const answer = await this.#media.answer(offer, this.#behaviour);
    return answer === null
      ? { status: 488, reason: 'Not Acceptable Here', body: '' }
      : { status: 200, reason: 'OK', body: answer };
  }

  /** Takes the answer to an offer of ours; one that cannot be read is a deviation. */
  take(sdp: string): void {
    const answer = this.#read(sdp);
    if (answer !== null) {
      this.#media.takeAnswer(answer);
    }
  }

  #read(sdp: string): Sdp | null {
    try {
      return parseSdp(sdp);
    } catch (error) {
      this.#judge([{ name: 'bad-sdp', clause: 'RFC 8866 §5', message: errorMessage(error) }]);
      return null;
    }
  }
}
