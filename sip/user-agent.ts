import { type Clock, errorMessage, type Logger, type Timer } from '#core';
import { SipError } from './errors';
import { FrameGate } from './frame-gate';
import {
  type AckFunction,
  type InDialogHandler,
  type MessageLike,
  type RequestLike,
  type ResponseLike,
  type SrfLike,
} from './srf-types';

export interface UserAgentOptions {
  readonly srf: SrfLike;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 12 000 toward a real drachtio-server; null toward the embedded engine, which has no such limit. */
  readonly maxFrameBytes: number | null;
}

export interface OutgoingRequest {
  readonly method: string;
  /** Request-URI; not needed within a dialog, where the engine knows it. */
  readonly uri?: string;
  readonly nextHop?: string | null;
  readonly dialogId?: string;
  /** Engine connection of the dialog. */
  readonly socket?: unknown;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Without a final response in this time `failed` is called, ms. */
  readonly finalDeadlineMs: number;
  /** What the message is, for errors. */
  readonly document?: string;
}

/** How a request fares. `final` or `failed` is called exactly once, last. */
export interface ResponseHandlers {
  /** The engine has sent it; this is what went out. */
  sent?(request: RequestLike): void;
  provisional?(response: ResponseLike): void;
  final(response: ResponseLike, ack: AckFunction): void;
  /** `REC_ERR_SIP_NOT_SENT`, `_ENGINE_LOST`, `_TIMEOUT`, `_BODY_TOO_LARGE`. */
  failed(error: SipError): void;
}

export interface PendingRequest {
  /** Sends CANCEL (RFC 3261 §9.1), as soon as there is something to cancel. `final` still follows. */
  cancel(headers?: Readonly<Record<string, string>>): void;
}

export interface OutgoingResponse {
  readonly reason?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly document?: string;
}

/** What became of a response that we gave to the engine. */
export type RespondOutcome =
  | { readonly sent: MessageLike; readonly error: null }
  | { readonly sent: null; readonly error: SipError };

/** How long the engine may take to say what became of a response. */
const ECHO_DEADLINE_MS = 10_000;

/**
 * Sends requests and responses through drachtio-srf and guards against its habits: it throws synchronously
 * without a connection and for statuses that it does not know, never calls back when the connection goes, and
 * hands an UPDATE of the peer to whatever request of ours is under way in the same dialog.
 */
export class UserAgent {
  readonly #options: UserAgentOptions;
  readonly #gate: FrameGate;
  readonly #pending = new Set<(error: SipError) => void>();
  readonly #dialogs = new Map<string, InDialogHandler>();

  constructor(options: UserAgentOptions) {
    this.#options = options;
    this.#gate = new FrameGate(options);
  }

  get clock(): Clock {
    return this.#options.clock;
  }

  get logger(): Logger {
    return this.#options.logger;
  }

  /** Requests of ours without a final response, and dialogs. */
  counters(): { pendingRequests: number; dialogs: number } {
    return { pendingRequests: this.#pending.size, dialogs: this.#dialogs.size };
  }

  /** Requests of this dialog go to `handler` from now on. */
  addDialog(handler: InDialogHandler): void {
    this.#dialogs.set(handler.id, handler);
    this.#options.srf.addDialog(handler);
  }

  removeDialog(handler: InDialogHandler): void {
    if (this.#dialogs.get(handler.id) === handler) {
      this.#dialogs.delete(handler.id);
      this.#options.srf.removeDialog(handler);
    }
  }

  /** Never throws; the outcome is told to `handlers`, never before this returns. */
  send(request: OutgoingRequest, handlers: ResponseHandlers): PendingRequest {
    const state = new RequestState(request, handlers, this.#options, this.#pending);
    const options = {
      method: request.method,
      headers: { ...request.headers },
      ...(request.body === undefined ? {} : { body: request.body }),
      ...(request.nextHop === undefined || request.nextHop === null
        ? {}
        : { proxy: request.nextHop }),
      ...(request.dialogId === undefined ? {} : { stackDialogId: request.dialogId }),
      ...(request.socket === undefined ? {} : { _socket: request.socket }),
    };
    try {
      this.#gate.pass(frameBytes(request), request.document ?? request.method, done => {
        this.#guard(
          () =>
            this.#options.srf.request(
              request.uri ?? 'sip:placeholder',
              options,
              (error, sentRequest) => {
                done();
                this.#guard(
                  () => state.echoed(error, sentRequest, update => this.#updateReceived(update)),
                  state,
                );
              },
            ),
          state,
        );
      });
    } catch (error) {
      state.fail(asNotSent(error));
    }
    return state;
  }

  /**
   * Sends a response. Never throws.
   * @param done called with what went out, or why nothing did; synchronously with the engine's word, so that a dialog can
   *   be registered before its next message is read
   */
  respond(
    response: ResponseLike,
    status: number,
    options: OutgoingResponse = {},
    done?: (outcome: RespondOutcome) => void,
  ): void {
    let isDone = false;
    const finish = (outcome: RespondOutcome): void => {
      if (!isDone) {
        isDone = true;
        timer?.cancel();
        this.#pending.delete(lost);
        done?.(outcome);
      }
    };
    const lost = (error: SipError): void => finish({ sent: null, error });
    let timer: Timer | null = null;
    if (done !== undefined) {
      this.#pending.add(lost);
      timer = this.clock.setTimer(ECHO_DEADLINE_MS, () =>
        lost(new SipError('REC_ERR_SIP_TIMEOUT', 'the SIP engine does not answer')),
      );
    }
    const write = (code: number, gateDone: () => void): void =>
      response.send(
        code,
        options.reason === '' ? undefined : options.reason,
        {
          headers: { ...options.headers },
          ...(options.body === undefined ? {} : { body: options.body }),
        },
        (error, sent) => {
          gateDone();
          if (sent === undefined || (error !== null && error !== undefined)) {
            finish({ sent: null, error: asNotSent(error) });
          } else {
            finish({ sent, error: null });
          }
        },
      );
    try {
      this.#gate.pass(frameBytes(options), options.document ?? `${status} response`, gateDone => {
        try {
          write(status, gateDone);
        } catch {
          // drachtio-srf throws for a status that is not in its list: RFC 3261 §8.1.3.2, the x00 of
          // the class means the same to whoever does not know it.
          try {
            write(Math.floor(status / 100) * 100, gateDone);
          } catch (error) {
            finish({ sent: null, error: asNotSent(error) });
          }
        }
      });
    } catch (error) {
      finish({ sent: null, error: asNotSent(error) });
    }
  }

  /** The connection to the engine is gone: everything under way has failed, every dialog is gone. */
  engineLost(): void {
    this.#gate.reset();
    const error = new SipError(
      'REC_ERR_SIP_ENGINE_LOST',
      'the connection to the SIP engine was lost',
    );
    for (const fail of [...this.#pending]) {
      fail(error);
    }
    for (const dialog of [...this.#dialogs.values()]) {
      dialog.engineLost();
    }
  }

  /**
   * To be called for every INVITE of a peer: drachtio-srf hands the UPDATEs that come before its final response to the
   * INVITE, or, when that does not listen, refuses them.
   */
  watchUpdates(invite: RequestLike): void {
    invite.on('update', (request, response) => {
      try {
        this.#updateReceived({ request, response });
      } catch (error) {
        this.logger.error('handling an UPDATE failed', { error: errorMessage(error) });
      }
    });
  }

  #updateReceived(update: { request: RequestLike; response: ResponseLike }): void {
    const handler = this.#dialogs.get(update.request.stackDialogId ?? '');
    if (handler !== undefined) {
      handler.handle(update.request, update.response);
      return;
    }
    // An early UPDATE of the callee. RFC 3311 §5.2: while our offer is unanswered, 491; without an offer there is
    // nothing to disagree with.
    this.respond(update.response, (update.request.body ?? '') === '' ? 200 : 491);
  }

  #guard(run: () => void, state: RequestState): void {
    try {
      run();
    } catch (error) {
      this.#options.logger.warn('a SIP request could not be handled', {
        error: errorMessage(error),
      });
      state.fail(asNotSent(error));
    }
  }
}

class RequestState implements PendingRequest {
  readonly #handlers: ResponseHandlers;
  readonly #logger: Logger;
  readonly #pending: Set<(error: SipError) => void>;
  readonly #timer: Timer;
  readonly #fail = (error: SipError): void => this.fail(error);
  #echo: RequestLike | null = null;
  #cancelHeaders: Readonly<Record<string, string>> | null = null;
  #isOver = false;

  constructor(
    request: OutgoingRequest,
    handlers: ResponseHandlers,
    options: UserAgentOptions,
    pending: Set<(error: SipError) => void>,
  ) {
    this.#handlers = handlers;
    this.#logger = options.logger;
    this.#pending = pending;
    this.#pending.add(this.#fail);
    this.#timer = options.clock.setTimer(request.finalDeadlineMs, () =>
      this.fail(
        new SipError('REC_ERR_SIP_TIMEOUT', `no final response to ${request.method}`, {
          details: { method: request.method, deadlineMs: request.finalDeadlineMs },
        }),
      ),
    );
  }

  echoed(
    error: unknown,
    request: RequestLike | undefined,
    onUpdate: (update: { request: RequestLike; response: ResponseLike }) => void,
  ): void {
    if (request === undefined) {
      this.fail(asNotSent(error));
      return;
    }
    this.#echo = request;
    request.on('response', (response, ack) =>
      this.#tell(() => this.#responded(response, ack), 'response'),
    );
    request.on('update', (updateRequest, updateResponse) =>
      this.#tell(() => onUpdate({ request: updateRequest, response: updateResponse }), 'UPDATE'),
    );
    this.#handlers.sent?.(request);
    if (this.#cancelHeaders !== null) {
      this.#sendCancel(request, this.#cancelHeaders);
    }
  }

  cancel(headers: Readonly<Record<string, string>> = {}): void {
    if (this.#cancelHeaders === null && !this.#isOver) {
      this.#cancelHeaders = headers;
      if (this.#echo !== null) {
        this.#sendCancel(this.#echo, headers);
      }
    }
  }

  fail(error: SipError): void {
    if (this.#end()) {
      // Never from within send(): its caller does not hold the result yet.
      queueMicrotask(() => this.#tell(() => this.#handlers.failed(error), 'failure'));
    }
  }

  #responded(response: ResponseLike, ack: AckFunction): void {
    if (response.status < 200) {
      if (response.has('rseq')) {
        // RFC 3262 §4: a reliable provisional response is acknowledged at once.
        ack();
      }
      if (!this.#isOver) {
        this.#handlers.provisional?.(response);
      }
    } else if (this.#end()) {
      this.#handlers.final(response, ack);
    }
  }

  #sendCancel(request: RequestLike, headers: Readonly<Record<string, string>>): void {
    try {
      // The engine refuses when the final response has just come: then there is nothing to cancel.
      request.cancel({ headers }, () => undefined);
    } catch (error) {
      this.fail(asNotSent(error));
    }
  }

  #end(): boolean {
    if (this.#isOver) {
      return false;
    }
    this.#isOver = true;
    this.#timer.cancel();
    this.#pending.delete(this.#fail);
    return true;
  }

  #tell(run: () => void, what: string): void {
    try {
      run();
    } catch (error) {
      this.#logger.error('handling a SIP message failed', { what, error: errorMessage(error) });
    }
  }
}

/** An upper estimate of a frame: the copied headers and the leader take less than 1.5 kB. */
function frameBytes(message: {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}): number {
  let bytes = 1_500 + Buffer.byteLength(message.body ?? '');
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    bytes += name.length + Buffer.byteLength(value) + 4;
  }
  return bytes;
}

function asNotSent(error: unknown): SipError {
  if (error instanceof SipError) {
    return error;
  }
  const text = errorMessage(error);
  return new SipError('REC_ERR_SIP_NOT_SENT', `the SIP engine did not take a message: ${text}`, {
    cause: error,
    details: { engine: text },
  });
}
