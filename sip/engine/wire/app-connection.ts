import { timingSafeEqual } from 'node:crypto';
import { type Socket } from 'node:net';
import { type Clock, type IdSource, type Logger, type Timer } from '#core';
import { type AppPort, type AppRequestMeta } from '../agent';
import { type AppLimits } from '../limits';
import { type SipMessage } from '../message';
import { parseAppMessage } from './app-message';
import { encodeFrame, FrameDecoder } from './frame-codec';

/** What a connection needs of the engine. */
export interface AppConnectionEvents {
  /** The tokens of the answer to `authenticate` after OK. */
  greeting(): readonly string[];
  onRoute(app: AppConnection, verb: string): void;
  onRemoveRoute(app: AppConnection, verb: string): void;
  onSip(app: AppConnection, meta: AppRequestMeta, message: SipMessage, startLine: string): void;
  /** So much waits for it that nothing more should come in (true), or not any more (false). */
  onHeldUp(app: AppConnection, isHeldUp: boolean): void;
  /** Exactly once. */
  onClosed(app: AppConnection): void;
}

/** Routes that one application may ask for; there are fewer methods than that. */
const VERB = /^[a-z]+(:[a-z]+)?$/;
const MAX_VERB_LENGTH = 30;
const CRLF = Buffer.from('\r\n');

/** One application on the drachtio wire protocol: framing, authentication, and which frame means what. */
export class AppConnection implements AppPort {
  readonly #socket: Socket;
  readonly #secret: Buffer;
  readonly #ids: IdSource;
  readonly #logger: Logger;
  readonly #limits: AppLimits;
  readonly #events: AppConnectionEvents;
  readonly #decoder: FrameDecoder;
  readonly #authenticateTimer: Timer;
  #isAuthenticated = false;
  readonly #clock: Clock;
  readonly #onTaken = (): void => {
    this.#lastTakenMs = this.#clock.monotonicMs();
  };
  #lastTakenMs = 0;
  #stallTimer: Timer | null = null;
  #isHeldUp = false;
  #isOpen = true;
  /** Resolves when the connection is no more and its end has been told. */
  readonly closed: Promise<void>;

  constructor(options: {
    socket: Socket;
    secret: string;
    clock: Clock;
    ids: IdSource;
    logger: Logger;
    limits: AppLimits;
    events: AppConnectionEvents;
  }) {
    this.#socket = options.socket;
    this.#secret = Buffer.from(options.secret);
    this.#clock = options.clock;
    this.#ids = options.ids;
    this.#logger = options.logger;
    this.#limits = options.limits;
    this.#events = options.events;
    this.#decoder = new FrameDecoder(options.limits.appFrameBytes);
    this.#authenticateTimer = options.clock.setTimer(options.limits.appAuthenticateMs, () => {
      this.#refuse('not authenticated in time');
    });
    this.#socket.setNoDelay(true);
    this.#socket.on('data', chunk => this.#onData(chunk));
    this.#socket.on('error', error =>
      this.#logger.warn('application connection failed', { error: error.message }),
    );
    this.#socket.on('drain', () => {
      if (this.#isHeldUp) {
        this.#isHeldUp = false;
        this.#events.onHeldUp(this, false);
      }
    });
    this.closed = new Promise(resolve => {
      this.#socket.on('close', () => {
        this.#isOpen = false;
        this.#authenticateTimer.cancel();
        this.#stallTimer?.cancel();
        this.#events.onClosed(this);
        resolve();
      });
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isBusy(): boolean {
    return this.#socket.writableLength > this.#limits.appBusyBytes;
  }

  send(leader: string, message?: Buffer): void {
    if (!this.#isOpen) {
      return;
    }
    const first = Buffer.from(`${this.#ids.uuid()}|${leader}`, 'utf8');
    const payload = message === undefined ? first : Buffer.concat([first, CRLF, message]);
    if (this.#socket.writableLength + payload.length > this.#limits.appBufferBytes) {
      this.#cut('the application does not read; its connection is cut');
      return;
    }
    if (this.#socket.writableLength === 0) {
      this.#lastTakenMs = this.#clock.monotonicMs();
    }
    const isFull = !this.#socket.write(encodeFrame(payload), this.#onTaken);
    if (isFull && this.#stallTimer === null) {
      this.#watchStall();
    }
    if (!this.#isHeldUp && this.#socket.writableLength > this.#limits.appPauseBytes) {
      this.#isHeldUp = true;
      this.#events.onHeldUp(this, true);
    }
  }

  /** As long as something waits for the application, it has to take some of it from time to time. */
  #watchStall(): void {
    this.#stallTimer = this.#clock.setTimer(this.#limits.appStallMs, () => {
      this.#stallTimer = null;
      if (!this.#isOpen || this.#socket.writableLength === 0) {
        return;
      }
      if (this.#clock.monotonicMs() - this.#lastTakenMs >= this.#limits.appStallMs) {
        this.#cut('the application has stopped reading; its connection is cut');
      } else {
        this.#watchStall();
      }
    });
  }

  #cut(text: string): void {
    this.#logger.error(text, { waitingBytes: this.#socket.writableLength });
    this.close();
  }

  close(): void {
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    for (const payload of this.#decoder.push(chunk)) {
      if (this.#isOpen && !this.#socket.writableEnded) {
        this.#onFrame(payload);
      }
    }
    if (this.#decoder.fault !== null && !this.#socket.writableEnded) {
      this.#refuse('Invalid message format');
    }
  }

  #onFrame(payload: Buffer): void {
    const end = payload.indexOf(CRLF);
    const leader = (end < 0 ? payload : payload.subarray(0, end)).toString('utf8');
    const [requestId = '', type = '', ...rest] = leader.split('|');
    if (type === 'authenticate') {
      this.#authenticate(requestId, rest[0] ?? '');
      return;
    }
    if (!this.#isAuthenticated) {
      this.#refuse('not authenticated', requestId);
      return;
    }
    switch (type) {
      case 'ping':
        this.send(`response|${requestId}|OK|pong`);
        return;
      case 'route':
      case 'remove_route':
        this.#route(requestId, type, rest[0] ?? '');
        return;
      case 'sip':
        this.#sip(requestId, rest, end < 0 ? Buffer.alloc(0) : payload.subarray(end + CRLF.length));
        return;
      default:
        this.#refuse('Unknown message type', requestId);
    }
  }

  #authenticate(requestId: string, given: string): void {
    const bytes = Buffer.from(given);
    const isRight = bytes.length === this.#secret.length && timingSafeEqual(bytes, this.#secret);
    if (!isRight) {
      this.#refuse('incorrect secret', requestId);
      return;
    }
    this.#isAuthenticated = true;
    this.#authenticateTimer.cancel();
    this.send(['response', requestId, 'OK', ...this.#events.greeting()].join('|'));
  }

  /** Verbs of call detail records are taken and never match. */
  #route(requestId: string, type: 'route' | 'remove_route', verb: string): void {
    if (verb.length <= MAX_VERB_LENGTH && VERB.test(verb)) {
      if (type === 'route') {
        this.#events.onRoute(this, verb);
      } else {
        this.#events.onRemoveRoute(this, verb);
      }
    }
    this.send(`response|${requestId}|OK`);
  }

  #sip(requestId: string, tokens: readonly string[], message: Buffer): void {
    const [txnId = '', dialogId = '', routeUrl = ''] = tokens;
    const parsed = parseAppMessage(message);
    if (!parsed.ok) {
      const text =
        dialogId === ''
          ? `invalid request-uri: ${parsed.startLine}`
          : `Server error: invalid or missing method supplied on start line: ${parsed.startLine}`;
      this.send(`response|${requestId}|NOK|${text}`);
      return;
    }
    if (parsed.message.kind === 'response' && txnId === '') {
      this.#refuse('transaction id missing', requestId);
      return;
    }
    this.#events.onSip(
      this,
      { requestId, txnId, dialogId, routeUrl },
      parsed.message,
      parsed.startLine,
    );
  }

  /** A breach of the protocol: says so and hangs up. */
  #refuse(text: string, requestId = ''): void {
    this.send(`response|${requestId}|NO|${text}`);
    this.#socket.destroySoon();
  }
}
