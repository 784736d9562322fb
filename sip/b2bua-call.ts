import {
  type CallId,
  errorMessage,
  type IdSource,
  type LegRole,
  type Logger,
  type Timer,
} from '#core';
import { AnchorLater } from './anchor-later';
import { CallBridge } from './call-bridge';
import { type CallConnection, type CallOwner } from './call-connection';
import { CallMedia } from './call-media';
import { CallSetup } from './call-setup';
import { CallTransfers } from './call-transfers';
import { type DialogDirectory } from './dialog-directory';
import { SipError } from './errors';
import { type IncomingInvite } from './incoming-invite';
import {
  type CallDelegate,
  type CallEnd,
  type CallPlan,
  type HangUpCause,
  type IncomingCall,
  type InfoToSend,
  type InviteFacts,
  type RecordIndication,
} from './ports';
import { reasonFrom, reasonHeaders, reasonOf } from './reason';
import { readSessionUuid, SessionIds } from './session-id';
import { type MessageLike, type RequestLike } from './srf-types';
import { type CallTimeouts } from './timeouts';
import { type OutgoingResponse, type UserAgent } from './user-agent';

export interface B2buaCallOptions {
  readonly id: CallId;
  readonly incoming: IncomingInvite;
  readonly userAgent: UserAgent;
  /** The dialogs of all calls. */
  readonly directory: DialogDirectory;
  readonly ids: IdSource;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly logger: Logger;
  readonly timeouts: CallTimeouts;
  /** The call is over and holds nothing any more. */
  readonly closed: () => void;
}

/** What works on a call from connect() on. */
interface Parts {
  readonly connection: CallConnection;
  readonly setup: CallSetup;
  readonly transfers: CallTransfers;
  readonly anchoring: AnchorLater;
}

/**
 * One call through the gateway: the caller's INVITE, the hunt for a callee, and the two dialogs when it is answered.
 *
 * ```text
 * offered ──connect()──▶ connecting ──200 of a target──▶ answered ──BYE, hangUp, failure──▶ ended
 *    └──reject(), CANCEL, hangUp──────┴──no target, CANCEL, hangUp──────────────────────────────▶┘
 * ```
 *
 * Every way out leads through `#finish`: it ends what is still open on either side, waits until that is gone (bounded),
 * and tells the delegate exactly once.
 */
export class B2buaCall implements IncomingCall, CallOwner {
  readonly id: CallId;
  readonly #options: B2buaCallOptions;
  readonly #incoming: IncomingInvite;
  readonly #logger: Logger;
  #phase: 'offered' | 'connecting' | 'answered' | 'ended' = 'offered';
  #parts: Parts | null = null;
  /** Said before connect(). */
  #indication: RecordIndication | null = null;
  #decisionTimer: Timer | null;
  #end: CallEnd | null = null;
  #closing: Promise<void> | null = null;

  constructor(options: B2buaCallOptions) {
    this.#options = options;
    this.id = options.id;
    this.#incoming = options.incoming;
    this.#logger = options.logger;
    this.#decisionTimer = options.userAgent.clock.setTimer(options.timeouts.decisionMs, () => {
      this.#logger.error('nobody has decided about a call');
      void this.hangUp({ status: 503, text: 'no decision' });
    });
  }

  get invite(): InviteFacts {
    return this.#incoming.facts;
  }

  reject(
    status: number,
    options: { reason?: string; headers?: Record<string, string> } = {},
  ): void {
    if (this.#phase === 'offered') {
      const { reason, headers = {} } = options;
      this.refuse({ by: 'gateway', status, cause: 'rejected', reason: null }, null, {
        ...(reason === undefined ? {} : { reason }),
        headers,
      });
    }
  }

  connect(plan: CallPlan, delegate: CallDelegate): void {
    if (this.#parts !== null) {
      return;
    }
    this.#parts = this.#open(plan, delegate);
    if (this.#end !== null) {
      // The caller has given up while the decision was made.
      const end = this.#end;
      this.tell('ended', () => delegate.ended(end));
      return;
    }
    this.#stopDecisionTimer();
    this.#phase = 'connecting';
    this.#parts.setup.start().catch((error: unknown) => {
      this.#logger.error('connecting a call failed', { error: errorMessage(error) });
      void this.hangUp({ status: 500, text: 'internal error' });
    });
  }

  async hangUp(cause: HangUpCause): Promise<void> {
    const { status } = cause;
    const reason = reasonOf(cause);
    await this.#finish({ by: 'gateway', status, cause: 'hang-up', reason: null }, reason);
  }

  indicate(state: RecordIndication | null): void {
    this.#indication = state;
    this.#parts?.connection.bridge.indicate(state);
  }

  sendInfo(role: LegRole, info: InfoToSend): void {
    this.#parts?.connection.bridge.sendInfo(role, info);
  }

  async anchor(): Promise<void> {
    if (this.#parts === null || this.#end !== null) {
      throw new SipError('REC_ERR_SIP_DIALOG_GONE', 'there is no call to anchor');
    }
    await this.#parts.anchoring.anchor();
  }

  /** The caller's CANCEL; the engine has answered it and the INVITE. */
  cancelled(cancel: MessageLike): void {
    if (!this.#incoming.isFinal) {
      this.#incoming.cancelled();
      const reason = reasonFrom(cancel);
      void this.#finish({ by: 'caller', status: 487, cause: 'cancel', reason }, reason);
    }
  }

  /** The connection to the SIP engine is gone, and both dialogs with it. */
  engineLost(): void {
    this.#incoming.cancelled();
    this.#parts?.connection.bridge.forget();
    void this.#finish({ by: 'gateway', status: 503, cause: 'engine-lost', reason: null }, null);
  }

  // -- connected ---------------------------------------------------------------------------------------

  #open(plan: CallPlan, delegate: CallDelegate): Parts {
    const media = new CallMedia({
      ids: this.#options.ids,
      ...plan,
      events: {
        remoteStream: (role, stream) =>
          this.tell('remoteStream', () => delegate.remoteStream(role, stream)),
        notAnchored: reason => this.tell('notAnchored', () => delegate.notAnchored(reason)),
        recordPreference: (role, preference) =>
          this.tell('recordPreference', () => delegate.recordPreference?.(role, preference)),
        codecsNotStripped: role =>
          this.tell('codecsNotStripped', () => delegate.codecsNotStripped?.(role)),
      },
    });
    media.indicate(this.#indication);
    const { incoming, userAgent, directory, ids, random, timeouts, logger } = this.#options;
    const callerUuid = readSessionUuid(incoming.facts.sessionId ?? undefined);
    const sessionIds = new SessionIds(ids, callerUuid);
    const bridge = new CallBridge({
      userAgent,
      directory,
      logger,
      random,
      media,
      sessionIds,
      byeMs: timeouts.byeMs,
      referReceived: (from, request, response) => transfers.referReceived(from, request, response),
      trusted: { caller: plan.callerTrusted === true, callee: plan.calleeTrusted },
      byeReceived: (by, bye) => this.#byeReceived(by, bye),
      infoReceived: (role, info) => delegate.infoReceived(role, info),
      identityChanged: (role, identities) =>
        this.tell('identityChanged', () => delegate.identityChanged?.(role, identities)),
      broken: (by, cause) => this.broken(by, cause),
    });
    const connection: CallConnection = { plan, delegate, media, bridge, sessionIds };
    const shared = {
      incoming,
      userAgent,
      directory,
      timeouts,
      logger,
      connection,
      call: this,
    };
    const transfers = new CallTransfers(shared);
    const setup = new CallSetup(shared, {
      answered: () => {
        this.#phase = 'answered';
      },
      answerNotSent: () => {
        if (this.#end === null) {
          // The caller's CANCEL has reached the engine before our 200 (RFC 3261 §9.2).
          this.#phase = 'connecting';
          void this.#finish({ by: 'caller', status: 487, cause: 'cancel', reason: null }, null);
        }
      },
    });
    return { connection, setup, transfers, anchoring: new AnchorLater(shared) };
  }

  // -- ended -----------------------------------------------------------------------------------------

  #byeReceived(by: LegRole, bye: { request: RequestLike; byEngine: boolean }): void {
    const reason = reasonFrom(bye.request);
    if (this.#phase === 'answered' && this.#parts?.transfers.referrerLeft(by) === true) {
      return;
    }
    if (this.#phase !== 'answered') {
      // RFC 3261 §15: a caller may end an early dialog with BYE; its INVITE gets 487.
      this.refuse({ by, status: 487, cause: 'bye', reason }, reason);
    } else if (bye.byEngine) {
      void this.#finish({ by: 'gateway', status: 200, cause: 'no-ack', reason }, reason);
    } else {
      void this.#finish({ by, status: 200, cause: 'bye', reason }, reason);
    }
  }

  /** See CallOwner. */
  broken(by: CallEnd['by'], cause: string): void {
    const reason = reasonOf({ status: 500, text: cause });
    void this.#finish({ by, status: 200, cause, reason: null }, reason);
  }

  /** See CallOwner. */
  finish(end: Omit<CallEnd, 'answered'>, reason: string | null): void {
    void this.#finish(end, reason);
  }

  /** Gives the caller its final response, and finishes. */
  refuse(
    end: Omit<CallEnd, 'answered'>,
    reason: string | null,
    message: OutgoingResponse = {},
  ): void {
    if (this.#end === null) {
      this.#incoming.reject(end.status, message);
      void this.#finish(end, reason);
    }
  }

  /**
   * The one way out. Idempotent; every caller gets the same promise.
   * @param reason Reason header for the messages that end what is open
   */
  #finish(end: Omit<CallEnd, 'answered'>, reason: string | null): Promise<void> {
    if (this.#closing === null) {
      const answered = this.#phase === 'answered';
      this.#end = { ...end, answered, status: answered ? 200 : end.status };
      this.#phase = 'ended';
      this.#stopDecisionTimer();
      this.#closing = this.#close(this.#end, reason);
    }
    return this.#closing;
  }

  async #close(end: CallEnd, reason: string | null): Promise<void> {
    const parts = this.#parts;
    this.tell('ending', () => parts?.connection.delegate.ending?.(end));
    parts?.setup.cancel(reason);
    parts?.transfers.cancel(reason);
    // No effect when the caller has had its final response.
    this.#incoming.reject(end.status < 300 ? 500 : end.status, { headers: reasonHeaders(reason) });
    await parts?.setup.settled();
    await parts?.connection.bridge.end(reasonHeaders(reason), this.#options.timeouts.byeMs);
    this.#options.closed();
    this.tell('ended', () => parts?.connection.delegate.ended(end));
  }

  #stopDecisionTimer(): void {
    this.#decisionTimer?.cancel();
    this.#decisionTimer = null;
  }

  /** See CallOwner. */
  tell(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#logger.error('the owner of a call failed', { what, error: errorMessage(error) });
    }
  }
}
