import { ownString, type Timer } from '#core';
import { type Acceptance, type Dialog, type SessionTimer } from '../dialog';
import { type SipRequest, type SipResponse } from '../message';
import { type ClientTransaction, type ServerTransaction } from '../transaction';
import { type OutboundRoute } from '../transport';
import { type OwnAddress } from './app-headers';
import { type AppPort } from './app-port';
import { sessionDescription } from './session-body';

/**
 * ```text
 * early ──2xx──▶ confirmed ──BYE──▶ ended
 *   └── failure, CANCEL ────────────▲
 * ```
 */
export type LegState = 'early' | 'confirmed' | 'ended';

/** A request of a peer that an application has to answer. */
export interface PendingRequest {
  readonly txnId: string;
  readonly transaction: ServerTransaction;
  readonly app: AppPort;
  readonly leg: Leg | null;
  readonly own: OwnAddress;
  /** To tag of our responses outside of dialogs. */
  localTag: string;
  /** The application has sent a response. */
  isAnswered: boolean;
  /** Ends the wait for an application that does not answer. */
  patience: Timer | null;
}

/** A request of an application that waits for its final response. */
export interface PendingClient {
  readonly txnId: string;
  readonly app: AppPort;
  readonly leg: Leg | null;
  readonly method: string;
  transaction: ClientTransaction | null;
  isCancelled: boolean;
  patience: Timer | null;
  /** Ends the wait for one of several addresses. */
  failover: Timer | null;
  /** Builds the request for a known way; null once it need not be sent to another address any more. */
  build: ((own: OwnAddress) => SipRequest) | null;
}

/** A 2xx to an INVITE of ours; the application gives the ACK, and repeated 2xx get it again. */
export interface PendingAck {
  /** Of the INVITE, which is not kept as long as this. */
  readonly txnId: string;
  /** The INVITE had been given up when its 2xx came. */
  readonly isCancelled: boolean;
  readonly dialog: Dialog;
  /** CSeq number of the INVITE. */
  readonly sequence: number;
  isSent: boolean;
  /** As it was sent, for as long as the 2xx may be repeated (64*T1, §13.2.2.4). */
  sent: { readonly request: SipRequest; readonly route: OutboundRoute } | null;
  /** Ends the wait for an application that does not acknowledge, and then the one for a repeated 2xx. */
  patience: Timer | null;
}

/** @param sequence CSeq number of the INVITE. */
export function pendingAckOf(client: PendingClient, dialog: Dialog, sequence: number): PendingAck {
  const { txnId, isCancelled } = client;
  return { txnId, isCancelled, dialog, sequence, isSent: false, sent: null, patience: null };
}

/** A reliable provisional response of ours that waits for its PRACK (RFC 3262). */
export interface ReliableProvisional {
  readonly acceptance: Acceptance;
  readonly rseq: number;
  /** CSeq number of the INVITE. */
  readonly sequence: number;
  readonly hasSdp: boolean;
  /** The engine made it reliable, not the application, which therefore knows nothing of the PRACK. */
  readonly isOwn: boolean;
}

/** RSeq of a peer's newest reliable provisional response, and the CSeq number of the INVITE that it belongs to. */
export interface NewestRseq {
  readonly sequence: number;
  readonly rseq: number;
}

/** A 2xx of ours that waits for its ACK. */
export interface PendingAcceptance {
  readonly acceptance: Acceptance;
  /** CSeq number of the INVITE. */
  readonly sequence: number;
  /** Under which the application is told of the ACK. */
  readonly txnId: string;
}

/**
 * What an application knows as one dialog id: an INVITE and the dialog(s) that came of it. Until a 2xx
 * an INVITE of ours may have several early dialogs (a fork); then one is left.
 */
export class Leg {
  /** `<Call-ID>;from-tag=<From tag of the initial INVITE>`. */
  readonly id: string;
  readonly role: 'uas' | 'uac';
  readonly app: AppPort;
  state: LegState = 'early';
  /** Early dialogs, each with a remote tag of its own; after the 2xx only the confirmed one. */
  dialogs: readonly Dialog[] = [];
  /** The one that requests of the application go to. */
  dialog: Dialog | null = null;
  /** The peer's INVITE that has no final response yet. */
  serverInvite: PendingRequest | null = null;
  acceptance: PendingAcceptance | null = null;
  /** Our INVITE that has no final response yet. */
  clientInvite: PendingClient | null = null;
  pendingAck: PendingAck | null = null;
  /** The peer's requests that the application has not answered. */
  pending: readonly PendingRequest[] = [];
  /** Our reliable provisional response that has no PRACK yet. */
  reliable: ReliableProvisional | null = null;
  /** RSeq of our newest reliable provisional response. */
  rseq: number | null = null;
  /** What has to wait until the PRACK is there. */
  afterPrack: (() => void)[] = [];
  /** Newest RSeq of the peer, by its tag, and the INVITE that it belongs to; null: it has sent none. */
  remoteRseq: Map<string, NewestRseq> | null = null;
  /** Set once a session interval was agreed on (RFC 4028). */
  sessionTimer: SessionTimer | null = null;
  /** What a refresh by the engine repeats: our newest session description that is in force, one character per byte; our Contact. */
  localSdp: string | null = null;
  localContact: string | null = null;
  /** The peer's Allow names UPDATE. */
  allowsUpdate = false;
  /** What has to wait until the peer's ACK is there (a BYE, RFC 3261 §15). */
  afterAck: (() => void)[] = [];

  constructor(callId: string, fromTag: string, role: 'uas' | 'uac', app: AppPort) {
    this.id = ownString(dialogIdOf(callId, fromTag));
    this.role = role;
    this.app = app;
  }

  /** The dialog with that remote tag. */
  dialogWith(tag: string): Dialog | null {
    return this.dialogs.find(({ remoteTag }) => remoteTag === tag) ?? null;
  }
}

export function dialogIdOf(callId: string, fromTag: string): string {
  return `${callId};from-tag=${fromTag}`;
}

/** Remembers the session description of a message of ours, if it has one. */
export function keepLocalSdp(leg: Leg, message: SipRequest | SipResponse): void {
  const sdp = sessionDescription(message.headers, message.body);
  leg.localSdp = sdp === null ? leg.localSdp : sdp.toString('latin1');
}
