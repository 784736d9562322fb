import { assertNever, type Clock } from '#core';
import {
  makeRequest,
  HeaderList,
  serializeMessage,
  type SipRequest,
  type SipResponse,
} from '../message';
import { type Flow, type MessageSource, type OutboundRoute } from '../transport';
import {
  CLIENT_START,
  type ClientAction,
  type ClientEvent,
  type ClientState,
  INVITE_CLIENT,
  NON_INVITE_CLIENT,
} from './client-machines';
import { MachineRunner } from './machine';
import { TimerSet } from './timer-set';
import { patienceMs, type TimerValues } from './timers';

/** What the owner of a client transaction is told. Exactly one final thing happens, unless terminated. */
export interface ClientHandlers {
  /**
   * The request is on its way: `transaction.request` is as sent, `transaction.route` the way it went.
   * Comes before every other call, possibly before TransactionLayer.request() returns.
   */
  onSent?(transaction: ClientTransaction): void;
  /** Every provisional response and the final one; for an INVITE also each further 2xx (RFC 6026). */
  onResponse(response: SipResponse, source: MessageSource): void;
  /** No final response in 64*T1. */
  onTimeout(): void;
  /** Not sent, refused, or the connection was lost before the final response. */
  onTransportError(error: Error): void;
}

const NOTHING = Buffer.alloc(0);

/** One request of ours and its responses (RFC 3261 §17.1). Made by the transaction layer. */
export class ClientTransaction {
  readonly handlers: ClientHandlers;
  readonly #clock: Clock;
  readonly #timerValues: TimerValues;
  readonly #timers: TimerSet<'retransmit' | 'timeout' | 'linger' | 'cancelled'>;
  readonly #machine: MachineRunner<ClientState, ClientEvent, ClientAction>;
  readonly #onTerminated: (transaction: ClientTransaction) => void;
  #request: SipRequest;
  #route: OutboundRoute | null = null;
  #flow: Flow | null = null;
  /** The request as it goes out, for as long as it may have to be sent again. */
  #bytes: Buffer = NOTHING;
  #retransmitMs: number;
  #incoming: { response: SipResponse; source: MessageSource } | null = null;
  #ack: Buffer | null = null;
  #error: Error | null = null;
  #isEnded = false;
  #finalStatus: number | null = null;

  constructor(options: {
    request: SipRequest;
    handlers: ClientHandlers;
    clock: Clock;
    timers: TimerValues;
    onTerminated: (transaction: ClientTransaction) => void;
  }) {
    this.#request = options.request;
    this.handlers = options.handlers;
    this.#clock = options.clock;
    this.#timerValues = options.timers;
    this.#timers = new TimerSet(this.#clock);
    this.#onTerminated = options.onTerminated;
    this.#retransmitMs = options.timers.t1Ms;
    const isInvite = options.request.method === 'INVITE';
    this.#machine = new MachineRunner(
      isInvite ? INVITE_CLIENT : NON_INVITE_CLIENT,
      isInvite ? 'calling' : 'trying',
      action => this.#execute(action),
      state => {
        if (state === 'terminated') {
          this.#end();
        }
      },
    );
  }

  /** As sent, once onSent was called; before that without our Via. Without its body after the final response. */
  get request(): SipRequest {
    return this.#request;
  }

  /** null until onSent. */
  get route(): OutboundRoute | null {
    return this.#route;
  }

  get state(): ClientState {
    return this.#isEnded ? 'terminated' : this.#machine.state;
  }

  /** Status of the (first) final response; null: none yet. */
  get finalStatus(): number | null {
    return this.#finalStatus;
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /** @internal The layer found the way: sends the request. */
  start(request: SipRequest, route: OutboundRoute, flow: Flow): void {
    this.#request = request;
    this.#route = route;
    this.#flow = flow;
    this.#bytes = serializeMessage(request);
    for (const action of CLIENT_START) {
      this.#execute(action);
    }
    this.handlers.onSent?.(this);
  }

  /** @internal */
  receive(response: SipResponse, source: MessageSource): void {
    this.#incoming = { response, source };
    if (response.status < 200) {
      this.#machine.dispatch('response-1xx');
    } else {
      this.#finalStatus ??= response.status;
      this.#timers.stop('cancelled');
      this.#machine.dispatch(response.status < 300 ? 'response-2xx' : 'response-failure');
    }
    this.#letGo();
  }

  /**
   * A transaction stays for up to 64*T1 after its final response, when what it was about is over as a rule: it keeps
   * only what it may still need.
   */
  #letGo(): void {
    this.#incoming = null;
    if (this.#finalStatus !== null) {
      this.#bytes = NOTHING;
      this.#request = { ...this.#request, body: NOTHING };
    }
  }

  /** @internal */
  fail(error: Error): void {
    this.#error = error;
    this.#machine.dispatch('transport-error');
  }

  /** @internal The INVITE was cancelled: it is given up if no final response comes in 64*T1 (§9.1). */
  expectEnd(): void {
    this.#timers.start('cancelled', patienceMs(this.#timerValues), () => {
      if (this.#finalStatus === null && !this.#isEnded) {
        this.handlers.onTimeout();
        this.#end();
      }
    });
  }

  /** Forgets the transaction without telling anybody. Idempotent. */
  terminate(): void {
    this.#end();
  }

  #end(): void {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#timers.stopAll();
      this.#flow?.close();
      this.#onTerminated(this);
    }
  }

  get #isReliable(): boolean {
    return this.#route !== null && this.#route.transport !== 'udp';
  }

  #execute(action: ClientAction): void {
    if (this.#isEnded) {
      return;
    }
    const { t2Ms, t4Ms } = this.#timerValues;
    const timeoutMs = patienceMs(this.#timerValues);
    switch (action) {
      case 'send':
        this.#flow?.send(this.#bytes);
        return;
      case 'send-ack':
        this.#sendAck();
        return;
      case 'deliver':
        if (this.#incoming !== null) {
          this.handlers.onResponse(this.#incoming.response, this.#incoming.source);
        }
        return;
      case 'start-retransmit':
        this.#startRetransmit();
        return;
      case 'slow-retransmit':
        this.#retransmitMs = t2Ms;
        this.#startRetransmit();
        return;
      case 'stop-retransmit':
        this.#timers.stop('retransmit');
        return;
      case 'start-timeout':
        this.#startTimer('timeout', timeoutMs);
        return;
      case 'stop-timeout':
        this.#timers.stop('timeout');
        return;
      case 'start-linger-d':
        this.#startTimer('linger', this.#isReliable ? 0 : timeoutMs);
        return;
      case 'start-linger-m':
        this.#startTimer('linger', timeoutMs);
        return;
      case 'start-linger-k':
        this.#startTimer('linger', this.#isReliable ? 0 : t4Ms);
        return;
      case 'tell-timeout':
        this.handlers.onTimeout();
        return;
      case 'tell-transport-error':
        this.handlers.onTransportError(this.#error ?? new Error('transport error'));
        return;
      default:
        assertNever(action);
    }
  }

  #startTimer(name: 'retransmit' | 'timeout' | 'linger', delayMs: number): void {
    this.#timers.start(name, delayMs, () => this.#machine.dispatch(`timer-${name}`));
  }

  /** Timer A doubles each time (§17.1.1.2); timer E doubles up to T2 (§17.1.2.2). None on TCP. */
  #startRetransmit(): void {
    if (this.#isReliable) {
      return;
    }
    this.#startTimer('retransmit', this.#retransmitMs);
    const doubled = this.#retransmitMs * 2;
    this.#retransmitMs =
      this.#request.method === 'INVITE' ? doubled : Math.min(doubled, this.#timerValues.t2Ms);
  }

  /** The ACK of a failure belongs to the transaction (§17.1.1.3): Via, From, Route of the INVITE, To of the response. */
  #sendAck(): void {
    this.#ack ??= this.#buildAck();
    this.#flow?.send(this.#ack);
  }

  #buildAck(): Buffer {
    const { headers } = this.#request;
    const ack = new HeaderList();
    ack.append('Via', headers.getList('via')[0] ?? '');
    for (const entry of headers.entries()) {
      if (entry.key === 'route' || entry.key === 'from' || entry.key === 'call-id') {
        ack.appendEntry(entry);
      }
    }
    ack.append('To', this.#incoming?.response.headers.get('to') ?? headers.get('to') ?? '');
    ack.append('CSeq', (headers.get('cseq') ?? '').replace(/\S+$/, 'ACK'));
    ack.append('Max-Forwards', '70');
    return serializeMessage(makeRequest('ACK', this.#request.uri, ack));
  }
}
