import { createWriteStream, openSync } from 'node:fs';
import { finished, Writable } from 'node:stream';
import {
  type Clock,
  errorMessage,
  GatewayError,
  type LogFields,
  type Logger,
  systemClock,
} from '#core';
import * as winston from 'winston';
import { redactFields, type RedactOptions, redactText } from './redact';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LoggerOptions {
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  /** Appended to; without it lines go to standard error. */
  readonly file?: string;
  /** Where lines go instead of a file or standard error (tests, a demo's evidence). */
  readonly stream?: Writable;
  readonly clock?: Clock;
}

/** A logger with its end. */
export interface LogHandle {
  readonly logger: Logger;
  /** Writes what is buffered and closes the file. Idempotent, never rejects. */
  close(): Promise<void>;
}

const LEVELS = { error: 0, warn: 1, info: 2, debug: 3 } as const;

/** Bytes that may wait for a slow file or pipe; beyond it lines are dropped and counted. */
const MAX_PENDING_BYTES = 8 * 1024 * 1024;

/**
 * The product's log: JSON lines `{time, level, message, …fields}` through winston, redacted (see `redact`).
 * @throws GatewayError `REC_ERR_LOG_FILE` when the file cannot be opened.
 */
export function createLogger(options: LoggerOptions): LogHandle {
  const clock = options.clock ?? systemClock;
  const target = options.stream ?? openTarget(options.file);
  const sink = new BoundedSink(target);
  const backend = winston.createLogger({
    level: options.level,
    levels: LEVELS,
    format: winston.format.printf(info => JSON.stringify(info['record'])),
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- winston declares its transports by interface
    transports: [new winston.transports.Stream({ stream: sink, eol: '\n' })],
  });
  const ownsTarget = options.stream === undefined && options.file !== undefined;
  let closing: Promise<void> | null = null;
  const isOpen = (): boolean => closing === null;
  return {
    logger: new WinstonLogger({ backend, clock, isOpen }, {}, null),
    close: () => (closing ??= close(backend, sink, ownsTarget ? target : null)),
  };
}

/** What a logger shares with its children. */
interface LoggerBase {
  readonly backend: winston.Logger;
  readonly clock: Clock;
  /** Lines after close() are ignored. */
  readonly isOpen: () => boolean;
}

class WinstonLogger implements Logger {
  readonly #base: LoggerBase;
  /** What it adds to every line, beyond what its parent does. */
  readonly #bound: LogFields;
  readonly #parent: WinstonLogger | null;

  constructor(base: LoggerBase, bound: LogFields, parent: WinstonLogger | null) {
    this.#base = base;
    this.#bound = bound;
    this.#parent = parent;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  child(fields: LogFields): Logger {
    return new WinstonLogger(this.#base, fields, this);
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { backend, clock, isOpen } = this.#base;
    if (!isOpen() || !backend.isLevelEnabled(level)) {
      return;
    }
    const redaction = { maskIdentities: level !== 'debug' };
    const own = {
      time: new Date(clock.wallNowMs()).toISOString(),
      level,
      message: redactText(message, redaction),
    };
    // Our own keys come first and win over fields of the same name.
    const record = { ...own, ...safeFields(this.#withBound(fields), redaction) };
    backend.log({ level, message, record: Object.assign(record, own) });
  }

  /** The nearer logger wins. */
  #withBound(fields: LogFields): LogFields {
    const own = { ...this.#bound, ...fields };
    return this.#parent === null ? own : this.#parent.#withBound(own);
  }
}

/** Logging never throws, even when reading a field does. */
function safeFields(fields: LogFields, redaction: RedactOptions): Record<string, unknown> {
  try {
    return redactFields(fields, redaction);
  } catch (error) {
    return { fieldsLost: errorMessage(error) };
  }
}

/** Hands lines on while the target keeps up. A line about the lost ones follows when it does again. */
class BoundedSink extends Writable {
  readonly #target: Writable;
  #dropped = 0;

  constructor(target: Writable) {
    super({ decodeStrings: false });
    this.#target = target;
  }

  override _write(line: string, _encoding: string, done: () => void): void {
    if (this.#target.writableLength > MAX_PENDING_BYTES) {
      this.#dropped++;
    } else {
      if (this.#dropped > 0) {
        const lost = { level: 'warn', message: 'log lines were dropped', count: this.#dropped };
        this.#dropped = 0;
        this.#target.write(`${JSON.stringify(lost)}\n`);
      }
      this.#target.write(line);
    }
    done();
  }
}

function openTarget(file: string | undefined): Writable {
  if (file === undefined) {
    return process.stderr;
  }
  try {
    const stream = createWriteStream(file, { fd: openSync(file, 'a') });
    // A full disk must not end calls: the log goes silent, the gateway goes on.
    stream.on('error', error => {
      process.stderr.write(`cannot write the log file ${file}: ${errorMessage(error)}\n`);
    });
    return stream;
  } catch (error) {
    const reason = errorMessage(error);
    throw new GatewayError('REC_ERR_LOG_FILE', `cannot open the log file ${file}: ${reason}`, {
      cause: error,
      details: { file },
    });
  }
}

async function close(
  backend: winston.Logger,
  sink: Writable,
  ownedTarget: Writable | null,
): Promise<void> {
  await new Promise<void>(resolve => {
    backend.once('finish', () => resolve());
    backend.end();
  });
  await ended(sink);
  if (ownedTarget !== null) {
    await ended(ownedTarget);
  }
}

/** Ends a stream. Resolves when everything is written, or when that is no longer possible. */
function ended(stream: Writable): Promise<void> {
  return new Promise(resolve => {
    finished(stream, () => resolve());
    stream.end();
  });
}
