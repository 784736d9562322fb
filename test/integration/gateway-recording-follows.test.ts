import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  detectTone,
  partiesOfLabel,
  readWav,
  type Recording,
  type SrsBehaviour,
} from '../../src/lab';
import {
  type AnsweredCall,
  type GatewayBench,
  hangUp,
  openGatewayBench,
  placeCall,
  talkFor,
} from '../support/gateway-bench';

const CALLER_HZ = 440;
const CALLEE_HZ = 620;

interface Run {
  readonly bench: GatewayBench;
  readonly call: AnsweredCall;
  readonly recording: Recording;
}

/** A recorded call of alice, who is on label 1 whatever happens; afterwards everything is closed and accounted for. */
async function expectRecordedCall(
  run: (facts: Run) => Promise<void>,
  options: { behaviour?: SrsBehaviour; verdict?: string; ringMs?: number } = {},
): Promise<void> {
  const bench = await openGatewayBench();
  try {
    bench.srs.setBehaviour(options.behaviour ?? {});
    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee, { ringMs: options.ringMs ?? 20 });
    const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
    await talkFor(call, 25);
    await run({ bench, call, recording });
    const label1 = partiesOfLabel(recording.view, '1').map(({ aor }) => aor);
    await hangUp(call);
    const [line] = await bench.waitForLedger(1);
    expect(line?.verdict).toBe(options.verdict ?? 'recorded');
    await recording.until(() => recording.state === 'ended');
    expect(recording.deviations).toEqual([]);
    expect(label1).toEqual(['sip:alice@127.0.0.1']);
    expect(dominantTones(recording)).toEqual([CALLER_HZ, CALLEE_HZ]);
    await bench.expectNothingOpen();
  } finally {
    await bench.close();
  }
}

function dominantTones(recording: Recording): unknown {
  return readWav(recording.wavPath).channels.map(
    samples => detectTone(samples, [CALLER_HZ, CALLEE_HZ], { thresholdDbfs: -45 }).hz,
  );
}

/** Who sends and hears, as the newest document tells it: `alice sends`, `bob hears`, … */
function activity({ view }: Recording): readonly string[] {
  const metadata = view?.metadata;
  return (metadata?.participants ?? []).flatMap(({ participantId, nameIds }) => {
    const name = /sip:(\w+)@/.exec(nameIds[0]?.aor ?? '')?.[1] ?? '';
    const streams = metadata?.participantStreamAssociations.find(
      each => each.participantId === participantId,
    );
    return [
      ...(streams?.send.length === 0 ? [] : [`${name} sends`]),
      ...(streams?.recv.length === 0 ? [] : [`${name} hears`]),
    ];
  });
}

const BOTH_TALK = ['alice sends', 'alice hears', 'bob sends', 'bob hears'];

jest.setTimeout(60_000);

describe('a recording follows its call', () => {
  test('through hold and resume from either side (RFC 8068 §3.2.2)', async () => {
    await expectRecordedCall(async ({ call, recording }) => {
      expect(activity(recording)).toEqual(BOTH_TALK);
      await call.outgoing.hold();
      await recording.until(() => !activity(recording).includes('bob sends'), 5_000, 'bob is held');
      expect(activity(recording)).toEqual(['alice sends', 'bob hears']);
      await call.outgoing.resume();
      await recording.until(() => activity(recording).length === 4, 5_000, 'both talk again');
      await call.incoming.hold('inactive');
      await recording.until(() => activity(recording).length === 0, 5_000, 'nobody talks');
      await call.incoming.resume();
      await recording.until(() => activity(recording).length === 4, 5_000, 'both talk again');
      await talkFor(call, 60);
    });
  });

  test('through a change of codec by re-INVITE: the recorder is offered the new one', async () => {
    await expectRecordedCall(async ({ call, recording }) => {
      const pcmaOnly = call.outgoing
        .offer()
        .replace(/(m=audio \d+ \S+) [\d ]+/, '$1 8')
        .replace(/a=(rtpmap|fmtp):(?!8 ).*\r\n/g, '');
      const response = await call.outgoing.reinvite(pcmaOnly);
      expect(response.status).toBe(200);
      const before = recording.streams.map(({ packets }) => packets);
      await recording.until(
        () => recording.streams.every(({ packets }, at) => packets > before[at]! + 25),
        10_000,
        'packets in the new codec',
      );
      expect(recording.streams.map(({ unusable }) => unusable)).toEqual([0, 0]);
    });
  });

  test('through a change of SSRC: the recorder sees one stream without a gap', async () => {
    await expectRecordedCall(async ({ call, recording }) => {
      call.outgoing.changeSsrc();
      call.incoming.changeSsrc();
      await talkFor(call, 60);
      expect(recording.streams.map(({ ssrcs, lost }) => [ssrcs.length, lost])).toEqual([
        [1, 0],
        [1, 0],
      ]);
    });
  });

  test('through three re-INVITEs in a row, crossing ones included', async () => {
    await expectRecordedCall(async ({ call, recording }) => {
      for (let round = 0; round < 3; round++) {
        expect((await call.outgoing.reinvite()).status).toBe(200);
      }
      const crossing = await Promise.all([call.outgoing.reinvite(), call.incoming.reinvite()]);
      // RFC 3261 §14.2: one of two that cross may be told to wait.
      expect(
        crossing.map(({ status }) => status).filter(status => ![200, 491].includes(status)),
      ).toEqual([]);
      await talkFor(call, 60);
      expect(activity(recording)).toEqual(BOTH_TALK);
    });
  });

  test('and offers the recorder every codec of the leg’s answer, so that a payload type may change at any time', async () => {
    await expectRecordedCall(async ({ recording }) => {
      await Promise.resolve();
      const invite = readFileSync(join(recording.directory, 'sip', '001.txt'), 'utf8');
      const offered = [...invite.matchAll(/m=audio \d+ RTP\/AVP ([\d ]+)/g)].map(([, types]) =>
        types!.split(' '),
      );
      expect(offered).toEqual([
        expect.arrayContaining(['0', '8']),
        expect.arrayContaining(['0', '8']),
      ]);
    });
  });

  test('with a recorder that answers `inactive` and is ready later: nothing that was said is missing', async () => {
    await expectRecordedCall(
      async ({ call, recording }) => {
        await recording.until(
          () => recording.streams.every(({ packets }) => packets > 0),
          10_000,
          'media',
        );
        await talkFor(call, 60);
        expect(recording.streams.map(({ lost }) => lost)).toEqual([0, 0]);
      },
      { behaviour: { inactive: true, activateAfterMs: 800 } },
    );
  });

  test('with a recorder that asks for a snapshot: a complete document comes at once', async () => {
    await expectRecordedCall(
      async ({ recording }) => {
        await recording.until(() => recording.documents >= 2, 10_000, 'the snapshot');
        expect(recording.view?.metadata.dataMode).toBe('complete');
      },
      { behaviour: { snapshotAfterMs: 200 } },
    );
  });

  test('with a recorder that answers our re-INVITE with 491: it is asked again (RFC 3261 §14.1)', async () => {
    await expectRecordedCall(async ({ bench, call, recording }) => {
      bench.srs.setBehaviour({ glare: true });
      await call.outgoing.hold();
      bench.srs.setBehaviour({});
      await recording.until(
        () => !activity(recording).includes('bob sends'),
        15_000,
        'bob is held',
      );
      await call.outgoing.resume();
      await recording.until(() => activity(recording).length === 4, 15_000, 'both talk again');
      await talkFor(call, 60);
    });
  });

  test('early media is not recorded: the recording begins at the answer', async () => {
    const bench = await openGatewayBench();
    try {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      callee.onIncoming(incoming => {
        incoming.ring(183, { earlyMedia: true });
        incoming.after(700, () => incoming.answer());
      });
      const call = await caller.call(bench.uri('bob'));
      await call.waitFor('answered');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(
        () => recording.streams.every(({ packets }) => packets > 20),
        10_000,
        'media',
      );
      const { answeredAtMs } = call.times;
      for (const { firstPacketAtMs } of recording.streams) {
        expect(firstPacketAtMs).toBeGreaterThan(answeredAtMs! - 100);
      }
      expect(call.heard(call.times.startedAtMs).length).toBeGreaterThan(0);
      await call.hangUp();
      const [line] = await bench.waitForLedger(1);
      expect(line?.verdict).toBe('recorded');
    } finally {
      await bench.close();
    }
  });
});
