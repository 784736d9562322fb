/** Bounds on what a peer may make the parser hold. */
export interface MessageLimits {
  /** Whole message, head and body. */
  readonly messageBytes: number;
  /** Number of header lines (a folded header counts once). */
  readonly headerCount: number;
  /** One header with its continuation lines. */
  readonly headerLineBytes: number;
  /** Request-URI. */
  readonly uriBytes: number;
  /** Parts of a multipart body, on its outermost level. */
  readonly bodyParts: number;
}

/** Bounds of connections with peers. */
export interface TransportLimits {
  /** TCP and TLS connections in all, those that are still shaking hands included. */
  readonly connections: number;
  /** Those from or to one address. */
  readonly connectionsPerSource: number;
  /** A connection of ours must stand after this time, its TLS handshake included. */
  readonly connectTimeoutMs: number;
  /** A client that has not finished its TLS handshake after this time is cut off. */
  readonly handshakeTimeoutMs: number;
  /** A connection that never brought a complete message is closed after this time. */
  readonly firstMessageTimeoutMs: number;
  /** A message of which only a part came is waited for as long as this. */
  readonly halfMessageTimeoutMs: number;
  /** A connection without any traffic is closed after this time. */
  readonly idleTimeoutMs: number;
  /** Bytes that may wait for a peer that does not read; beyond it the connection is cut. */
  readonly peerBufferBytes: number;
}

export interface TransactionLimits {
  /** Transactions of both kinds at a time; beyond it requests get 503. */
  readonly transactions: number;
}

export interface AgentLimits {
  /** Calls from the network (INVITE dialogs, early ones included); beyond it new ones get 503. */
  readonly dialogs: number;
  /** How long an INVITE may ring, in either direction. */
  readonly ringingMs: number;
  /** Beyond so many open transactions new calls get 503; what is in progress goes on. */
  readonly shedTransactions: number;
  /** The same when the engine's thread is so late, on average. */
  readonly shedDelayMs: number;
}

/** Bounds of the connections with applications. */
export interface AppLimits {
  /** Largest frame accepted from an application. */
  readonly appFrameBytes: number;
  /** How long a connection may stay without the secret. */
  readonly appAuthenticateMs: number;
  /** Bytes that wait for an application beyond which it gets no new calls: they are 503. */
  readonly appBusyBytes: number;
  /** Beyond so many nothing is read from connections of peers, and everything new on UDP is 503. */
  readonly appPauseBytes: number;
  /** Beyond so many its connection is cut. */
  readonly appBufferBytes: number;
  /** So is that of an application that takes nothing for this time although something waits for it. */
  readonly appStallMs: number;
}

/** Every bound of the engine; `docs/limits.md` is the same as a table. Bytes are those of messages as received. */
export interface EngineLimits
  extends MessageLimits, TransportLimits, TransactionLimits, AgentLimits, AppLimits {}

export const DEFAULT_ENGINE_LIMITS: EngineLimits = {
  /** A UDP datagram cannot be larger, and no SIP message that we know of needs more. */
  messageBytes: 65_535,
  headerCount: 200,
  headerLineBytes: 8192,
  uriBytes: 2048,
  /** SDP, metadata, and whatever a switch adds. */
  bodyParts: 16,
  connections: 4000,
  connectionsPerSource: 1000,
  connectTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  /** 64*T1: what a transaction waits for. */
  firstMessageTimeoutMs: 32_000,
  halfMessageTimeoutMs: 32_000,
  idleTimeoutMs: 3_600_000,
  peerBufferBytes: 4 * 1024 * 1024,
  transactions: 50_000,
  dialogs: 5000,
  /** What phones and switches ring at most, and some. */
  ringingMs: 600_000,
  shedTransactions: 40_000,
  /** As long as T1: beyond it peers retransmit only because of us. */
  shedDelayMs: 500,
  appFrameBytes: 1024 * 1024,
  appAuthenticateMs: 5000,
  appBusyBytes: 4 * 1024 * 1024,
  appPauseBytes: 16 * 1024 * 1024,
  appBufferBytes: 64 * 1024 * 1024,
  appStallMs: 60_000,
};
