import { errorMessage, type LegRole, type Logger, type Timer, withDeadline } from '#core';
import { type CallConnection, type CallOwner } from './call-connection';
import { type CallLeg } from './call-leg';
import { type CalleeAnswer, CalleeHunt } from './callee-hunt';
import { calleeInviteHeaders } from './callee-invite';
import { type DialogDirectory } from './dialog-directory';
import { EarlyAnswers } from './early-answers';
import { isSipError } from './errors';
import { ALLOWED_METHODS, nextMaxForwards, passedHeaders, passedOptionTags } from './header-policy';
import { assertedIdentities, supports } from './identity';
import { type IncomingInvite } from './incoming-invite';
import { parseNameAddrs } from './name-addr';
import { type InviteFailure } from './outgoing-invite';
import { type CallPlan } from './ports';
import { reasonFrom, reasonOf } from './reason';
import { readSdpBody, refusalFor } from './sdp-body';
import { type ResponseLike } from './srf-types';
import { type CallTimeouts } from './timeouts';
import { type UserAgent } from './user-agent';

export interface CallSetupOptions {
  readonly incoming: IncomingInvite;
  readonly connection: CallConnection;
  readonly userAgent: UserAgent;
  readonly directory: DialogDirectory;
  readonly timeouts: CallTimeouts;
  readonly logger: Logger;
  readonly call: CallOwner;
}

export interface CallSetupEvents {
  /** The callee has answered and the caller is about to be told. */
  answered(): void;
  /** The caller's CANCEL has reached the engine before our 200. */
  answerNotSent(): void;
}

/**
 * A call from connect() to its answer: opens the media, hunts for a callee, carries progress and early media back to the
 * caller, and joins the two dialogs when somebody answers.
 */
export class CallSetup {
  readonly #options: CallSetupOptions;
  readonly #events: CallSetupEvents;
  /** Of the target that rings; null: nobody does. */
  #early: EarlyAnswers | null = null;
  #hunt: CalleeHunt | null = null;
  #isOver = false;
  #stopWaiting: (() => void) | null = null;
  /** The callee's 200 carried the offer and waits for its ACK, which waits for the caller's. */
  #owedAck: (() => void) | null = null;
  /** Our 200 is on its way to the engine. */
  #answerSent: Promise<void> = Promise.resolve();

  constructor(options: CallSetupOptions, events: CallSetupEvents) {
    this.#options = options;
    this.#events = events;
  }

  async start(): Promise<void> {
    const { incoming, connection, call } = this.#options;
    const { media } = connection;
    const maxForwards = nextMaxForwards(incoming.request);
    let offer: string | null;
    try {
      offer = readSdpBody(incoming.request, 'refuse');
      if (offer !== null) {
        media.decide(offer);
      }
    } catch (error) {
      const { status, headers } = refusalFor(error);
      call.refuse({ by: 'gateway', status, cause: 'bad-offer', reason: null }, null, { headers });
      return;
    }
    if (maxForwards === null) {
      call.refuse({ by: 'gateway', status: 483, cause: 'max-forwards', reason: null }, null);
      return;
    }
    if ((media.isAnchored && !(await this.#openMedia())) || this.#isOver) {
      return;
    }
    media.setRecordAware('caller', incoming.facts.isRecordAware);
    let body = offer === null ? null : media.offer('caller', offer);
    if (!(await this.#admitted())) {
      return;
    }
    if (body !== null) {
      body = (await this.#preConnect()) ?? body;
    }
    this.#ring(maxForwards, body);
  }

  /** @returns whether the owner of the call lets it go on. */
  async #admitted(): Promise<boolean> {
    const { delegate } = this.#options.connection;
    if (delegate.beforeRinging === undefined) {
      return true;
    }
    const refusal = await delegate.beforeRinging();
    if (refusal !== null && !this.#isOver) {
      const { status } = refusal;
      const end = { by: 'gateway', status, cause: 'refused', reason: null } as const;
      this.#options.call.refuse(end, null, { headers: { Reason: reasonOf(refusal) } });
    }
    return refusal === null && !this.#isOver;
  }

  #ring(maxForwards: number, body: string | null): void {
    if (!this.#isOver) {
      this.#hunt = this.#newHunt(this.#options.connection, maxForwards, body);
      this.#hunt.start();
    }
  }

  /** No target is rung any more. */
  cancel(reason: string | null): void {
    this.#isOver = true;
    this.#stopWaiting?.();
    this.#hunt?.cancel(reason);
  }

  /** Resolves when what was under way toward the caller has gone out, or never will; then the callee has its ACK. */
  async settled(): Promise<void> {
    await this.#answerSent;
    this.#owedAck?.();
  }

  #newHunt(connection: CallConnection, maxForwards: number, body: string | null): CalleeHunt {
    const { incoming, userAgent, timeouts, directory, logger } = this.#options;
    const { plan, bridge } = connection;
    return new CalleeHunt({
      userAgent,
      timeouts,
      targets: plan.targets,
      redirects: plan.redirects ?? 'pass',
      owner: bridge.ownerOf('callee'),
      messageFor: target => ({
        headers: {
          ...calleeInviteHeaders(incoming, target, {
            maxForwards,
            calleeTrusted: plan.calleeTrusted,
            callerTrusted: plan.callerTrusted === true,
            hasBody: body !== null,
            directory,
          }),
          ...connection.sessionIds.toward('callee'),
        },
        ...(body === null ? {} : { body }),
      }),
      events: {
        trying: target => {
          this.#early = new EarlyAnswers();
          connection.sessionIds.forget('callee');
          logger.debug('trying a target', { requestUri: target.requestUri });
        },
        progressed: response => this.#progressed(response),
        answered: answer => this.#answered(answer, body),
        failed: failure => this.#noTarget(failure),
      },
    });
  }

  async #openMedia(): Promise<boolean> {
    const { connection, userAgent, timeouts, logger, call } = this.#options;
    try {
      await openBothLegs(connection, userAgent, timeouts);
      return true;
    } catch (error) {
      logger.warn('the media of a call could not be opened', { error: errorMessage(error) });
      call.refuse({ by: 'gateway', status: 503, cause: 'no-media', reason: null }, null);
      return false;
    }
  }

  /** @returns the offer that leaves the callee no choice any more; null when nothing was played */
  async #preConnect(): Promise<string | null> {
    const { incoming, connection, userAgent, timeouts, logger } = this.#options;
    const { plan, delegate, media, bridge } = connection;
    if (plan.preConnect === undefined || delegate.preConnect === undefined) {
      return null;
    }
    const made = media.preAnswer(plan.preConnect.encodings);
    if (made === null) {
      logger.info('the caller has no codec for what should be played before the call');
      return null;
    }
    const headers = {
      ...connection.sessionIds.toward('caller'),
      'Content-Type': 'application/sdp',
    };
    incoming.progress(183, { headers, body: made.answer }, bridge.ownerOf('caller'));
    const stopped = new Promise<void>(resolve => {
      this.#stopWaiting = resolve;
    });
    let timer: Timer | null = null;
    const expired = new Promise<void>(resolve => {
      timer = userAgent.clock.setTimer(timeouts.preConnectMs, () => {
        logger.warn('what is played before the call takes too long');
        resolve();
      });
    });
    try {
      await Promise.race([delegate.preConnect(), stopped, expired]);
    } catch (error) {
      logger.error('the owner of a call failed', {
        what: 'preConnect',
        error: errorMessage(error),
      });
    }
    (timer as Timer | null)?.cancel();
    return made.offer;
  }

  // -- progress ----------------------------------------------------------------------------------------

  #progressed(response: ResponseLike): void {
    if (this.#isOver) {
      return;
    }
    const { incoming, connection, call } = this.#options;
    const { sessionIds } = connection;
    sessionIds.learn('callee', response);
    const body = this.#earlyMedia(response);
    incoming.progress(
      response.status,
      {
        reason: response.reason,
        headers: {
          ...passedHeaders(response, 'response', identitiesPass(connection.plan)),
          ...sessionIds.toward('caller'),
          ...(body === null ? {} : { 'Content-Type': 'application/sdp' }),
        },
        ...(body === null ? {} : { body }),
      },
      connection.bridge.ownerOf('caller'),
    );
    call.tell('progressed', () =>
      connection.delegate.progressed({ status: response.status, hasMedia: body !== null }),
    );
  }

  #earlyMedia(response: ResponseLike): string | null {
    const { incoming, connection, logger } = this.#options;
    try {
      const sdp = readSdpBody(response);
      // Without an offer of the caller there is nothing that this could answer (RFC 3261 §13.2.1).
      if (sdp === null || !incoming.facts.hasOffer) {
        return null;
      }
      const answer = connection.media.answer('callee', sdp, false);
      this.#early?.note(response, sdp);
      return answer;
    } catch (error) {
      logger.info('early media could not be used', { error: errorMessage(error) });
      return null;
    }
  }

  #noTarget(failure: InviteFailure): void {
    const { connection, call } = this.#options;
    const { response, status } = failure;
    if (response !== null) {
      connection.sessionIds.learn('callee', response);
    }
    if (failure.cause === 'engine-lost') {
      call.engineLost();
      return;
    }
    // A redirection is of no use without its Contact (RFC 3261 §21.3).
    const contact = response !== null && status < 400 ? response.get('contact') : undefined;
    const cause = failure.cause === 'refused' ? 'rejected' : failure.cause;
    const reason = response === null ? null : reasonFrom(response);
    call.refuse({ by: 'callee', status, cause, reason }, null, {
      ...(response === null ? {} : { reason: response.reason }),
      headers: {
        ...(response === null
          ? {}
          : passedHeaders(response, 'response', identitiesPass(connection.plan))),
        ...connection.sessionIds.toward('caller'),
        ...(contact === undefined ? {} : { Contact: contact }),
      },
    });
  }

  // -- answered ----------------------------------------------------------------------------------------

  /** @param offer what the callee was offered; null: the callee makes the offer in its 200 */
  #answered(answer: CalleeAnswer, offer: string | null): void {
    const { connection, logger, call } = this.#options;
    const { bridge, media, delegate } = connection;
    const { response } = answer;
    connection.sessionIds.learn('callee', response);
    bridge.addLeg('callee', answer.dialog);
    const remote = this.#finalSdp(response);
    // The call may go on for hours: how its callee was found is not kept as long.
    this.#hunt = null;
    this.#early = null;
    const isRecordAware = supports(response, 'record-aware');
    media.setRecordAware('callee', isRecordAware);
    // The recording may begin in there; the SDP that the caller gets is written afterwards and can tell so.
    const answering = (): void => {
      this.#events.answered();
      this.#owedAck = offer === null ? () => answer.ack() : null;
      call.tell('answering', () =>
        delegate.answering({
          target: answer.target,
          assertedIdentities: assertedIdentities(response),
          contact: parseNameAddrs(response.get('contact'))[0] ?? null,
          isRecordAware,
        }),
      );
    };
    let body: string;
    try {
      body =
        offer === null
          ? media.offer('callee', remote, answering)
          : media.answer('callee', remote, true, answering);
    } catch (error) {
      logger.warn('the SDP of a 200 could not be used', { error: errorMessage(error) });
      answer.ack();
      const { headers } = refusalFor(error);
      const status = isSipError(error, 'REC_ERR_SIP_NOT_ANCHORABLE') ? 488 : 502;
      const reason = reasonOf({ status: 488, text: 'SDP not usable' });
      const end = { by: 'callee', status, cause: 'bad-answer', reason: null } as const;
      call.refuse(end, reason, { headers });
      return;
    }
    this.#answerSent = this.#answerCaller(answer, body, caller => {
      if (offer !== null) {
        bridge.agreed();
        return;
      }
      caller.whenAcknowledged(ackBody => {
        if (this.#answerCallee(answer, ackBody)) {
          bridge.agreed();
        }
      });
    });
    if (offer !== null) {
      // The caller waits, the callee does not.
      answer.ack();
    }
  }

  /** Sends the 200; resolves when the engine has said whether it went out. */
  #answerCaller(
    answer: CalleeAnswer,
    body: string,
    sent: (caller: CallLeg) => void,
  ): Promise<void> {
    const { incoming, connection } = this.#options;
    const { plan, bridge } = connection;
    const supported = passedOptionTags(answer.response, 'supported');
    const headers = {
      ...passedHeaders(answer.response, 'response', identitiesPass(plan)),
      ...connection.sessionIds.toward('caller'),
      Allow: ALLOWED_METHODS,
      ...(supported === null ? {} : { Supported: supported }),
      'Content-Type': 'application/sdp',
    };
    return new Promise(resolve => {
      incoming.answer({ headers, body }, bridge.ownerOf('caller'), dialog => {
        if (dialog !== null) {
          sent(bridge.addLeg('caller', dialog));
        } else {
          this.#events.answerNotSent();
        }
        resolve();
      });
    });
  }

  /**
   * The caller's ACK carries the answer to the callee's offer (RFC 3261 §13.2.1).
   * @returns whether the callee could be answered
   */
  #answerCallee(answer: CalleeAnswer, ackBody: string): boolean {
    const { connection, logger, call } = this.#options;
    try {
      answer.ack(connection.media.answer('caller', ackBody, true));
      return true;
    } catch (error) {
      logger.warn('the SDP of an ACK could not be used', { error: errorMessage(error) });
      call.broken('caller', 'bad-answer');
      return false;
    }
  }

  #finalSdp(response: ResponseLike): string {
    try {
      // RFC 3261 §13.2.1: a 200 after early media may leave its answer out.
      return readSdpBody(response) ?? this.#early?.of(response) ?? '';
    } catch {
      return '';
    }
  }
}

/** Asks the delegate for our addresses. @throws when it has none, or takes too long */
export async function openBothLegs(
  { delegate, media }: CallConnection,
  userAgent: UserAgent,
  timeouts: CallTimeouts,
): Promise<void> {
  const open = async (role: LegRole): Promise<void> => {
    media.setLocal(role, await delegate.openLeg(role));
  };
  await withDeadline(
    userAgent.clock,
    Promise.all([open('caller'), open('callee')]),
    timeouts.openMediaMs,
    () => new Error('opening the media took too long'),
  );
}

/** RFC 3325 §4, §5: identities go from one trusted peer to another. */
function identitiesPass({ calleeTrusted, callerTrusted }: CallPlan): boolean {
  return calleeTrusted && callerTrusted === true;
}
