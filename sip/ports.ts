import {
  type CallId,
  type LegRole,
  type LocalEndpoint,
  type PayloadFormat,
  type RemoteStream,
  type SipTransport,
  type SrtpSuite,
} from '#core';

/** A name-addr or addr-spec of a header (RFC 3261 §20). */
export interface NameAddr {
  /** The URI without brackets. */
  readonly uri: string;
  readonly displayName: string | null;
  /** Header parameters; a parameter without a value is the empty string. Names in lower case. */
  readonly params: Readonly<Record<string, string>>;
}

/** Everything about a new INVITE that policy and routing may want to know. Nothing here is trusted yet. */
export interface InviteFacts {
  readonly sipCallId: string;
  readonly source: {
    readonly transport: SipTransport;
    readonly host: string;
    readonly port: number;
  };
  readonly requestUri: string;
  readonly from: NameAddr;
  readonly to: NameAddr;
  /** P-Asserted-Identity (RFC 3325), in order. */
  readonly assertedIdentities: readonly NameAddr[];
  readonly remotePartyId: NameAddr | null;
  /** Diversion (RFC 5806), most recent first. */
  readonly diversions: readonly NameAddr[];
  /** History-Info (RFC 7044), in order. */
  readonly historyInfo: readonly NameAddr[];
  /** Values of Privacy (RFC 3323), lower case. */
  readonly privacy: readonly string[];
  /** `Supported: record-aware` (RFC 7866 §6.3). */
  readonly isRecordAware: boolean;
  /** Session-ID (RFC 7989) as received, or the UUID that we made up for a caller without. */
  readonly sessionId: string | null;
  /** false: offerless INVITE. */
  readonly hasOffer: boolean;
}

/** A call that has arrived and waits for a decision. Exactly one of reject() and connect() acts. */
export interface IncomingCall {
  readonly id: CallId;
  readonly invite: InviteFacts;
  /** Refuses the call (no effect after connect()). */
  reject(status: number, options?: { reason?: string; headers?: Record<string, string> }): void;
  /** Rings the targets in turn and joins the legs. Never throws: everything is told to `delegate`. */
  connect(plan: CallPlan, delegate: CallDelegate): void;
  /** Ends the call in whatever state it is. Idempotent. Resolves when both dialogs are gone. */
  hangUp(cause: HangUpCause): Promise<void>;
  /**
   * What every record-aware UA of the call is told in `a=record` (RFC 7866 §6.3, §7.1.2), in each offer and answer from now on;
   * when the call is up, a change is offered at once. null: no attribute of ours, the other side's passes.
   */
  indicate(state: RecordIndication | null): void;
  /** Sends an INFO to the peer of `role`, e.g. DTMF that was held back. No effect without a dialog. */
  sendInfo(role: LegRole, info: InfoToSend): void;
  /**
   * Takes the media of a call that passed untouched (`anchor: false`) through us: delegate.openLeg() is called for both legs
   * and both peers are re-invited with our addresses. Resolves at once for a call that is anchored.
   * @throws SipError `REC_ERR_SIP_NOT_ANCHORABLE`, `REC_ERR_SIP_DIALOG_GONE`, or why a peer refused: the call goes on as it was
   */
  anchor(): Promise<void>;
}

/** A MESSAGE outside of a dialog (RFC 3428) that waits for a decision. The first of refuse() and relay() acts. */
export interface PagerMessage {
  /** As of an INVITE; there is no offer. */
  readonly facts: InviteFacts;
  refuse(status: number, options?: { reason?: string; headers?: Record<string, string> }): void;
  /** Sends it to the targets in turn until one gives a final response, which goes back to the sender. */
  relay(plan: PagerPlan): void;
}

export interface PagerPlan {
  /** Tried in order; one that answers 408, 5xx or not in its time makes room for the next. */
  readonly targets: readonly CallTarget[];
  /** Identity headers pass between two trusted peers only (RFC 3325 §4). */
  readonly senderTrusted: boolean;
  readonly receiverTrusted: boolean;
}

/** Values of `a=record` (RFC 7866 §7.1.2). */
export type RecordIndication = 'on' | 'off' | 'paused';

/** Values of `a=recordpref` (RFC 7866 §7.2). */
export type RecordPreference = 'on' | 'off' | 'pause' | 'nopreference';

/** What becomes of an INFO: it goes to the other leg, is answered 200 here, or is answered with this status. */
export type InfoVerdict =
  'relay' | 'consumed' | { readonly status: number; readonly reason: string };

export interface InfoToSend {
  readonly contentType: string | null;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HangUpCause {
  /** SIP status to use when the caller has no final response yet, e.g. 503. */
  readonly status: number;
  /** Text of the Reason header (RFC 3326). */
  readonly text: string;
}

export interface CallPlan {
  /** Tried in order; a target that answers 408, 5xx or not at all makes room for the next. */
  readonly targets: readonly CallTarget[];
  /** What to do with an offer that only does SRTP of a kind that we do not: 488, or pass it through untouched and unrecorded. */
  readonly srtpOnly: 'reject' | 'pass-unanchored';
  /** SDES SRTP on the legs; absent: none. */
  readonly srtp?: CallSrtp;
  /**
   * A 300, 301 or 302 of a target: its Contacts are tried in its place (8 in all, none twice), or it goes to the caller.
   * Default `pass`.
   */
  readonly redirects?: 'follow' | 'pass';
  /**
   * What to do with a REFER: relay it to the other leg, or call its target in the place of the referrer; one that names a
   * dialog of the target (attended transfer) with Replaces, translated when it is a dialog of ours. Every one is relayed when
   * the delegate cannot resolve transfers. Default `pass`.
   */
  readonly refer?: 'perform' | 'pass';
  /** Whether identity headers may pass to the callee side (a trusted peer, RFC 3325 §4). */
  readonly calleeTrusted: boolean;
  /** The same toward the caller side; absent: no. */
  readonly callerTrusted?: boolean;
  /**
   * false: SDP passes as it is, ICE and keys included, and the media goes around us; delegate.openLeg() is not called until
   * {@link IncomingCall.anchor}. Default true.
   */
  readonly anchor?: boolean;
  /**
   * Audio encodings that may stand in offers and answers (upper case; TELEPHONE-EVENT and CN always may), others are taken out.
   * An offer with none of them stays as it is, see {@link CallDelegate.codecsNotStripped}. null or absent: all.
   */
  readonly allowedEncodings?: readonly string[] | null;
  /**
   * Before a target is rung, the caller gets a 183 with our own answer to its offer: the first of its codecs that is in this list.
   * Then {@link CallDelegate.preConnect} is awaited, and the targets are offered that codec alone. No effect for an offerless INVITE
   * or an offer without any of them.
   */
  readonly preConnect?: { readonly encodings: readonly string[] };
  /** m-lines that are no audio: refused with port 0, or passed around us where they can be. Default `refuse`. */
  readonly otherMedia?: 'refuse' | 'pass';
}

/** What is done with SDES SRTP (RFC 4568) on the live legs; each leg has its own keys. */
export interface CallSrtp {
  /** Whether an offer of SAVP with usable `a=crypto` is taken; otherwise it counts as `srtp-only`. */
  readonly accept: boolean;
  /** Whether a callee is offered SAVP. */
  readonly callee: 'never' | 'when-caller-does' | 'always';
  /** What is taken and offered, most wanted first. */
  readonly suites: readonly SrtpSuite[];
}

export interface CallTarget {
  /** Becomes the Request-URI. */
  readonly requestUri: string;
  /** `sip:host:port;transport=…` of the next hop, or null to follow the Request-URI. */
  readonly nextHop: string | null;
  /** How long to wait for the first answer (any but 100) before the next target is tried, ms. */
  readonly answerTimeoutMs: number;
  /** Answers its digest challenges (RFC 7616); without them a 401 or 407 goes to the caller. */
  readonly credentials?: DigestCredentials;
}

/** Who we are to a next hop. Never logged. */
export interface DigestCredentials {
  readonly username: string;
  readonly password: string;
  /** Only challenges of this realm are answered; absent: any. */
  readonly realm?: string;
}

/** What a call asks of, and tells, its owner. One delegate per call. */
export interface CallDelegate {
  /** Opens the media of a leg; called once per role. A rejection becomes a 503 for the call. */
  openLeg(role: LegRole): Promise<LocalEndpoint>;
  /** What the peer of `role` said about its media, each time that it changes. */
  remoteStream(role: LegRole, stream: RemoteStream): void;
  /** The offer cannot be anchored (SRTP only): the call goes on without us in its media. */
  notAnchored(reason: string): void;
  progressed(facts: ProgressFacts): void;
  /** Synchronous; immediately before the 200 goes to the caller. Recording starts here. */
  answering(facts: AnswerFacts): void;
  /** An in-dialog INFO of a leg. A promise that fails, or is not settled within 3 s, counts as `relay`. */
  infoReceived(role: LegRole, info: InfoFacts): InfoVerdict | Promise<InfoVerdict>;
  /**
   * `a=recordpref` in an offer or answer of that leg (RFC 7866 §7.2), told before it is answered, so that an
   * {@link IncomingCall.indicate} within this call is in the answer.
   */
  recordPreference?(role: LegRole, preference: RecordPreference): void;
  /** An offer of that leg has none of the plan's `allowedEncodings` and was left as it is. */
  codecsNotStripped?(role: LegRole): void;
  /**
   * The caller's offer is known and nobody is rung yet; nobody will be when this tells a refusal, which the caller gets, with
   * its text in a Reason header. The caller's CANCEL ends the call without waiting; a rejection is a 500.
   */
  beforeRinging?(): Promise<HangUpCause | null>;
  /**
   * The caller hears what we play and nobody is rung yet, see {@link CallPlan.preConnect}. The caller's CANCEL ends the call
   * without waiting for it; a rejection is logged and the call goes on.
   */
  preConnect?(): Promise<void>;
  /**
   * The peer of a leg says in a re-INVITE, an UPDATE or the answer to one who it is now (P-Asserted-Identity): it
   * was transferred or picked up behind its own switch. Not yet trusted.
   */
  identityChanged?(role: LegRole, identities: readonly NameAddr[]): void;
  /** Where a REFER of a leg's peer leads to; null: nowhere, it is declined. For `refer: 'perform'`. */
  resolveTransfer?(role: LegRole, referTo: NameAddr): readonly CallTarget[] | null;
  /** Somebody else has taken the place of a leg's peer, whose media was told right before as remoteStream. */
  partyReplaced?(role: LegRole, party: PartyFacts): void;
  /**
   * The call is over, its dialogs are being ended: media and recording may stop now. At most once, before
   * {@link ended}, which may come seconds later when a peer does not answer its BYE.
   */
  ending?(end: CallEnd): void;
  /** Exactly once, last; both dialogs are gone. */
  ended(end: CallEnd): void;
}

/** A party that came by transfer. */
export interface PartyFacts {
  /** As the referrer named it. */
  readonly uri: string;
  readonly displayName: string | null;
  /** Whether the referrer had talked to it before (Replaces, RFC 3891). */
  readonly isAttended: boolean;
  /** P-Asserted-Identity of its answer, when present. Not yet trusted. */
  readonly assertedIdentities: readonly NameAddr[];
}

export interface ProgressFacts {
  readonly status: number;
  /** The provisional response carries an SDP answer (early media). */
  readonly hasMedia: boolean;
}

export interface AnswerFacts {
  /** The target that answered. */
  readonly target: CallTarget;
  /** P-Asserted-Identity of the 200, when present. */
  readonly assertedIdentities: readonly NameAddr[];
  readonly contact: NameAddr | null;
  /** `Supported: record-aware` in the 200. */
  readonly isRecordAware: boolean;
}

export interface InfoFacts {
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string | null;
  readonly body: string;
}

export interface CallEnd {
  readonly by: LegRole | 'gateway';
  /** `answered` calls end with 200; others with the final status that the caller saw. */
  readonly status: number;
  readonly answered: boolean;
  /** Machine-readable: `bye`, `cancel`, `rejected`, `timeout`, `no-ack`, `hang-up`, `engine-lost`, … */
  readonly cause: string;
  /** Reason header (RFC 3326) of whoever ended it, verbatim. */
  readonly reason: string | null;
}

// ---------------------------------------------------------------------------------------------------
// The session recording client (SRC, RFC 7866)

/** How one recording provider wants to be addressed. */
export interface SignallingProfile {
  /** `Require: siprec` (RFC 7866 §6.1.1). */
  readonly requireSiprec: boolean;
  /** Feature tag of our Contact. */
  readonly contactTag: '+sip.src' | 'src';
  readonly metadataType: 'application/rs-metadata+xml' | 'application/rs-metadata';
  readonly partOrder: 'sdp-first' | 'metadata-first';
  readonly extraHeaders: Readonly<Record<string, string>>;
}

export interface RecordingStreamOffer {
  readonly label: string;
  readonly local: LocalEndpoint;
  readonly formats: readonly PayloadFormat[];
  readonly ptimeMs?: number;
  /** `inactive` is a pause (RFC 7866 §7.1.1 and RFC 7245 §3.2.3). */
  readonly direction: 'sendonly' | 'inactive';
  /**
   * Suites to offer, most wanted first: the stream is RTP/SAVP with keys of its own for as long as the dialog lasts
   * (RFC 4568 §5.1.1). Absent: plain RTP.
   */
  readonly srtpSuites?: readonly SrtpSuite[];
}

export interface RecordingInvite {
  /** Request-URI and next hop, e.g. `sip:srs.example.com;transport=tcp`. */
  readonly srsUri: string;
  /** Identifies us, the SRC (RFC 7866 §6.1.1). */
  readonly from: { readonly uri: string; readonly displayName: string | null };
  readonly profile: SignallingProfile;
  readonly streams: readonly RecordingStreamOffer[];
  /** rs-metadata document. */
  readonly metadata: string;
  /** Without a final answer in this time the attempt is given up (CANCEL), ms. */
  readonly answerTimeoutMs: number;
  /** Session timer to ask for (RFC 4028), s, which the engine keeps; absent: the engine's own. */
  readonly sessionExpiresS?: number;
}

/** What the SRS answered for one offered stream. null: refused (port 0). */
export type SrsStreamAnswer = RemoteStream | null;

export interface RecordingDialogEvents {
  /** The SRS re-offered: new addresses or directions, already answered. One entry per stream, in order. */
  answerChanged(streams: readonly SrsStreamAnswer[]): void;
  /** RFC 7866 §9.2: a complete document is due at once. */
  snapshotRequested(reason: string | null): void;
  /** The connection that the SRS was reached by is gone; the dialog may live all the same (RFC 3261 §18). */
  connectionLost(): void;
  /** The dialog is gone (SRS BYE, or a failure that ends it). Not called after our own bye(). */
  ended(end: { readonly cause: RecordingDialogEnd; readonly reason: string | null }): void;
}

/**
 * Why a recording dialog is gone: the SRS said BYE, did not know the dialog any more or gave an answer that cannot be
 * used in a re-INVITE, let the session timer run out (RFC 4028 §10), or our SIP engine is gone.
 */
export type RecordingDialogEnd = 'bye' | 're-invite-failed' | 'session-expired' | 'engine-lost';

/** The far end of a connection, or of an exchange of datagrams. */
export interface SipPeer {
  readonly transport: 'udp' | 'tcp' | 'tls';
  /** IP literal. */
  readonly host: string;
  readonly port: number;
}

/**
 * What an OPTIONS within the dialog has found: an answer; none in time; no way to the SRS (nobody listens, or the
 * connection fails); or that the SRS does not know the dialog (481, RFC 3261 §12.2.1.2).
 */
export type ProbeResult = 'alive' | 'silent' | 'unreachable' | 'dialog-unknown';

export interface RecordingDialog {
  readonly sipCallId: string;
  /** The newest answer of the SRS. */
  readonly streams: readonly SrsStreamAnswer[];
  /** Re-INVITE (with `streams`) or UPDATE (metadata only), queued behind a running one. */
  update(change: {
    readonly streams?: readonly RecordingStreamOffer[];
    readonly metadata?: string;
  }): Promise<readonly SrsStreamAnswer[]>;
  /** Where its newest response came from; null: not known. */
  readonly peer: SipPeer | null;
  /** OPTIONS within the dialog (RFC 3261 §11.2). Never rejects. */
  probe(deadlineMs: number): Promise<ProbeResult>;
  /** Ends the dialog; never rejects. */
  bye(options?: { readonly metadata?: string; readonly reason?: string }): Promise<void>;
}

export interface SrsClient {
  /**
   * Offers a recording session. @throws SipError with code `REC_ERR_SIP_SRS_REFUSED` (details.status),
   * `REC_ERR_SIP_SRS_TIMEOUT`, `REC_ERR_SIP_SRS_UNREACHABLE`, `REC_ERR_SIP_SRS_BAD_ANSWER`,
   * `REC_ERR_SIP_BODY_TOO_LARGE`, `REC_ERR_SIP_ABORTED`.
   */
  invite(
    invite: RecordingInvite,
    events: RecordingDialogEvents,
    signal: AbortSignal,
  ): Promise<RecordingDialog>;
  /** OPTIONS to an SRS outside of any dialog. @returns whether anything answered; never rejects. */
  ping(srsUri: string, deadlineMs: number): Promise<boolean>;
}
