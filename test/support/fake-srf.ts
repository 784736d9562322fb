import {
  type InDialogHandler,
  type MessageLike,
  type RequestLike,
  type ResponseLike,
  type SrfLike,
  type SrfRequestOptions,
} from '../../sip/srf-types';
import { messageLike } from './message-like';

/** A request that was given to the fake engine; the test plays the network. */
export class SentRequest {
  readonly acks: ({ headers?: Record<string, string>; body?: string } | undefined)[] = [];
  cancels = 0;
  #listener: ((response: ResponseLike, ack: (options?: { body?: string }) => void) => void) | null =
    null;

  constructor(
    readonly uri: string,
    readonly options: SrfRequestOptions,
    readonly callback: (error: unknown, request?: RequestLike) => void,
  ) {}

  /** The engine says that it has sent the request. */
  echo(): void {
    const echo = {
      ...messageLike({ contact: '<sip:us@localhost>', ...this.options.headers }),
      method: this.options.method,
      uri: this.uri,
      source: 'application',
      source_address: '',
      source_port: 0,
      protocol: 'udp',
      stackDialogId: 'dialog',
      socket: null,
      on: (event: string, listener: never) => {
        if (event === 'response') {
          this.#listener = listener;
        }
      },
      cancel: () => {
        this.cancels++;
      },
    };
    this.callback(null, echo);
  }

  respond(status: number, body = '', headers: Record<string, string> = {}): void {
    const message = messageLike({ 'content-type': 'application/sdp', ...headers }, body);
    this.#listener?.(
      {
        ...message,
        status,
        reason: 'Because',
        stackDialogId: 'dialog',
        source_address: '192.0.2.9',
        finalResponseSent: false,
        send: () => undefined,
      },
      options => this.acks.push(options),
    );
  }
}

/** Stands in for drachtio-srf where no wire is wanted. */
export class FakeSrf {
  readonly sent: SentRequest[] = [];
  readonly dialogs = new Map<string, InDialogHandler>();
  /** Echo every request at once. */
  autoEcho = true;

  readonly srf: SrfLike = {
    connect: () => undefined,
    disconnect: () => undefined,
    on: () => undefined,
    use: () => undefined,
    request: (uri, options, callback) => {
      const request = new SentRequest(uri, options, callback);
      this.sent.push(request);
      if (this.autoEcho) {
        request.echo();
      }
    },
    addDialog: dialog => {
      this.dialogs.set(dialog.id, dialog);
    },
    removeDialog: dialog => {
      this.dialogs.delete(dialog.id);
    },
  };

  last(): SentRequest {
    const request = this.sent.at(-1);
    if (request === undefined) {
      throw new Error('nothing was sent');
    }
    return request;
  }
}

/** A response of ours that only remembers what was sent. */
export function fakeResponse(): ResponseLike & {
  sent: { status: number; headers: Record<string, string>; body?: string }[];
} {
  const sent: { status: number; headers: Record<string, string>; body?: string }[] = [];
  const message: MessageLike = messageLike({});
  return {
    ...message,
    sent,
    status: 0,
    reason: '',
    stackDialogId: 'dialog',
    source_address: '',
    finalResponseSent: false,
    send: (status, _reason, options, callback) => {
      sent.push({ status, ...options });
      callback(null, messageLike({ contact: '<sip:us@localhost>' }));
    },
  };
}
