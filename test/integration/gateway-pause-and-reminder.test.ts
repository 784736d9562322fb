import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noticeTones } from '../../src/demo/proof/notice-proof';
import { readWav } from '../../src/lab';
import { type GatewayBench, hangUp, placeCall, talkFor, withBench } from '../support/gateway-bench';
import {
  loudestDbfs,
  noticesOf,
  organisationWithPrompts,
  PROMPTS_HZ,
  record,
  writePrompt,
} from '../support/notice-sounds';
import { waitUntil } from '../support/wait-until';

/** Default frequency of reminder tones. */
const TONE_HZ = 1400;
const HEARD_DBFS = -24;
const REMINDER_INTERVAL_MS = 10_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'prompts-'));
  for (const [kind, hz] of Object.entries(PROMPTS_HZ)) {
    writePrompt(join(folder, `${kind}.wav`), hz);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('notification: announcement', () => {
  test('pause and resume are spoken to both parties, told to the recorder, and nowhere in the recording', async () => {
    const organisations = organisationWithPrompts(folder, {
      mode: 'always-with-pause-resume',
      notification: 'announcement',
    });
    await withBench({ config: { organisations } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => recording.streams.every(({ packets }) => packets > 20));

      expect(await record(call.outgoing, 'pause')).toBe(200);
      await recording.until(() => noticesOf(recording).length === 1, 20_000, 'pause is told');
      expect(await record(call.outgoing, 'resume')).toBe(200);
      await recording.until(() => noticesOf(recording).length === 2, 20_000, 'resume is told');
      const packets = recording.streams.map(stream => stream.packets);
      await recording.until(() =>
        recording.streams.every((stream, i) => stream.packets > packets[i]! + 20),
      );
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      await recording.until(() => recording.state === 'ended');

      expect(noticesOf(recording)).toEqual(['pause', 'resume']);
      expect(line!.notices.map(({ kind, heardBy }) => [kind, heardBy])).toEqual(
        ['pause', 'resume'].map(kind => [
          kind,
          [
            { role: 'caller', outcome: 'played' },
            { role: 'callee', outcome: 'played' },
          ],
        ]),
      );
      for (const hz of [PROMPTS_HZ.pause, PROMPTS_HZ.resume]) {
        for (const side of [call.outgoing, call.incoming]) {
          expect(loudestDbfs(side.heard(), hz)).toBeGreaterThan(HEARD_DBFS);
        }
        for (const channel of readWav(recording.wavPath).channels) {
          expect(loudestDbfs(channel, hz)).toBeLessThan(-60);
        }
      }
      expect(recording.deviations).toEqual([]);
    });
  }, 90_000);
});

describe('the reminder tone', () => {
  test('sounds to both parties at its interval, and nowhere in the recording', async () => {
    const organisations = organisationWithPrompts(folder, {
      mode: 'always',
      reminderTone: { enabled: true, intervalS: REMINDER_INTERVAL_MS / 1000 },
    });
    await withBench({ config: { organisations } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      const sides = [call.outgoing, call.incoming];
      await waitUntil(
        () => sides.every(side => noticeTones(side.heard()).length >= 2),
        'two tones on both sides',
        60_000,
      );
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      await recording.until(() => recording.state === 'ended');

      for (const side of sides) {
        const [first, second] = noticeTones(side.heard());
        const apartMs = second![0] - first![0];
        expect(Math.abs(apartMs - REMINDER_INTERVAL_MS)).toBeLessThanOrEqual(200);
        expect(Math.abs(first![0] - REMINDER_INTERVAL_MS)).toBeLessThanOrEqual(1000);
      }
      expect(line!.notices.map(({ kind }) => kind)).toEqual(['reminder', 'reminder']);
      const liveDbfs = Math.min(...sides.map(side => loudestDbfs(side.heard(), TONE_HZ)));
      for (const channel of readWav(recording.wavPath).channels) {
        expect(loudestDbfs(channel, TONE_HZ)).toBeLessThan(liveDbfs - 40);
      }
    });
  }, 120_000);
});

describe('a custom prompt that is replaced by a reload', () => {
  const settings = { mode: 'always', startStopAnnouncement: { internalCallsEnabled: true } };
  const NEW_HZ = 2400;

  test.each([
    ['under the same name', 'start.wav'],
    ['by another file', 'other.wav'],
  ])(
    '%s is what the next call hears',
    async (_how, name) => {
      writePrompt(join(folder, 'start.wav'), PROMPTS_HZ.start);
      const organisations = organisationWithPrompts(folder, settings);
      const options = { fromFile: true, config: { organisations, admin: { port: 0 } } };
      await withBench(options, async bench => {
        expect(await startHeard(bench, 1)).toEqual({ old: true, new: false });
        writePrompt(join(folder, name), NEW_HZ);
        const { customAudio } = (organisations['test'] ?? {}) as Record<string, object>;
        bench.rewriteConfig({
          organisations: organisationWithPrompts(folder, settings, {
            customAudio: { ...customAudio, start: join(folder, name) },
          }),
        });
        expect(await reload(bench)).toBe(204);
        expect(await startHeard(bench, 2)).toEqual({ old: false, new: true });
      });
    },
    90_000,
  );

  /** A call in which the start is announced, and what of it was heard. */
  async function startHeard(bench: GatewayBench, calls: number): Promise<Record<string, boolean>> {
    const caller = await bench.phone('caller', 'alice');
    const callee = await bench.phone('callee', 'bob');
    const call = await placeCall(bench, caller, callee);
    const recording = await bench.srs.waitForRecording(
      recorded => recorded.number === calls && noticesOf(recorded).includes('start'),
    );
    expect(recording.number).toBe(calls);
    await talkFor(call, 50);
    await hangUp(call);
    await bench.waitForLedger(calls);
    const heard = call.outgoing.heard();
    return {
      old: loudestDbfs(heard, PROMPTS_HZ.start) > HEARD_DBFS,
      new: loudestDbfs(heard, NEW_HZ) > HEARD_DBFS,
    };
  }
});

async function reload({ gateway }: GatewayBench): Promise<number> {
  const { host, port } = gateway.admin!;
  return (await fetch(`http://${host}:${port}/v1/reload`, { method: 'POST' })).status;
}
