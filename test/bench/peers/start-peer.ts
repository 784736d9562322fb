import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { processRssKiB } from '../kernel';
import { phoneAddress } from '../traffic/plan';
import { type Peer, type PeerMessage, type PeerOrder } from './peer';

const DEADLINE_MS = 60_000;

type PeerProgram = 'plane-process' | 'bare-process';

/** Where a relay's program lies. @param dist of another build; this one's when there is none. */
export function peerProgram(program: PeerProgram, dist: string | null): string {
  const folder = dist === null ? __dirname : join(dist, 'test', 'bench', 'peers');
  return join(folder, `${program}.js`);
}

/**
 * Starts a relay of ours in a process of its own and opens its calls.
 *
 * @param dist of another build of this project, whose program it is to be.
 * @throws when it fails or takes too long.
 */
export async function startPeer(
  program: PeerProgram,
  order: PeerOrder,
  dist: string | null = null,
): Promise<Peer> {
  const child = fork(peerProgram(program, dist), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    child.send(order);
    await messageOf(child, 'empty');
    const pid = child.pid ?? 0;
    const emptyRssKiB = processRssKiB(pid);
    child.send('open');
    const { legs, ringKiBPerCall } = await messageOf(child, 'open');
    return { pid, legs, emptyRssKiB, ringKiBPerCall, close: () => end(child) };
  } catch (error) {
    await end(child);
    throw error;
  }
}

/** No relay: the phones send to one another and to the recorder, which shows what the generator itself does. */
export function noPeer(calls: number): Peer {
  const legs = Array.from({ length: 2 * calls }, (_, leg) => phoneAddress(leg ^ 1, calls));
  return { pid: null, legs, emptyRssKiB: 0, ringKiBPerCall: 0, close: () => Promise.resolve() };
}

/** Ends a process that a benchmark has started. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}

/** Waits for a message of a child process. @throws when it ends before, or says nothing in time. */
export function nextMessage(child: ChildProcess, deadlineMs = DEADLINE_MS): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit);
      action();
    };
    const onMessage = (message: unknown): void => settle(() => resolve(message));
    const onExit = (): void =>
      settle(() => reject(new Error(`${child.spawnargs.at(-1)} ended too early`)));
    const timer = setTimeout(
      () => settle(() => reject(new Error(`${child.spawnargs.at(-1)} does not answer`))),
      deadlineMs,
    );
    child.on('message', onMessage).on('exit', onExit);
  });
}

async function messageOf<K extends PeerMessage['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<PeerMessage, { kind: K }>> {
  const message = (await nextMessage(child)) as PeerMessage;
  if (message.kind !== kind) {
    throw new Error(`${kind} expected, not ${message.kind}`);
  }
  return message as Extract<PeerMessage, { kind: K }>;
}
