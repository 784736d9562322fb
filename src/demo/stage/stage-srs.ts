import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { type Clock, type Logger, noopLogger, withDeadline } from '#core';
import {
  type ObservedPacket,
  type ReferenceSrs,
  type ReferenceSrsOptions,
  type SrsBehaviour,
  startReferenceSrs,
} from '../../lab';
import { HOST } from './places';

/** A recorder of the stage. */
export interface SrsSpec {
  readonly name: string;
  /** In a process of its own, so that it can be killed and frozen. It always behaves. */
  readonly isProcess?: true;
  readonly behaviour?: SrsBehaviour;
  readonly options?: Partial<ReferenceSrsOptions>;
  /** Default `tcp`. */
  readonly transport?: 'udp' | 'tcp' | 'tls';
}

/** A running recorder. What it got is in `outDir`, one folder per session. */
export interface StageSrs {
  readonly name: string;
  readonly uri: string;
  readonly outDir: string;
  /** Whether its sessions can still come to an end there. */
  readonly isAlive: boolean;
  /** The recorder itself, when it runs in this process. */
  readonly inProcess: ReferenceSrs | null;
  /** Every RTP packet of a session, by the name of its folder. Empty for one in a process of its own. */
  packetsOf(folder: string): readonly ObservedPacket[];
  /** SIGKILL. @throws when it runs in this process. */
  kill(): void;
  /** SIGSTOP. @throws when it runs in this process. */
  freeze(): void;
  close(): Promise<void>;
}

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 3000;
const MAX_PACKETS = 100_000;

export interface StageSrsSurroundings {
  readonly outDir: string;
  readonly clock: Clock;
}

export function startStageSrs(spec: SrsSpec, around: StageSrsSurroundings): Promise<StageSrs> {
  return spec.isProcess === true ? startProcess(spec, around) : startHere(spec, around);
}

async function startHere(spec: SrsSpec, around: StageSrsSurroundings): Promise<StageSrs> {
  const { name, behaviour, options, transport = 'tcp' } = spec;
  const packets = new Map<string, ObservedPacket[]>();
  const logger: Logger = noopLogger;
  const srs = await startReferenceSrs({
    host: HOST,
    port: 0,
    transports: [transport],
    ...around,
    logger,
    ...(behaviour === undefined ? {} : { behaviour }),
    onRtp: ({ directory }, packet) => {
      const kept = packets.get(directory) ?? [];
      packets.set(directory, kept);
      if (kept.length < MAX_PACKETS) {
        kept.push(packet);
      }
    },
    ...options,
  });
  const unable = (): never => {
    throw new Error(`recorder ${name} runs in this process`);
  };
  return {
    name,
    uri: srs.uri(transport),
    outDir: around.outDir,
    isAlive: true,
    inProcess: srs,
    packetsOf: folder => packets.get(join(around.outDir, folder)) ?? [],
    kill: unable,
    freeze: unable,
    close: () => srs.close(),
  };
}

/** `srs` of the command line, as an operator starts it. */
async function startProcess(spec: SrsSpec, around: StageSrsSurroundings): Promise<StageSrs> {
  const { name, transport = 'tcp' } = spec;
  const program = join(__dirname, '..', '..', 'main.js');
  const options = ['srs', '--listen', `${HOST}:0`, '--transport', transport];
  const child = spawn(process.execPath, [program, ...options, '--out', around.outDir], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = new Promise<void>(resolve => child.once('exit', () => resolve()));
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  let isFrozen = false;
  const uri = await uriOf(child, around.clock).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    name,
    uri,
    outDir: around.outDir,
    get isAlive() {
      return isRunning() && !isFrozen;
    },
    inProcess: null,
    packetsOf: () => [],
    kill: () => void child.kill('SIGKILL'),
    freeze: () => {
      isFrozen = true;
      child.kill('SIGSTOP');
    },
    close: async () => {
      if (!isRunning()) {
        return;
      }
      // A frozen process acts on nothing but SIGKILL.
      child.kill(isFrozen ? 'SIGKILL' : 'SIGTERM');
      const late = (): Error => new Error(`recorder ${name} does not stop`);
      await withDeadline(around.clock, exited, STOP_DEADLINE_MS, late).catch(() =>
        child.kill('SIGKILL'),
      );
    },
  };
}

/** It prints where it records as soon as it can. */
function uriOf(child: ChildProcess, clock: Clock): Promise<string> {
  const printed = new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (bytes: Buffer) => {
      text = `${text}${bytes.toString('utf8')}`.slice(-10_000);
      const uri = /^recording at (\S+)$/m.exec(text)?.[1];
      if (uri !== undefined) {
        resolve(uri);
      }
    });
    child.once('error', reject);
    child.once('exit', code => reject(new Error(`the recorder ended at once (${code})`)));
  });
  return withDeadline(clock, printed, START_DEADLINE_MS, () => {
    return new Error('the recorder did not start');
  });
}
