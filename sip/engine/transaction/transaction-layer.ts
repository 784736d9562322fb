import { randomBytes } from 'node:crypto';
import { type Clock, type Logger } from '#core';
import { EngineError } from '../errors';
import { DEFAULT_ENGINE_LIMITS, type TransactionLimits } from '../limits';
import {
  BRANCH_COOKIE,
  formatVia,
  HeaderList,
  makeRequest,
  makeResponse,
  serializeMessage,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
} from '../message';
import {
  type MessageSource,
  type OutboundRoute,
  type Target,
  type TransportLayer,
} from '../transport';
import { type ClientHandlers, ClientTransaction } from './client-transaction';
import { clientKey, serverKey } from './keys';
import { ServerTransaction } from './server-transaction';
import { DEFAULT_TIMERS, type TimerValues } from './timers';

/** What the user of the transaction layer is told. Handlers must not throw. */
export interface TransactionEvents {
  /** A new request; a CANCEL too, with `transaction.cancels`. Never an ACK. */
  onRequest(transaction: ServerTransaction, request: SipRequest, source: MessageSource): void;
  /** An ACK to a 2xx. */
  onAck(request: SipRequest, source: MessageSource): void;
  /** A response that belongs to no transaction, e.g. a 2xx retransmitted for very long. */
  onStrayResponse(response: SipResponse, source: MessageSource): void;
}

export interface TransactionLayerOptions {
  readonly transport: TransportLayer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers?: Partial<TimerValues>;
  readonly limits?: Partial<TransactionLimits>;
  readonly events: TransactionEvents;
}

/** What became of a CANCEL: held back until the first provisional response (RFC 3261 §9.1). */
export type CancelOutcome = 'sent' | 'held' | 'too-late';

/** RFC 3261 §17 on top of a transport layer. It answers nothing by itself: 100 is up to its user. */
export class TransactionLayer {
  readonly #transport: TransportLayer;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #timers: TimerValues;
  readonly #limits: TransactionLimits;
  readonly #events: TransactionEvents;
  readonly #clients = new Map<string, ClientTransaction>();
  /** Clients whose way is still being looked up. */
  readonly #starting = new Set<ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #heldCancels = new Map<ClientTransaction, () => void>();
  #isClosed = false;

  constructor(options: TransactionLayerOptions) {
    this.#transport = options.transport;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.#limits = { ...DEFAULT_ENGINE_LIMITS, ...options.limits };
    this.#events = options.events;
    options.transport.attach({ onMessage: (message, source) => this.#onMessage(message, source) });
  }

  get timers(): TimerValues {
    return this.#timers;
  }

  /**
   * Sends a request in a new transaction; our Via is added. The headers are not changed in place.
   * Failures come through the handlers, later. With a route nothing is looked up any more: the request
   * is on its way when this returns.
   */
  request(
    request: SipRequest,
    target: Target | OutboundRoute,
    handlers: ClientHandlers,
  ): ClientTransaction {
    const transaction = this.#newClient(request, handlers);
    if (this.#isFull || this.#isClosed) {
      const error = new EngineError('REC_ERR_ENGINE_LIMIT', 'too many transactions');
      this.#starting.add(transaction);
      process.nextTick(() => transaction.fail(error));
      return transaction;
    }
    this.#starting.add(transaction);
    if ('listener' in target) {
      this.#start(transaction, withVia(request, target), target);
      return transaction;
    }
    this.#transport.route(target, result => {
      if (transaction.state === 'terminated') {
        return;
      }
      if (result.ok) {
        this.#start(transaction, withVia(request, result.route), result.route);
      } else {
        process.nextTick(() => transaction.fail(result.error));
      }
    });
    return transaction;
  }

  /**
   * Cancels an INVITE of ours (RFC 3261 §9.1): at once, or as soon as a provisional response comes. The
   * INVITE's own final response (487, as a rule) goes to the INVITE's handlers; if none comes in 64*T1
   * its transaction is given up with onTimeout.
   * @param extraHeaders Reason and the like, for the CANCEL
   */
  cancel(
    invite: ClientTransaction,
    extraHeaders: HeaderList = new HeaderList(),
    onSent?: (cancel: SipRequest) => void,
  ): CancelOutcome {
    if (invite.finalStatus !== null || invite.state === 'terminated') {
      return 'too-late';
    }
    const send = (): void => this.#sendCancel(invite, extraHeaders, onSent);
    if (invite.state === 'proceeding') {
      send();
      return 'sent';
    }
    this.#heldCancels.set(invite, send);
    return 'held';
  }

  /**
   * Sends an ACK to a 2xx, outside of transactions (RFC 3261 §13.2.2.4); our Via is added.
   * @param handlers.onSent the request as sent; possibly called before this returns
   */
  send(
    request: SipRequest,
    target: Target | OutboundRoute,
    handlers: {
      onSent?: (request: SipRequest, route: OutboundRoute) => void;
      onFailure?: (error: Error) => void;
    } = {},
  ): void {
    const onFailure = handlers.onFailure ?? (() => undefined);
    const send = (route: OutboundRoute): void => {
      const sent = withVia(request, route);
      this.resend(sent, route, onFailure);
      handlers.onSent?.(sent, route);
    };
    if ('listener' in target) {
      send(target);
      return;
    }
    this.#transport.route(target, result => {
      if (result.ok) {
        send(result.route);
      } else {
        process.nextTick(() => onFailure(result.error));
      }
    });
  }

  /** Sends a request again exactly as it was sent before, e.g. the ACK of a repeated 2xx. */
  resend(request: SipRequest, route: OutboundRoute, onFailure?: (error: Error) => void): void {
    const flow = this.#transport.openFlow(route, onFailure ?? (() => undefined));
    flow.send(serializeMessage(request));
    flow.close();
  }

  /** Whether a Via branch of a request is that of an unfinished request of ours: it has come back. */
  isOwnBranch(branch: string, method: string): boolean {
    return this.#clients.has(`${branch}|${method}`);
  }

  /** Open transactions of both kinds. */
  get size(): number {
    return this.#clients.size + this.#starting.size + this.#servers.size;
  }

  counters(): { clientTransactions: number; serverTransactions: number; timers: number } {
    let timers = 0;
    for (const each of [...this.#clients.values(), ...this.#servers.values()]) {
      timers += each.timerCount;
    }
    return {
      clientTransactions: this.#clients.size + this.#starting.size,
      serverTransactions: this.#servers.size,
      timers,
    };
  }

  /** Forgets every transaction, telling nobody. The transport layer is not closed. */
  close(): void {
    this.#isClosed = true;
    for (const each of [...this.#starting, ...this.#clients.values(), ...this.#servers.values()]) {
      each.terminate();
    }
  }

  get #isFull(): boolean {
    return this.#clients.size + this.#servers.size >= this.#limits.transactions;
  }

  #newClient(request: SipRequest, handlers: ClientHandlers): ClientTransaction {
    return new ClientTransaction({
      request,
      handlers,
      clock: this.#clock,
      timers: this.#timers,
      onTerminated: ended => {
        this.#starting.delete(ended);
        this.#heldCancels.delete(ended);
        const key = clientKey(ended.request);
        if (key !== null && this.#clients.get(key) === ended) {
          this.#clients.delete(key);
        }
      },
    });
  }

  #start(transaction: ClientTransaction, request: SipRequest, route: OutboundRoute): void {
    this.#starting.delete(transaction);
    this.#clients.set(clientKey(request) ?? '', transaction);
    const flow = this.#transport.openFlow(route, error => transaction.fail(error));
    transaction.start(request, route, flow);
  }

  #sendCancel(
    invite: ClientTransaction,
    extraHeaders: HeaderList,
    onSent: ((cancel: SipRequest) => void) | undefined,
  ): void {
    const { route, request } = invite;
    if (route === null) {
      return;
    }
    const cancel = makeCancel(request, extraHeaders);
    const transaction = this.#newClient(cancel, {
      onResponse: () => undefined,
      onTimeout: () => undefined,
      onTransportError: () => undefined,
    });
    this.#start(transaction, cancel, route);
    onSent?.(cancel);
    invite.expectEnd();
  }

  #onMessage(message: SipMessage, source: MessageSource): void {
    if (this.#isClosed) {
      return;
    }
    if (message.kind === 'response') {
      this.#onResponse(message, source);
    } else if (message.method === 'ACK') {
      this.#onAck(message, source);
    } else {
      this.#onRequest(message, source);
    }
  }

  #onResponse(response: SipResponse, source: MessageSource): void {
    // A response for us has our Via alone (§8.1.3.3).
    if (response.headers.getList('via').length !== 1) {
      this.#transport.countDrop('response-via');
      return;
    }
    const transaction = this.#clients.get(clientKey(response) ?? '');
    if (transaction === undefined) {
      this.#events.onStrayResponse(response, source);
      return;
    }
    transaction.receive(response, source);
    if (response.status < 200) {
      const held = this.#heldCancels.get(transaction);
      this.#heldCancels.delete(transaction);
      held?.();
    }
  }

  #onAck(request: SipRequest, source: MessageSource): void {
    const transaction = this.#servers.get(serverKey(request));
    if (transaction === undefined) {
      this.#events.onAck(request, source);
    } else {
      transaction.receiveAck(request, source);
    }
  }

  #onRequest(request: SipRequest, source: MessageSource): void {
    const key = serverKey(request);
    const known = this.#servers.get(key);
    if (known !== undefined) {
      known.receiveRequest();
      return;
    }
    if (this.#isFull) {
      this.#transport.countDrop('transaction-limit');
      const busy = makeResponse(request, 503, {
        toTag: 'busy',
        headers: HeaderList.of(['Retry-After', '5']),
      });
      this.#transport.sendResponse(serializeMessage(busy), source, () => undefined);
      return;
    }
    const transaction = new ServerTransaction({
      key,
      request,
      source,
      cancels:
        request.method === 'CANCEL'
          ? (this.#servers.get(serverKey(request, 'INVITE')) ?? null)
          : null,
      clock: this.#clock,
      timers: this.#timers,
      send: (bytes, to, onFailure) => this.#transport.sendResponse(bytes, to, onFailure),
      onAck: (ack, from) => this.#events.onAck(ack, from),
      onTerminated: ended => this.#servers.delete(ended.key),
    });
    this.#servers.set(key, transaction);
    this.#logger.debug('request', {
      method: request.method,
      from: tagOf(request.headers.get('from')),
    });
    this.#events.onRequest(transaction, request, source);
  }
}

/** A copy with our Via on top: a new branch (§8.1.1.7), `rport` on UDP (RFC 3581 §3). */
function withVia(request: SipRequest, route: OutboundRoute): SipRequest {
  const params = new Map<string, string | null>();
  if (route.transport === 'udp') {
    params.set('rport', null);
  }
  params.set('branch', BRANCH_COOKIE + randomBytes(12).toString('hex'));
  const via = formatVia({
    transport: route.transport.toUpperCase(),
    host: route.advertisedHost,
    port: route.advertisedPort,
    params,
  });
  return { ...request, headers: request.headers.clone().prepend('Via', via) };
}

/** RFC 3261 §9.1: everything that identifies the INVITE is repeated, its Via included. */
function makeCancel(invite: SipRequest, extraHeaders: HeaderList): SipRequest {
  const headers = HeaderList.of(['Via', invite.headers.getList('via')[0] ?? '']);
  for (const entry of invite.headers.entries()) {
    if (['route', 'from', 'to', 'call-id'].includes(entry.key)) {
      headers.appendEntry(entry);
    }
  }
  headers.append('CSeq', (invite.headers.get('cseq') ?? '').replace(/\S+$/, 'CANCEL'));
  headers.append('Max-Forwards', '70');
  for (const entry of extraHeaders.entries()) {
    headers.appendEntry(entry);
  }
  return makeRequest('CANCEL', invite.uri, headers);
}
