import { type Clock, type IdSource, type Logger } from '#core';
import { DialogTable, SMALLEST_INTERVAL_S, targetOf } from '../dialog';
import { type AgentLimits, DEFAULT_ENGINE_LIMITS } from '../limits';
import {
  type HeaderEntry,
  HeaderList,
  serializeMessage,
  type SipMessage,
  type SipRequest,
} from '../message';
import { type TransactionLayer } from '../transaction';
import {
  type MessageSource,
  type OutboundRoute,
  type Target,
  type TransportLayer,
} from '../transport';
import { type MessageMeta, messageLeader, requestEcho, timeOfDay } from '../wire/leader';
import { Admission } from './admission';
import { isSips, type OwnAddress } from './app-headers';
import { type AppDirectory, type AppPort } from './app-port';
import { type Leg, type PendingClient, type PendingRequest } from './leg';

export interface AgentOptions {
  readonly transport: TransportLayer;
  readonly transactions: TransactionLayer;
  readonly apps: AppDirectory;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly limits?: Partial<AgentLimits>;
  /** The shortest session interval that a peer may ask for, s (Min-SE, RFC 4028 §5). Default 90. */
  readonly minSessionExpiresS?: number;
  /** How late this thread is, ms. Default: never. */
  readonly delayMs?: () => number;
  /** Option tags that the application decides about; see DEFAULT_OPTION_TAGS. */
  readonly optionTags?: readonly string[];
  /** User-Agent / Server of messages that have none; default: none. */
  readonly userAgent?: string;
  /** Session interval that INVITEs ask for when the application does not, s; default: none (RFC 4028). */
  readonly sessionExpiresS?: number;
}

/** What the parts of the user agent share. */
export class AgentContext {
  readonly transport: TransportLayer;
  readonly transactions: TransactionLayer;
  readonly apps: AppDirectory;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly logger: Logger;
  readonly limits: AgentLimits;
  readonly minSessionExpiresS: number;
  readonly admission: Admission;
  readonly userAgent: string | null;
  readonly sessionExpiresS: number | null;
  readonly legs = new Map<string, Leg>();
  readonly dialogs = new DialogTable<Leg>();
  readonly servers = new Map<string, PendingRequest>();
  readonly clients = new Map<string, PendingClient>();

  constructor(options: AgentOptions) {
    this.transport = options.transport;
    this.transactions = options.transactions;
    this.apps = options.apps;
    this.clock = options.clock;
    this.ids = options.ids;
    this.logger = options.logger;
    this.limits = { ...DEFAULT_ENGINE_LIMITS, ...options.limits };
    this.minSessionExpiresS = options.minSessionExpiresS ?? SMALLEST_INTERVAL_S;
    this.admission = new Admission(this.limits, () => ({
      dialogs: this.legs.size,
      transactions: this.transactions.size,
      delayMs: options.delayMs?.() ?? 0,
      isHeldUp: this.transport.isPaused,
    }));
    this.userAgent = options.userAgent ?? null;
    this.sessionExpiresS = options.sessionExpiresS ?? null;
  }

  /** A tag of ours (RFC 3261 §19.3). */
  newTag(): string {
    return this.ids.uuid().replaceAll('-', '').slice(0, 16);
  }

  now(): string {
    return timeOfDay(this.clock.wallNowMs());
  }

  /** Hands a message of the network to an application. */
  deliver(
    app: AppPort,
    message: SipMessage,
    source: MessageSource,
    ids: { readonly txnId: string; readonly dialogId: string },
    options: { readonly receivedOn?: OwnAddress; readonly hidesProtocol?: boolean } = {},
  ): void {
    const meta: MessageMeta = {
      bytes: source.raw.length,
      protocol: options.hidesProtocol === true ? '' : source.transport,
      address: source.remoteHost,
      port: source.remotePort,
      time: this.now(),
      ...ids,
    };
    const { receivedOn } = options;
    const address =
      receivedOn === undefined ? null : { address: receivedOn.host, port: receivedOn.port };
    app.send(messageLeader('network', meta, address), serializeMessage(this.#forApp(message)));
  }

  /**
   * The message without headers that drachtio-srf would take for others: it decodes percent escapes in
   * header names, where they are none (RFC 4475 §3.1.1.5), and so `%43ontact` would be added to Contact.
   */
  #forApp<T extends SipMessage>(message: T): T {
    if (!message.headers.entries().some(isEscapedName)) {
      return message;
    }
    this.transport.countDrop('escaped-header-name');
    const kept = message.headers.entries().filter(entry => !isEscapedName(entry));
    return { ...message, headers: new HeaderList(kept) };
  }

  /** Hands over a response that the engine made up: nobody sent it, so it has no address. */
  deliverMadeUp(
    app: AppPort,
    message: SipMessage,
    ids: { readonly txnId: string; readonly dialogId: string },
  ): void {
    const meta: MessageMeta = {
      bytes: 0,
      protocol: 'udp',
      address: '',
      port: 0,
      time: this.now(),
      ...ids,
    };
    app.send(messageLeader('network', meta, null), serializeMessage(message));
  }

  /** Tells an application how its request went out. */
  echo(
    app: AppPort,
    requestId: string,
    request: SipRequest,
    route: OutboundRoute,
    txnId: string,
  ): void {
    const bytes = serializeMessage(request);
    const echo = requestEcho(requestId, {
      bytes: bytes.length,
      protocol: route.transport,
      address: route.advertisedHost,
      port: route.advertisedPort,
      time: this.now(),
      txnId,
    });
    app.send(echo, bytes);
  }

  /** Where a request for `uri` goes with the listeners that there are; null: no transport for it. */
  targetOf(uri: string): Target | null {
    return targetOf(
      uri,
      this.transport.listeners.map(({ transport }) => transport),
    );
  }

  refuseFrame(app: AppPort, requestId: string, text: string): void {
    app.send(`response|${requestId}|NOK|${text}`);
  }
}

function isEscapedName({ name }: HeaderEntry): boolean {
  return name.includes('%');
}

/** Our address as the sender of `request` sees it. */
export function ownAddressOf(request: SipRequest, source: MessageSource): OwnAddress {
  const { listener } = source;
  return {
    host: listener.advertisedHost ?? source.localHost,
    port: listener.advertisedPort ?? listener.port,
    transport: source.transport,
    isSips: isSips(request.uri, request.headers.getList('record-route')),
  };
}

/** Our address on the way to a peer. */
export function ownAddressOn(route: OutboundRoute): OwnAddress {
  return {
    host: route.advertisedHost,
    port: route.advertisedPort,
    transport: route.transport,
  };
}
