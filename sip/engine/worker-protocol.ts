import { type EngineCounters } from './engine';
import { type EngineLimits } from './limits';
import { type TimerValues } from './transaction';
import {
  type ClientTlsOptions,
  type ConnectionPeer,
  type EngineTransport,
  type ListenerOptions,
} from './transport';

/** What the main thread gives to the worker when it starts it. Structured-clone data only. */
export interface WorkerOptions {
  readonly listeners: readonly ListenerOptions[];
  readonly secret: string;
  readonly timers: Partial<TimerValues>;
  readonly limits: Partial<EngineLimits>;
  readonly minSessionExpiresS: number | null;
  readonly userAgent: string | null;
  readonly optionTags: readonly string[] | null;
  readonly sessionExpiresS: number | null;
  readonly tls: ClientTlsOptions | null;
  readonly dnsServers: readonly string[] | null;
  readonly knownSources: readonly string[] | null;
}

/** A listener with its real port. */
export interface WorkerListener {
  readonly transport: EngineTransport;
  readonly host: string;
  readonly port: number;
}

export type ToWorker =
  | { readonly type: 'counters'; readonly id: number }
  | { readonly type: 'known-sources'; readonly sources: readonly string[] | null }
  | { readonly type: 'close' };

export type FromWorker =
  | {
      readonly type: 'started';
      readonly port: number;
      readonly listeners: readonly WorkerListener[];
    }
  | {
      readonly type: 'start-failed';
      readonly code: string;
      readonly message: string;
      readonly details: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'counters'; readonly id: number; readonly counters: EngineCounters }
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly type: 'connection-lost'; readonly peer: ConnectionPeer }
  | { readonly type: 'closed' };
