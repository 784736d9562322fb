/**
 * The part of `drachtio-srf` that this product uses, as narrow interfaces: its own typings are thin, and the
 * rest of its surface (createUAS, createUAC, Dialog.modify, …) is left alone on purpose, see
 * {@link ./user-agent} and {@link ./sip-dialog}.
 */

/** A received or echoed SIP message. Header names are looked up without regard to case. */
export interface MessageLike {
  /** Raw value; several header lines are joined by commas; may hold folds. */
  get(name: string): string | undefined;
  has(name: string): boolean;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string | undefined;
}

export interface RequestLike extends MessageLike {
  readonly method: string;
  readonly uri: string;
  /** `application`: the engine made it up (a BYE after a lost ACK). */
  readonly source: string;
  readonly source_address: string | undefined;
  readonly source_port: number | undefined;
  readonly protocol: string | undefined;
  readonly stackDialogId: string | undefined;
  /** The engine connection that it came by. */
  readonly socket: unknown;
  on(event: 'response', listener: (response: ResponseLike, ack: AckFunction) => void): unknown;
  on(event: 'cancel', listener: (cancel: MessageLike) => void): unknown;
  on(event: 'update', listener: (request: RequestLike, response: ResponseLike) => void): unknown;
  /** Only for requests that we sent. */
  cancel(
    options: { headers: Readonly<Record<string, string>> },
    callback: (error: unknown) => void,
  ): void;
}

/** Sends the ACK of a final response to INVITE, or the PRACK of a reliable provisional one. */
export type AckFunction = (
  options?: { headers?: Record<string, string>; body?: string },
  callback?: (error: unknown) => void,
) => void;

/** A received response, or the one that we are to send. */
export interface ResponseLike extends MessageLike {
  readonly status: number;
  readonly reason: string;
  readonly stackDialogId: string | undefined;
  /** Empty: the engine has made the response up. */
  readonly source_address: string | undefined;
  readonly source_port?: number | undefined;
  readonly protocol?: string | undefined;
  readonly finalResponseSent: boolean;
  send(
    status: number,
    reason: string | undefined,
    options: { headers: Record<string, string>; body?: string },
    callback: (error: unknown, sent?: MessageLike) => void,
  ): void;
}

/** What srf calls with each request of a dialog that was added under its id. */
export interface InDialogHandler {
  /** The engine's id of the dialog. */
  readonly id: string;
  readonly dialogType: 'INVITE';
  handle(request: RequestLike, response: ResponseLike): void;
  /** The connection to the engine is gone; called by us, not by srf. */
  engineLost(): void;
}

export interface SrfRequestOptions {
  method: string;
  headers: Record<string, string>;
  body?: string;
  /** Next hop. */
  proxy?: string;
  stackDialogId?: string;
  _socket?: unknown;
}

export interface SrfLike {
  connect(options: {
    host: string;
    port: number;
    secret: string;
    enablePing?: boolean;
    pingInterval?: number;
    reconnect?: Readonly<Record<string, number>>;
  }): unknown;
  disconnect(): void;
  on(event: 'connect', listener: (error: Error | null, hostPorts?: string) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'close' | 'reconnecting', listener: () => void): unknown;
  use(
    method: string,
    handler: (request: RequestLike, response: ResponseLike, next: () => void) => void,
  ): unknown;
  request(
    uri: string,
    options: SrfRequestOptions,
    callback: (error: unknown, request?: RequestLike) => void,
  ): unknown;
  addDialog(dialog: InDialogHandler): void;
  removeDialog(dialog: InDialogHandler): void;
}
