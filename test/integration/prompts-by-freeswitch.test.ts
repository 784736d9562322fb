import { parseConfig } from '#config';
import { type Logger, noopLogger, systemClock } from '#core';
import { type PromptClip, readPackagedPrompts } from '#media';

import { readWav, toneLevelDbfs } from '../../src/lab';
import { FreeswitchPrompts } from '../../src/prompts/freeswitch/freeswitch-prompts';
import { hangUp, placeCall, talkFor, withBench } from '../support/gateway-bench';
import { loudestDbfs, noticesOf, record } from '../support/notice-sounds';
import { type FreeswitchScript, ScriptedFreeswitch } from '../support/scripted-freeswitch';
import { waitUntil } from '../support/wait-until';

jest.setTimeout(60_000);

const ALL_KINDS = ['start', 'stop', 'pause', 'resume', 'compliance', 'failure'];

interface Scene {
  readonly freeswitch: ScriptedFreeswitch;
  readonly prompts: FreeswitchPrompts;
  readonly defined: Map<string, PromptClip>;
  readonly outcomes: string[];
  readonly warnings: Record<string, unknown>[];
  readonly follow: (
    prompts: Record<string, unknown>,
    isAgain?: boolean,
    more?: Record<string, unknown>,
  ) => void;
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) {
    await each.close();
  }
});

async function scene(script: Partial<FreeswitchScript> = {}): Promise<Scene> {
  const freeswitch = await ScriptedFreeswitch.start(script);
  const packaged = readPackagedPrompts();
  const defined = new Map(packaged.map(({ promptId, clip }) => [promptId, clip]));
  const outcomes: string[] = [];
  const warnings: Record<string, unknown>[] = [];
  const logger: Logger = {
    ...noopLogger,
    child: () => logger,
    // The job's SIP engine may say that its application has gone: that is how every job ends.
    warn: (message, fields) => {
      if (message !== 'application connection failed') {
        warnings.push({ ...fields });
      }
    },
  };
  const prompts = new FreeswitchPrompts({
    media: { definePrompt: (id, clip) => defined.set(id, clip) },
    packaged,
    metrics: { promptRendered: outcome => outcomes.push(outcome) },
    clock: systemClock,
    logger,
  });
  open.push(prompts, freeswitch);
  return {
    freeswitch,
    prompts,
    defined,
    outcomes,
    warnings,
    follow(languages, isAgain = false, more = {}) {
      const config = {
        prompts: {
          source: 'freeswitch',
          freeswitch: {
            host: '127.0.0.1',
            port: freeswitch.port,
            secret: 'a secret',
            prompts: languages,
            promptTimeoutS: 5,
            ...more,
          },
        },
      };
      prompts.follow(parseConfig(JSON.stringify(config), 'test').prompts, isAgain);
    },
  };
}

/** How much louder the tone is than what else is there, dB. */
function clarityDb({ samples, sampleRateHz }: PromptClip, hz: number): number {
  return toneLevelDbfs(samples, hz, sampleRateHz) - toneLevelDbfs(samples, hz * 1.37, sampleRateHz);
}

function durationMs({ samples, sampleRateHz }: PromptClip): number {
  return (samples.length * 1000) / sampleRateHz;
}

describe('prompts by FreeSWITCH', () => {
  test('files are played and texts are spoken; what is heard becomes the prompt, without the silence around it', async () => {
    const { freeswitch, defined, outcomes, warnings, follow } = await scene({
      sounds: {
        '/var/prompts/start.wav': 700,
        'flite|slt|We have stopped recording.': 950,
      },
    });
    follow({
      en: {
        voice: 'flite:slt',
        start: '/var/prompts/start.wav',
        stop: 'say: We have stopped recording.',
      },
    });
    await waitUntil(() => outcomes.length === 2, 'both are rendered', 20_000);
    expect({ outcomes, warnings }).toEqual({ outcomes: ['rendered', 'rendered'], warnings: [] });
    for (const [promptId, hz] of [
      ['en/start', 700],
      ['en/stop', 950],
    ] as const) {
      const clip = defined.get(promptId)!;
      expect(clip.sampleRateHz).toBe(16_000);
      expect(clarityDb(clip, hz)).toBeGreaterThan(20);
      expect(durationMs(clip)).toBeGreaterThan(800);
      expect(durationMs(clip)).toBeLessThan(1100);
    }
    expect(freeswitch.executed).toEqual([
      'playback /var/prompts/start.wav',
      'speak flite|slt|We have stopped recording.',
    ]);
    await waitUntil(() => freeswitch.byes === 2, 'each call was hung up', 5000);
  });

  test.each(['PCMU', 'PCMA'] as const)('is understood in %s, too', async codec => {
    const { defined, outcomes, follow } = await scene({ codec, sounds: { 'a.wav': 700 } });
    follow({ en: { start: 'a.wav' } });
    await waitUntil(() => outcomes.length === 1, 'it is rendered', 20_000);
    expect(outcomes).toEqual(['rendered']);
    expect(defined.get('en/start')!.sampleRateHz).toBe(8000);
    expect(clarityDb(defined.get('en/start')!, 700)).toBeGreaterThan(20);
  });

  test('a reload renders again; what is not ordered any more is the packaged one again', async () => {
    const { freeswitch, defined, outcomes, prompts, follow } = await scene({
      sounds: { 'a.wav': 700 },
    });
    const packaged = defined.get('en/start');
    follow({ en: { start: 'a.wav' } });
    await waitUntil(() => outcomes.length === 1, 'it is rendered', 20_000);
    follow({ en: { start: 'a.wav' } });
    expect(freeswitch.invites).toBe(1);
    follow({ en: { start: 'a.wav' } }, true);
    await waitUntil(() => outcomes.length === 2, 'it is rendered again', 20_000);
    expect(freeswitch.invites).toBe(2);
    expect(defined.get('en/start')).not.toBe(packaged);
    prompts.follow({ source: 'packaged' }, false);
    expect(defined.get('en/start')).toBe(packaged);
  });

  test('a language without packaged prompts is heard in English until it is rendered', async () => {
    const { defined, outcomes, follow } = await scene({ sounds: { 'a.wav': 700 } });
    follow({ de: Object.fromEntries(ALL_KINDS.map(kind => [kind, 'a.wav'])) });
    for (const kind of [...ALL_KINDS, 'failure-proceed', 'failure-end']) {
      expect(defined.get(`de/${kind}`)).toBe(defined.get(`en/${kind}`));
    }
    await waitUntil(() => outcomes.length === 8, 'all are rendered', 40_000);
    expect(defined.get('de/failure-end')).not.toBe(defined.get('en/failure-end'));
  });

  test.each([
    ['refuses the secret', {}, { secret: 'wrong' }, /refuses the secret/],
    ['refuses our address', { eventSocket: 'rude' }, {}, /access list/],
    ['says nothing', { eventSocket: 'mute' }, {}, /no answer/],
    ['speaks garbage', { eventSocket: 'garbage' }, {}, /drachtio-fsmrf/],
    ['floods its event socket', { eventSocket: 'flood' }, {}, /without end/],
    ['lacks the profile', { eventSocket: 'no-profile' }, {}, /drachtio_mrf sip profile/],
    ['answers INVITE with 486', { inviteStatus: 486 }, {}, /486/],
    ['hangs up in the middle', { playing: 'hangs-up' }, {}, /hung up/],
    [
      'never says that it is over',
      { playing: 'never-ends' },
      { promptTimeoutS: 3 },
      /over after 3 s/,
    ],
    [
      'speaks without end',
      { playing: 'endless-audio' },
      { promptTimeoutS: 30 },
      /longer than a minute/,
    ],
    ['is silent', { playing: 'silent' }, {}, /silent/],
    ['has no such file', { sounds: {} }, {}, /Not Found/],
  ] as const)(
    'when FreeSWITCH %s the packaged prompt serves, and the log says why',
    async (_, script, more, why) => {
      const { defined, outcomes, warnings, freeswitch, follow } = await scene({
        sounds: { 'a.wav': 700 },
        ...script,
      });
      const packaged = defined.get('en/start');
      follow({ en: { start: 'a.wav' } }, false, more);
      await waitUntil(() => outcomes.length === 1, 'it is given up', 30_000);
      expect(outcomes).toEqual(['failed']);
      expect(defined.get('en/start')).toBe(packaged);
      expect(warnings).toEqual([
        {
          freeswitch: `127.0.0.1:${freeswitch.port}`,
          prompts: { 'en/start': expect.stringMatching(why) as string },
          againInS: 10,
        },
      ]);
    },
  );

  test('closing in the middle of a prompt gives the job up at once and leaves nothing open', async () => {
    const { prompts, freeswitch, outcomes, warnings, follow } = await scene({
      sounds: { 'a.wav': 700 },
      playing: 'never-ends',
    });
    follow({ en: { start: 'a.wav' } }, false, { promptTimeoutS: 120 });
    await waitUntil(() => freeswitch.executed.length === 1, 'it is being played', 20_000);
    await prompts.close();
    await waitUntil(() => freeswitch.byes === 1, 'the call was hung up', 5000);
    expect({ outcomes, warnings }).toEqual({ outcomes: [], warnings: [] });
  });

  test('when nobody listens the packaged prompt serves', async () => {
    const { defined, outcomes, warnings, follow } = await scene();
    const packaged = defined.get('en/start');
    follow({ en: { start: 'a.wav' } }, false, { port: 9 });
    await waitUntil(() => outcomes.length === 1, 'it is given up', 20_000);
    expect(defined.get('en/start')).toBe(packaged);
    expect(JSON.stringify(warnings)).toMatch(/ECONNREFUSED/);
    expect(JSON.stringify(warnings)).not.toContain('a secret');
  });

  test('both parties of a call hear what FreeSWITCH said, and the recording does not have it', async () => {
    const freeswitch = await ScriptedFreeswitch.start({
      sounds: { 'flite|slt|Recording.': 1000, '/stop.wav': 1200 },
    });
    open.push(freeswitch);
    const config = {
      prompts: {
        source: 'freeswitch',
        freeswitch: {
          host: '127.0.0.1',
          port: freeswitch.port,
          secret: 'a secret',
          prompts: { en: { voice: 'flite:slt', start: 'say:Recording.', stop: '/stop.wav' } },
        },
      },
      organisations: {
        test: {
          provider: 'lab',
          users: {
            alice: {
              identities: ['sip:alice@127.0.0.1'],
              recording: {
                mode: 'on-demand',
                reminderTone: { enabled: false },
                startStopAnnouncement: { internalCallsEnabled: true },
              },
            },
          },
        },
      },
    };
    await withBench({ config }, async bench => {
      const rendered = 'siprec_gateway_prompts_rendered_total{outcome="rendered"} 2';
      await waitUntil(
        async () => (await bench.metrics()).includes(rendered),
        'both are rendered',
        20_000,
      );
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 10);
      expect(await record(call.outgoing, 'on')).toBe(200);
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => noticesOf(recording).includes('start'), 20_000, 'start is told');
      expect(await record(call.outgoing, 'off')).toBe(200);
      await recording.until(() => recording.state === 'ended', 20_000, 'the BYE');
      await talkFor(call, 100);
      await hangUp(call);
      await bench.waitForLedger(1);
      for (const side of [call.outgoing, call.incoming]) {
        for (const hz of [1000, 1200]) {
          expect(loudestDbfs(side.heard(), hz)).toBeGreaterThan(-24);
        }
      }
      for (const channel of readWav(recording.wavPath).channels) {
        for (const hz of [1000, 1200]) {
          expect(loudestDbfs(channel, hz)).toBeLessThan(-60);
        }
      }
    });
  });
});
