import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { end } from '../peers/start-peer';
import { quantile } from '../statistics';
import { setUpTimesMs } from './message-log';
import { calleeScenario, callerScenario } from './scenarios';

export const GATEWAY_HOST = '127.77.0.31';
export const SIPP_HOST = '127.77.0.32';
export const CALLEE_PORT = 5080;
export const RECORDED_USER = '2002';
export const PLAIN_USER = '3003';
/** Beyond what the calls take. */
const GRACE_S = 15;
/** Longer than any benchmark. */
const HELD_MS = 3_600_000;
const TONE_FILE = 'tone.ulaw';
const MESSAGE_LOG = 'messages.csv';

export function isSippInstalled(): boolean {
  return spawnSync('sipp', ['-v'], { stdio: 'ignore' }).error === undefined;
}

export interface CallsOrder {
  /** Whom to call. */
  readonly user: string;
  /** host:port to send the INVITE to. */
  readonly target: string;
  readonly callsPerSecond: number;
  readonly calls: number;
  readonly holdMs: number;
  /** Whether both parties send G.711. */
  readonly hasMedia: boolean;
  /** Whether the time of each set-up is taken: SIPp then writes a line for every message. Default true. */
  readonly isTimed?: boolean;
}

export interface CallsResult {
  readonly isAllWell: boolean;
  /** From the INVITE to its 200; NaN when not timed. */
  readonly setUpMs: { readonly p50: number; readonly p99: number };
  /** What SIPp reached. */
  readonly callsPerSecond: number;
}

/** Starts the callee, which answers at once, for as long as a benchmark takes. */
export function startCallee(hasMedia: boolean, talkMs?: number): { close(): Promise<void> } {
  const folder = workFolder(calleeScenario(hasMedia, talkMs));
  const child = run(folder, [
    ...['-sf', 'scenario.xml', '-i', SIPP_HOST, '-mi', SIPP_HOST, '-p', String(CALLEE_PORT)],
    ...['-mp', '20000', '-nostdin', '-timeout', '86400'],
  ]);
  return {
    close: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Places calls and waits for all of them. */
export async function placeCalls(order: CallsOrder): Promise<CallsResult> {
  const { user, target, callsPerSecond, calls, holdMs, hasMedia, isTimed = true } = order;
  const folder = workFolder(callerScenario(hasMedia));
  const timeoutS = Math.ceil(calls / callsPerSecond + holdMs / 1000) + GRACE_S;
  const startedMs = performance.now();
  const child = run(folder, [
    target,
    ...['-sf', 'scenario.xml', '-i', SIPP_HOST, '-mi', SIPP_HOST, '-p', '5070', '-mp', '30000'],
    ...['-s', user, '-r', String(callsPerSecond), '-m', String(calls), '-d', String(holdMs)],
    ...['-l', String(Math.ceil(callsPerSecond * (holdMs / 1000 + GRACE_S)))],
    ...['-timeout', `${timeoutS}s`, '-timeout_error', '-nostdin'],
    ...(isTimed ? ['-trace_shortmsg', '-shortmessage_file', MESSAGE_LOG] : []),
  ]);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    const seconds = (performance.now() - startedMs - holdMs) / 1000;
    const times = responseTimes(folder);
    return {
      isAllWell: code === 0 && (!isTimed || times.length >= calls),
      setUpMs: { p50: quantile(times, 0.5), p99: quantile(times, 0.99) },
      callsPerSecond: calls / seconds,
    };
  } finally {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface HeldCallsOrder {
  readonly user: string;
  readonly target: string;
  readonly callsPerSecond: number;
  readonly calls: number;
  /** How long the caller speaks. */
  readonly talkMs: number;
  /** For SIP, and the first for RTP; no other group of callers may have them. */
  readonly ports: { readonly sip: number; readonly rtp: number };
}

export interface HeldCalls {
  /** Ends the callers, without a BYE. */
  close(): Promise<void>;
}

/** Places calls that nobody hangs up. */
export function holdCalls(order: HeldCallsOrder): HeldCalls {
  const { user, target, callsPerSecond, calls, talkMs, ports } = order;
  const folder = workFolder(callerScenario(true, talkMs));
  const child = run(folder, [
    target,
    ...['-sf', 'scenario.xml', '-i', SIPP_HOST, '-mi', SIPP_HOST, '-p', String(ports.sip)],
    ...['-mp', String(ports.rtp), '-s', user, '-r', String(callsPerSecond)],
    ...['-m', String(calls), '-l', String(calls), '-d', String(HELD_MS), '-nostdin'],
  ]);
  return {
    close: async () => {
      await end(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function workFolder(scenario: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-sipp-'));
  writeFileSync(join(folder, 'scenario.xml'), scenario);
  // One second of a G.711 pattern, played over and over.
  writeFileSync(
    join(folder, TONE_FILE),
    Buffer.from(Array.from({ length: 8000 }, (_, i) => i & 0xff)),
  );
  return folder;
}

function run(folder: string, options: readonly string[]): ChildProcess {
  return spawn('sipp', options, { cwd: folder, stdio: 'ignore' });
}

function responseTimes(folder: string): number[] {
  const file = join(folder, MESSAGE_LOG);
  return existsSync(file) ? setUpTimesMs(readFileSync(file, 'utf8')) : [];
}
