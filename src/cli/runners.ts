import { type GatewayConfig, type LoadedConfig } from '#config';
import { type HostPort } from './option-parsers';

/** Transports of the lab's tools. */
export type LabTransport = 'udp' | 'tcp' | 'tls';

/** TLS of a tool of the lab, as PEM texts: what it listens with, and how it connects. */
export interface ToolTls {
  readonly listener?: {
    readonly cert: string;
    readonly key: string;
    readonly ca?: string;
    readonly requestClientCert: 'never' | 'request' | 'require';
  };
  readonly client?: {
    readonly cert?: string;
    readonly key?: string;
    readonly ca?: string;
    readonly verify: boolean;
  };
}

export interface DemoOptions {
  /** Where the evidence goes; null: a new folder below the system's temporary folder. */
  readonly outDir: string | null;
  /** One JSON object as the last line instead of tables. */
  readonly json: boolean;
  /** What is shown: one recorded call, a scenario by name, all of them, or only their list. */
  readonly show: 'call' | 'all' | 'list' | { readonly scenario: string };
}

/** How the reference SRS is told to misbehave; what is absent behaves. Times in ms. */
export interface SrsMisbehaviour {
  readonly refuseStatus?: number;
  readonly silent?: true;
  readonly answerDelayMs?: number;
  readonly inactive?: true;
  /** Re-INVITE to `recvonly` this long after an inactive answer. */
  readonly activateAfterMs?: number;
  /** Label of the stream that is refused with port 0. */
  readonly refuseStream?: '1' | '2';
  readonly byeAfterMs?: number;
  readonly stopReading?: true;
  readonly snapshotAfterMs?: number;
  /** 0..1, reported in receiver reports. */
  readonly reportedLoss?: number;
  readonly glare?: true;
  readonly closeConnectionAfterMs?: number;
}

export interface SrsOptions {
  readonly listen: HostPort;
  readonly transports: readonly LabTransport[];
  readonly outDir: string;
  readonly misbehaviour: SrsMisbehaviour;
  readonly tls?: ToolTls;
}

/** What metadata files say. */
export interface ExplainOptions {
  /** Of one recording session, in the order in which they were sent. */
  readonly files: readonly string[];
  /** One JSON object instead of lines. */
  readonly json: boolean;
}

export type PhoneAudio =
  | { readonly kind: 'tone'; readonly hz: number }
  | { readonly kind: 'wav'; readonly file: string }
  | { readonly kind: 'silence' };

export interface PhoneOptions {
  readonly listen: HostPort;
  readonly transport: LabTransport;
  /** null: wait for calls and answer them. */
  readonly callUri: string | null;
  readonly audio: PhoneAudio;
  /** Length of the call, s; null: until the other side hangs up or we are stopped. */
  readonly durationS: number | null;
  /** WAV of what was heard; null: none. */
  readonly outFile: string | null;
  readonly tls?: ToolTls;
}

/**
 * What the commands do, behind plain options. The real ones (`lazy-runners`) import the heavy parts
 * only when a command runs. Each resolves with the exit code.
 */
export interface Runners {
  start(
    config: GatewayConfig,
    signals: SignalSource,
    print: Print,
    loaded?: LoadedConfig,
  ): Promise<number>;
  demo(options: DemoOptions, signal: AbortSignal, print: Print): Promise<number>;
  srs(options: SrsOptions, signal: AbortSignal, print: Print): Promise<number>;
  explain(options: ExplainOptions, print: Print): Promise<number>;
  phone(options: PhoneOptions, signal: AbortSignal, print: Print): Promise<number>;
}

/** Writes a line for the user. */
export type Print = (line: string) => void;

/** Signals of the operating system; `process`, or an emitter in tests. */
export interface SignalSource {
  on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown;
}
