import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Clock, errorMessage } from '#core';
import {
  writeHeardWav,
  writeWav,
  type CountedDeviation,
  type ObservedPacket,
  type PhoneCall,
  readWav,
  type StreamReport,
} from '../../lab';
import { type Explanation, explainDocuments } from '../../lab';
import { type LedgerLine } from '../../ledger';
import { type Stage } from './stage';
import { type StageSrs } from './stage-srs';

const SAMPLES_PER_MS = 8;
const SESSION_END_DEADLINE_MS = 8000;

/** Everything that a scenario left behind. Times are of the call: 0 is its answer. */
export interface Evidence {
  /** Of all recorders, in the order in which they began. */
  readonly sessions: readonly SessionEvidence[];
  readonly ledger: readonly LedgerLine[];
  /** What was still open in the gateway. */
  readonly leftOpen: Readonly<Record<string, number>>;
  /** SIP messages that each recorder in this process received. */
  readonly sipReceived: Readonly<Record<string, number>>;
}

/** One recording session as a recorder kept it. */
export interface SessionEvidence {
  /** Name of the recorder. */
  readonly srs: string;
  /** The WAV in the folder of the evidence, aligned to time 0. */
  readonly file: string;
  readonly callId: string;
  readonly startedAtMs: number;
  /** null: it never ended there. */
  readonly endedBy: string | null;
  readonly streams: readonly (StreamReport & {
    readonly parties: readonly { readonly aor: string; readonly name: string | null }[];
  })[];
  readonly deviations: readonly CountedDeviation[];
  readonly messages: readonly SipEvidence[];
  readonly documents: readonly { readonly file: string; readonly xml: string }[];
  /** What the documents say together; a text: why they say nothing. */
  readonly told: Explanation | string;
  /** Every RTP packet; empty for a recorder in a process of its own. */
  readonly packets: readonly ObservedPacket[];
  /** Channel 1 is label 1; mono PCM16, 8 kHz, from time 0 on. */
  readonly channels: readonly [Int16Array, Int16Array];
}

/** A message that the recorder received. */
export interface SipEvidence {
  readonly file: string;
  readonly startLine: string;
  readonly text: string;
  readonly atMs: number;
}

/** The parts of a recorder's `verdict.json` that are used here. */
interface Verdict {
  readonly callId: string;
  readonly state: string;
  readonly startedAt: string;
  readonly endedBy: string | null;
  readonly wavStartsAt: string | null;
  readonly streams: SessionEvidence['streams'];
  readonly deviations: readonly CountedDeviation[];
}

export function writeHeard(
  outDir: string,
  calls: readonly { readonly file: string; readonly call: PhoneCall }[],
  zeroAtMs: number,
  clock: Clock,
): void {
  calls.forEach(({ file, call }) => {
    writeHeardWav(call, { path: join(outDir, file), clock, zeroAtMs });
  });
}

/** Waits for the recorders to finish, reads what they kept, and puts the evidence into its place. */
export async function collectEvidence(stage: Stage, isOneMute: boolean): Promise<Evidence> {
  await finished(stage);
  const sessions = stage.recorders
    .flatMap(srs => foldersOf(srs).map(folder => ({ srs, folder, verdict: verdictOf(folder) })))
    .sort((a, b) => a.verdict.startedAt.localeCompare(b.verdict.startedAt))
    .map(({ srs, folder, verdict }, index) => readSession(stage, srs, folder, verdict, index + 1));
  return {
    sessions,
    ledger: readLedger(stage.outDir),
    leftOpen: await leftOpen(stage, isOneMute),
    sipReceived: Object.fromEntries(
      stage.recorders.flatMap(({ name, inProcess }) =>
        inProcess === null ? [] : [[name, inProcess.messagesReceived]],
      ),
    ),
  };
}

/** Sessions at recorders that live have an end; what a killed or frozen one has is all there will be. */
async function finished(stage: Stage): Promise<void> {
  const isDone = (): boolean =>
    stage.recorders
      .filter(({ isAlive }) => isAlive)
      .every(srs => foldersOf(srs).every(folder => verdictOf(folder).state === 'ended'));
  await stage.waitUntil(isDone, 'the recorders', SESSION_END_DEADLINE_MS).catch(() => undefined);
}

function foldersOf({ outDir }: StageSrs): string[] {
  const names = existsSync(outDir) ? readdirSync(outDir).sort() : [];
  return names
    .map(name => join(outDir, name))
    .filter(each => existsSync(join(each, 'verdict.json')));
}

function verdictOf(folder: string): Verdict {
  return JSON.parse(readFileSync(join(folder, 'verdict.json'), 'utf8')) as Verdict;
}

function readSession(
  stage: Stage,
  srs: StageSrs,
  folder: string,
  verdict: Verdict,
  number: number,
): SessionEvidence {
  const suffix = number === 1 ? '' : `-${number}`;
  const file = `recording${suffix}.wav`;
  const channels = alignedWav(join(folder, 'recording.wav'), verdict.wavStartsAt, stage.zeroMs);
  writeWav(join(stage.outDir, file), channels, { clock: stage.clock });
  copyAll(join(folder, 'sip'), join(stage.outDir, `sip${suffix}`));
  copyAll(join(folder, 'metadata'), join(stage.outDir, `metadata${suffix}`));
  const documents = readAll(join(folder, 'metadata')).map(({ name, text }) => ({
    file: name,
    xml: text,
  }));
  return {
    srs: srs.name,
    file,
    callId: verdict.callId,
    startedAtMs: Date.parse(verdict.startedAt) - stage.zeroMs,
    endedBy: verdict.endedBy,
    streams: verdict.streams,
    deviations: verdict.deviations,
    messages: readAll(join(folder, 'sip')).map(({ name, text, writtenAtMs }) => ({
      file: `sip${suffix}/${name}`,
      startLine: text.split('\r\n', 1)[0] ?? '',
      text,
      atMs: writtenAtMs - stage.zeroMs,
    })),
    documents,
    told: explain(documents),
    packets: srs.packetsOf(basename(folder)).map(packet => ({
      ...packet,
      arrivedAtMs: packet.arrivedAtMs - stage.zeroMs,
      spokenAtMs: packet.spokenAtMs - stage.zeroMs,
    })),
    channels,
  };
}

/** The two channels of a WAV, moved so that sample 0 is the instant `zeroMs`. */
function alignedWav(
  path: string,
  startsAt: string | null,
  zeroMs: number,
): readonly [Int16Array, Int16Array] {
  if (startsAt === null || !existsSync(path)) {
    return [new Int16Array(0), new Int16Array(0)];
  }
  const shift = Math.round((Date.parse(startsAt) - zeroMs) * SAMPLES_PER_MS);
  const { channels } = readWav(path);
  const moved = (samples: Int16Array = new Int16Array(0)): Int16Array => {
    const out = new Int16Array(Math.max(0, samples.length + shift));
    out.set(samples.subarray(Math.max(0, -shift)), Math.max(0, shift));
    return out;
  };
  return [moved(channels[0]), moved(channels[1])];
}

function explain(documents: SessionEvidence['documents']): Explanation | string {
  try {
    return explainDocuments(documents);
  } catch (error) {
    return errorMessage(error);
  }
}

function readLedger(outDir: string): readonly LedgerLine[] {
  const path = join(outDir, 'ledger.jsonl');
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as LedgerLine);
}

/** What the gateway still holds, once it had time to let go. */
async function leftOpen(
  stage: Stage,
  isOneMute: boolean,
): Promise<Readonly<Record<string, number>>> {
  let open: Readonly<Record<string, number>> = {};
  const isNothing = async (): Promise<boolean> => {
    const { calls, media, sip, engine } = await stage.gateway.counters();
    open = {
      calls,
      'media legs': media.openLegs,
      recordings: media.openRecordings,
      ...(isOneMute
        ? {}
        : {
            dialogs: sip.dialogs + (engine?.dialogs ?? 0),
            requests: sip.pendingRequests,
          }),
    };
    return Object.values(open).every(count => count === 0);
  };
  await stage.waitUntil(isNothing, 'nothing open', 15_000).catch(() => undefined);
  return open;
}

function copyAll(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  readdirSync(from).forEach(name => copyFileSync(join(from, name), join(to, name)));
}

function readAll(folder: string): { name: string; text: string; writtenAtMs: number }[] {
  return readdirSync(folder)
    .sort()
    .map(name => ({
      name,
      text: readFileSync(join(folder, name), 'utf8'),
      writtenAtMs: statSync(join(folder, name)).mtimeMs,
    }));
}
