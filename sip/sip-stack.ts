import Srf from 'drachtio-srf';
import { type Clock, type IdSource, type Logger } from '#core';
import { DrachtioConnection } from './drachtio-connection';
import { SipGateway, type SipGatewayOptions } from './inbound-router';
import { type SipPeer, type SrsClient } from './ports';
import { SipSrsClient } from './recording/srs-client';
import { type SrfLike } from './srf-types';
import { UserAgent } from './user-agent';

export interface SipStackOptions {
  readonly engine: {
    readonly host: string;
    readonly port: number;
    readonly secret: string;
    /** {@link DRACHTIO_MAX_FRAME_BYTES} for a drachtio-server; null: no limit (the embedded engine). */
    readonly maxFrameBytes: number | null;
    readonly connectTimeoutMs?: number;
    readonly maxRetryDelayMs?: number;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly ids: IdSource;
  readonly timeouts?: SipGatewayOptions['timeouts'];
  readonly maxCalls?: number;
  readonly maxNewCallsPerSecond?: number;
  /** 0 (inclusive) to 1 (exclusive). Default Math.random. */
  readonly random?: () => number;
  /** The engine is ready, for the first time or again: its listeners as `proto/host:port`. */
  readonly onReady?: (listeners: readonly string[]) => void;
  /** The engine is gone; every call and recording session has been told so. */
  readonly onLost?: () => void;
}

/** What the rest of the product uses of SIP. */
export interface SipStack {
  readonly gateway: SipGateway;
  readonly srsClient: SrsClient;
  readonly isReady: boolean;
  /** The engine has lost a connection with this peer: recordings that used it look after their SRS at once. */
  connectionLost(peer: SipPeer): void;
  /** @throws SipError `REC_ERR_SIP_ENGINE_UNREACHABLE` */
  connect(): Promise<void>;
  /** Ends every call, then the connection. Idempotent. */
  close(): Promise<void>;
}

/** A drachtio-server 0.9 never answers a larger frame, and its connection is stuck from then on. */
export const DRACHTIO_MAX_FRAME_BYTES = 12_000;

/** Wires the parts of this folder together over one engine connection. */
export function createSipStack(options: SipStackOptions): SipStack {
  const { engine, clock, logger, ids } = options;
  const random = options.random ?? Math.random;
  const srf = new Srf() as unknown as SrfLike;
  const userAgent = new UserAgent({ srf, clock, logger, maxFrameBytes: engine.maxFrameBytes });
  const gateway = new SipGateway({
    srf,
    userAgent,
    clock,
    logger,
    ids,
    random,
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
    ...(options.maxCalls === undefined ? {} : { maxCalls: options.maxCalls }),
    ...(options.maxNewCallsPerSecond === undefined
      ? {}
      : { maxNewCallsPerSecond: options.maxNewCallsPerSecond }),
  });
  const connection = new DrachtioConnection(
    { srf, clock, logger, ...engine },
    {
      ready: listeners => options.onReady?.(listeners),
      lost: () => {
        // Calls first: they say `engine-lost`, not whatever their requests failed with.
        gateway.engineLost();
        userAgent.engineLost();
        options.onLost?.();
      },
    },
  );
  const srsClient = new SipSrsClient({ userAgent, ids, logger, random });
  return {
    gateway,
    srsClient,
    connectionLost: peer => srsClient.connectionLost(peer),
    get isReady() {
      return connection.isReady;
    },
    connect: () => connection.connect(),
    close: async () => {
      await gateway.close();
      connection.close();
      // Requests that nobody will answer any more, such as a CANCELled INVITE, must not keep the process.
      userAgent.engineLost();
    },
  };
}
