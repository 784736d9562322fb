import { type Clock, errorMessage, type Logger } from '#core';
import {
  type ClientTlsOptions,
  type ClientTransaction,
  DEFAULT_TIMERS,
  type EngineTransport,
  formatHostPort,
  type ListenerOptions,
  makeResponse,
  type MessageSource,
  parseSipUri,
  type ServerTransaction,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  tagOf,
  type Target,
  type TimerValues,
  TransactionLayer,
  type TransactionLayerOptions,
  TransportLayer,
} from '#sip/engine';
import { LabError } from '../errors';

/** A request of a peer that waits for our answer. */
export interface IncomingRequest {
  readonly request: SipRequest;
  readonly source: MessageSource;
  readonly transaction: ServerTransaction;
  /** Called once when the peer cancels the INVITE before our final response. */
  onCancelled: (() => void) | null;
  /** Set by a peer that plays dead: its CANCEL is not answered either. */
  isIgnored: boolean;
}

/** Who owns a dialog, or an INVITE on its way to one. Handlers must not throw. */
export interface DialogOwner {
  /** A request inside the dialog, but neither ACK nor CANCEL. It must be answered. */
  onRequest(incoming: IncomingRequest): void;
  /** ACK to a 2xx. */
  onAck(request: SipRequest): void;
  /** A 2xx to an INVITE that was answered already, or whose transaction is over. */
  onRepeatedResponse(response: SipResponse): void;
}

export interface SipEndpointOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly listeners: readonly ListenerOptions[];
  readonly timers?: Partial<TimerValues>;
  /** TLS of outgoing connections. */
  readonly tls?: ClientTlsOptions;
  /** A request outside of all dialogs. It may be left unanswered (a silent peer). */
  readonly onRequest: (incoming: IncomingRequest) => void;
  /** Sees every message as it came, retransmissions too. */
  readonly onReceived?: (message: SipMessage, source: MessageSource) => void;
  /** Sees every message as it goes out, retransmissions too. */
  readonly onSent?: (bytes: Buffer) => void;
}

/** Sees every message of an element, byte for byte. */
export type SipTap = (way: 'sent' | 'received', bytes: Buffer) => void;

/** The options of an endpoint with a tap. */
export function tapped(tap: SipTap): Required<Pick<SipEndpointOptions, 'onReceived' | 'onSent'>> {
  return {
    onReceived: (_message, source) => tap('received', source.raw),
    onSent: bytes => tap('sent', bytes),
  };
}

export interface OutgoingRequest {
  /** The final response. Rejects with `REC_ERR_LAB_TIMEOUT` or `REC_ERR_LAB_UNREACHABLE`. */
  readonly response: Promise<SipResponse>;
  readonly transaction: ClientTransaction;
}

/** Lets somebody see every message before the transaction layer does. */
class TappedTransport extends TransportLayer {
  onReceived: SipEndpointOptions['onReceived'];
  onSent: SipEndpointOptions['onSent'];

  override attach(events: Parameters<TransportLayer['attach']>[0]): void {
    super.attach({
      onMessage: (message, source) => {
        this.onReceived?.(message, source);
        events.onMessage(message, source);
      },
    });
  }

  override openFlow(
    ...args: Parameters<TransportLayer['openFlow']>
  ): ReturnType<TransportLayer['openFlow']> {
    const flow = super.openFlow(...args);
    return {
      send: bytes => {
        this.onSent?.(bytes);
        flow.send(bytes);
      },
      close: () => flow.close(),
    };
  }

  override sendResponse(...args: Parameters<TransportLayer['sendResponse']>): void {
    // On a new connection it goes through openFlow().
    if (args[1].connection?.isOpen === true) {
      this.onSent?.(args[0]);
    }
    super.sendResponse(...args);
  }
}

/**
 * A SIP element of the lab: sockets, transactions, and who owns which dialog. One endpoint serves any number of
 * softphones.
 */
export class SipEndpoint {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers: TimerValues;
  readonly #options: SipEndpointOptions;
  readonly #transport: TappedTransport;
  readonly #transactions: TransactionLayer;
  readonly #owners = new Map<string, DialogOwner>();
  readonly #invites = new WeakMap<ServerTransaction, IncomingRequest>();
  #closing: Promise<void> | null = null;

  private constructor(options: SipEndpointOptions) {
    this.clock = options.clock;
    this.logger = options.logger;
    this.timers = { ...DEFAULT_TIMERS, ...options.timers };
    this.#options = options;
    const { clock, logger, tls } = options;
    this.#transport = new TappedTransport({ clock, logger, ...(tls === undefined ? {} : { tls }) });
    this.#transport.onReceived = options.onReceived;
    this.#transport.onSent = options.onSent;
    const layerOptions: TransactionLayerOptions = {
      transport: this.#transport,
      clock,
      logger,
      timers: this.timers,
      events: {
        onRequest: (transaction, request, source) => this.#dispatch(transaction, request, source),
        onAck: request => this.#owner(request, 'to')?.onAck(request),
        onStrayResponse: response => this.#owner(response, 'from')?.onRepeatedResponse(response),
      },
    };
    this.#transactions = new TransactionLayer(layerOptions);
  }

  /** @throws LabError `REC_ERR_LAB_BIND` naming the listener that cannot stand. */
  static async open(options: SipEndpointOptions): Promise<SipEndpoint> {
    const endpoint = new SipEndpoint(options);
    for (const listener of options.listeners) {
      try {
        await endpoint.#transport.listen(listener);
      } catch (error) {
        await endpoint.close();
        throw new LabError('REC_ERR_LAB_BIND', errorMessage(error), { cause: error });
      }
    }
    return endpoint;
  }

  /** Open dialogs and transactions; all 0 when everything has ended. */
  get counters(): { dialogs: number; transactions: number; tcpConnections: number } {
    const { clientTransactions, serverTransactions } = this.#transactions.counters();
    return {
      dialogs: this.#owners.size,
      transactions: clientTransactions + serverTransactions,
      tcpConnections: this.#transport.counters().tcpConnections,
    };
  }

  /** Where a transport of ours is reached. @throws LabError when there is no such listener. */
  address(transport: EngineTransport): { host: string; port: number } {
    const listener = this.#transport.listeners.find(each => each.transport === transport);
    if (listener === undefined) {
      throw new LabError('REC_ERR_LAB_BAD_OPTION', `there is no listener on ${transport}`);
    }
    return {
      host: listener.advertisedHost ?? listener.host,
      port: listener.advertisedPort ?? listener.port,
    };
  }

  /** The port that a listener of ours is bound to; null: there is none. */
  boundPort(transport: EngineTransport): number | null {
    return this.#transport.listeners.find(each => each.transport === transport)?.port ?? null;
  }

  /** A URI that reaches us, e.g. `sip:alice@127.0.0.1:5070;transport=tcp`. */
  uri(user: string, transport: EngineTransport): string {
    const { host, port } = this.address(transport);
    const parameter = transport === 'udp' ? '' : `;transport=${transport}`;
    return `sip:${user === '' ? '' : `${user}@`}${formatHostPort(host, port)}${parameter}`;
  }

  /** From now on messages with this Call-ID and our tag go to `owner`. */
  own(callId: string, localTag: string, owner: DialogOwner): void {
    this.#owners.set(ownerKey(callId, localTag), owner);
  }

  disown(callId: string, localTag: string): void {
    this.#owners.delete(ownerKey(callId, localTag));
  }

  /** Sends a request in a client transaction. */
  request(
    request: SipRequest,
    target: Target,
    handlers: {
      onProvisional?: (response: SipResponse) => void;
      /** A further 2xx to an INVITE. */
      onRepeated?: (response: SipResponse) => void;
    } = {},
  ): OutgoingRequest {
    // The executor runs before the constructor returns, so the transaction is there.
    let transaction!: ClientTransaction;
    const response = new Promise<SipResponse>((resolve, reject) => {
      let isFinal = false;
      transaction = this.#transactions.request(request, target, {
        onResponse: received => {
          if (received.status < 200) {
            handlers.onProvisional?.(received);
          } else if (isFinal) {
            handlers.onRepeated?.(received);
          } else {
            isFinal = true;
            resolve(received);
          }
        },
        onTimeout: () =>
          reject(new LabError('REC_ERR_LAB_TIMEOUT', `${request.method} was not answered`)),
        onTransportError: error =>
          reject(
            new LabError('REC_ERR_LAB_UNREACHABLE', `${request.method} could not be sent`, {
              cause: error,
              details: { target },
            }),
          ),
      });
    });
    return { response, transaction };
  }

  /** Cancels an INVITE of ours; its own final response tells what came of it. */
  cancel(invite: ClientTransaction): void {
    this.#transactions.cancel(invite);
  }

  /** Sends an ACK to a 2xx. @returns a function that sends exactly the same again. */
  sendAck(request: SipRequest, target: Target): () => void {
    let again: (() => void) | null = null;
    this.#transactions.send(request, target, {
      onSent: (sent, route) => (again = () => this.#transactions.resend(sent, route)),
    });
    return () => again?.();
  }

  /** Closes the sockets and forgets every transaction and dialog. Idempotent. */
  close(): Promise<void> {
    this.#transactions.close();
    this.#owners.clear();
    this.#closing ??= this.#transport.close();
    return this.#closing;
  }

  #dispatch(transaction: ServerTransaction, request: SipRequest, source: MessageSource): void {
    if (request.method === 'CANCEL') {
      this.#cancelled(transaction, request);
      return;
    }
    const incoming: IncomingRequest = {
      request,
      source,
      transaction,
      onCancelled: null,
      isIgnored: false,
    };
    this.#invites.set(transaction, incoming);
    if (tagOf(request.headers.get('to')) === null) {
      this.#options.onRequest(incoming);
      return;
    }
    const owner = this.#owner(request, 'to');
    if (owner === null) {
      // RFC 3261 §12.2.2.
      transaction.respond(makeResponse(request, 481));
    } else {
      owner.onRequest(incoming);
    }
  }

  /** RFC 3261 §9.2. */
  #cancelled(transaction: ServerTransaction, request: SipRequest): void {
    const invite = transaction.cancels;
    const incoming = invite === null ? undefined : this.#invites.get(invite);
    if (incoming?.isIgnored === true) {
      return;
    }
    transaction.respond(makeResponse(request, invite === null ? 481 : 200));
    const onCancelled = incoming?.onCancelled ?? null;
    if (incoming !== undefined && (incoming.transaction.lastStatus ?? 100) < 200) {
      incoming.onCancelled = null;
      onCancelled?.();
    }
  }

  #owner(message: SipMessage, side: 'from' | 'to'): DialogOwner | null {
    const tag = tagOf(message.headers.get(side));
    const callId = message.headers.get('call-id');
    return tag === null || callId === null
      ? null
      : (this.#owners.get(ownerKey(callId, tag)) ?? null);
  }
}

function ownerKey(callId: string, localTag: string): string {
  return `${callId}\n${localTag}`;
}

/**
 * Where a URI says that a request should go (without SRV look-up).
 * @throws LabError `REC_ERR_LAB_UNREACHABLE` for what is no SIP URI or asks for another transport.
 */
export function targetOf(uri: string, defaultTransport: EngineTransport): Target {
  const parsed = parseSipUri(uri);
  const said = parsed?.params.get('transport')?.toLowerCase() ?? defaultTransport;
  const transport = parsed?.scheme === 'sips' ? 'tls' : said;
  if (parsed === null || (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls')) {
    throw new LabError('REC_ERR_LAB_UNREACHABLE', `no way leads to ${uri.slice(0, 200)}`);
  }
  return { transport, host: parsed.host, port: parsed.port ?? (transport === 'tls' ? 5061 : 5060) };
}
