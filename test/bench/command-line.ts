import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';

import { FEATURE_NAMES, type FeatureName, withReference } from './feature-rows';
import { peerProgram } from './peers/start-peer';
import { MEDIA_BACKENDS, type MediaBackend } from './result';

/** The benchmarks, with what `--list` says of them. */
export const BENCHMARKS = {
  media:
    'relay and fork of G.711: our backends, the bare relay, rtpengine; CPU, loss, latency, memory',
  features: 'what each feature of the media plane costs on top of plain relay',
  signalling: 'recorded calls per second, CPU per call, set-up delay added (needs SIPp)',
  memory: 'where the memory of recorded calls is that are held, by part (needs SIPp)',
  soak: 'memory, handles, delay and loss over time at a steady rate (needs SIPp)',
} as const;

export type Benchmark = keyof typeof BENCHMARKS;

/** What the command line asks for. Durations in seconds there, in milliseconds here. */
export interface BenchOptions {
  readonly benchmarks: readonly Benchmark[];
  readonly isJson: boolean;
  readonly isList: boolean;
  readonly rounds: number;
  /** null: each benchmark's own sizes. */
  readonly calls: readonly number[] | null;
  readonly backend: 'linux' | 'dgram';
  /** Of the features, in the order of the report. */
  readonly rows: readonly FeatureName[];
  /** Of the media benchmark; null: all there are. */
  readonly backends: readonly MediaBackend[] | null;
  /** Another build of this project, its dist folder, to measure beside this one. */
  readonly against: string | null;
  /** Whether every round of media has processes of its own. */
  readonly isFresh: boolean;
  readonly windowMs: number;
  readonly durationMs: number;
  readonly rate: number;
  /** A drachtio-server to measure the gateway with as well; its secret is in the environment. */
  readonly drachtio: DrachtioServer | null;
}

/** A drachtio-server that runs already, on this machine. */
export interface DrachtioServer {
  /** Of its process: its CPU counts. */
  readonly pid: number;
  /** Where applications connect. */
  readonly host: string;
  readonly port: number;
  /** host:port of its SIP listener. */
  readonly sip: string;
}

const MAX_ROUNDS = 100;
/** 12 ports per call in the worst case fit between 10000 and 65535. */
const MAX_CALLS = 4000;
const MAX_WINDOW_S = 60;
const MAX_DURATION_S = 86_400;
const MAX_RATE = 100;

/** @throws CommanderError for bad arguments (after saying so) and after `--help`. */
export function parseArguments(argv: readonly string[]): BenchOptions {
  const program = new Command('bench')
    .description('Measures the gateway beside what operators would run instead. Loopback only.')
    .argument('[benchmark...]', `some of ${Object.keys(BENCHMARKS).join(', ')}`, [
      'media',
      'features',
    ])
    .option('--json', 'print one JSON object, as the last line')
    .option('--list', 'list the benchmarks')
    .option('--rounds <n>', 'interleaved rounds', whole(1, MAX_ROUNDS), 5)
    .option('--calls <n,…>', 'calls at once; several sizes for media, two for memory', sizes)
    .option('--window <s>', 'measured part of each round', whole(1, MAX_WINDOW_S), 3)
    .option('--duration <s>', 'of the soak', whole(10, MAX_DURATION_S), 60)
    .option('--rate <n>', 'calls per second of the soak', whole(1, MAX_RATE), 5)
    .option(
      '--drachtio <pid,host:port,host:port>',
      'signalling also with this drachtio-server: process, application port, SIP port; DRACHTIO_SECRET',
      drachtioServer,
    )
    .addOption(
      new Option('--backend <name>', 'packet I/O under the features')
        .choices(['linux', 'dgram'])
        .default('linux'),
    )
    .option('--rows <name,…>', `some of the features: ${FEATURE_NAMES.join(', ')}`, featureRows, [
      ...FEATURE_NAMES,
    ])
    .option('--backends <name,…>', `of media: some of ${MEDIA_BACKENDS.join(', ')}`, mediaBackends)
    .option('--against <dist>', 'media also with the plane of another build of this project', build)
    .option('--fresh', 'media: each round has processes of its own')
    .exitOverride();
  program.parse([...argv], { from: 'user' });
  const options = program.opts<{
    json?: true;
    list?: true;
    rounds: number;
    calls?: number[];
    window: number;
    duration: number;
    rate: number;
    backend: 'linux' | 'dgram';
    rows: FeatureName[];
    backends?: MediaBackend[];
    against?: string;
    fresh?: true;
    drachtio?: DrachtioServer;
  }>();
  const benchmarks = program.processedArgs[0] as string[];
  const unknown = benchmarks.find(name => !isBenchmark(name));
  if (unknown !== undefined) {
    program.error(
      `error: unknown benchmark '${unknown}'; known: ${Object.keys(BENCHMARKS).join(', ')}`,
    );
  }
  return {
    benchmarks: benchmarks.filter(isBenchmark),
    isJson: options.json ?? false,
    isList: options.list ?? false,
    rounds: options.rounds,
    calls: options.calls ?? null,
    backend: options.backend,
    rows: options.rows,
    backends: options.backends ?? null,
    against: options.against ?? null,
    isFresh: options.fresh ?? false,
    windowMs: options.window * 1000,
    durationMs: options.duration * 1000,
    rate: options.rate,
    drachtio: options.drachtio ?? null,
  };
}

export { CommanderError };

function isBenchmark(name: string): name is Benchmark {
  return Object.hasOwn(BENCHMARKS, name);
}

function whole(min: number, max: number): (text: string) => number {
  return text => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`A whole number from ${min} to ${max} is needed.`);
    }
    return value;
  };
}

function sizes(text: string): number[] {
  return text.split(',').map(whole(1, MAX_CALLS));
}

/** The reference is always among them. */
function featureRows(text: string): FeatureName[] {
  const names = text.split(',');
  const unknown = names.find(name => !FEATURE_NAMES.some(known => known === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`'${unknown}' is none of ${FEATURE_NAMES.join(', ')}.`);
  }
  return withReference(names);
}

function mediaBackends(text: string): MediaBackend[] {
  const names = text.split(',');
  const unknown = names.find(name => !MEDIA_BACKENDS.some(known => known === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`'${unknown}' is none of ${MEDIA_BACKENDS.join(', ')}.`);
  }
  return MEDIA_BACKENDS.filter(name => names.includes(name));
}

function build(text: string): string {
  const dist = resolve(text);
  if (!existsSync(peerProgram('plane-process', dist))) {
    throw new InvalidArgumentError(
      'It is no dist folder with benchmarks: run `npm run bench -- --list` there, which builds them.',
    );
  }
  return dist;
}

function drachtioServer(text: string): DrachtioServer {
  const match = /^(\d+),([^,:]+):(\d+),([^,:]+:\d+)$/.exec(text);
  const [, pid = '', host = '', port = '', sip = ''] = match ?? [];
  if (match === null) {
    throw new InvalidArgumentError('Three are needed: its process id, host:port, and host:port.');
  }
  return { pid: Number(pid), host, port: Number(port), sip };
}
