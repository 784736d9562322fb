import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Logger, systemClock, withDeadline } from '#core';
import { type EngineCounters } from './engine';
import { EngineError } from './errors';
import { type EngineLimits } from './limits';
import { type TimerValues } from './transaction';
import { type ClientTlsOptions, type ConnectionPeer, type ListenerOptions } from './transport';
import { type FromWorker, type ToWorker, type WorkerOptions } from './worker-protocol';

/** Where the engine receives SIP. Port 0: any free one. */
export type EngineListener = ListenerOptions;

export interface EmbeddedEngineOptions {
  /** At least one. */
  readonly listeners: readonly EngineListener[];
  /** Gets the lines of the worker. */
  readonly logger: Logger;
  /** T1, T2, T4 in ms; default: those of RFC 3261. */
  readonly timers?: Partial<TimerValues>;
  /** What is not given has its default. */
  readonly limits?: Partial<EngineLimits>;
  /** Server / User-Agent of messages that have none. Default: none. */
  readonly userAgent?: string;
  /** Option tags in a Require that the application decides about; others are answered 420. */
  readonly optionTags?: readonly string[];
  /**
   * Session interval (RFC 4028) that INVITEs ask for when the application does not, s, from 90. Default:
   * none; what peers ask for is answered anyway.
   */
  readonly sessionExpiresS?: number;
  /** The shortest session interval that a peer may ask for, s, from 90 (Min-SE, RFC 4028 §5). Default 90. */
  readonly minSessionExpiresS?: number;
  /** TLS of outgoing connections, and what holds for single next hops. */
  readonly tls?: ClientTlsOptions;
  /** DNS servers (`address` or `address:port`) instead of those of this machine. */
  readonly dnsServers?: readonly string[];
  /**
   * Addresses and CIDR blocks that may begin something: requests outside dialogs from elsewhere are dropped without an
   * answer and counted as `unknown-source`. null (the default): everybody may.
   */
  readonly knownSources?: readonly string[] | null;
}

/** A running engine. An application connects to `host`:`port` with `secret` as to a drachtio-server. */
export interface EmbeddedEngine {
  readonly host: string;
  readonly port: number;
  /** 32 random bytes in hex. */
  readonly secret: string;
  /** With their real ports. */
  readonly listeners: readonly EngineListener[];
  /** @throws EngineError `REC_ERR_ENGINE_WORKER` when the engine is gone. */
  counters(): Promise<EngineCounters>;
  /** Changes {@link EmbeddedEngineOptions.knownSources}. */
  setKnownSources(sources: readonly string[] | null): void;
  /** Called at most once, when the engine has died by itself. */
  onFailure(callback: (error: Error) => void): void;
  /** Called whenever a connection that the engine had opened is lost: the peer, or the way to it, may be dead. */
  onConnectionLost(callback: (peer: ConnectionPeer) => void): void;
  /** Ends the applications' calls and closes. Idempotent; never rejects. */
  close(): Promise<void>;
}

const ANSWER_DEADLINE_MS = 10_000;

/**
 * Starts the engine in a thread of its own.
 * @throws EngineError `REC_ERR_ENGINE_LISTEN` naming transport, host and port of a listener that cannot be
 *   bound; `REC_ERR_ENGINE_WORKER` when the thread cannot run
 */
export async function startEmbeddedEngine(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
  const secret = randomBytes(32).toString('hex');
  const workerOptions: WorkerOptions = {
    listeners: options.listeners,
    secret,
    timers: options.timers ?? {},
    limits: options.limits ?? {},
    minSessionExpiresS: options.minSessionExpiresS ?? null,
    userAgent: options.userAgent ?? null,
    optionTags: options.optionTags ?? null,
    sessionExpiresS: options.sessionExpiresS ?? null,
    tls: options.tls ?? null,
    dnsServers: options.dnsServers ?? null,
    knownSources: options.knownSources ?? null,
  };
  const worker = new Worker(workerFile(), { workerData: workerOptions, execArgv: [] });
  const handle = new WorkerHandle(worker, options.logger);
  const started = await handle.started;
  return {
    host: '127.0.0.1',
    port: started.port,
    secret,
    listeners: options.listeners.map((listener, index) => ({
      ...listener,
      port: started.listeners[index]?.port ?? listener.port,
    })),
    counters: () => handle.counters(),
    setKnownSources: sources => handle.setKnownSources(sources),
    onFailure: callback => handle.onFailure(callback),
    onConnectionLost: callback => handle.onConnectionLost(callback),
    close: () => handle.close(),
  };
}

/** The compiled worker: beside this file, or under `dist` when this file runs as TypeScript. */
function workerFile(): string {
  const beside = join(__dirname, 'worker-main.js');
  if (existsSync(beside)) {
    return beside;
  }
  const root = dirname(dirname(__dirname));
  const compiled = join(root, 'dist', 'sip', 'engine', 'worker-main.js');
  if (!existsSync(compiled)) {
    throw new EngineError('REC_ERR_ENGINE_WORKER', `${compiled} is missing: build first`);
  }
  return compiled;
}

type Started = Extract<FromWorker, { type: 'started' }>;

/** The main thread's end of the worker. */
class WorkerHandle {
  readonly started: Promise<Started>;
  readonly #worker: Worker;
  readonly #logger: Logger;
  readonly #questions = new Map<
    number,
    { resolve: (counters: EngineCounters) => void; reject: (error: Error) => void }
  >();
  #nextQuestion = 1;
  #closing: Promise<void> | null = null;
  #failure: Error | null = null;
  #onFailure: ((error: Error) => void) | null = null;
  #onConnectionLost: ((peer: ConnectionPeer) => void) | null = null;
  #hasStarted = false;

  constructor(worker: Worker, logger: Logger) {
    this.#worker = worker;
    this.#logger = logger;
    this.started = new Promise<Started>((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.type === 'started') {
          this.#hasStarted = true;
          resolve(message);
        } else if (message.type === 'start-failed') {
          void this.close();
          reject(startError(message));
        } else {
          this.#onMessage(message);
        }
      });
      worker.once('error', (error: unknown) => this.#fail(error, reject));
      worker.once('exit', code => this.#fail(new Error(`exit code ${code}`), reject));
    });
  }

  onFailure(callback: (error: Error) => void): void {
    this.#onFailure = callback;
    if (this.#failure !== null) {
      callback(this.#failure);
    }
  }

  onConnectionLost(callback: (peer: ConnectionPeer) => void): void {
    this.#onConnectionLost = callback;
  }

  counters(): Promise<EngineCounters> {
    if (this.#closing !== null || this.#failure !== null) {
      return Promise.reject(new EngineError('REC_ERR_ENGINE_WORKER', 'the SIP engine is gone'));
    }
    const id = this.#nextQuestion++;
    const answer = new Promise<EngineCounters>((resolve, reject) => {
      this.#questions.set(id, { resolve, reject });
      this.#post({ type: 'counters', id });
    });
    const late = (): Error => {
      this.#questions.delete(id);
      return new EngineError('REC_ERR_ENGINE_WORKER', 'the SIP engine does not answer');
    };
    return withDeadline(systemClock, answer, ANSWER_DEADLINE_MS, late);
  }

  setKnownSources(sources: readonly string[] | null): void {
    if (this.#closing === null && this.#failure === null) {
      this.#post({ type: 'known-sources', sources });
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#hasStarted && this.#failure === null) {
      const exited = new Promise<void>(resolve => this.#worker.once('exit', () => resolve()));
      this.#post({ type: 'close' });
      const late = (): Error => new Error('the SIP engine does not close');
      await withDeadline(systemClock, exited, ANSWER_DEADLINE_MS, late).catch((error: unknown) =>
        this.#logger.warn('SIP engine terminated', { error: String(error) }),
      );
    }
    await this.#worker.terminate();
    this.#rejectQuestions(new EngineError('REC_ERR_ENGINE_WORKER', 'the SIP engine was closed'));
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #onMessage(message: Exclude<FromWorker, { type: 'started' | 'start-failed' }>): void {
    if (message.type === 'log') {
      this.#logger[message.level](message.message, message.fields);
    } else if (message.type === 'counters') {
      this.#questions.get(message.id)?.resolve(message.counters);
      this.#questions.delete(message.id);
    } else if (message.type === 'connection-lost') {
      this.#onConnectionLost?.(message.peer);
    }
  }

  #fail(cause: unknown, rejectStart: (error: Error) => void): void {
    if (this.#closing !== null || this.#failure !== null) {
      return;
    }
    const error = new EngineError('REC_ERR_ENGINE_WORKER', 'the SIP engine died', { cause });
    this.#failure = error;
    rejectStart(error);
    this.#rejectQuestions(error);
    this.#onFailure?.(error);
  }

  #rejectQuestions(error: Error): void {
    for (const { reject } of this.#questions.values()) {
      reject(error);
    }
    this.#questions.clear();
  }
}

function startError(message: Extract<FromWorker, { type: 'start-failed' }>): EngineError {
  const code = message.code === 'REC_ERR_ENGINE_LISTEN' ? message.code : 'REC_ERR_ENGINE_WORKER';
  return new EngineError(code, message.message, { details: message.details });
}
