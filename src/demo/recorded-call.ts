import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Clock, systemClock } from '#core';

import {
  answerAfter,
  partiesOfLabel,
  type PhoneCall,
  readWav,
  type Recording,
  writeWav,
} from '../lab';
import { type LedgerLine } from '../ledger';
import { ALICE, BOB, type DemoBench, type DemoParty } from './bench';
import {
  type ChannelFacts,
  type DemoFacts,
  type PartyFacts,
  type RecordingDemoFacts,
} from './facts';

export interface RecordedCallOptions {
  readonly outDir: string;
  readonly talkMs: number;
  readonly transport: string;
  readonly clock: Clock;
  /** Told what is happening, with the share done (0..1). */
  readonly progress: (share: number, what: string) => void;
  readonly signal: AbortSignal;
}

const DEADLINE_MS = 10_000;
const TICK_MS = 100;
const RING_MS = 300;
const SAMPLE_RATE_HZ = 8000;

/** Alice calls Bob, both talk, Alice hangs up. @returns what was measured; the evidence is in `outDir`. */
export async function runRecordedCall(
  bench: DemoBench,
  options: RecordedCallOptions,
): Promise<DemoFacts> {
  const { clock, progress } = options;
  const incoming = answerNextCall(bench);
  progress(0, 'alice calls bob');
  const outgoing = await bench.caller.call(bench.gatewayUri);
  await outgoing.waitFor('answered', DEADLINE_MS);
  const callee = await incoming;
  await talk(options, clock);
  progress(1, 'alice hangs up');
  await outgoing.hangUp();
  await callee.waitFor('ended', DEADLINE_MS);
  const recording = await bench.srs.waitForRecording(({ state }) => state === 'ended', DEADLINE_MS);
  const ledger = await ledgerLines(bench, clock);
  const answeredAtMs = Date.parse(ledger[0]?.startedAt ?? '');
  return {
    backend: bench.gateway.backend,
    transport: options.transport,
    answered: outgoing.times.answeredAtMs !== null,
    ringingAfterMs: since(outgoing.times.startedAtMs, outgoing.times.ringingAtMs),
    answeredAfterMs: since(outgoing.times.startedAtMs, outgoing.times.answeredAtMs),
    talkMs: (outgoing.times.endedAtMs ?? 0) - (outgoing.times.answeredAtMs ?? 0),
    endedBy: 'caller',
    caller: partyFacts(ALICE, outgoing, answeredAtMs, options.outDir, 'caller-heard.wav'),
    callee: partyFacts(BOB, callee, answeredAtMs, options.outDir, 'callee-heard.wav'),
    recordings: [recordingFacts(recording, ledger[0], answeredAtMs, options.outDir, 1)],
    leftOpen: await leftOpen(bench, clock),
  };
}

function answerNextCall(bench: DemoBench): Promise<PhoneCall> {
  return new Promise(resolve => {
    bench.callee.onIncoming(incoming => {
      resolve(incoming.call);
      answerAfter(RING_MS)(incoming);
    });
  });
}

async function talk(options: RecordedCallOptions, clock: Clock): Promise<void> {
  const { talkMs, progress, signal } = options;
  const startMs = clock.monotonicMs();
  for (let doneMs = 0; doneMs < talkMs && !signal.aborted; doneMs = clock.monotonicMs() - startMs) {
    progress(doneMs / talkMs, 'both talk');
    await new Promise<void>(resolve => clock.setTimer(Math.min(TICK_MS, talkMs - doneMs), resolve));
  }
}

/** The ledger is written when the recording session is closed, shortly after the SRS has seen its BYE. */
async function ledgerLines(bench: DemoBench, clock: Clock): Promise<readonly LedgerLine[]> {
  await until(clock, () => bench.gateway.openCalls() === 0);
  return readFileSync(bench.ledgerFile, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as LedgerLine);
}

async function until(clock: Clock, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = clock.monotonicMs() + DEADLINE_MS;
  while (!(await isSo()) && clock.monotonicMs() < deadlineMs) {
    await new Promise<void>(resolve => clock.setTimer(20, resolve));
  }
}

function partyFacts(
  party: DemoParty,
  call: PhoneCall,
  answeredAtMs: number,
  outDir: string,
  file: string,
): PartyFacts {
  const heard = call.heard(answeredAtMs);
  writeWav(join(outDir, file), [heard], { clock: systemClock, sampleRateHz: SAMPLE_RATE_HZ });
  const statistics = call.statistics();
  const sum = (pick: (source: (typeof statistics.received)[number]) => number): number =>
    statistics.received.reduce((total, source) => total + pick(source), 0);
  return {
    party,
    packetsSent: statistics.packetsSent,
    packetsReceived: sum(source => source.packets),
    packetsLost: sum(source => source.lost),
    heard,
  };
}

function recordingFacts(
  recording: Recording,
  line: LedgerLine | undefined,
  answeredAtMs: number,
  outDir: string,
  number: number,
): RecordingDemoFacts {
  const file = number === 1 ? 'recording.wav' : `recording-${number}.wav`;
  const path = join(outDir, file);
  recording.exportWav({ path, zeroAtMs: answeredAtMs });
  const sipMessages = copyEvidence(recording.directory, outDir, 'sip', 'txt');
  const documents = copyEvidence(recording.directory, outDir, 'metadata', 'xml');
  const { channels } = readWav(path);
  return {
    file,
    verdict: line?.verdict ?? 'no ledger record',
    verdictReasons: line?.verdictReasons ?? [],
    srsAnswerMs: line?.srsAttempts.at(-1)?.tookMs ?? null,
    channels: recording.streams.map((stream): ChannelFacts => {
      const party =
        stream.label === null ? undefined : partiesOfLabel(recording.view, stream.label)[0];
      return {
        channel: stream.channel,
        label: stream.label,
        aor: party?.aor ?? null,
        name: party?.name ?? null,
        expected: stream.channel === 1 ? ALICE : BOB,
        packets: stream.packets,
        lost: stream.lost,
        firstPacketMs: since(answeredAtMs, captureTime(line, stream.label, 'firstPacketAt')),
        lastPacketMs: since(answeredAtMs, captureTime(line, stream.label, 'lastPacketAt')),
        samples: channels[stream.channel - 1] ?? new Int16Array(0),
      };
    }),
    packetsMissing: (line?.streams ?? []).reduce(
      (missing, stream) =>
        missing + stream.packetsCaptured + (stream.packetsOfSilence ?? 0) - stream.packetsSent,
      0,
    ),
    documents,
    sipMessages,
    deviations: recording.deviations,
  };
}

/** When the gateway took the packet from the party; it may have reached the SRS much later. */
function captureTime(
  line: LedgerLine | undefined,
  label: string | null,
  which: 'firstPacketAt' | 'lastPacketAt',
): number | null {
  const at = line?.streams.find(stream => stream.label === label)?.[which] ?? null;
  return at === null ? null : Date.parse(at);
}

/** Copies the numbered files of one kind, byte for byte. @returns how many. */
function copyEvidence(from: string, outDir: string, kind: string, extension: string): number {
  const target = join(outDir, kind);
  mkdirSync(target, { recursive: true });
  const names = readdirSync(join(from, kind)).filter(name => name.endsWith(`.${extension}`));
  names.forEach(name => copyFileSync(join(from, kind, name), join(target, name)));
  return names.length;
}

/** What the gateway still holds, once it had time to let go (late retransmissions keep transactions alive). */
async function leftOpen(bench: DemoBench, clock: Clock): Promise<Readonly<Record<string, number>>> {
  let open: Readonly<Record<string, number>> = {};
  await until(clock, async () => {
    const { calls, media, sip, engine } = await bench.gateway.counters();
    open = {
      calls,
      'media legs': media.openLegs,
      recordings: media.openRecordings,
      dialogs: sip.dialogs + (engine?.dialogs ?? 0),
      requests: sip.pendingRequests,
    };
    return Object.values(open).every(count => count === 0);
  });
  return open;
}

function since(fromMs: number, atMs: number | null): number | null {
  return atMs === null ? null : atMs - fromMs;
}
