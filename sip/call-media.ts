import {
  type IdSource,
  type LegRole,
  type LocalEndpoint,
  otherRole,
  type RemoteStream,
  type SrtpSuite,
  type StreamCrypto,
  LEG_ROLES,
} from '#core';
import { SipError } from './errors';
import { type CallSrtp, type RecordIndication, type RecordPreference } from './ports';
import { LegMedia } from './leg-media';
import { RecordIndicator } from './record-indicator';
import { keepAgreed, keepEncodings } from './sdp/codec-policy';
import {
  readRecord,
  readRecordPreference,
  withoutRecordPreference,
  withRecord,
} from './sdp/record-attribute';
import { type MediaSecurity } from './sdp/leg-security';
import {
  anchorDescription,
  findAnchorableMedia,
  isAnchorable,
  notAnchorable,
} from './sdp/media-anchoring';
import { preAnswer } from './sdp/pre-answer';
import { withoutHold } from './sdp/hold';
import { toRemoteStream } from './sdp/remote-stream';
import {
  formatSdp,
  hasAttribute,
  type MediaDescription,
  parseSdp,
  type SessionDescription,
} from './sdp/session-description';
import {
  agreementWithNewcomer,
  BOTH_WAYS,
  type StreamAgreement,
  streamAgreements,
} from './sdp/stream-agreements';

export interface CallMediaEvents {
  remoteStream(role: LegRole, stream: RemoteStream): void;
  notAnchored(reason: string): void;
  recordPreference?(role: LegRole, preference: RecordPreference): void;
  codecsNotStripped?(role: LegRole): void;
}

export interface CallMediaOptions {
  readonly ids: IdSource;
  readonly events: CallMediaEvents;
  readonly srtpOnly: 'reject' | 'pass-unanchored';
  /** false: everything passes until {@link CallMedia.beginAnchoring}. */
  readonly anchor?: boolean;
  /** See CallPlan. */
  readonly allowedEncodings?: readonly string[] | null;
  /** See CallPlan. */
  readonly otherMedia?: 'refuse' | 'pass';
  /** See CallPlan. */
  readonly srtp?: CallSrtp;
}

/** Another peer in the place of one: nothing changes until it has answered. */
export interface MediaReplacement {
  /** What it is offered, in the name of the peer that stays. */
  readonly offer: string;
  /** @throws SipError `REC_ERR_SIP_BAD_SDP`, `REC_ERR_SIP_BAD_ANSWER`: nothing has changed */
  accept(answer: string): void;
}

/**
 * The two offer/answer states of a call, and the way between them: takes what one leg says and gives what the other is to
 * be told, with our media addresses in it, and tells the media plane what each peer wants. An offer that cannot be anchored
 * is refused, or makes the whole call pass untouched, as the plan says.
 */
export class CallMedia {
  readonly #legs: Record<LegRole, LegMedia>;
  readonly #events: CallMediaEvents;
  readonly #options: CallMediaOptions;
  readonly #record = new RecordIndicator();
  #mode: 'undecided' | 'anchored' | 'passed' = 'undecided';
  #mediaIndex = 0;
  #offer: {
    readonly from: LegRole;
    readonly description: SessionDescription;
    /** We have made it ourselves of what `from` has said before: `from` waits for no answer. */
    readonly isRestated?: boolean;
  } | null = null;

  constructor(options: CallMediaOptions) {
    this.#events = options.events;
    this.#options = options;
    this.#legs = { caller: this.#newLeg(), callee: this.#newLeg() };
  }

  /** Whether our ports are needed: yes, unless the call passes untouched. */
  get isAnchored(): boolean {
    return (
      this.#mode === 'anchored' || (this.#mode === 'undecided' && this.#options.anchor !== false)
    );
  }

  /**
   * Looks at the first offer of the call.
   * @throws SipError `REC_ERR_SIP_BAD_SDP`, `REC_ERR_SIP_NOT_ANCHORABLE`
   */
  decide(offer: string): void {
    const found = findAnchorableMedia(parseSdp(offer), this.#takenSuites);
    if (this.#options.anchor === false) {
      this.#mode = 'passed';
      this.#mediaIndex = found.index ?? 0;
    } else if (found.index !== null) {
      this.#mode = 'anchored';
      this.#mediaIndex = found.index;
    } else if (this.#options.srtpOnly === 'pass-unanchored') {
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
   * @param beforeWriting called when everything is known and nothing written yet; it may still {@link indicate}
   * @returns the offer for the other leg
   * @throws SipError `REC_ERR_SIP_BAD_SDP`, `REC_ERR_SIP_NOT_ANCHORABLE`
   */
  offer(from: LegRole, sdp: string, beforeWriting?: () => void): string {
    if (this.#mode === 'undecided') {
      this.decide(sdp);
    }
    const description = this.#read(from, sdp, 'offer');
    if (this.#mode === 'passed') {
      this.#offer = { from, description };
      beforeWriting?.();
      return sdp;
    }
    const media = description.media[this.#mediaIndex];
    const kind = media?.kind;
    if (!isAnchorable(media, this.#takenSuites)) {
      throw notAnchorable(kind === 'audio' ? 'srtp-only' : 'no-audio');
    }
    const crypto = this.#legs[from].security.takeOffer(media);
    this.#offer = { from, description };
    const to = otherRole(from);
    if (!this.#legs[from].hasAgreed) {
      const agreement = { formats: [], rtcpMux: false, ours: BOTH_WAYS };
      this.#tell(from, description, media, agreement, crypto);
    }
    beforeWriting?.();
    return this.#anchor(description, to, this.#legs[to].mux);
  }

  /**
   * Takes the answer of one leg to the other's offer; a provisional one (early media) leaves the exchange open.
   * @returns the answer for the offerer; of no use after {@link restate}
   * @throws SipError `REC_ERR_SIP_BAD_SDP`, `REC_ERR_SIP_BAD_ANSWER`
   */
  answer(from: LegRole, sdp: string, isFinal: boolean, beforeWriting?: () => void): string {
    if (this.#mode === 'passed') {
      this.#passAnswer(from, sdp, isFinal);
      beforeWriting?.();
      return sdp;
    }
    const offer = this.#offer;
    const description = this.#read(from, sdp, 'answer');
    const answered = description.media[this.#mediaIndex];
    const offered = offer?.description.media[this.#mediaIndex];
    if (offer === null || offered === undefined || answered === undefined) {
      throw new SipError('REC_ERR_SIP_BAD_ANSWER', 'the answer does not fit the offer', {
        details: { mediaLines: description.media.length, mediaIndex: this.#mediaIndex },
      });
    }
    const to = offer.from;
    // RFC 5761 §5.1.1: the offerer's leg muxes when it offered to, the answerer's when we offered and it agreed.
    const offererMux =
      offer.isRestated === true
        ? this.#legs[to].mux
        : hasAttribute(offer.description, offered, 'rtcp-mux');
    const answererMux = this.#legs[from].mux && hasAttribute(description, answered, 'rtcp-mux');
    const isRestated = offer.isRestated === true;
    const offererSecurity = this.#legs[to].security;
    const offererCrypto = isRestated ? offererSecurity.agreed : offererSecurity.answered;
    const answererCrypto = this.#legs[from].security.takeAnswer(answered);
    const { withOfferer, withAnswerer } = streamAgreements(
      { description: offer.description, media: offered, rtcpMux: offererMux },
      { description, media: answered, rtcpMux: answererMux },
    );
    this.#tell(to, offer.description, offered, withOfferer, offererCrypto);
    this.#tell(from, description, answered, withAnswerer, answererCrypto);
    beforeWriting?.();
    const text = isRestated ? '' : this.#anchor(description, to, offererMux, offer.description);
    if (isFinal) {
      this.#legs[from].mux = answererMux;
      this.#legs[from].agree(description);
      this.#record.agreed(from);
      this.#legs[from].security.commit(answererCrypto);
      if (!isRestated) {
        offererSecurity.commit(offererCrypto);
        this.#legs[to].mux = offererMux;
        this.#legs[to].agree(offer.description);
        this.#record.agreed(to);
      }
      this.#offer = null;
    }
    return text;
  }

  /** The offer under way was refused: what was agreed before stays in force (RFC 3261 §14.1). */
  abandon(): void {
    this.#offer = null;
  }

  /**
   * What is in force, said to one leg again as an offer; null when there is nothing to say.
   * @param onlyAgreed with the codecs alone that both sides have agreed to: nothing but our own lines is to change
   */
  restate(to: LegRole, onlyAgreed = false): string | null {
    const from = otherRole(to);
    const agreed = this.#legs[from].agreed;
    if (this.#mode !== 'anchored' || agreed === null) {
      return null;
    }
    const description = onlyAgreed
      ? keepAgreed(agreed, this.#legs[to].agreed, this.#mediaIndex)
      : agreed;
    this.#offer = { from, description, isRestated: true };
    return this.#anchor(description, to, this.#legs[to].mux);
  }

  /**
   * Answers the caller's offer by ourselves, before anybody else does.
   * @returns the answer, and the offer for the callee, which leaves it no other codec; null when the offer has none of them
   */
  preAnswer(encodings: readonly string[]): { answer: string; offer: string } | null {
    const offered = this.#offer?.description;
    const media = offered?.media[this.#mediaIndex];
    const made =
      offered === undefined || this.#mode !== 'anchored'
        ? null
        : preAnswer(offered, this.#mediaIndex, encodings);
    if (offered === undefined || media === undefined || made === null) {
      return null;
    }
    const rtcpMux = hasAttribute(offered, media, 'rtcp-mux');
    const answer = this.#anchor(made.answer, 'caller', rtcpMux, offered);
    const agreement = { formats: made.formats, rtcpMux, ours: BOTH_WAYS };
    this.#tell('caller', offered, media, agreement, this.#legs.caller.security.answered);
    this.#offer = { from: 'caller', description: made.offer };
    return { answer, offer: this.#anchor(made.offer, 'callee', false) };
  }

  // -- indications -------------------------------------------------------------------------------------

  /** See IncomingCall.indicate. */
  indicate(state: RecordIndication | null): void {
    this.#record.set(state);
  }

  /** Whether a peer understands `a=record` (RFC 7866 §6.3). */
  setRecordAware(role: LegRole, isAware: boolean): void {
    this.#record.setAware(role, isAware);
  }

  /** Whether a leg must be offered again to learn that we record, or do not any more. */
  isIndicationDue(role: LegRole): boolean {
    return this.#mode === 'anchored' && this.#record.isDue(role);
  }

  /** A leg has refused an offer that was to tell it. */
  indicationRefused(role: LegRole): void {
    this.#record.refused(role);
  }

  // -- passed, and anchored later ----------------------------------------------------------------------

  /**
   * From now on the media is ours: both legs are to be offered {@link restate} next. Needs {@link setLocal} for both.
   * @throws SipError `REC_ERR_SIP_NOT_ANCHORABLE`: what the peers have agreed to cannot pass through us
   */
  beginAnchoring(): void {
    const agreed = { caller: this.#legs.caller.agreed, callee: this.#legs.callee.agreed };
    const suites = this.#takenSuites;
    const found = agreed.caller === null ? null : findAnchorableMedia(agreed.caller, suites);
    const answered = agreed.callee?.media[found?.index ?? -1];
    if (found?.index !== null && found !== null && isAnchorable(answered, suites)) {
      this.#mediaIndex = found.index;
      this.#mode = 'anchored';
      this.#offer = null;
      for (const role of LEG_ROLES) {
        const own = agreed[role]?.media[found.index];
        this.#legs[role].takeOver(agreed[otherRole(role)], own?.protocol);
      }
      return;
    }
    throw notAnchorable(found?.reason ?? (answered?.kind === 'audio' ? 'srtp-only' : 'no-audio'));
  }

  /**
   * Anchoring has failed: the media goes around us again.
   * @param told a leg that has our address by now
   * @returns what to offer that leg so that it sends to the other peer again
   */
  endAnchoring(told: LegRole): string {
    const { origin } = this.#legs[told];
    const description = this.#legs[otherRole(told)].agreed ?? { session: ['v=0'], media: [] };
    this.#mode = 'passed';
    this.#offer = null;
    const session = description.session.filter(line => !/^[vo]=/.test(line));
    const line = origin.line('', formatSdp({ ...description, session }));
    return formatSdp({ ...description, session: ['v=0', line, ...session] });
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
    const security = leg.security.offer(this.#offersSecure(role, otherRole(role)));
    const side = { local, origin: leg.origin, rtcpMux: false, security };
    const told = this.#record.forNewcomer(readRecord(offered, this.#mediaIndex));
    const said = told === null ? offered : withRecord(offered, this.#mediaIndex, told);
    return {
      offer: anchorDescription(said, this.#mediaIndex, side),
      accept: answer => {
        const description = parseSdp(answer);
        const theirs = description.media[this.#mediaIndex];
        const ours = offered.media[this.#mediaIndex];
        if (theirs === undefined || ours === undefined || theirs.port === 0) {
          throw new SipError('REC_ERR_SIP_BAD_ANSWER', 'the answer has no audio');
        }
        const crypto = leg.security.takeAnswer(theirs);
        leg.security.commit(crypto);
        leg.agree(description);
        this.#legs[role] = leg;
        this.#record.replaced(role, told);
        this.#offer = null;
        const agreement = agreementWithNewcomer(ours, theirs);
        this.#tell(role, description, theirs, agreement, crypto, true);
      },
    };
  }

  #newLeg(local: LocalEndpoint | null = null): LegMedia {
    const { ids, srtp } = this.#options;
    return new LegMedia(ids, srtp?.suites ?? [], local);
  }

  /** Parses what a leg says, tells what it prefers, and takes out what the plan does not allow. */
  #read(from: LegRole, sdp: string, kind: 'offer' | 'answer'): SessionDescription {
    const description = parseSdp(sdp);
    const leg = this.#legs[from];
    const preference = readRecordPreference(description, this.#mediaIndex) ?? 'nopreference';
    if (preference !== leg.preference) {
      leg.preference = preference;
      this.#events.recordPreference?.(from, preference);
    }
    const { allowedEncodings = null } = this.#options;
    if (allowedEncodings === null || this.#mode === 'passed') {
      return description;
    }
    const kept = keepEncodings(description, this.#mediaIndex, allowedEncodings);
    if (kept === null && kind === 'offer') {
      this.#events.codecsNotStripped?.(from);
    }
    return kept ?? description;
  }

  #passAnswer(from: LegRole, sdp: string, isFinal: boolean): void {
    if (isFinal) {
      const offered = this.#offer?.description ?? null;
      this.#legs[from].agree(this.#read(from, sdp, 'answer'));
      this.#legs[otherRole(from)].agree(offered);
      this.#offer = null;
    }
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
    const isFirst = shape === undefined && !this.#legs[to].hasAgreed;
    const others = readRecord(description, this.#mediaIndex);
    const record = this.#record.write(to, others, isFirst);
    const own = this.#record.takesPreferences ? withoutRecordPreference(description) : description;
    const said = record === null ? own : withRecord(own, this.#mediaIndex, record);
    const passOthers = this.#options.otherMedia === 'pass';
    const security = this.#securityToward(to, shape !== undefined);
    const side = { local, origin, rtcpMux, passOthers, security };
    return anchorDescription(said, this.#mediaIndex, side, shape);
  }

  /** Suites of SRTP that an offer may come with. */
  get #takenSuites(): readonly SrtpSuite[] {
    const { srtp } = this.#options;
    return srtp?.accept === true ? srtp.suites : [];
  }

  #securityToward(to: LegRole, isAnswer: boolean): MediaSecurity {
    const { security } = this.#legs[to];
    return isAnswer ? security.answer() : security.offer(this.#offersSecure(to, otherRole(to)));
  }

  /** Whether a leg is offered SRTP: as it was agreed with it, and the first time as the plan says. */
  #offersSecure(to: LegRole, from: LegRole): boolean {
    const { srtp } = this.#options;
    const { hasAgreed, security } = this.#legs[to];
    if (hasAgreed) {
      return security.isSecure;
    }
    const other = this.#legs[from].security;
    const isOtherSecure = other.answered !== null || other.isSecure;
    if (srtp === undefined || srtp.suites.length === 0) {
      return false;
    }
    return to === 'caller'
      ? isOtherSecure
      : srtp.callee === 'always' || (srtp.callee === 'when-caller-does' && isOtherSecure);
  }

  #tell(
    role: LegRole,
    description: SessionDescription,
    media: MediaDescription,
    agreement: StreamAgreement,
    crypto: StreamCrypto | null,
    isNewPeer = false,
  ): void {
    const plain = toRemoteStream(description, media, agreement);
    const stream = crypto === null ? plain : { ...plain, crypto };
    if (this.#legs[role].isNews(stream) || isNewPeer) {
      this.#events.remoteStream(role, isNewPeer ? { ...stream, isNewPeer } : stream);
    }
  }
}
