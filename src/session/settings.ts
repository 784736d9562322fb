import { type NetworkKind, type SrtpSuite } from '#core';
import { type CallTarget, type InviteFacts, type SignallingProfile } from '#sip';

import { type CallPolicy, type FindUser, type IdentityScope } from '../policy';
import { type SrsTarget } from './srs/srs-target';

/** A peer that sends us calls. */
export interface TrunkSettings {
  readonly trunkId: string;
  readonly kind: NetworkKind;
  /** Whether its identity headers are believed (RFC 3325 §2.3). */
  readonly trusted: boolean;
  /** Media network of its leg. */
  readonly network: string;
  /** Whose extensions its callers have; absent: everybody's. */
  readonly scope?: IdentityScope;
}

/** Where a call goes. */
export interface RouteSettings {
  readonly routeId: string;
  readonly kind: NetworkKind;
  readonly trusted: boolean;
  readonly network: string;
  readonly targets: readonly CallTarget[];
  /** Whether its targets are offered SRTP. Default `when-caller-does`. */
  readonly srtp?: 'never' | 'when-caller-does' | 'always';
  /** Whose extensions are called there; absent: those of the trunk. */
  readonly scope?: IdentityScope;
}

/** One recording provider: where its SRSs are and how they want to be addressed. */
export interface ProviderSettings {
  readonly providerId: string;
  readonly targets: readonly SrsTarget[];
  readonly profile: SignallingProfile;
  /** How long one SRS may take to answer the INVITE, ms. */
  readonly answerTimeoutMs: number;
  readonly failover: FailoverSettings;
  /** Media network toward the SRS. */
  readonly network: string;
  /** Send the final metadata in the BYE (RFC 8068 §3.2.4). */
  readonly metadataInBye: boolean;
  /** SRTP of the recording streams; absent: `when-live-is-secure` with the suites that every SRTP peer has. */
  readonly srtp?: ProviderSrtp;
  /** Encodings that its SRSs take, upper case; others are transcoded to the first of them that can be made. Absent: all. */
  readonly codecs?: readonly string[];
  /** Telephone events toward the SRS. Default `pass`. */
  readonly dtmf?: 'pass' | 'drop';
  /** Comfort noise (RFC 3389) toward the SRS. Default `pass`. */
  readonly comfortNoise?: 'pass' | 'drop';
  /** What the SRS gets while a recording is paused: nothing, or silence that keeps the timeline. Default `inactive`. */
  readonly pause?: 'inactive' | 'silence';
  /** `a=label` of the streams, in SDP and metadata. Default: 1 the recorded party, 2 all others. */
  readonly labels?: StreamLabels;
  /** The language of the metadata. Default `rfc7865`. */
  readonly metadata?: ProviderMetadata;
  /** Session timer of the recording session (RFC 4028), s; absent: the engine's. */
  readonly sessionExpiresS?: number;
}

/** Different from one another (RFC 4574 §4). */
export interface StreamLabels {
  readonly recordedParty: string;
  readonly otherParties: string;
}

export interface ProviderMetadata {
  readonly dialect: 'rfc7865' | 'broadworks';
  /** Of the BroadWorks dialect. */
  readonly schemaVersion: '1.0' | '2.0' | '3.0';
  /** Later documents: what changed, or everything; absent: what the dialect usually does. */
  readonly updates?: 'partial' | 'complete';
  /** Whether start, stop, pause, resume and notices are told. */
  readonly reportEvents: boolean;
  readonly displayNames: boolean;
}

/** When and how recording streams are protected (RFC 7866 §12.2). */
export interface ProviderSrtp {
  readonly policy: 'never' | 'when-live-is-secure' | 'always';
  /** Offered in this order (RFC 4568). */
  readonly suites: readonly SrtpSuite[];
  /** Record a protected call in the clear where the policy is `never`, instead of failing with `security`. Default false. */
  readonly allowLessProtected?: boolean;
}

/** How a recorder that is not there is found out, and what the next one gets. */
export interface FailoverSettings {
  /** An SRS without a final answer is overtaken by the next after this, ms. */
  readonly maxResponseWaitMs: number;
  /** OPTIONS within the recording's dialog, ms; 0: none. */
  readonly optionsIntervalMs: number;
  readonly optionsDeadlineMs: number;
  /** Receiver reports that stop for this long, ms; 0: not looked at. */
  readonly rtcpSilenceMs: number;
  /** How much before the last sign of life the next SRS is sent again, ms. */
  readonly overlapMs: number;
}

/** Everything that a call asks of the configuration, already resolved to plain look-ups. */
export interface SessionSettings {
  /** null: a peer that nobody configured. */
  findTrunk(sourceHost: string): TrunkSettings | null;
  /** null: no route leads there. */
  findRoute(invite: Pick<InviteFacts, 'requestUri'>, trunk: TrunkSettings): RouteSettings | null;
  readonly findUser: FindUser;
  /** What is the same for all calls: anchoring, feature codes, notices, mailboxes. */
  readonly callPolicy: CallPolicy;
  findProvider(providerId: string): ProviderSettings | null;
  readonly srtpOnly: 'reject' | 'pass-unanchored';
  /** See CallPlan of the same names; default `pass`. */
  readonly redirects?: 'follow' | 'pass';
  readonly refer?: 'perform' | 'pass';
  readonly otherMedia?: 'refuse' | 'pass';
  /** A MESSAGE outside of a dialog (RFC 3428): it takes the way of a call, or gets 405. Default `relay`. */
  readonly messages?: 'relay' | 'refuse';
  /** SDES SRTP on the live legs; absent: offers of SAVP count as SRTP only. */
  readonly srtp?: { readonly accept: boolean; readonly suites: readonly SrtpSuite[] };
  /** What the From of the recording session says: us, the SRC. */
  readonly srcUri: string;
  /** How long a recording may still deliver what it holds after the call has ended, ms. */
  readonly drainMs: number;
  /** Share of a stream's packets (0–1) that an SRS may report lost before a recording counts as partial. */
  readonly maxReportedLossRatio: number;
  /** Hang up when every leg that should send has been silent for the media timeout. */
  readonly hangUpOnMediaTimeout: boolean;
}
