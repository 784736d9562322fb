import { type GatewayError } from '#core';
import { type SipMessage } from '../message';

/** The transports that the engine has. */
export type EngineTransport = 'udp' | 'tcp' | 'tls';

/** The oldest version of TLS that is spoken; older ones are broken (RFC 8996). */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** TLS of a listener: PEM texts, not paths. */
export interface ServerTls {
  /** The certificate, followed by those between it and its CA. */
  readonly cert: string;
  readonly key: string;
  /** Who signs the certificates of clients; default: the CAs that Node.js knows. */
  readonly ca?: string;
  /**
   * `request`: a client may show a certificate, and a bad one is refused; `require`: it must show a good
   * one. Default `never`.
   */
  readonly requestClientCert?: 'never' | 'request' | 'require';
  /** Default TLSv1.2. */
  readonly minVersion?: TlsVersion;
}

/** TLS of outgoing connections: PEM texts, not paths. */
export interface ClientTls {
  /** Who signs the certificates of servers; default: the CAs that Node.js knows. */
  readonly ca?: string;
  /** Our certificate, for servers that ask for one, and its key. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that is asked for (SNI) and that must be in the certificate; default: the host of the URI. */
  readonly serverName?: string;
  /** Default TLSv1.2. */
  readonly minVersion?: TlsVersion;
  /** false: any certificate will do. Default true. */
  readonly verify?: boolean;
  /** A certificate for `*.example.com` will do for any name directly below (against RFC 5922 §7.2). Default false. */
  readonly allowWildcards?: boolean;
}

/** TLS of all outgoing connections. */
export interface ClientTlsOptions extends ClientTls {
  /**
   * What holds for one next hop instead: `host:port` as its URI says it (5061 where it says none), or
   * `host` for all its ports. Nothing is inherited from the general settings.
   */
  readonly peers?: Readonly<Record<string, ClientTls>>;
}

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
  /** Needed with `tls`. */
  readonly tls?: ServerTls;
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

/**
 * How a name is looked up (RFC 3263 §4): by its addresses alone (the URI had a port), by the SRV records of
 * the transport, or by NAPTR and the SRV records of every transport (the URI had none either).
 */
export type LookUp = 'address' | 'service' | 'any';

/** Where a request shall go: `host` is a name or an IP literal. */
export interface Target {
  /** With `lookUp: any` the one that is taken if nothing says otherwise. */
  readonly transport: EngineTransport;
  readonly host: string;
  readonly port: number;
  /** Default `address`. */
  readonly lookUp?: LookUp;
}

/** What TLS needs to know of a way. */
export interface RouteTls {
  /** Whom the peer must prove to be (RFC 5922): the host of the URI, before any look-up. */
  readonly serverName: string;
  /** Key of {@link ClientTlsOptions.peers}; null: the general settings. */
  readonly peer: string | null;
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
  /** null but for `tls`. */
  readonly tls: RouteTls | null;
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

/** The far end of a connection. */
export interface ConnectionPeer {
  readonly transport: 'tcp' | 'tls';
  /** IP literal. */
  readonly host: string;
  readonly port: number;
}

/** What the transport layer tells its user. Handlers must not throw. */
export interface TransportEvents {
  /** A well-formed message; requests have `received`/`rport` noted in their topmost Via. */
  onMessage(message: SipMessage, source: MessageSource): void;
}

/** One address of a target. */
export interface ResolvedAddress {
  readonly transport: EngineTransport;
  /** IP literal. */
  readonly host: string;
  readonly port: number;
}

/** What there are listeners for: only such addresses are of use. */
export type Usable = (transport: EngineTransport, family: 4 | 6) => boolean;

/** Turns a target with a name into addresses, best first; empty: it has none that is usable. */
export type Resolve = (target: Target, usable: Usable) => Promise<readonly ResolvedAddress[]>;
