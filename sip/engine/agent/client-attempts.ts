import { makeRequest, parseCSeq, type SipRequest, type SipResponse } from '../message';
import { type ClientTransaction } from '../transaction';
import { type MessageSource, type OutboundRoute } from '../transport';
import { type AgentContext, ownAddressOn } from './context';
import { type PendingClient } from './leg';
import { MAX_INTERVAL_RETRIES, type SessionTimers } from './session-timers';

/** A silent address is left after so many T1 when there is another one. */
const SILENCE_IN_T1 = 8;

export interface AttemptHandlers {
  /** The first attempt is on its way. */
  onSent(transaction: ClientTransaction): void;
  onResponse(response: SipResponse, source: MessageSource): void;
  onTimeout(): void;
  onTransportError(): void;
  /** A 2xx to an INVITE that another address has taken over. */
  onSurplus(transaction: ClientTransaction, response: SipResponse, source: MessageSource): void;
}

/**
 * One request of an application on its way through the addresses of its target (RFC 3263 §4.3): after a
 * failure of the transport, 503, or silence the next address gets it in a new transaction. Also asks again
 * with a longer session interval after 422 (RFC 4028 §7.3). For the application all this is one request.
 */
export class ClientAttempts {
  readonly #context: AgentContext;
  readonly #timers: SessionTimers;
  readonly #client: PendingClient;
  readonly #routes: readonly OutboundRoute[];
  readonly #handlers: AttemptHandlers;
  #index = -1;
  #number = 0;
  #intervalRetries = 0;
  #isEchoed = false;

  constructor(options: {
    context: AgentContext;
    timers: SessionTimers;
    client: PendingClient;
    /** At least one. */
    routes: readonly OutboundRoute[];
    handlers: AttemptHandlers;
  }) {
    this.#context = options.context;
    this.#timers = options.timers;
    this.#client = options.client;
    this.#routes = options.routes;
    this.#handlers = options.handlers;
  }

  start(): void {
    this.#next();
  }

  get #hasNext(): boolean {
    return this.#index + 1 < this.#routes.length && !this.#client.isCancelled;
  }

  #next(): void {
    this.#index++;
    const route = this.#routes[this.#index];
    const { build } = this.#client;
    if (route !== undefined && build !== null) {
      this.#send(build(ownAddressOn(route)), route);
    }
  }

  #send(request: SipRequest, route: OutboundRoute): void {
    const client = this.#client;
    const number = ++this.#number;
    const isCurrent = (): boolean => number === this.#number;
    const transaction = this.#context.transactions.request(request, route, {
      onSent: sent => {
        client.transaction = sent;
        if (!this.#isEchoed) {
          this.#isEchoed = true;
          this.#handlers.onSent(sent);
        }
      },
      onResponse: (response, source) => {
        if (isCurrent()) {
          this.#onResponse(response, source, route);
        } else if (response.status >= 200 && response.status < 300) {
          this.#handlers.onSurplus(transaction, response, source);
        }
      },
      onTimeout: () => {
        if (isCurrent()) {
          this.#failOver(route, () => this.#handlers.onTimeout());
        }
      },
      onTransportError: () => {
        if (isCurrent()) {
          this.#failOver(route, () => this.#handlers.onTransportError());
        }
      },
    });
    client.transaction = transaction;
    client.failover?.cancel();
    client.failover = this.#hasNext
      ? this.#context.clock.setTimer(SILENCE_IN_T1 * this.#context.transactions.timers.t1Ms, () =>
          this.#abandon(transaction, route),
        )
      : null;
  }

  /** Leaves an address, which the next requests for its name will try last. */
  #failOver(failed: OutboundRoute, otherwise: () => void): void {
    this.#client.failover?.cancel();
    this.#context.transport.noteFailure(failed);
    if (this.#hasNext) {
      this.#context.transport.countDrop('failover');
      this.#next();
    } else {
      otherwise();
    }
  }

  /** The address is silent: should it speak after all, its INVITE is cancelled (§9.1). */
  #abandon(transaction: ClientTransaction, route: OutboundRoute): void {
    if (!this.#hasNext) {
      return;
    }
    if (transaction.request.method === 'INVITE') {
      this.#context.transactions.cancel(transaction);
    } else {
      transaction.terminate();
    }
    this.#failOver(route, () => undefined);
  }

  #onResponse(response: SipResponse, source: MessageSource, route: OutboundRoute): void {
    this.#client.failover?.cancel();
    this.#client.failover = null;
    if (response.status === 503 && this.#hasNext) {
      this.#failOver(route, () => undefined);
      return;
    }
    this.#context.transport.noteSuccess(route);
    const { transaction, leg } = this.#client;
    if (
      response.status === 422 &&
      transaction !== null &&
      this.#intervalRetries < MAX_INTERVAL_RETRIES &&
      !this.#client.isCancelled
    ) {
      const again = this.#timers.afterTooSmall(transaction.request, response);
      if (again !== null) {
        this.#intervalRetries++;
        const last = parseCSeq(again.headers.get('cseq'))?.number ?? 0;
        const dialog = leg?.state === 'confirmed' ? leg.dialog : null;
        const sequence = dialog?.takeSequence() ?? last + 1;
        again.headers.remove('Via').set('CSeq', `${sequence} ${again.method}`);
        this.#send(makeRequest(again.method, again.uri, again.headers, again.body), route);
        return;
      }
    }
    this.#handlers.onResponse(response, source);
  }
}
