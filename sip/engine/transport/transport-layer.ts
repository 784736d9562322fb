import { type RemoteInfo } from 'node:dgram';
import { type Clock, type Logger } from '#core';
import { EngineError } from '../errors';
import { DEFAULT_ENGINE_LIMITS, type MessageLimits, type TransportLimits } from '../limits';
import {
  makeResponse,
  noteSource,
  parseMessage,
  parseVia,
  serializeMessage,
  setTopVia,
  type SipMessage,
  type SipRequest,
} from '../message';
import { AddressHealth } from './address-health';
import { ConnectionPool } from './connection-pool';
import { DropCounters } from './counters';
import { systemDns } from './dns-client';
import { DnsCache } from './dns-cache';
import { KernelRoutes } from './kernel-routes';
import { LimitedWarning } from './limited-warning';
import { isWildcard, Router } from './router';
import { SourceFilter } from './source-filter';
import { makeResolve } from './server-location';
import { type Frame } from './stream-framer';
import { type TcpConnection } from './tcp-connection';
import { TcpListener } from './tcp-listener';
import { routeTls } from './tls-options';
import {
  type BoundListener,
  type ClientTlsOptions,
  type ConnectionPeer,
  type Flow,
  type ListenerOptions,
  type MessageSource,
  type OutboundRoute,
  type Resolve,
  type RouteResult,
  type Target,
  type TransportEvents,
} from './types';
import { UdpListener } from './udp-listener';
import { UdpProber } from './udp-probe';

const DEFAULT_SIP_PORT = 5060;
const DEFAULT_SIPS_PORT = 5061;

export interface TransportLayerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<TransportLimits & MessageLimits>;
  /** TLS of outgoing connections. Default: the CAs that Node.js knows, no certificate of ours. */
  readonly tls?: ClientTlsOptions;
  /** DNS servers instead of the system's. */
  readonly dnsServers?: readonly string[];
  /** Default: {@link makeResolve} over DNS. */
  readonly resolve?: Resolve;
  /** A connection that we had opened was lost. Must not throw. */
  readonly onConnectionLost?: (peer: ConnectionPeer) => void;
  /** 0 (inclusive) to 1 (exclusive), for the weights of SRV records. Default Math.random. */
  readonly random?: () => number;
  /** Addresses and CIDR blocks that may begin something; requests of others outside dialogs are dropped. Default: everybody. */
  readonly knownSources?: readonly string[] | null;
}

export interface TransportCounters {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly tcpConnections: number;
  /** Messages and connections dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

/** The transport layer of RFC 3261 §18 over UDP, TCP and TLS, IPv4 and IPv6. */
export class TransportLayer {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: TransportLimits & MessageLimits;
  readonly #router: Router;
  readonly #kernelRoutes: KernelRoutes;
  readonly #prober: UdpProber;
  readonly #drops = new DropCounters();
  readonly #udp: UdpListener[] = [];
  readonly #tcp: TcpListener[] = [];
  readonly #pool: ConnectionPool;
  readonly #health: AddressHealth;
  readonly #tlsWarning: LimitedWarning;
  readonly #filter: SourceFilter;
  #events: TransportEvents | null = null;
  #messagesIn = 0;
  #messagesOut = 0;
  #isClosed = false;
  #isPaused = false;

  constructor(options: TransportLayerOptions) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#limits = { ...DEFAULT_ENGINE_LIMITS, ...options.limits };
    this.#kernelRoutes = new KernelRoutes(() => options.clock.monotonicMs());
    this.#prober = new UdpProber(options.clock);
    const { clock, logger, tls = {} } = options;
    this.#tlsWarning = new LimitedWarning(clock, logger);
    this.#filter = new SourceFilter(options.knownSources);
    this.#health = new AddressHealth(() => clock.monotonicMs());
    this.#pool = new ConnectionPool({
      clock,
      limits: this.#limits,
      tls,
      events: {
        onFrame: (from, frame) => this.#onFrame(from, frame),
        onRefused: () => this.#drops.add('connection-limit'),
        onUnreachable: (from, error) => this.#onUnreachable(from, error),
        onLost: ({ listener, remoteHost: host, remotePort: port }) =>
          options.onConnectionLost?.({
            transport: listener.transport === 'tls' ? 'tls' : 'tcp',
            host,
            port,
          }),
      },
    });
    this.#router = new Router({
      listeners: () => this.listeners,
      kernelRoutes: this.#kernelRoutes,
      resolve:
        options.resolve ??
        makeResolve(
          new DnsCache(systemDns(options.dnsServers), () => clock.monotonicMs()),
          options.random ?? Math.random,
        ),
      health: this.#health,
      tlsOf: target => routeTls(target, tls),
    });
  }

  /** From now on only these may begin something; null: everybody. */
  setKnownSources(sources: readonly string[] | null): void {
    this.#filter.set(sources);
  }

  /** Says who gets the messages; the transaction layer does this. */
  attach(events: TransportEvents): void {
    this.#events = events;
  }

  get listeners(): readonly BoundListener[] {
    return [...this.#udp, ...this.#tcp].map(({ bound }) => bound);
  }

  /** @throws EngineError `REC_ERR_ENGINE_LISTEN` naming transport, host and port. */
  async listen(options: ListenerOptions): Promise<BoundListener> {
    if (options.transport === 'udp') {
      const listener = await UdpListener.open(options, this.#logger, (from, bytes, remote) =>
        this.#onDatagram(from, bytes, remote),
      );
      this.#udp.push(listener);
      return listener.bound;
    }
    const { handshakeTimeoutMs } = this.#limits;
    const listener = await TcpListener.open(options, handshakeTimeoutMs, this.#logger, {
      admit: socket => !this.#isClosed && this.#pool.admit(socket, socket.remoteAddress ?? ''),
      onSocket: (from, socket) => this.#pool.accept(socket, from.bound),
      onHandshakeFailed: (from, remoteHost, error) => {
        this.#drops.add('tls-handshake');
        const { host, port } = from.bound;
        const fields = { listener: `${host}:${port}`, remoteHost, error: error.message };
        this.#tlsWarning.warn('TLS handshake with a client failed', fields);
      },
    });
    this.#tcp.push(listener);
    return listener.bound;
  }

  /** See {@link Router.route}: `onRoute` may be called before this returns. */
  route(target: Target, onRoute: (result: RouteResult) => void): void {
    this.#router.route(target, onRoute);
  }

  /**
   * A way to the route's peer. A TCP connection with it is reused or opened by the first send().
   * @param onFailure at most once, never from within send(): not sent, refused, or connection lost
   */
  openFlow(route: OutboundRoute, onFailure: (error: Error) => void): Flow {
    return route.transport === 'udp'
      ? this.#udpFlow(route, onFailure)
      : this.#tcpFlow(route, onFailure);
  }

  /**
   * Sends a response where RFC 3261 §18.2.2 wants it: on the connection of the request, else on a new
   * one to the address of the source; on UDP to source address and port of `rport` or sent-by.
   */
  sendResponse(bytes: Buffer, source: MessageSource, onFailure: (error: Error) => void): void {
    if (source.connection?.isOpen === true) {
      this.#messagesOut++;
      source.connection.send(bytes);
      return;
    }
    const flow = this.openFlow(
      {
        transport: source.transport,
        listener: source.listener,
        advertisedHost: source.localHost,
        advertisedPort: source.localPort,
        remoteHost: source.remoteHost,
        remotePort: source.replyPort,
        tls: source.transport === 'tls' ? { serverName: source.remoteHost, peer: null } : null,
      },
      onFailure,
    );
    flow.send(bytes);
    flow.close();
  }

  /** Noted by whoever sent there in vain: for a while other addresses of a name come first. */
  noteFailure(route: OutboundRoute): void {
    this.#health.noteFailure(route);
  }

  /** An address that answers is as good as any. */
  noteSuccess(route: OutboundRoute): void {
    this.#health.noteSuccess(route);
  }

  /** Stops reading from peers with a connection; UDP cannot be held up. Idempotent. */
  pauseReading(): void {
    this.#isPaused = true;
    this.#drops.add('reading-paused');
    this.#pool.pause();
  }

  resumeReading(): void {
    this.#isPaused = false;
    this.#pool.resume();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Counts a message that a user of the layer refused to handle. */
  countDrop(reason: string): void {
    this.#drops.add(reason);
  }

  counters(): TransportCounters {
    return {
      messagesIn: this.#messagesIn,
      messagesOut: this.#messagesOut,
      tcpConnections: this.#pool.size,
      drops: this.#drops.snapshot(),
    };
  }

  /** Closes everything; what was handed over for sending goes out first. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#prober.close();
    this.#pool.end();
    const closing = [...this.#udp.splice(0), ...this.#tcp.splice(0)].map(each => each.close());
    // A peer that does not read must not hold us.
    const timer = this.#clock.setTimer(500, () => this.#pool.destroy());
    await Promise.all(closing);
    timer.cancel();
  }

  #udpFlow(route: OutboundRoute, onFailure: (error: Error) => void): Flow {
    const listener = this.#udp.find(({ bound }) => bound === route.listener);
    let isOpen = true;
    let isTold = false;
    let sent = 0;
    const fail = (error: Error): void => {
      if (!isTold && (isOpen || sent === 1)) {
        isTold = true;
        onFailure(error);
      }
    };
    return {
      send: bytes => {
        sent++;
        if (listener === undefined || this.#isClosed) {
          process.nextTick(
            fail,
            new EngineError('REC_ERR_ENGINE_CLOSED', 'the listener is closed'),
          );
          return;
        }
        this.#messagesOut++;
        listener.send(bytes, route.remoteHost, route.remotePort, fail);
        if (sent > 1) {
          this.#prober.probe(route.remoteHost, route.remotePort, cause => {
            if (isOpen) {
              fail(
                new EngineError(
                  'REC_ERR_ENGINE_SEND',
                  `nobody listens on UDP ${route.remoteHost}:${route.remotePort}`,
                  { cause },
                ),
              );
            }
          });
        }
      },
      close: () => (isOpen = false),
    };
  }

  #tcpFlow(route: OutboundRoute, onFailure: (error: Error) => void): Flow {
    let unwatch: (() => void) | null = null;
    let isOpen = true;
    return {
      send: bytes => {
        const connection = this.#isClosed
          ? new EngineError('REC_ERR_ENGINE_CLOSED', 'the transport layer is closed')
          : this.#pool.connectionTo(route);
        if (connection instanceof Error) {
          process.nextTick(onFailure, connection);
          return;
        }
        this.#messagesOut++;
        connection.send(bytes);
        if (isOpen) {
          unwatch ??= connection.watch(onFailure);
        }
      },
      close: () => {
        isOpen = false;
        unwatch?.();
      },
    };
  }

  #onUnreachable(connection: TcpConnection, error: Error): void {
    if (connection.listener.transport === 'tls') {
      this.#drops.add('tls-connect');
      const { remoteHost, remotePort } = connection;
      const fields = { remote: `${remoteHost}:${remotePort}`, error: error.message };
      this.#tlsWarning.warn('TLS connection failed', fields);
    }
  }

  #onFrame(connection: TcpConnection, frame: Frame): void {
    if (frame.kind === 'message') {
      this.#receive(frame.bytes, this.#tcpSource(connection, frame.bytes));
    } else if (frame.kind === 'broken') {
      this.#drops.add(`stream-${frame.reason}`);
      this.#refuseBroken(connection, frame);
      // Where the next message begins is unknown (§18.3).
      connection.end();
    }
  }

  #refuseBroken(connection: TcpConnection, frame: Extract<Frame, { kind: 'broken' }>): void {
    if (frame.head === null) {
      return;
    }
    const result = parseMessage(frame.head, this.#limits);
    const message = result.ok ? result.message : result.request;
    if (message?.kind === 'request') {
      this.#refuse(message, this.#tcpSource(connection, frame.head), frame.status, frame.reason);
    }
  }

  #onDatagram(listener: UdpListener, bytes: Buffer, remote: RemoteInfo): void {
    // A keepalive (RFC 5626 §4.4.1 leaves CRLF to streams, but NATs are held open with it everywhere).
    if (bytes.length <= 4 && /^[\r\n\0]*$/.test(bytes.toString('latin1'))) {
      return;
    }
    const { bound } = listener;
    this.#receive(bytes, {
      transport: 'udp',
      listener: bound,
      localHost: isWildcard(bound.host)
        ? (bound.advertisedHost ?? this.#kernelRoutes.guess(remote.address) ?? bound.host)
        : bound.host,
      localPort: bound.port,
      remoteHost: remote.address,
      remotePort: remote.port,
      replyPort: remote.port,
      connection: null,
      raw: bytes,
      receivedAtMs: this.#clock.wallNowMs(),
    });
  }

  #tcpSource(connection: TcpConnection, raw: Buffer): MessageSource {
    return {
      transport: connection.listener.transport,
      listener: connection.listener,
      localHost: connection.localHost,
      localPort: connection.listener.port,
      remoteHost: connection.remoteHost,
      remotePort: connection.remotePort,
      replyPort: connection.remotePort,
      connection,
      raw,
      receivedAtMs: this.#clock.wallNowMs(),
    };
  }

  #receive(bytes: Buffer, source: MessageSource): void {
    this.#messagesIn++;
    const result = parseMessage(bytes, this.#limits);
    if (result.ok) {
      this.#deliver(result.message, source);
      return;
    }
    this.#drops.add(`parse-${result.code}`);
    if (result.request !== null) {
      this.#refuse(result.request, source, result.status, result.reason);
    }
  }

  #deliver(message: SipMessage, source: MessageSource): void {
    if (message.kind === 'request' && !this.#filter.admits(message, source.remoteHost)) {
      this.#drops.add('unknown-source');
      return;
    }
    this.#events?.onMessage(
      message,
      message.kind === 'request' ? annotate(message, source) : source,
    );
  }

  /** Answers a request that cannot be handed on, without any state. An ACK is never answered (§17). */
  #refuse(request: SipRequest, source: MessageSource, status: number, reason: string): void {
    if (request.method === 'ACK' || !this.#filter.admits(request, source.remoteHost)) {
      return;
    }
    const answerTo = annotate(request, source);
    const response = makeResponse(request, status, { reason, toTag: 'refused' });
    this.sendResponse(serializeMessage(response), answerTo, () => undefined);
  }
}

/** Notes the source in the topmost Via and works out where responses go (RFC 3261 §18.2, RFC 3581 §4). */
function annotate(request: SipRequest, source: MessageSource): MessageSource {
  const via = parseVia(request.headers.getList('via')[0] ?? '');
  if (via === null) {
    return source;
  }
  setTopVia(request.headers, noteSource(via, source.remoteHost, source.remotePort));
  const defaultPort = source.transport === 'tls' ? DEFAULT_SIPS_PORT : DEFAULT_SIP_PORT;
  const replyPort = via.params.has('rport') ? source.remotePort : (via.port ?? defaultPort);
  return { ...source, replyPort };
}
