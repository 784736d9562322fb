import { type MessagePort } from 'node:worker_threads';
import { type PayloadFormat, type RemoteStream } from '#core';
import {
  type DtmfHoldRule,
  type NoticeOutcome,
  type ReceiverReport,
  type RecordingStreamRules,
} from '../ports';

/** What a worker is started with. */
export interface WorkerSetup {
  readonly backend: 'linux' | 'dgram';
  readonly port: MessagePort;
  /** Written to end the worker's wait; −1 for the dgram backend. */
  readonly wakeFd: number;
  /** {@link COUNTER_STRIDE} doubles per slot. */
  readonly counters: SharedArrayBuffer;
  /** 32-bit descriptors plus one: two per slot, and the worker's own in the last. */
  readonly openFds: SharedArrayBuffer;
  readonly settings: WorkerSettings;
}

export interface WorkerSettings {
  readonly dscp: number;
  /** 0: no timeout. */
  readonly mediaTimeoutMs: number;
  readonly ringBytes: number;
  /** How many times real time a recording may be sent while it catches up. */
  readonly catchUpFactor: number;
  /** Whether a source on another host than the signalled one may be learnt (NAT). */
  readonly latchesForeignSource: boolean;
}

/** Where a slot's two sockets are bound: RTP on `port`, RTCP on `port + 1`. */
export interface SlotBinding {
  readonly slot: number;
  readonly host: string;
  readonly port: number;
}

export interface StreamSetup {
  readonly binding: SlotBinding;
  readonly label: string;
  readonly sourceSlot: number;
  readonly formats: readonly PayloadFormat[];
  readonly ssrc: number;
  readonly cname: string;
  readonly rules: RecordingStreamRules | null;
}

/**
 * Facade → worker, in order. `request` is answered by a {@link WorkerReply}. A leg is named by its slot, a recording
 * by a number of the facade's.
 */
export type WorkerCommand =
  /** Opens pairs ahead of their use: whatever is opened on such a slot later needs no waiting. */
  | {
      readonly kind: 'open-spares';
      readonly request: number;
      readonly bindings: readonly SlotBinding[];
    }
  | {
      readonly kind: 'open-leg';
      readonly request: number;
      readonly binding: SlotBinding;
      readonly cname: string;
    }
  | { readonly kind: 'set-remote'; readonly slot: number; readonly remote: RemoteStream }
  | { readonly kind: 'connect'; readonly slotA: number; readonly slotB: number }
  | { readonly kind: 'close-leg'; readonly request: number; readonly slot: number }
  | {
      readonly kind: 'open-recording';
      readonly request: number;
      readonly recording: number;
      readonly gateOpen: boolean;
      readonly streams: readonly StreamSetup[];
    }
  | {
      readonly kind: 'set-gate';
      readonly request: number;
      readonly recording: number;
      readonly open: boolean;
      /** While it is shut: silence keeps the timeline. */
      readonly fillsSilence: boolean;
    }
  | {
      readonly kind: 'set-remotes';
      readonly recording: number;
      readonly remotes: readonly (RemoteStream | null)[];
    }
  | { readonly kind: 'set-rules'; readonly slot: number; readonly rules: RecordingStreamRules }
  | {
      readonly kind: 'set-source';
      readonly recording: number;
      readonly slot: number;
      readonly sourceSlot: number;
      readonly formats: readonly PayloadFormat[];
    }
  | {
      readonly kind: 'rewind';
      readonly request: number;
      readonly recording: number;
      readonly fromWallMs: number;
    }
  | {
      readonly kind: 'close-recording';
      readonly request: number;
      readonly recording: number;
      readonly drainMs: number;
    }
  | {
      readonly kind: 'define-sound';
      readonly soundId: string;
      /** Its sample rate, or that it is G.722's sub-bands. */
      readonly render: number;
      /** In shared memory. */
      readonly values: Int16Array;
    }
  | { readonly kind: 'forget-sound'; readonly soundId: string }
  | {
      readonly kind: 'play-notice';
      readonly slot: number;
      /** Names the notice in {@link WorkerEvent}s. */
      readonly number: number;
      readonly soundId: string;
      readonly durationMs: number;
      readonly duckDb: number;
    }
  | { readonly kind: 'stop-notice'; readonly slot: number; readonly number: number }
  | { readonly kind: 'hold-dtmf'; readonly slot: number; readonly rule: DtmfHoldRule | null }
  | { readonly kind: 'release-dtmf'; readonly slot: number; readonly action: 'relay' | 'drop' }
  | { readonly kind: 'watch-level'; readonly slot: number; readonly on: boolean }
  | { readonly kind: 'shutdown' };

export type CommandOf<K extends WorkerCommand['kind']> = Extract<WorkerCommand, { kind: K }>;

/** Answer to a command. `error`: why sockets could not be opened, an errno name; `busySlot`: whose. */
export interface WorkerReply {
  readonly kind: 'reply';
  readonly request: number;
  readonly error: string | null;
  readonly busySlot: number | null;
  /** Of `open-spares`: the pairs that could not be opened. */
  readonly unopened?: readonly { readonly slot: number; readonly error: string }[];
  /** Wall clock of effect, ms; for `rewind`, of the capture of the oldest packet that waits now (Infinity: none). */
  readonly atMs: number;
}

/** Worker → facade. A slot names a leg or a recording stream. */
export type WorkerEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly message: string }
  | WorkerReply
  | { readonly kind: 'latched'; readonly slot: number; readonly source: string }
  | { readonly kind: 'timed-out'; readonly slot: number }
  | { readonly kind: 'intruder'; readonly slot: number; readonly source: string }
  | { readonly kind: 'unreachable'; readonly slot: number }
  | { readonly kind: 'receiver-report'; readonly slot: number; readonly report: ReceiverReport }
  | {
      readonly kind: 'notice-ended';
      readonly slot: number;
      readonly number: number;
      readonly outcome: NoticeOutcome;
      readonly startedAtMs: number | null;
      readonly endedAtMs: number | null;
    }
  | {
      readonly kind: 'dtmf';
      readonly slot: number;
      readonly digit: string;
      readonly durationMs: number;
    }
  | { readonly kind: 'ended' };
