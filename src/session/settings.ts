import { type NetworkKind } from '#core';
import { type CallTarget, type InviteFacts, type SignallingProfile } from '#sip';

import { type FindUser } from '../policy';

/** A peer that sends us calls. */
export interface TrunkSettings {
  readonly trunkId: string;
  readonly kind: NetworkKind;
  /** Whether its identity headers are believed (RFC 3325 §2.3). */
  readonly trusted: boolean;
  /** Media network of its leg. */
  readonly network: string;
}

/** Where a call goes. */
export interface RouteSettings {
  readonly routeId: string;
  readonly kind: NetworkKind;
  readonly trusted: boolean;
  readonly network: string;
  readonly targets: readonly CallTarget[];
}

/** One recording provider: where its SRSs are and how they want to be addressed. */
export interface ProviderSettings {
  readonly providerId: string;
  /** SRS URIs, tried in order. */
  readonly targets: readonly string[];
  readonly profile: SignallingProfile;
  /** How long one SRS may take to answer the INVITE, ms. */
  readonly answerTimeoutMs: number;
  /** Media network toward the SRS. */
  readonly network: string;
  /** Send the final metadata in the BYE (RFC 8068 §3.2.4). */
  readonly metadataInBye: boolean;
}

/** Everything that a call asks of the configuration, already resolved to plain look-ups. */
export interface SessionSettings {
  /** null: a peer that nobody configured. */
  findTrunk(sourceHost: string): TrunkSettings | null;
  /** null: no route leads there. */
  findRoute(invite: InviteFacts, trunk: TrunkSettings): RouteSettings | null;
  readonly findUser: FindUser;
  findProvider(providerId: string): ProviderSettings | null;
  readonly srtpOnly: 'reject' | 'pass-unanchored';
  /** What the From of the recording session says: us, the SRC. */
  readonly srcUri: string;
  /** How long a recording may still deliver what it holds after the call has ended, ms. */
  readonly drainMs: number;
  /** Hang up when every leg that should send has been silent for the media timeout. */
  readonly hangUpOnMediaTimeout: boolean;
}
