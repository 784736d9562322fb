import { assertNever, type Clock } from '#core';
import { ownCopy, serializeMessage, type SipRequest, type SipResponse } from '../message';
import { type MessageSource } from '../transport';
import { MachineRunner } from './machine';
import {
  INVITE_SERVER,
  NON_INVITE_SERVER,
  type ServerAction,
  type ServerEvent,
  type ServerState,
} from './server-machines';
import { TimerSet } from './timer-set';
import { patienceMs, type TimerValues } from './timers';

/** How a server transaction ended. `timeout`: nobody acknowledged the final response. */
export type ServerEnd = 'done' | 'timeout' | 'transport-error';

const NOTHING = Buffer.alloc(0);

/** One request of a peer and our responses (RFC 3261 §17.2). Made by the transaction layer. */
export class ServerTransaction {
  /** For a CANCEL: the INVITE transaction that it is about; null: none, or not a CANCEL. */
  readonly cancels: ServerTransaction | null;
  /** Told once, when the transaction is gone (not after terminate()). */
  onEnded: ((end: ServerEnd) => void) | null = null;
  readonly #key: string;
  readonly #timerValues: TimerValues;
  readonly #timers: TimerSet<'retransmit' | 'timeout' | 'linger'>;
  readonly #machine: MachineRunner<ServerState, ServerEvent, ServerAction>;
  readonly #send: (bytes: Buffer, source: MessageSource, onFailure: () => void) => void;
  readonly #onAck: (request: SipRequest, source: MessageSource) => void;
  readonly #onTerminated: (transaction: ServerTransaction) => void;
  #request: SipRequest;
  #source: MessageSource;
  #retransmitMs: number;
  #last: Buffer | null = null;
  #lastStatus: number | null = null;
  #ack: { request: SipRequest; source: MessageSource } | null = null;
  #end: ServerEnd = 'done';
  #isEnded = false;

  constructor(options: {
    key: string;
    request: SipRequest;
    source: MessageSource;
    cancels: ServerTransaction | null;
    clock: Clock;
    timers: TimerValues;
    send: (bytes: Buffer, source: MessageSource, onFailure: () => void) => void;
    onAck: (request: SipRequest, source: MessageSource) => void;
    onTerminated: (transaction: ServerTransaction) => void;
  }) {
    this.#key = options.key;
    this.#request = options.request;
    this.#source = options.source;
    this.cancels = options.cancels;
    this.#timerValues = options.timers;
    this.#timers = new TimerSet(options.clock);
    this.#send = options.send;
    this.#onAck = options.onAck;
    this.#onTerminated = options.onTerminated;
    this.#retransmitMs = options.timers.t1Ms;
    const isInvite = options.request.method === 'INVITE';
    this.#machine = new MachineRunner(
      isInvite ? INVITE_SERVER : NON_INVITE_SERVER,
      isInvite ? 'proceeding' : 'trying',
      action => this.#execute(action),
      state => {
        if (state === 'terminated') {
          this.#finish(true);
        }
      },
    );
  }

  /** Without its body after the final response. */
  get request(): SipRequest {
    return this.#request;
  }

  /** Without its bytes after the final response. */
  get source(): MessageSource {
    return this.#source;
  }

  /** @internal */
  get key(): string {
    return this.#key;
  }

  get state(): ServerState {
    return this.#isEnded ? 'terminated' : this.#machine.state;
  }

  /** Status of the newest response; null: none yet. */
  get lastStatus(): number | null {
    return this.#lastStatus;
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  /**
   * Sends a response, and retransmits it as the RFC wants; a 2xx to an INVITE is retransmitted by the
   * caller, by calling this again (§13.3.1.4).
   * @returns false: the transaction is beyond that; nothing was sent
   */
  respond(response: SipResponse): boolean {
    const event: ServerEvent =
      response.status < 200
        ? 'respond-1xx'
        : response.status < 300
          ? 'respond-2xx'
          : 'respond-failure';
    if (this.#isEnded || !this.#machine.accepts(event)) {
      return false;
    }
    this.#last = serializeMessage(response);
    this.#lastStatus = response.status;
    this.#machine.dispatch(event);
    if (response.status >= 200) {
      this.#letGo();
    }
    return true;
  }

  /** Up to 64*T1 are left, in which the request is over as a rule: only what may still be needed is kept. */
  #letGo(): void {
    this.#request = { ...this.#request, body: NOTHING };
    this.#source = { ...this.#source, raw: NOTHING };
    // The user of the layer repeats a 2xx to an INVITE; any other final response is repeated from here.
    this.#last =
      this.#last === null || this.#isEnded || this.#machine.state === 'accepted'
        ? null
        : ownCopy(this.#last);
  }

  /** Forgets the transaction without telling anybody. Idempotent. */
  terminate(): void {
    this.#finish(false);
  }

  /** @internal A retransmission of the request. */
  receiveRequest(): void {
    this.#machine.dispatch('request');
  }

  /** @internal An ACK with this transaction's branch. */
  receiveAck(request: SipRequest, source: MessageSource): void {
    this.#ack = { request, source };
    this.#machine.dispatch('ack');
  }

  #finish(tell: boolean): void {
    if (!this.#isEnded) {
      this.#isEnded = true;
      this.#timers.stopAll();
      this.#onTerminated(this);
      if (tell) {
        this.onEnded?.(this.#end);
      }
    }
  }

  #execute(action: ServerAction): void {
    if (this.#isEnded) {
      return;
    }
    const isReliable = this.source.transport !== 'udp';
    const { t2Ms, t4Ms } = this.#timerValues;
    const timeoutMs = patienceMs(this.#timerValues);
    switch (action) {
      case 'send':
        if (this.#last !== null) {
          this.#send(this.#last, this.source, () => this.#machine.dispatch('transport-error'));
        }
        return;
      case 'deliver-ack':
        if (this.#ack !== null) {
          this.#onAck(this.#ack.request, this.#ack.source);
        }
        return;
      case 'start-retransmit':
        // Timer G: not on a reliable transport, doubling up to T2 (§17.2.1).
        if (!isReliable) {
          this.#startTimer('retransmit', this.#retransmitMs);
          this.#retransmitMs = Math.min(this.#retransmitMs * 2, t2Ms);
        }
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
      case 'start-linger-i':
        this.#startTimer('linger', isReliable ? 0 : t4Ms);
        return;
      case 'start-linger-j':
        this.#startTimer('linger', isReliable ? 0 : timeoutMs);
        return;
      case 'start-linger-l':
        this.#startTimer('linger', timeoutMs);
        return;
      case 'tell-timeout':
        this.#end = 'timeout';
        return;
      case 'tell-transport-error':
        this.#end = 'transport-error';
        return;
      default:
        assertNever(action);
    }
  }

  #startTimer(name: 'retransmit' | 'timeout' | 'linger', delayMs: number): void {
    this.#timers.start(name, delayMs, () => this.#machine.dispatch(`timer-${name}`));
  }
}
