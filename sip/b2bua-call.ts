import {
  type CallId,
  errorMessage,
  type IdSource,
  type LegRole,
  type Logger,
  type Timer,
  withDeadline,
} from '#core';
import { CallBridge } from './call-bridge';
import { type CallLeg } from './call-leg';
import { CallMedia } from './call-media';
import { type InviteFailure } from './outgoing-invite';
import { type CalleeAnswer, CalleeHunt } from './callee-hunt';
import { calleeInviteHeaders, transferInviteHeaders } from './callee-invite';
import { type DialogDirectory } from './dialog-directory';
import { isSipError } from './errors';
import { ALLOWED_METHODS, nextMaxForwards, passedHeaders } from './header-policy';
import { assertedIdentities, supports } from './identity';
import { type IncomingInvite } from './incoming-invite';
import { parseNameAddr, parseNameAddrs } from './name-addr';
import {
  type CallDelegate,
  type CallEnd,
  type CallPlan,
  type CallTarget,
  type HangUpCause,
  type IncomingCall,
  type InfoToSend,
  type InviteFacts,
  type RecordIndication,
} from './ports';
import { reasonFrom, reasonHeaders, reasonOf } from './reason';
import { readSdpBody, refusalFor } from './sdp-body';
import { type MessageLike, type RequestLike, type ResponseLike } from './srf-types';
import { type CallTimeouts } from './timeouts';
import { Transfer } from './transfer';
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

/** What exists from connect() on. */
interface Connection {
  readonly plan: CallPlan;
  readonly delegate: CallDelegate;
  readonly media: CallMedia;
  readonly bridge: CallBridge;
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
export class B2buaCall implements IncomingCall {
  readonly id: CallId;
  readonly #options: B2buaCallOptions;
  readonly #incoming: IncomingInvite;
  readonly #logger: Logger;
  #phase: 'offered' | 'connecting' | 'answered' | 'ended' = 'offered';
  #connection: Connection | null = null;
  #hunt: CalleeHunt | null = null;
  #transfer: Transfer | null = null;
  #decisionTimer: Timer | null;
  /** SDP answer of the last early media, for a 200 without one. */
  #earlyAnswer: string | null = null;
  /** The callee's 200 carried the offer and waits for its ACK, which waits for the caller's. */
  #owedAck: (() => void) | null = null;
  /** Our 200 is on its way to the engine. */
  #answerSent: Promise<void> = Promise.resolve();
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
      this.#refuse({ by: 'gateway', status, cause: 'rejected', reason: null }, null, {
        ...(reason === undefined ? {} : { reason }),
        headers,
      });
    }
  }

  connect(plan: CallPlan, delegate: CallDelegate): void {
    if (this.#connection !== null) {
      return;
    }
    this.#connection = this.#openConnection(plan, delegate);
    if (this.#end !== null) {
      // The caller has given up while the decision was made.
      const end = this.#end;
      this.#tell('ended', () => delegate.ended(end));
      return;
    }
    this.#stopDecisionTimer();
    this.#phase = 'connecting';
    this.#start(this.#connection).catch((error: unknown) => {
      this.#logger.error('connecting a call failed', { error: errorMessage(error) });
      void this.hangUp({ status: 500, text: 'internal error' });
    });
  }

  async hangUp(cause: HangUpCause): Promise<void> {
    const { status } = cause;
    const reason = reasonOf(cause);
    await this.#finish({ by: 'gateway', status, cause: 'hang-up', reason: null }, reason);
  }

  indicate(_state: RecordIndication | null): void {
    // Nothing yet.
  }

  sendInfo(role: LegRole, info: InfoToSend): void {
    this.#connection?.bridge.sendInfo(role, info);
  }

  anchor(): Promise<void> {
    return Promise.resolve();
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
    this.#connection?.bridge.forget();
    void this.#finish({ by: 'gateway', status: 503, cause: 'engine-lost', reason: null }, null);
  }

  // -- connecting ------------------------------------------------------------------------------------

  #openConnection(plan: CallPlan, delegate: CallDelegate): Connection {
    const media = new CallMedia({
      ids: this.#options.ids,
      srtpOnly: plan.srtpOnly,
      events: {
        remoteStream: (role, stream) =>
          this.#tell('remoteStream', () => delegate.remoteStream(role, stream)),
        notAnchored: reason => this.#tell('notAnchored', () => delegate.notAnchored(reason)),
      },
    });
    const bridge = new CallBridge({
      ...this.#options,
      media,
      byeMs: this.#options.timeouts.byeMs,
      referReceived: (from, request, response) =>
        this.#connection !== null && this.#referReceived(this.#connection, from, request, response),
      trusted: { caller: plan.callerTrusted === true, callee: plan.calleeTrusted },
      byeReceived: (by, bye) => this.#byeReceived(by, bye),
      infoReceived: (role, info) => delegate.infoReceived(role, info),
      identityChanged: (role, identities) =>
        this.#tell('identityChanged', () => delegate.identityChanged?.(role, identities)),
      broken: (by, cause) => this.#broken(by, cause),
    });
    return { plan, delegate, media, bridge };
  }

  async #start(connection: Connection): Promise<void> {
    const { plan, media, bridge } = connection;
    const maxForwards = nextMaxForwards(this.#incoming.request);
    let offer: string | null;
    try {
      offer = readSdpBody(this.#incoming.request, 'refuse');
      if (offer !== null) {
        media.decide(offer);
      }
    } catch (error) {
      const { status, headers } = refusalFor(error);
      this.#refuse({ by: 'gateway', status, cause: 'bad-offer', reason: null }, null, { headers });
      return;
    }
    if (maxForwards === null) {
      this.#refuse({ by: 'gateway', status: 483, cause: 'max-forwards', reason: null }, null);
      return;
    }
    if (media.isAnchored && !(await this.#openMedia(connection))) {
      return;
    }
    if (this.#phase !== 'connecting') {
      return;
    }
    const body = offer === null ? null : media.offer('caller', offer);
    this.#hunt = new CalleeHunt({
      ...this.#options,
      targets: plan.targets,
      redirects: plan.redirects ?? 'pass',
      owner: bridge.ownerOf('callee'),
      messageFor: target => ({
        headers: calleeInviteHeaders(this.#incoming, target, {
          maxForwards,
          calleeTrusted: plan.calleeTrusted,
          hasBody: body !== null,
          directory: this.#options.directory,
        }),
        ...(body === null ? {} : { body }),
      }),
      events: {
        trying: target => {
          this.#earlyAnswer = null;
          this.#logger.debug('trying a target', { requestUri: target.requestUri });
        },
        progressed: response => this.#progressed(connection, response),
        answered: answer => this.#answered(connection, answer, body),
        failed: failure => this.#noTarget(connection, failure),
      },
    });
    this.#hunt.start();
  }

  async #openMedia({ delegate, media }: Connection): Promise<boolean> {
    const open = async (role: LegRole): Promise<void> => {
      media.setLocal(role, await delegate.openLeg(role));
    };
    try {
      await withDeadline(
        this.#options.userAgent.clock,
        Promise.all([open('caller'), open('callee')]),
        this.#options.timeouts.openMediaMs,
        () => new Error('opening the media took too long'),
      );
      return true;
    } catch (error) {
      this.#logger.warn('the media of a call could not be opened', { error: errorMessage(error) });
      this.#refuse({ by: 'gateway', status: 503, cause: 'no-media', reason: null }, null);
      return false;
    }
  }

  #progressed(connection: Connection, response: ResponseLike): void {
    if (this.#phase !== 'connecting') {
      return;
    }
    const body = this.#earlyMedia(connection.media, response);
    this.#incoming.progress(
      response.status,
      {
        reason: response.reason,
        headers: {
          ...passedHeaders(response, 'response', connection.plan.callerTrusted === true),
          ...(body === null ? {} : { 'Content-Type': 'application/sdp' }),
        },
        ...(body === null ? {} : { body }),
      },
      connection.bridge.ownerOf('caller'),
    );
    this.#tell('progressed', () =>
      connection.delegate.progressed({ status: response.status, hasMedia: body !== null }),
    );
  }

  #earlyMedia(media: CallMedia, response: ResponseLike): string | null {
    try {
      const sdp = readSdpBody(response);
      // Without an offer of the caller there is nothing that this could answer (RFC 3261 §13.2.1).
      if (sdp === null || !this.#incoming.facts.hasOffer) {
        return null;
      }
      const answer = media.answer('callee', sdp, false);
      this.#earlyAnswer = sdp;
      return answer;
    } catch (error) {
      this.#logger.info('early media could not be used', { error: errorMessage(error) });
      return null;
    }
  }

  #noTarget({ plan }: Connection, failure: InviteFailure): void {
    const { response, status } = failure;
    if (failure.cause === 'engine-lost') {
      this.engineLost();
      return;
    }
    // A redirection is of no use without its Contact (RFC 3261 §21.3).
    const contact = response !== null && status < 400 ? response.get('contact') : undefined;
    const cause = failure.cause === 'refused' ? 'rejected' : failure.cause;
    const reason = response === null ? null : reasonFrom(response);
    this.#refuse({ by: 'callee', status, cause, reason }, null, {
      ...(response === null ? {} : { reason: response.reason }),
      headers: {
        ...(response === null
          ? {}
          : passedHeaders(response, 'response', plan.callerTrusted === true)),
        ...(contact === undefined ? {} : { Contact: contact }),
      },
    });
  }

  // -- answered --------------------------------------------------------------------------------------

  /** @param offer what the callee was offered; null: the callee makes the offer in its 200 */
  #answered(connection: Connection, answer: CalleeAnswer, offer: string | null): void {
    const { bridge, media, delegate } = connection;
    const { response } = answer;
    bridge.addLeg('callee', answer.dialog);
    if (offer !== null) {
      answer.ack();
    }
    const remote = this.#finalSdp(response);
    let body: string;
    try {
      body = offer === null ? media.offer('callee', remote) : media.answer('callee', remote, true);
    } catch (error) {
      this.#logger.warn('the SDP of a 200 could not be used', { error: errorMessage(error) });
      if (offer === null) {
        answer.ack();
      }
      const { headers } = refusalFor(error);
      const status = isSipError(error, 'REC_ERR_SIP_NOT_ANCHORABLE') ? 488 : 502;
      const reason = reasonOf({ status: 488, text: 'SDP not usable' });
      const end = { by: 'callee', status, cause: 'bad-answer', reason: null } as const;
      this.#refuse(end, reason, { headers });
      return;
    }
    this.#phase = 'answered';
    this.#owedAck = offer === null ? () => answer.ack() : null;
    this.#tell('answering', () =>
      delegate.answering({
        target: answer.target,
        assertedIdentities: assertedIdentities(response),
        contact: parseNameAddrs(response.get('contact'))[0] ?? null,
        isRecordAware: supports(response, 'record-aware'),
      }),
    );
    this.#answerSent = this.#answerCaller(connection, answer, body, caller => {
      const received = readSdpBody(this.#incoming.request) ?? '';
      if (offer !== null) {
        bridge.agreed({ local: body, remote: received }, { local: offer, remote });
        return;
      }
      caller.whenAcknowledged(ackBody => {
        const local = this.#answerCallee(connection, answer, ackBody);
        if (local !== null) {
          bridge.agreed({ local: body, remote: ackBody }, { local, remote });
        }
      });
    });
  }

  /** Sends the 200; resolves when the engine has said whether it went out. */
  #answerCaller(
    { plan, bridge }: Connection,
    answer: CalleeAnswer,
    body: string,
    sent: (caller: CallLeg) => void,
  ): Promise<void> {
    const headers = {
      ...passedHeaders(answer.response, 'response', plan.callerTrusted === true),
      Allow: ALLOWED_METHODS,
      'Content-Type': 'application/sdp',
    };
    return new Promise(resolve => {
      this.#incoming.answer({ headers, body }, bridge.ownerOf('caller'), dialog => {
        if (dialog !== null) {
          sent(bridge.addLeg('caller', dialog));
        } else if (this.#end === null) {
          // The caller's CANCEL has reached the engine before our 200 (RFC 3261 §9.2).
          this.#phase = 'connecting';
          void this.#finish({ by: 'caller', status: 487, cause: 'cancel', reason: null }, null);
        }
        resolve();
      });
    });
  }

  /**
   * The caller's ACK carries the answer to the callee's offer (RFC 3261 §13.2.1).
   * @returns what the callee was answered, or null when that cannot be
   */
  #answerCallee({ media }: Connection, answer: CalleeAnswer, ackBody: string): string | null {
    try {
      const local = media.answer('caller', ackBody, true);
      answer.ack(local);
      return local;
    } catch (error) {
      this.#logger.warn('the SDP of an ACK could not be used', { error: errorMessage(error) });
      this.#broken('caller', 'bad-answer');
      return null;
    }
  }

  #finalSdp(response: ResponseLike): string {
    try {
      // RFC 3261 §13.2.1: a 200 after early media may leave its answer out.
      return readSdpBody(response) ?? this.#earlyAnswer ?? '';
    } catch {
      return '';
    }
  }

  // -- transferred -----------------------------------------------------------------------------------

  #referReceived(
    connection: Connection,
    from: CallLeg,
    request: RequestLike,
    response: ResponseLike,
  ): boolean {
    const { plan, delegate, media, bridge } = connection;
    const { userAgent } = this.#options;
    const referTo = parseNameAddr(request.get('refer-to') ?? '');
    if (plan.refer !== 'perform' || delegate.resolveTransfer === undefined) {
      return false;
    }
    if (referTo === null || this.#transfer !== null) {
      userAgent.respond(response, referTo === null ? 400 : 491);
      return true;
    }
    if (/[?&]replaces=/i.test(referTo.uri)) {
      return false;
    }
    let targets: readonly CallTarget[] = [];
    this.#tell('resolveTransfer', () => {
      targets = delegate.resolveTransfer?.(from.role, referTo) ?? [];
    });
    if (targets.length === 0 || !media.isAnchored) {
      userAgent.respond(response, 603);
      return true;
    }
    const { facts } = this.#incoming;
    const staying = from.role === 'callee' ? facts.from : facts.to;
    const transfer = new Transfer({
      ...this.#options,
      media,
      referrer: from,
      referNumber: /^\s*(\d+)/.exec(request.get('cseq') ?? '')?.[1] ?? '1',
      owner: bridge.ownerOf(from.role),
      targets,
      redirects: plan.redirects ?? 'pass',
      headersFor: target =>
        transferInviteHeaders({
          staying,
          referTo,
          target,
          refer: request,
          trusted: from.isTrusted,
        }),
      events: {
        replaced: answer => {
          this.#transfer = null;
          bridge.replaceLeg(from.role, answer.dialog);
          this.#tell('partyReplaced', () =>
            delegate.partyReplaced?.(from.role, {
              uri: referTo.uri,
              displayName: referTo.displayName,
              assertedIdentities: assertedIdentities(answer.response),
            }),
          );
        },
        failed: () => {
          this.#transfer = null;
          if (transfer.hasReferrerLeft) {
            void this.#finish({ by: from.role, status: 200, cause: 'bye', reason: null }, null);
          }
        },
      },
    });
    this.#transfer = transfer;
    userAgent.respond(response, 202);
    transfer.start();
    return true;
  }

  // -- ended -----------------------------------------------------------------------------------------

  #byeReceived(by: LegRole, bye: { request: RequestLike; byEngine: boolean }): void {
    const reason = reasonFrom(bye.request);
    if (this.#phase === 'answered' && this.#transfer?.referrer.role === by) {
      this.#transfer.referrerLeft();
    } else if (this.#phase !== 'answered') {
      // RFC 3261 §15: a caller may end an early dialog with BYE; its INVITE gets 487.
      this.#refuse({ by, status: 487, cause: 'bye', reason }, reason);
    } else if (bye.byEngine) {
      void this.#finish({ by: 'gateway', status: 200, cause: 'no-ack', reason }, reason);
    } else {
      void this.#finish({ by, status: 200, cause: 'bye', reason }, reason);
    }
  }

  #broken(by: LegRole, cause: string): void {
    const reason = reasonOf({ status: 500, text: cause });
    void this.#finish({ by, status: 200, cause, reason: null }, reason);
  }

  /** Gives the caller its final response, and finishes. */
  #refuse(
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
    const delegate = this.#connection?.delegate;
    this.#tell('ending', () => delegate?.ending?.(end));
    this.#hunt?.cancel(reason);
    this.#transfer?.cancel(reason);
    // No effect when the caller has had its final response.
    this.#incoming.reject(end.status < 300 ? 500 : end.status, { headers: reasonHeaders(reason) });
    await this.#answerSent;
    this.#owedAck?.();
    await this.#connection?.bridge.end(reasonHeaders(reason), this.#options.timeouts.byeMs);
    this.#options.closed();
    this.#tell('ended', () => delegate?.ended(end));
  }

  #stopDecisionTimer(): void {
    this.#decisionTimer?.cancel();
    this.#decisionTimer = null;
  }

  #tell(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#logger.error('the owner of a call failed', { what, error: errorMessage(error) });
    }
  }
}
