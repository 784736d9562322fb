import { type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type Clock, type Timer } from '#core';
import { EngineError } from '../errors';
import { type MessageLimits, type TransportLimits } from '../limits';
import { StreamFramer, type Frame } from './stream-framer';
import { type BoundListener, type ReplyConnection } from './types';

export interface TcpConnectionEvents {
  onFrame(connection: TcpConnection, frame: Frame): void;
  /** One of ours has ended before it stood; onClosed comes before. */
  onUnreachable(connection: TcpConnection, error: Error): void;
  /** One of ours that stood has ended, and not because we wanted it to; onClosed comes before. */
  onLost(connection: TcpConnection): void;
  /** Exactly once. */
  onClosed(connection: TcpConnection): void;
}

const PONG = Buffer.from('\r\n');
const KEEPALIVE_MS = 45_000;

/** One TCP or TLS connection, accepted or ours: framing, idle timers, a bounded write queue. */
export class TcpConnection implements ReplyConnection {
  readonly listener: BoundListener;
  readonly remoteHost: string;
  readonly remotePort: number;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #limits: TransportLimits & MessageLimits;
  readonly #events: TcpConnectionEvents;
  readonly #framer: StreamFramer;
  /** Who waits for something on this connection and wants to know when it is lost. */
  readonly #interested = new Set<(error: Error) => void>();
  readonly #timer: { current: Timer | null } = { current: null };
  /** What waits until the connection stands: with TLS, until the peer has proved who it is. */
  #waiting: Buffer[] | null;
  #waitingBytes = 0;
  #isPaused = false;
  /** We close it ourselves: nobody has to be told. */
  #isEnding = false;
  #isOpen = true;
  #hadMessage = false;
  readonly #isOutgoing: boolean;
  readonly #createdMs: number;
  #lastActivityMs: number;
  #halfReadSinceMs: number | null = null;
  #failure: Error | null = null;

  constructor(options: {
    socket: Socket;
    listener: BoundListener;
    remoteHost: string;
    remotePort: number;
    /** We opened it: then no first message is demanded of the peer. */
    isOutgoing: boolean;
    clock: Clock;
    limits: TransportLimits & MessageLimits;
    events: TcpConnectionEvents;
  }) {
    this.listener = options.listener;
    this.remoteHost = options.remoteHost;
    this.remotePort = options.remotePort;
    this.#socket = options.socket;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#events = options.events;
    this.#framer = new StreamFramer(options.limits);
    this.#isOutgoing = options.isOutgoing;
    this.#hadMessage = options.isOutgoing;
    this.#waiting = options.isOutgoing ? [] : null;
    this.#createdMs = options.clock.monotonicMs();
    this.#lastActivityMs = this.#createdMs;
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    socket.on('data', chunk => this.#onData(chunk));
    socket.on('error', error => (this.#failure = error));
    socket.on('close', () => this.#onClose());
    this.#watch();
    if (options.isOutgoing) {
      const connecting = this.#clock.setTimer(this.#limits.connectTimeoutMs, () =>
        this.destroy(new Error(`no connection within ${this.#limits.connectTimeoutMs} ms`)),
      );
      socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', () => {
        connecting.cancel();
        this.#flush();
      });
      socket.once('close', () => connecting.cancel());
    }
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The local end; the listener's address before the connection stands. */
  get localHost(): string {
    return this.#socket.localAddress ?? this.listener.host;
  }

  get localPort(): number {
    return this.#socket.localPort ?? this.listener.port;
  }

  /** Bytes of a message (queued until the connection stands). */
  send(bytes: Buffer): void {
    if (!this.#isOpen) {
      return;
    }
    const pending = this.#socket.writableLength + this.#waitingBytes;
    if (pending + bytes.length > this.#limits.peerBufferBytes) {
      this.destroy(new Error('the peer does not read'));
      return;
    }
    this.#lastActivityMs = this.#clock.monotonicMs();
    if (this.#waiting === null) {
      this.#socket.write(bytes);
    } else {
      this.#waiting.push(bytes);
      this.#waitingBytes += bytes.length;
    }
  }

  /** Stops reading: the peer is held up by TCP itself. Meanwhile no time runs against it. Idempotent. */
  pause(): void {
    this.#isPaused = true;
    this.#timer.current?.cancel();
    this.#socket.pause();
  }

  resume(): void {
    if (this.#isPaused) {
      this.#isPaused = false;
      this.#lastActivityMs = this.#clock.monotonicMs();
      this.#halfReadSinceMs = this.#halfReadSinceMs === null ? null : this.#lastActivityMs;
      this.#watch();
      this.#socket.resume();
    }
  }

  /** `onLost` is called once when the connection ends, unless the returned function was called before. */
  watch(onLost: (error: Error) => void): () => void {
    this.#interested.add(onLost);
    return () => this.#interested.delete(onLost);
  }

  /** Closes after what was written is out. */
  end(): void {
    this.#isEnding = true;
    if (this.#waiting === null) {
      this.#socket.destroySoon();
    }
  }

  destroy(error?: Error): void {
    this.#failure ??= error ?? null;
    this.#socket.destroy();
  }

  #flush(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.#waitingBytes = 0;
    for (const bytes of waiting) {
      this.#socket.write(bytes);
    }
    if (this.#isEnding) {
      this.#socket.destroySoon();
    }
  }

  #onData(chunk: Buffer): void {
    this.#lastActivityMs = this.#clock.monotonicMs();
    for (const frame of this.#framer.push(chunk)) {
      if (frame.kind === 'ping') {
        this.send(PONG);
        continue;
      }
      if (frame.kind === 'message' && !this.#hadMessage) {
        // From now on the idle time counts, which may be the shorter one.
        this.#hadMessage = true;
        this.#watch();
      }
      this.#events.onFrame(this, frame);
    }
    if (!this.#framer.isHalfRead) {
      this.#halfReadSinceMs = null;
    } else if (this.#halfReadSinceMs === null) {
      this.#halfReadSinceMs = this.#lastActivityMs;
      this.#watch();
    }
  }

  /** When the connection has to go unless something happens, on the monotonic clock. */
  #deadlineMs(): number {
    // Before the first message, bytes alone do not prolong anything.
    const idle = this.#hadMessage
      ? this.#lastActivityMs + this.#limits.idleTimeoutMs
      : this.#createdMs + this.#limits.firstMessageTimeoutMs;
    return this.#halfReadSinceMs === null
      ? idle
      : Math.min(idle, this.#halfReadSinceMs + this.#limits.halfMessageTimeoutMs);
  }

  #watch(): void {
    this.#timer.current?.cancel();
    if (!this.#isOpen || this.#isPaused) {
      return;
    }
    const delayMs = Math.max(1, this.#deadlineMs() - this.#clock.monotonicMs());
    this.#timer.current = this.#clock.setTimer(delayMs, () => {
      if (this.#clock.monotonicMs() >= this.#deadlineMs()) {
        this.#isEnding = true;
        this.destroy(new Error('idle for too long'));
      } else {
        this.#watch();
      }
    });
  }

  #onClose(): void {
    this.#isOpen = false;
    this.#timer.current?.cancel();
    this.#events.onClosed(this);
    const error = new EngineError(
      'REC_ERR_ENGINE_SEND',
      `${this.listener.transport.toUpperCase()} connection with ${this.remoteHost}:${this.remotePort} was lost`,
      this.#failure === null ? {} : { cause: this.#failure },
    );
    if (this.#waiting !== null) {
      this.#waiting = null;
      this.#events.onUnreachable(this, this.#failure ?? error);
    } else if (this.#isOutgoing && !this.#isEnding) {
      this.#events.onLost(this);
    }
    for (const onLost of [...this.#interested]) {
      onLost(error);
    }
    this.#interested.clear();
  }
}
