import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';

import {
  readWav,
  type Recording,
  type ReferenceSrs,
  scanTones,
  type SrsBehaviour,
  startReferenceSrs,
} from '../../src/lab';
import { type LedgerLine } from '../../src/ledger';
import {
  type AnsweredCall,
  type GatewayBench,
  hangUp,
  openGatewayBench,
  placeCall,
  talkFor,
  withBench,
} from '../support/gateway-bench';
import { itOnEmbedded } from '../support/on-embedded';
import { waitUntil } from '../support/wait-until';

const CALLER_HZ = 440;

/** What became of the call, read before its evidence is deleted. */
interface Outcome {
  readonly line: LedgerLine;
  /** Answer to hang-up, ms. */
  readonly talkedMs: number;
  readonly recorders: readonly {
    /** How long the caller's tone is heard on label 1, ms. */
    readonly toneMs: number;
    readonly ids: unknown;
    readonly lost: readonly number[];
  }[];
}

/** A call with two recorders, of which the first one misbehaves. */
async function callWith(
  first: SrsBehaviour,
  whileTalking: (bench: GatewayBench, call: AnsweredCall, spare: ReferenceSrs) => Promise<void>,
  failover: Readonly<Record<string, number>> = {},
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'spare-'));
  const spare = await startReferenceSrs({
    clock: systemClock,
    logger: noopLogger,
    host: '127.0.0.1',
    port: 0,
    transports: ['tcp'],
    outDir: folder,
  });
  const bench = await openGatewayBench({
    targets: srs => [srs.uri('tcp'), spare.uri('tcp')],
    provider: { failover },
  });
  try {
    bench.srs.setBehaviour(first);
    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee);
    await whileTalking(bench, call, spare);
    for (const side of [call.outgoing, call.incoming]) {
      expect(side.statistics().received.map(source => source.lost)).toEqual([0]);
    }
    await hangUp(call);
    const [line] = await bench.waitForLedger(1);
    await bench.expectNothingOpen();
    const last = spare.recordings.length > 0 ? spare : bench.srs;
    await last.waitForRecording(({ state }) => state === 'ended');
    return {
      line: line!,
      talkedMs: Date.parse(line!.endedAt) - Date.parse(line!.startedAt),
      recorders: [...bench.srs.recordings, ...spare.recordings].map(recording => ({
        toneMs: toneMs(recording),
        ids: idsOf(recording),
        lost: recording.streams.map(({ lost }) => lost),
      })),
    };
  } finally {
    await bench.close();
    await spare.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether the recorder got an OPTIONS in its dialog. */
function wasAsked({ directory }: Recording): boolean {
  const folder = join(directory, 'sip');
  return readdirSync(folder).some(file =>
    readFileSync(join(folder, file), 'utf8').startsWith('OPTIONS '),
  );
}

/** Milliseconds of the caller's tone in a channel. */
function toneMs(recording: Recording, channel = 0): number {
  const samples = readWav(recording.wavPath).channels[channel]!;
  return (
    scanTones(samples, [CALLER_HZ], { windowMs: 40 }).filter(({ hz }) => hz === CALLER_HZ).length *
    40
  );
}

/** Session and participants, which all recordings of a call share (RFC 7865 §6.10). */
function idsOf({ view }: Recording): unknown {
  return {
    sessions: view?.metadata.sessions.map(({ sessionId }) => sessionId),
    participants: view?.metadata.participants.map(({ participantId }) => participantId),
  };
}

jest.setTimeout(90_000);

describe('a recorder that is lost in mid-call is followed by the next', () => {
  test('after a BYE: the next one gets the overlap and everything since, with the same ids', async () => {
    const { line, talkedMs, recorders } = await callWith(
      { byeAfterMs: 1_500 },
      async (_bench, call, spare) => {
        await spare.waitForRecording();
        await talkFor(call, 250);
      },
    );
    expect(line).toMatchObject({ verdict: 'recorded', gaps: [] });
    expect(line.srsAttempts.map(({ result }) => result)).toEqual(['established', 'established']);
    expect(line.replayedS).toBeGreaterThan(0.9);
    const [first, second] = recorders;
    expect(second?.lost).toEqual([0, 0]);
    // The first one has what came before its BYE; the second one an overlap, and the rest.
    expect(first?.toneMs).toBeGreaterThan(900);
    expect(first!.toneMs + second!.toneMs).toBeGreaterThan(talkedMs - 200);
    expect(second?.ids).toEqual(first?.ids);
  });

  test('that was frozen: it is found out by its silence, and nothing is missing', async () => {
    const { line, talkedMs, recorders } = await callWith(
      { stopReading: true },
      async (_bench, call, spare) => {
        await spare.waitForRecording(undefined, 20_000);
        await talkFor(call, 420);
      },
    );
    expect(line).toMatchObject({ verdict: 'recorded', gaps: [] });
    // Nobody knows what a frozen one has kept: the next one has it all.
    expect(recorders[1]?.toneMs).toBeGreaterThan(talkedMs - 300);
  });

  itOnEmbedded(
    'whose TCP connection is reset and that is gone: found out at once, and nothing is missing',
    async () => {
      const { line, talkedMs, recorders } = await callWith(
        { vanishAfterMs: 1_500 },
        async (_bench, call, spare) => {
          await spare.waitForRecording();
          await talkFor(call, 250);
        },
        // Nobody asks by himself, and its reports go on: only the connection gives it away.
        { optionsIntervalMs: 0, rtcpSilenceMs: 0 },
      );
      expect(line).toMatchObject({ verdict: 'recorded', gaps: [] });
      expect(line.srsLosses).toMatchObject([{ cause: 'connection-lost' }]);
      const [first, second] = recorders;
      expect(first!.toneMs + second!.toneMs).toBeGreaterThan(talkedMs - 200);
      expect(second?.ids).toEqual(first?.ids);
    },
  );

  itOnEmbedded(
    'only by its TCP connection is asked on a new one, and keeps the recording',
    async () => {
      const { line, recorders } = await callWith(
        { closeConnectionAfterMs: 500 },
        async (bench, call) => {
          await waitUntil(() => bench.srs.recordings.some(wasAsked), 'the recorder is asked');
          await talkFor(call, 100);
        },
        { optionsIntervalMs: 0, rtcpSilenceMs: 0 },
      );
      expect(line).toMatchObject({ verdict: 'recorded', srsLosses: [] });
      expect(line.srsAttempts).toHaveLength(1);
      expect(recorders).toHaveLength(1);
      expect(recorders[0]?.lost).toEqual([0, 0]);
    },
  );
});

describe('what no recorder was sent', () => {
  test('stands in ledger and metadata, with its reason, and is told at once', async () => {
    await withBench(
      {
        // The ring reaches back one second only.
        provider: {
          failover: {
            optionsIntervalMs: 0,
            optionsDeadlineMs: 100,
            rtcpSilenceMs: 0,
            overlapMs: 0,
          },
        },
        config: { media: { portQuarantineMs: 50, ringSeconds: 1 } },
      },
      async bench => {
        bench.srs.setBehaviour({ byeAfterMs: 1_000 });
        const caller = await bench.phone('caller', 'alice');
        const call = await placeCall(bench, caller, await bench.phone('callee', 'bob'));
        const first = await bench.srs.waitForRecording(({ state }) => state === 'ended');
        bench.srs.setBehaviour({ refuseStatus: 503 });
        await waitUntil(
          async () =>
            /recordings_missing_total\{[^}]*srs-refused[^}]*\} 1/.test(await bench.metrics()),
          'nobody takes it',
        );
        await talkFor(call, 200);
        bench.srs.setBehaviour({});
        const second = await bench.srs.waitForRecording(
          recording => recording !== first && gapsOf(recording).length > 0,
          30_000,
        );
        expect(await bench.metrics()).toMatch(
          /recordings_missing_total\{[^}]*reason="bye"[^}]*\} 1/,
        );
        expect(await bench.metrics()).toMatch(
          /srs_failures_total\{[^}]*reason="lost-bye"[^}]*\} 1/,
        );
        await talkFor(call, 50);
        await hangUp(call);
        const [line] = await bench.waitForLedger(1);
        expect(line).toMatchObject({ verdict: 'partial', srsLosses: [{ cause: 'bye' }] });
        const [gap] = line!.gaps;
        expect(line!.gaps).toEqual([{ ...gap, reason: 'bye' }]);
        expect(Date.parse(gap!.endAt!) - Date.parse(gap!.startAt)).toBeGreaterThan(1_000);
        expect(gapsOf(second)).toEqual([
          {
            startMs: Date.parse(gap!.startAt),
            endMs: Date.parse(gap!.endAt!),
            reason: 'bye',
          },
        ]);
        await second.until(() => second.state === 'ended');
        expect(second.deviations).toEqual([]);
      },
    );
  });
});

function gapsOf({ view }: Recording): readonly unknown[] {
  return view?.metadata.details?.gaps ?? [];
}
