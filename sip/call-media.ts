import {
  type IdSource,
  type LegRole,
  type LocalEndpoint,
  otherRole,
  type RemoteStream,
} from '#core';
import { SipError } from './errors';
import { anchorDescription, findAnchorableMedia } from './sdp/media-anchoring';
import { agreedFormats, type Flow, payloadFormats } from './sdp/offer-answer';
import { statedFlow, toRemoteStream } from './sdp/remote-stream';
import { connectionLine, SdpOrigin } from './sdp/sdp-origin';
import {
  hasAttribute,
  type MediaDescription,
  parseSdp,
  type SessionDescription,
  statedDirection,
} from './sdp/session-description';

export interface CallMediaEvents {
  remoteStream(role: LegRole, stream: RemoteStream): void;
  notAnchored(reason: string): void;
}

interface LegMedia {
  local: LocalEndpoint | null;
  readonly origin: SdpOrigin;
  /** What the peer has said last in an exchange that was completed. */
  agreed: SessionDescription | null;
  /** RFC 5761: stated by both sides in the last exchange. */
  mux: boolean;
  lastTold: string;
}

/** Another peer in the place of one: nothing changes until it has answered. */
export interface MediaReplacement {
  /** What it is offered, in the name of the peer that stays. */
  readonly offer: string;
  /** @throws SipError `REC_ERR_SIP_BAD_SDP`, `REC_ERR_SIP_BAD_ANSWER`: nothing has changed */
  accept(answer: string): void;
}

const BOTH_WAYS: Flow = { sends: true, receives: true };

/**
 * The two offer/answer states of a call, and the way between them: takes what one leg says and gives what the other is to
 * be told, with our media addresses in it, and tells the media plane what each peer wants. An offer that cannot be anchored
 * is refused, or makes the whole call pass untouched, as the plan says.
 */
export class CallMedia {
  readonly #legs: Record<LegRole, LegMedia>;
  readonly #newLeg: (local: LocalEndpoint | null) => LegMedia;
  readonly #events: CallMediaEvents;
  readonly #srtpOnly: 'reject' | 'pass-unanchored';
  #mode: 'undecided' | 'anchored' | 'passed' = 'undecided';
  #mediaIndex = 0;
  #offer: { readonly from: LegRole; readonly description: SessionDescription } | null = null;

  constructor(options: {
    ids: IdSource;
    events: CallMediaEvents;
    srtpOnly: 'reject' | 'pass-unanchored';
  }) {
    this.#events = options.events;
    this.#srtpOnly = options.srtpOnly;
    this.#newLeg = (local): LegMedia => ({
      local,
      origin: new SdpOrigin(options.ids),
      agreed: null,
      mux: false,
      lastTold: '',
    });
    this.#legs = { caller: this.#newLeg(null), callee: this.#newLeg(null) };
  }

  /** Whether our ports are needed: yes, unless the call passes untouched. */
  get isAnchored(): boolean {
    return this.#mode !== 'passed';
  }

  /**
   * Looks at the first offer of the call.
   * @throws SipError `REC_ERR_SIP_BAD_SDP`, `REC_ERR_SIP_NOT_ANCHORABLE`
   */
  decide(offer: string): void {
    const found = findAnchorableMedia(parseSdp(offer));
    if (found.index !== null) {
      this.#mode = 'anchored';
      this.#mediaIndex = found.index;
    } else if (this.#srtpOnly === 'pass-unanchored') {
      this.#mode = 'passed';
      this.#events.notAnchored(found.reason);
    } else {
      throw notAnchorable(found.reason);
    }
  }

  /** Our address toward one leg. */
  setLocal(role: LegRole, local: LocalEndpoint): void {
    this.#legs[role].local = local;
  }

  /**
   * Takes an offer of one leg.
   * @returns the offer for the other leg
   * @throws SipError `REC_ERR_SIP_BAD_SDP`, `REC_ERR_SIP_NOT_ANCHORABLE`
   */
  offer(from: LegRole, sdp: string): string {
    if (this.#mode === 'undecided') {
      this.decide(sdp);
    }
    if (this.#mode === 'passed') {
      return sdp;
    }
    const description = parseSdp(sdp);
    const media = description.media[this.#mediaIndex];
    if (media?.kind !== 'audio' || !/^RTP\/AVPF?$/.test(media.protocol)) {
      throw notAnchorable(media?.kind === 'audio' ? 'srtp-only' : 'no-audio');
    }
    this.#offer = { from, description };
    const to = otherRole(from);
    const text = this.#anchor(description, to, this.#legs[to].mux);
    if (this.#legs[from].agreed === null) {
      this.#tell(from, description, media, { formats: [], rtcpMux: false, ours: BOTH_WAYS });
    }
    return text;
  }

  /**
   * Takes the answer of one leg to the other's offer; a provisional one (early media) leaves the exchange open.
   * @returns the answer for the offerer
   * @throws SipError `REC_ERR_SIP_BAD_SDP`, `REC_ERR_SIP_BAD_ANSWER`
   */
  answer(from: LegRole, sdp: string, isFinal: boolean): string {
    if (this.#mode === 'passed') {
      return sdp;
    }
    const offer = this.#offer;
    const description = parseSdp(sdp);
    const answered = description.media[this.#mediaIndex];
    const offered = offer?.description.media[this.#mediaIndex];
    if (offer === null || offered === undefined || answered === undefined) {
      throw new SipError('REC_ERR_SIP_BAD_ANSWER', 'the answer does not fit the offer', {
        details: { mediaLines: description.media.length, mediaIndex: this.#mediaIndex },
      });
    }
    const to = offer.from;
    // RFC 5761 §5.1.1: the offerer's leg muxes when it offered to, the answerer's when we offered and it agreed.
    const offererMux = hasAttribute(offer.description, offered, 'rtcp-mux');
    const answererMux = this.#legs[from].mux && hasAttribute(description, answered, 'rtcp-mux');
    const text = this.#anchor(description, to, offererMux, offer.description);
    const theirs = payloadFormats(offered);
    const ours = payloadFormats(answered);
    // Each peer sends with the numbers that it was told, which are those of the other's description.
    this.#tell(to, offer.description, offered, {
      formats: agreedOr(agreedFormats(theirs, ours, 'answer'), ours),
      rtcpMux: offererMux,
      ours: statedFlow(description, answered),
    });
    this.#tell(from, description, answered, {
      formats: agreedOr(agreedFormats(theirs, ours, 'offer'), ours),
      rtcpMux: answererMux,
      ours: statedFlow(offer.description, offered),
    });
    if (isFinal) {
      this.#legs[to].mux = offererMux;
      this.#legs[from].mux = answererMux;
      this.#legs[to].agreed = offer.description;
      this.#legs[from].agreed = description;
      this.#offer = null;
    }
    return text;
  }

  /** The offer under way was refused: what was agreed before stays in force (RFC 3261 §14.1). */
  abandon(): void {
    this.#offer = null;
  }

  /** What is in force, said to one leg again as an offer; null when there is nothing to say. */
  restate(to: LegRole): string | null {
    const from = otherRole(to);
    const { agreed } = this.#legs[from];
    if (this.#mode !== 'anchored' || agreed === null) {
      return null;
    }
    this.#offer = { from, description: agreed };
    return this.#anchor(agreed, to, this.#legs[to].mux);
  }

  /**
   * Prepares the same leg for another peer, which is offered what the other side has agreed to, both ways: a hold
   * in force was for the peer that goes.
   * @throws SipError `REC_ERR_SIP_NOT_ANCHORABLE`
   */
  replace(role: LegRole): MediaReplacement {
    const { agreed } = this.#legs[otherRole(role)];
    const { local } = this.#legs[role];
    if (this.#mode !== 'anchored' || agreed === null || local === null) {
      throw notAnchorable('no-audio');
    }
    const leg = this.#newLeg(local);
    const offered = withoutHold(agreed, local);
    const side = { local, origin: leg.origin, rtcpMux: false };
    return {
      offer: anchorDescription(offered, this.#mediaIndex, side),
      accept: answer => {
        const description = parseSdp(answer);
        const theirs = description.media[this.#mediaIndex];
        const ours = offered.media[this.#mediaIndex];
        if (theirs === undefined || ours === undefined || theirs.port === 0) {
          throw new SipError('REC_ERR_SIP_BAD_ANSWER', 'the answer has no audio');
        }
        leg.agreed = description;
        this.#legs[role] = leg;
        this.#offer = null;
        const formats = payloadFormats(theirs);
        this.#tell(role, description, theirs, {
          formats: agreedOr(agreedFormats(payloadFormats(ours), formats, 'offer'), formats),
          rtcpMux: false,
          ours: BOTH_WAYS,
        });
      },
    };
  }

  #anchor(
    description: SessionDescription,
    to: LegRole,
    rtcpMux: boolean,
    shape?: SessionDescription,
  ): string {
    const { local, origin } = this.#legs[to];
    if (local === null) {
      throw new SipError('REC_ERR_SIP_NOT_ANCHORABLE', 'the media of the leg is not open', {
        details: { role: to },
      });
    }
    return anchorDescription(description, this.#mediaIndex, { local, origin, rtcpMux }, shape);
  }

  #tell(
    role: LegRole,
    description: SessionDescription,
    media: MediaDescription,
    agreement: Parameters<typeof toRemoteStream>[2],
  ): void {
    const stream = toRemoteStream(description, media, agreement);
    const told = JSON.stringify(stream);
    if (told !== this.#legs[role].lastTold) {
      this.#legs[role].lastTold = told;
      this.#events.remoteStream(role, stream);
    }
  }
}

/** A peer that answers with formats never offered is wrong, but its packets come all the same. */
function agreedOr<T>(agreed: readonly T[], answered: readonly T[]): readonly T[] {
  return agreed.length > 0 ? agreed : answered;
}

function notAnchorable(reason: 'srtp-only' | 'no-audio'): SipError {
  const message =
    reason === 'srtp-only' ? 'only plain RTP audio is supported' : 'an audio stream is required';
  return new SipError('REC_ERR_SIP_NOT_ANCHORABLE', message, { details: { reason } });
}

/** A description as its writer would have it without any hold (RFC 3264 §8.4). */
function withoutHold(description: SessionDescription, local: LocalEndpoint): SessionDescription {
  const free = (lines: readonly string[]): readonly string[] =>
    lines
      .filter(line => statedDirection([line]) === null)
      .map(line => (line.startsWith('c=') ? connectionLine(local.rtp.host) : line));
  return {
    session: free(description.session),
    media: description.media.map(each => ({ ...each, lines: free(each.lines) })),
  };
}
