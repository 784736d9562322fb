import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type PhoneCall, readWav, toneLevelDbfs } from '../../src/lab';
import { hangUp, placeCall, talkFor, withBench } from '../support/gateway-bench';
import {
  loudestDbfs,
  noticesOf,
  organisationWithPrompts,
  PROMPT_MS,
  PROMPTS_HZ,
  record,
  windowsOf,
  writePrompt,
} from '../support/notice-sounds';

/** What the phones of the bench say. */
const CALLER_HZ = 440;
const CALLEE_HZ = 620;

describe('announcements', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'prompts-'));
    for (const [kind, hz] of Object.entries(PROMPTS_HZ)) {
      writePrompt(join(folder, `${kind}.wav`), hz);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const organisation = (
    recording: Readonly<Record<string, unknown>>,
    more: Readonly<Record<string, unknown>> = {},
  ): Record<string, unknown> => organisationWithPrompts(folder, recording, more);

  test('start and stop are heard by both parties over their speech, are told, and are nowhere in the recording', async () => {
    const settings = {
      mode: 'on-demand',
      startStopAnnouncement: { internalCallsEnabled: true, pstnCallsEnabled: false },
    };
    await withBench({ config: { organisations: organisation(settings) } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 10);

      expect(await record(call.outgoing, 'on')).toBe(200);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => noticesOf(recording).includes('start'), 20_000, 'start is told');

      const packets = (): number => recording.streams.reduce((sum, each) => sum + each.packets, 0);
      expect(await record(call.outgoing, 'off')).toBe(200);
      await recording.until(() => recording.state === 'ended', 20_000, 'the BYE');
      const endedAtMs = Date.now();
      expect(noticesOf(recording)).toEqual(['start', 'stop']);
      // The session has waited for the announcement to end, and to be told.
      const stop = recording.view!.metadata.details!.notices[1]!;
      expect(stop.endedAtMs - stop.startedAtMs).toBeGreaterThanOrEqual(PROMPT_MS - 50);
      expect(endedAtMs).toBeGreaterThanOrEqual(stop.endedAtMs);
      expect(packets()).toBeGreaterThan(20);
      const events = recording.view?.metadata.details?.events ?? [];
      expect(events.map(({ kind, by }) => `${kind} ${by}`)).toEqual(['start user', 'stop user']);
      expect(
        recording.view?.metadata.details?.notices.map(each => each.toParticipantIds.length),
      ).toEqual([2, 2]);

      await talkFor(call, 100);
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({ verdict: 'recorded' });
      expect(line!.notices.map(({ kind }) => kind)).toEqual(['start', 'stop']);
      expect(recording.deviations).toEqual([]);

      for (const [side, speech] of [
        [call.outgoing, CALLEE_HZ],
        [call.incoming, CALLER_HZ],
      ] as const) {
        for (const prompt of [PROMPTS_HZ.start, PROMPTS_HZ.stop]) {
          // Speech is lowered by 12 dB under a prompt, and goes on. Not in each window: a busy machine lets the phones,
          // which live in this very process, fall silent now and then.
          const windows = windowsOf(side.heard()).filter(
            window => toneLevelDbfs(window, prompt) > -24,
          );
          expect(windows.length).toBeGreaterThan(0);
          const levels = windows.map(window => toneLevelDbfs(window, speech));
          expect(Math.max(...levels)).toBeGreaterThan(-30);
        }
      }
      for (const channel of readWav(recording.wavPath).channels) {
        for (const prompt of [PROMPTS_HZ.start, PROMPTS_HZ.stop]) {
          expect(loudestDbfs(channel, prompt)).toBeLessThan(-60);
        }
      }
    });
  });

  test('a packaged prompt is heard by a party whom nobody talks to', async () => {
    const settings = {
      mode: 'always',
      startStopAnnouncement: { internalCallsEnabled: true, pstnCallsEnabled: false },
    };
    const organisations = organisation(settings, { customAudio: {}, language: 'pt-BR' });
    await withBench({ config: { organisations } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const ringing = new Promise<PhoneCall>(resolve =>
        callee.onIncoming(incoming => {
          incoming.call.setMuted(true);
          incoming.answer();
          resolve(incoming.call);
        }),
      );
      const outgoing = await caller.call(bench.uri('bob'));
      await outgoing.waitFor('answered');
      const incoming = await ringing;
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => noticesOf(recording).includes('start'), 30_000, 'start is told');
      const { startedAtMs, endedAtMs, language } = recording.view!.metadata.details!.notices[0]!;
      expect(language).toBe('pt-BR');
      const heard = outgoing.heard(startedAtMs);
      expect(heard.length).toBeGreaterThan(8000);
      expect(rmsDbfs(heard.subarray(0, (endedAtMs - startedAtMs) * 8))).toBeGreaterThan(-35);
      // Nothing of it is in what the silent callee is recorded to have said.
      await outgoing.hangUp();
      await incoming.waitFor('ended');
      await bench.waitForLedger(1);
      await recording.until(() => recording.state === 'ended');
      expect(rmsDbfs(readWav(recording.wavPath).channels[1]!)).toBeLessThan(-60);
    });
  });

  test('from the public network: compliance before connect in the one codec that is then offered, and start only to the other', async () => {
    const settings = {
      mode: 'always',
      startStopAnnouncement: { internalCallsEnabled: true, pstnCallsEnabled: true },
    };
    const organisations = organisation(settings, {
      complianceAnnouncement: { inboundPSTNCallsEnabled: true },
    });
    const trunks = { world: { sources: ['127.0.0.0/8'], kind: 'pstn', trusted: true } };
    await withBench({ config: { organisations: renamed(organisations), trunks } }, async bench => {
      const caller = await bench.phone('caller', 'zoe');
      const callee = await bench.phone('callee', 'bob');
      let heardBeforeRinging = -120;
      const placed = new Promise<{ incoming: PhoneCall; offer: string }>(resolve =>
        callee.onIncoming(incoming => {
          heardBeforeRinging = loudestDbfs(
            outgoing.heard(outgoing.times.startedAtMs),
            PROMPTS_HZ.compliance,
          );
          resolve({ incoming: incoming.call, offer: incoming.request.body.toString('utf8') });
          incoming.answer();
        }),
      );
      const outgoing = await caller.call(bench.uri('bob'));
      await outgoing.waitFor('answered', 30_000);
      expect(outgoing.provisionals).toContain(183);
      const { incoming, offer } = await placed;
      expect(heardBeforeRinging).toBeGreaterThan(-24);
      expect(offer).toMatch(/^m=audio \d+ RTP\/AVP 0 101\r?$/m);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => noticesOf(recording).length >= 2, 20_000, 'both are told');
      const call = { outgoing, incoming };
      await talkFor(call, 50);
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line!.notices.map(({ kind, heardBy }) => [kind, heardBy])).toEqual([
        ['compliance', [{ role: 'caller', outcome: 'played' }]],
        ['start', [{ role: 'callee', outcome: 'played' }]],
      ]);
      expect(loudestDbfs(outgoing.heard(), PROMPTS_HZ.start)).toBeLessThan(-50);
      expect(loudestDbfs(incoming.heard(), PROMPTS_HZ.start)).toBeGreaterThan(-24);
      await recording.until(() => recording.state === 'ended');
      expect(recording.deviations).toEqual([]);
    });
  });

  test('to the public network: both parties hear compliance after the answer', async () => {
    const settings = {
      mode: 'always',
      startStopAnnouncement: { internalCallsEnabled: true, pstnCallsEnabled: true },
    };
    const organisations = organisation(settings, {
      complianceAnnouncement: {
        outboundPSTNCallsEnabled: true,
        outboundPSTNCallsDelayEnabled: true,
        delayInSeconds: 1,
      },
    });
    const route = { kind: 'pstn' };
    await withBench({ config: { organisations }, route }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => noticesOf(recording).length > 0, 20_000, 'it is told');
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line!.notices.map(({ kind }) => kind)).toEqual(['compliance']);
      for (const side of [call.outgoing, call.incoming]) {
        expect(loudestDbfs(side.heard(), PROMPTS_HZ.compliance)).toBeGreaterThan(-24);
      }
      const wait = Date.parse(line!.notices[0]!.startedAt!) - call.outgoing.times.answeredAtMs!;
      expect(wait).toBeGreaterThan(900);
    });
  });
});

/** The same organisation with bob for alice. */
function renamed(organisations: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(organisations).replaceAll('alice', 'bob')) as Record<
    string,
    unknown
  >;
}

function rmsDbfs(samples: Int16Array): number {
  const power = samples.reduce((sum, each) => sum + each ** 2, 0) / Math.max(1, samples.length);
  return 10 * Math.log10(Math.max(power, 1e-6)) - 20 * Math.log10(32_768);
}
