import { type RemoteInfo } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { type Clock, type Logger } from '#core';
import { EngineError } from '../errors';
import {
  DEFAULT_MESSAGE_LIMITS,
  makeResponse,
  type MessageLimits,
  noteSource,
  parseMessage,
  parseVia,
  serializeMessage,
  setTopVia,
  type SipMessage,
  type SipRequest,
} from '../message';
import { DropCounters } from './counters';
import { KernelRoutes } from './kernel-routes';
import { isWildcard, resolveBySystem, Router } from './router';
import { type Frame } from './stream-framer';
import { TcpConnection } from './tcp-connection';
import { TcpListener } from './tcp-listener';
import {
  type BoundListener,
  DEFAULT_TRANSPORT_LIMITS,
  type Flow,
  type ListenerOptions,
  type MessageSource,
  type OutboundRoute,
  type Resolve,
  type RouteResult,
  type Target,
  type TransportEvents,
  type TransportLimits,
} from './types';
import { UdpListener } from './udp-listener';
import { UdpProber } from './udp-probe';

const DEFAULT_SIP_PORT = 5060;

export interface TransportLayerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<TransportLimits>;
  readonly messageLimits?: Partial<MessageLimits>;
  /** Default: the system's A/AAAA look-up. */
  readonly resolve?: Resolve;
}

export interface TransportCounters {
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly tcpConnections: number;
  /** Messages and connections dropped, by reason. */
  readonly drops: Readonly<Record<string, number>>;
}

/** The transport layer of RFC 3261 §18 over UDP and TCP, IPv4 and IPv6. */
export class TransportLayer {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #limits: TransportLimits;
  readonly #messageLimits: MessageLimits;
  readonly #router: Router;
  readonly #kernelRoutes: KernelRoutes;
  readonly #prober: UdpProber;
  readonly #drops = new DropCounters();
  readonly #udp: UdpListener[] = [];
  readonly #tcp: TcpListener[] = [];
  /** Every connection, and the newest one with each `host:port`, for reuse. */
  readonly #connections = new Set<TcpConnection>();
  readonly #byPeer = new Map<string, TcpConnection>();
  readonly #perSource = new Map<string, number>();
  #events: TransportEvents | null = null;
  #messagesIn = 0;
  #messagesOut = 0;
  #isClosed = false;

  constructor(options: TransportLayerOptions) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#limits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits };
    this.#messageLimits = { ...DEFAULT_MESSAGE_LIMITS, ...options.messageLimits };
    this.#kernelRoutes = new KernelRoutes(() => options.clock.monotonicMs());
    this.#prober = new UdpProber(options.clock);
    this.#router = new Router(
      () => this.listeners,
      this.#kernelRoutes,
      options.resolve ?? resolveBySystem,
    );
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
    const listener = await TcpListener.open(options, this.#logger, (from, socket) =>
      this.#onSocket(from, socket),
    );
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
      },
      onFailure,
    );
    flow.send(bytes);
    flow.close();
  }

  /** Counts a message that a user of the layer refused to handle. */
  countDrop(reason: string): void {
    this.#drops.add(reason);
  }

  counters(): TransportCounters {
    return {
      messagesIn: this.#messagesIn,
      messagesOut: this.#messagesOut,
      tcpConnections: this.#connections.size,
      drops: this.#drops.snapshot(),
    };
  }

  /** Closes everything; what was handed over for sending goes out first. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#prober.close();
    for (const connection of [...this.#connections]) {
      connection.end();
    }
    const closing = [...this.#udp.splice(0), ...this.#tcp.splice(0)].map(each => each.close());
    // A peer that does not read must not hold us.
    const timer = this.#clock.setTimer(500, () => {
      for (const connection of [...this.#connections]) {
        connection.destroy();
      }
    });
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
        const connection = this.#connectionTo(route);
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

  #connectionTo(route: OutboundRoute): TcpConnection | EngineError {
    const existing = this.#byPeer.get(peerKey(route.remoteHost, route.remotePort));
    if (existing?.isOpen === true) {
      return existing;
    }
    if (this.#isClosed) {
      return new EngineError('REC_ERR_ENGINE_CLOSED', 'the transport layer is closed');
    }
    if (!this.#hasRoomFor(route.remoteHost)) {
      this.#drops.add('connection-limit');
      return new EngineError('REC_ERR_ENGINE_LIMIT', 'too many TCP connections');
    }
    const { host } = route.listener;
    const socket = connect({
      host: route.remoteHost,
      port: route.remotePort,
      ...(isWildcard(host) ? {} : { localAddress: host }),
    });
    return this.#adopt(socket, route.listener, route.remoteHost, route.remotePort, true);
  }

  #onSocket(listener: TcpListener, socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined || this.#isClosed) {
      socket.destroy();
      return;
    }
    if (!this.#hasRoomFor(remoteAddress)) {
      this.#drops.add('connection-limit');
      socket.destroy();
      return;
    }
    this.#adopt(socket, listener.bound, remoteAddress, remotePort, false);
  }

  #hasRoomFor(remoteHost: string): boolean {
    return (
      this.#connections.size < this.#limits.connections &&
      (this.#perSource.get(remoteHost) ?? 0) < this.#limits.connectionsPerSource
    );
  }

  #adopt(
    socket: Socket,
    listener: BoundListener,
    remoteHost: string,
    remotePort: number,
    isOutgoing: boolean,
  ): TcpConnection {
    const key = peerKey(remoteHost, remotePort);
    const connection = new TcpConnection({
      socket,
      listener,
      remoteHost,
      remotePort,
      isOutgoing,
      clock: this.#clock,
      limits: this.#limits,
      messageLimits: this.#messageLimits,
      events: {
        onFrame: (from, frame) => this.#onFrame(from, frame),
        onClosed: () => {
          this.#connections.delete(connection);
          if (this.#byPeer.get(key) === connection) {
            this.#byPeer.delete(key);
          }
          const others = (this.#perSource.get(remoteHost) ?? 1) - 1;
          if (others > 0) {
            this.#perSource.set(remoteHost, others);
          } else {
            this.#perSource.delete(remoteHost);
          }
        },
      },
    });
    this.#connections.add(connection);
    this.#byPeer.set(key, connection);
    this.#perSource.set(remoteHost, (this.#perSource.get(remoteHost) ?? 0) + 1);
    return connection;
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
    const result = parseMessage(frame.head, this.#messageLimits);
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
      transport: 'tcp',
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
    const result = parseMessage(bytes, this.#messageLimits);
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
    this.#events?.onMessage(
      message,
      message.kind === 'request' ? annotate(message, source) : source,
    );
  }

  /** Answers a request that cannot be handed on, without any state. An ACK is never answered (§17). */
  #refuse(request: SipRequest, source: MessageSource, status: number, reason: string): void {
    if (request.method === 'ACK') {
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
  const replyPort = via.params.has('rport') ? source.remotePort : (via.port ?? DEFAULT_SIP_PORT);
  return { ...source, replyPort };
}

function peerKey(host: string, port: number): string {
  return `${host}|${port}`;
}
