import { detectTone, partiesOfLabel, type PhoneCall, readWav, scanTones } from '../../src/lab';
import {
  type GatewayBenchOptions,
  hangUp,
  placeCall,
  talkFor,
  withBench,
} from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';
import { Recording } from '../../src/session/recording/recording';

/** Users with these recording settings. */
function users(
  recording: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): GatewayBenchOptions {
  return {
    config: {
      organisations: {
        test: {
          provider: 'lab',
          users: Object.fromEntries(
            Object.entries(recording).map(([name, settings]) => [
              name,
              { identities: [`sip:${name}@127.0.0.1`], recording: settings },
            ]),
          ),
        },
      },
    },
  };
}

async function record(call: PhoneCall, value: string): Promise<string> {
  const response = await call.sendInfo({ headers: { Record: value } });
  return `${response.status} ${response.headers.get('Reason') ?? ''}`.trim();
}

async function key(call: PhoneCall, digit: string): Promise<number> {
  const response = await call.sendInfo({
    contentType: 'application/dtmf-relay',
    body: `Signal=${digit}\r\nDuration=160\r\n`,
  });
  return response.status;
}

const QUIET = { reminderTone: { enabled: false } };

describe('recording controls', () => {
  afterEach(() => jest.restoreAllMocks());

  test('the recorded party pauses and resumes by INFO, hears a beep each time, and nobody else may', async () => {
    const settings = { mode: 'always-with-pause-resume', notification: 'beep', ...QUIET };
    await withBench(users({ alice: settings }), async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await talkFor(call, 20);

      expect(await record(call.incoming, 'pause')).toMatch(/^403 .*Only the recorded party/);
      expect(await record(call.outgoing, 'off')).toMatch(
        /^403 .*Not allowed by the recording mode/,
      );

      const pausedAtMs = Date.now();
      expect(await record(call.outgoing, 'pause')).toBe('200');
      // What was captured before the pause is still under way.
      const packets = (): number =>
        recording.streams.reduce((sum, stream) => sum + stream.packets, 0);
      let last = -1;
      await waitUntil(() => {
        const now = packets();
        const isStill = now === last;
        last = now;
        return isStill;
      }, 'no more packets at the recorder');
      await talkFor(call, 60);
      expect(packets()).toBe(last);
      for (const side of [call.outgoing, call.incoming]) {
        expect(detectBeep(side.heard(pausedAtMs))).toBe(true);
      }

      expect(await record(call.outgoing, 'resume')).toBe('200');
      await recording.until(() => packets() > last + 20, 20_000, 'packets after the resume');
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({ verdict: 'recorded' });
      expect(line!.intervals.map(({ state }) => state)).toEqual([
        'recording',
        'paused',
        'recording',
      ]);
      expect(line!.notices.map(({ kind }) => kind)).toEqual(['beep', 'beep']);
      expect(
        line!.controls.map(({ action, by, via, outcome }) => [action, by, via, outcome]),
      ).toEqual([
        ['pause', 'other-party', 'info', 'refused-wrong-party'],
        ['stop', 'recorded-party', 'info', 'refused-not-allowed-by-mode'],
        ['pause', 'recorded-party', 'info', 'done'],
        ['resume', 'recorded-party', 'info', 'done'],
      ]);
      await recording.until(() => recording.state === 'ended');
      expect(recording.deviations).toEqual([]);
      expect(await bench.metrics()).toContain(
        'siprec_gateway_controls_total{action="pause",via="info",outcome="refused-wrong-party"} 1',
      );
    });
  });

  test('a provider that wants silence in pauses gets a recording as long as the call, and nothing live in it', async () => {
    const settings = { mode: 'always-with-pause-resume', ...QUIET };
    const options = { ...users({ alice: settings }), providerMedia: { pause: 'silence' } };
    await withBench(options, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await talkFor(call, 50);
      expect(await record(call.outgoing, 'pause')).toBe('200');
      await talkFor(call, 150);
      expect(await record(call.outgoing, 'resume')).toBe('200');
      await talkFor(call, 200);
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      await recording.until(() => recording.state === 'ended');

      expect(line).toMatchObject({ verdict: 'recorded', gaps: [] });
      expect(line!.remarks.join()).toContain('pauses were filled with silence');
      const [talked, paused] = line!.intervals.map(
        ({ startAt, endAt }) => Date.parse(endAt!) - Date.parse(startAt),
      );
      const callMs = Date.parse(line!.endedAt) - Date.parse(line!.startedAt);
      const { channels } = readWav(recording.wavPath);
      for (const [i, hz] of [440, 620].entries()) {
        const samples = channels[i]!;
        expect(Math.abs(samples.length / 8 - callMs)).toBeLessThan(250);
        const silentPackets = line!.streams[i]!.packetsOfSilence!;
        expect(Math.abs(silentPackets * 20 - paused!)).toBeLessThan(150);
        const heard = (fromMs: number, toMs: number): readonly number[] =>
          scanTones(samples.subarray(fromMs * 8, toMs * 8), [440, 620], { windowMs: 40 }).flatMap(
            reading => (reading.hz === null ? [] : [reading.hz]),
          );
        expect(new Set(heard(200, talked! - 200))).toEqual(new Set([hz]));
        expect(heard(talked! + 200, talked! + paused! - 200)).toEqual([]);
        expect(heard(talked! + paused! + 200, callMs - 200).length).toBeGreaterThan(10);
        const inPause = samples.subarray((talked! + 200) * 8, (talked! + paused! - 200) * 8);
        expect(inPause.every(sample => sample === 0)).toBe(true);
      }
      // The pause is in the metadata and not in SDP.
      expect(recording.streams.map(({ lost }) => lost)).toEqual([0, 0]);
      expect(recording.deviations).toEqual([]);
    });
  });

  test('a recording on demand begins when it is asked for, even if the gateway is busy then', async () => {
    const busyMs = 400;
    const open = Object.getOwnPropertyDescriptor(Recording.prototype, 'open')
      ?.value as Recording['open'];
    jest.spyOn(Recording.prototype, 'open').mockImplementation(function (this: Recording) {
      const opening = open.call(this);
      // The thread of signalling has no turn for a while, as on a busy machine; and the phones, which share it here,
      // make up for it at once afterwards.
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, busyMs));
      return opening;
    });
    await withBench(users({ alice: { mode: 'on-demand', ...QUIET } }), async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 20);
      const askedAtMs = Date.now();
      expect(await record(call.outgoing, 'on')).toBe('200');
      expect(Date.now() - askedAtMs).toBeGreaterThanOrEqual(busyMs);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await talkFor(call, 60);
      const endedAtMs = Date.now();
      await hangUp(call);
      await recording.until(() => recording.state === 'ended');
      const { channels } = readWav(recording.wavPath);
      for (const samples of channels) {
        const recordedMs = samples.length / 8;
        expect(recordedMs).toBeGreaterThan(endedAtMs - askedAtMs - busyMs / 2);
      }
    });
  });

  test('a pause that comes while a recording on demand is being opened lets nothing through after it', async () => {
    await withBench(users({ alice: { mode: 'on-demand', ...QUIET } }), async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 20);
      const answers = await Promise.all(
        ['on', 'pause'].map(action => record(call.outgoing, action)),
      );
      expect(answers).toEqual(['200', '200']);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      const packets = (): number =>
        recording.streams.reduce((sum, stream) => sum + stream.packets, 0);
      await talkFor(call, 60);
      const paused = packets();
      // What was said between the two.
      expect(paused).toBeLessThan(20);
      await talkFor(call, 40);
      expect(packets()).toBe(paused);
      expect(await record(call.outgoing, 'resume')).toBe('200');
      await recording.until(() => packets() > paused + 20, 20_000, 'packets after the resume');
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({ verdict: 'recorded' });
    });
  });

  test('an on-demand user starts, stops and starts again by feature codes: two recordings of one session', async () => {
    await withBench(users({ alice: { mode: 'on-demand', ...QUIET } }), async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 20);
      expect(bench.srs.recordings).toHaveLength(0);

      call.outgoing.sendDtmf('*44', 60);
      const first = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await first.until(() => first.streams.every(({ packets }) => packets > 20));
      for (const digit of '*45') {
        await key(call.outgoing, digit);
      }
      await first.until(() => first.state === 'ended');
      await bench.waitForLedger(1);
      await talkFor(call, 40);

      for (const digit of '*44') {
        await key(call.outgoing, digit);
      }
      const second = await bench.srs.waitForRecording(({ number }) => number === first.number + 1);
      await second.until(() => second.streams.every(({ packets }) => packets > 20));
      await hangUp(call);
      const lines = await bench.waitForLedger(2);
      expect(lines.map(({ verdict }) => verdict)).toEqual(['recorded', 'recorded']);
      expect(lines[0]!.callId).toBe(lines[1]!.callId);
      expect(lines.map(({ endedBy }) => endedBy)).toEqual([
        'gateway: stopped by recorded-party',
        'caller: bye',
      ]);
      await second.until(() => second.state === 'ended');
      const ids = [first, second].map(({ view }) => ({
        sessions: view!.metadata.sessions.map(({ sessionId }) => sessionId),
        parties: view!.metadata.participants.map(({ participantId }) => participantId),
        streams: view!.metadata.streams.map(({ streamId }) => streamId),
      }));
      expect(ids[1]!.sessions).toEqual(ids[0]!.sessions);
      expect([...ids[1]!.parties].sort()).toEqual([...ids[0]!.parties].sort());
      expect(ids[1]!.streams.filter(id => ids[0]!.streams.includes(id))).toEqual([]);
      expect([...first.deviations, ...second.deviations]).toEqual([]);
    });
  });

  test('with both parties recorded each controls its own recording', async () => {
    const settings = { mode: 'always-with-pause-resume', ...QUIET };
    await withBench(users({ alice: settings, bob: settings }), async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await waitUntil(
        () =>
          bench.srs.recordings.length === 2 &&
          bench.srs.recordings.every(({ state }) => state === 'established'),
        'two recordings',
      );
      const of = (name: string): (typeof bench.srs.recordings)[number] =>
        bench.srs.recordings.find(
          ({ view }) => partiesOfLabel(view, '1')[0]?.aor === `sip:${name}@127.0.0.1`,
        )!;
      await talkFor(call, 20);
      const documents = of('alice').documents;
      expect(await record(call.incoming, 'pause')).toBe('200');
      await talkFor(call, 40);
      expect(of('alice').documents).toBe(documents);
      await hangUp(call);
      const lines = await bench.waitForLedger(2);
      expect(
        lines
          .map(
            ({ recordedParty, intervals }) =>
              `${recordedParty.role} ${intervals.map(({ state }) => state).join()}`,
          )
          .sort(),
      ).toEqual(['callee recording,paused', 'caller recording']);
      // The same session and the same people, each with its streams and labels of its own (RFC 7865 §6).
      const [ofAlice, ofBob] = [of('alice').view!.metadata, of('bob').view!.metadata];
      expect(ofAlice.sessions.map(each => each.sessionId)).toEqual(
        ofBob.sessions.map(each => each.sessionId),
      );
      expect(ofAlice.participants.map(each => each.participantId).sort()).toEqual(
        ofBob.participants.map(each => each.participantId).sort(),
      );
      const streams = [...ofAlice.streams, ...ofBob.streams];
      expect(new Set(streams.map(({ streamId }) => streamId)).size).toBe(4);
      expect(streams.map(({ label }) => label)).toEqual(['1', '2', '1', '2']);
      expect(partiesOfLabel(of('bob').view, '2')).toMatchObject([{ aor: 'sip:alice@127.0.0.1' }]);
    });
  });
});

/** Somewhere in it the beep (1400 Hz) stands out. */
function detectBeep(samples: Int16Array): boolean {
  const window = 800;
  for (let at = 0; at + window <= samples.length; at += 400) {
    const { present } = detectTone(samples.subarray(at, at + window), [1400], {
      thresholdDbfs: -32,
    });
    if (present.includes(1400)) {
      return true;
    }
  }
  return false;
}
