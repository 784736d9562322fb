import { type GatewayError } from '#core';
import { type SipMessage } from '../message';

/** The transports that the engine has. */
export type EngineTransport = 'udp' | 'tcp';

/** Where a listener is to stand. */
export interface ListenerOptions {
  readonly transport: EngineTransport;
  /** An IP literal of this machine, or `0.0.0.0` / `::`. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** What goes into Via and Contact instead of the bound address (behind NAT). */
  readonly advertisedHost?: string;
  readonly advertisedPort?: number;
}

/** A listener that stands. */
export interface BoundListener {
  readonly transport: EngineTransport;
  readonly host: string;
  readonly port: number;
  readonly family: 4 | 6;
  readonly advertisedHost: string | null;
  readonly advertisedPort: number | null;
}

/** Where a request shall go: `host` is a name or an IP literal. */
export interface Target {
  readonly transport: EngineTransport;
  readonly host: string;
  readonly port: number;
}

/** A target resolved to an address and to the listener that it is reached from. */
export interface OutboundRoute {
  readonly transport: EngineTransport;
  readonly listener: BoundListener;
  /** What our Via and Contact say on this way. */
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  /** IP literal. */
  readonly remoteHost: string;
  readonly remotePort: number;
}

export type RouteResult =
  | {
      readonly ok: true;
      readonly route: OutboundRoute;
      /** Where to go if the route fails, in this order (RFC 3263 §4.3). */
      readonly alternatives: readonly OutboundRoute[];
    }
  | { readonly ok: false; readonly error: GatewayError };

/** Where a message came from, and all that is needed to answer it. */
export interface MessageSource {
  readonly transport: EngineTransport;
  readonly listener: BoundListener;
  /** The address that the message arrived at; with a wildcard listener on UDP the one we would answer from. */
  readonly localHost: string;
  readonly localPort: number;
  readonly remoteHost: string;
  readonly remotePort: number;
  /** Where a response goes on UDP, or on a new connection (RFC 3261 §18.2.2, RFC 3581 §4). */
  readonly replyPort: number;
  /** The connection it came on; null for UDP. */
  readonly connection: ReplyConnection | null;
  /** The message exactly as received. */
  readonly raw: Buffer;
  /** Wall clock of the arrival, ms since the epoch. */
  readonly receivedAtMs: number;
}

/** A connection on which a response may go back. */
export interface ReplyConnection {
  readonly isOpen: boolean;
  send(bytes: Buffer): void;
}

/** A way to one peer for one transaction. */
export interface Flow {
  /** Sends (TCP: once connected). Failures are told to the flow's `onFailure`, once. */
  send(bytes: Buffer): void;
  /** No interest any more; what was handed to send() still goes out. Idempotent. */
  close(): void;
}

/** What the transport layer tells its user. Handlers must not throw. */
export interface TransportEvents {
  /** A well-formed message; requests have `received`/`rport` noted in their topmost Via. */
  onMessage(message: SipMessage, source: MessageSource): void;
}

/** Turns a target into addresses, best first. The place where SRV and AAAA resolution goes. */
export type Resolve = (
  target: Target,
  families: readonly (4 | 6)[],
) => Promise<readonly { readonly host: string; readonly port: number }[]>;

/** Bounds of the transport layer. */
export interface TransportLimits {
  /** TCP connections in all, and from or to one address. */
  readonly connections: number;
  readonly connectionsPerSource: number;
  readonly connectTimeoutMs: number;
  /** A connection that never brought a complete message is closed after this time. */
  readonly firstMessageTimeoutMs: number;
  /** A message of which only a part came is waited for as long as this. */
  readonly halfMessageTimeoutMs: number;
  /** A connection without any traffic is closed after this time. */
  readonly idleTimeoutMs: number;
  /** Bytes that may wait for a peer that does not read; beyond it the connection is cut. */
  readonly writeBufferBytes: number;
}

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  connections: 4000,
  connectionsPerSource: 1000,
  connectTimeoutMs: 10_000,
  firstMessageTimeoutMs: 32_000,
  halfMessageTimeoutMs: 32_000,
  idleTimeoutMs: 3_600_000,
  writeBufferBytes: 4 * 1024 * 1024,
};
