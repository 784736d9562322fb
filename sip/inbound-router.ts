import { type CallId, type Clock, errorMessage, type IdSource, type Logger } from '#core';
import { B2buaCall } from './b2bua-call';
import { CallRate } from './call-rate';
import { DialogDirectory } from './dialog-directory';
import { ALLOWED_METHODS, unsupportedOptionTags } from './header-policy';
import { IncomingInvite, transactionKey } from './incoming-invite';
import { optionsAnswer } from './options-responder';
import { PagerRelay } from './pager-relay';
import { type IncomingCall, type PagerMessage } from './ports';
import { type RequestLike, type ResponseLike, type SrfLike } from './srf-types';
import { type CallTimeouts, DEFAULT_CALL_TIMEOUTS } from './timeouts';
import { type UserAgent } from './user-agent';

export interface SipGatewayOptions {
  readonly srf: SrfLike;
  readonly userAgent: UserAgent;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ids: IdSource;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number;
  readonly timeouts?: Partial<CallTimeouts>;
  /** Calls at once; more get 503. Default 10 000. */
  readonly maxCalls?: number;
  /** New calls per second, with bursts of one second's worth; more get 503. Default: no limit. */
  readonly maxNewCallsPerSecond?: number;
}

export interface SipGatewayCounters {
  readonly calls: number;
  /** Requests of ours that wait for their final response. */
  readonly pendingRequests: number;
  readonly dialogs: number;
}

/** Methods that the engine gives to us outside a dialog. */
const ROUTED_METHODS = [
  'invite',
  'options',
  'register',
  'message',
  'info',
  'notify',
  'subscribe',
  'publish',
  'refer',
  'update',
  'bye',
  'prack',
] as const;
/** What a peer may send outside a dialog. */
const ALLOWED_OUTSIDE_DIALOGS = 'INVITE, ACK, CANCEL, BYE, OPTIONS';
/** MESSAGEs that wait for their answer; more get 503. */
const MAX_MESSAGES = 1_000;

/**
 * Where requests outside dialogs come in: INVITEs and MESSAGEs go to their handlers, OPTIONS are answered, everything
 * else is refused. Requests within dialogs never get here.
 */
export class SipGateway {
  readonly #options: SipGatewayOptions;
  readonly #timeouts: CallTimeouts;
  readonly #calls = new Set<B2buaCall>();
  readonly #directory = new DialogDirectory();
  /** Calls by transaction, because drachtio-srf finds the INVITE of a CANCEL by Call-ID alone. */
  readonly #byTransaction = new Map<string, B2buaCall>();
  readonly #rate: CallRate;
  #overloadRefusals = 0;
  #handler: ((call: IncomingCall) => void) | null = null;
  #messageHandler: ((message: PagerMessage) => void) | null = null;
  #messages = 0;
  #retryAfterS: number | null = null;

  constructor(options: SipGatewayOptions) {
    this.#options = options;
    this.#rate = new CallRate(options.clock, options.maxNewCallsPerSecond ?? Infinity);
    this.#timeouts = { ...DEFAULT_CALL_TIMEOUTS, ...options.timeouts };
    for (const method of ROUTED_METHODS) {
      options.srf.use(method, (request, response) => this.#received(request, response));
    }
  }

  /** Every new call goes to `handler`, which must reject or connect it (at once or later). */
  onCall(handler: (call: IncomingCall) => void): void {
    this.#handler = handler;
  }

  /** Every MESSAGE outside of a dialog goes to `handler`; without one they get 405. */
  onMessage(handler: (message: PagerMessage) => void): void {
    this.#messageHandler = handler;
  }

  /** From now on new calls and OPTIONS get 503 with this Retry-After; calls in progress go on. */
  drain(retryAfterS: number): void {
    this.#retryAfterS = retryAfterS;
  }

  get isDraining(): boolean {
    return this.#retryAfterS !== null;
  }

  counters(): SipGatewayCounters {
    return { calls: this.#calls.size, ...this.#options.userAgent.counters() };
  }

  /** New calls that got 503 for load, since the start. */
  get overloadRefusals(): number {
    return this.#overloadRefusals;
  }

  /** The connection to the SIP engine is gone: every call has ended. */
  engineLost(): void {
    for (const call of [...this.#calls]) {
      call.engineLost();
    }
  }

  /** Drains and hangs every call up; resolves when all are gone. */
  async close(): Promise<void> {
    this.#retryAfterS ??= 30;
    const cause = { status: 503, text: 'shutting down' };
    await Promise.all([...this.#calls].map(async call => call.hangUp(cause)));
  }

  #received(request: RequestLike, response: ResponseLike): void {
    try {
      this.#dispatch(request, response);
    } catch (error) {
      this.#options.logger.error('handling a request failed', {
        method: request.method,
        error: errorMessage(error),
      });
      if (!response.finalResponseSent) {
        this.#options.userAgent.respond(response, 500);
      }
    }
  }

  #dispatch(request: RequestLike, response: ResponseLike): void {
    const { userAgent } = this.#options;
    const isWithinDialog = /;\s*tag\s*=/i.test(request.get('to') ?? '');
    switch (request.method) {
      case 'INVITE':
        if (isWithinDialog) {
          userAgent.respond(response, 481);
        } else {
          this.#invited(request, response);
        }
        return;
      case 'OPTIONS':
        if (this.#retryAfterS !== null) {
          this.#refuseOverload(response, this.#retryAfterS);
        } else if (isWithinDialog) {
          userAgent.respond(response, 481);
        } else {
          userAgent.respond(response, 200, optionsAnswer());
        }
        return;
      case 'ACK':
        return;
      case 'REGISTER':
      case 'SUBSCRIBE':
      case 'PUBLISH':
        userAgent.respond(response, 405, { headers: { Allow: ALLOWED_METHODS } });
        return;
      case 'MESSAGE':
      case 'REFER':
        if (isWithinDialog) {
          userAgent.respond(response, 481);
        } else if (request.method === 'REFER' || this.#messageHandler === null) {
          userAgent.respond(response, 405, { headers: { Allow: ALLOWED_OUTSIDE_DIALOGS } });
        } else {
          this.#messaged(request, response, this.#messageHandler);
        }
        return;
      case 'BYE':
      case 'INFO':
      case 'NOTIFY':
      case 'UPDATE':
      case 'PRACK':
        userAgent.respond(response, 481);
        return;
      default:
        userAgent.respond(response, 501, { headers: { Allow: ALLOWED_METHODS } });
    }
  }

  #invited(request: RequestLike, response: ResponseLike): void {
    const { userAgent, maxCalls = 10_000 } = this.#options;
    if (this.#retryAfterS !== null || this.#handler === null) {
      this.#refuseOverload(response, this.#retryAfterS ?? 10);
      return;
    }
    if (this.#calls.size >= maxCalls || !this.#rate.admit()) {
      this.#overloadRefusals++;
      this.#refuseOverload(response, this.#retryAfterLoadS());
      return;
    }
    const unsupported = unsupportedOptionTags(request);
    if (unsupported.length > 0) {
      // RFC 3261 §8.2.2.3.
      userAgent.respond(response, 420, { headers: { Unsupported: unsupported.join(', ') } });
      return;
    }
    if (!request.has('contact')) {
      // RFC 3261 §8.1.1.8: without it no request within the dialog could ever reach the caller.
      userAgent.respond(response, 400, { reason: 'Missing Contact' });
      return;
    }
    this.#open(new IncomingInvite(userAgent, this.#options.ids, request, response), this.#handler);
  }

  #messaged(
    request: RequestLike,
    response: ResponseLike,
    handler: (message: PagerMessage) => void,
  ): void {
    const { userAgent, ids } = this.#options;
    if (this.#retryAfterS !== null || this.#messages >= MAX_MESSAGES) {
      this.#refuseOverload(response, this.#retryAfterS ?? this.#retryAfterLoadS());
      return;
    }
    this.#messages++;
    const closed = (): void => {
      this.#messages--;
    };
    handler(new PagerRelay({ userAgent, ids, request, response, closed }));
  }

  #open(incoming: IncomingInvite, handler: (call: IncomingCall) => void): void {
    const { userAgent, ids, logger, random = Math.random } = this.#options;
    const id = ids.uuid() as CallId;
    const key = incoming.transactionKey;
    const call = new B2buaCall({
      id,
      incoming,
      userAgent,
      directory: this.#directory,
      ids,
      random,
      timeouts: this.#timeouts,
      logger: logger.child({ callId: id, sipCallId: incoming.facts.sipCallId }),
      closed: () => {
        this.#calls.delete(call);
        if (this.#byTransaction.get(key) === call) {
          this.#byTransaction.delete(key);
        }
      },
    });
    this.#calls.add(call);
    this.#byTransaction.set(key, call);
    userAgent.watchUpdates(incoming.request);
    incoming.request.on('cancel', cancel => {
      const cancelled = this.#byTransaction.get(transactionKey(cancel)) ?? call;
      cancelled.cancelled(cancel);
    });
    try {
      handler(call);
    } catch (error) {
      logger.error('the call handler failed', { callId: id, error: errorMessage(error) });
      void call.hangUp({ status: 500, text: 'internal error' });
    }
  }

  /** 5 to 10 s, at random, so that those who were refused together do not come back together. */
  #retryAfterLoadS(): number {
    const { random = Math.random } = this.#options;
    return 5 + Math.floor(random() * 6);
  }

  #refuseOverload(response: ResponseLike, retryAfterS: number): void {
    this.#options.userAgent.respond(response, 503, {
      headers: { 'Retry-After': String(retryAfterS) },
    });
  }
}
