import { type PhoneCall } from '../../src/lab';
import {
  type GatewayBench,
  type GatewayBenchOptions,
  hangUp,
  talkFor,
  withBench,
} from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';

const RECORD_AWARE = { Supported: 'record-aware' };

describe('record-aware phones', () => {
  test('see the state of the recording in each answer and by re-INVITE, and the recorded one changes it by a=recordpref', async () => {
    const options = users({ alice: { mode: 'on-demand' } });
    await withBench(options, async bench => {
      const call = await placeAwareCall(bench);
      expect(recordState(call.outgoing)).toBe('off');

      expect(await prefer(call.outgoing, 'on')).toBe('on');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await call.incoming.until(() => recordState(call.incoming) === 'on', 10_000, 'bob sees on');

      expect(await prefer(call.outgoing, 'pause')).toBe('paused');
      await recording.until(() => pauses(bench) === 1, 10_000, 'the pause is told');
      await call.incoming.until(() => recordState(call.incoming) === 'paused');

      // Only the recorded party's preference counts.
      expect(await prefer(call.incoming, 'on')).toBe('paused');
      expect(await prefer(call.outgoing, 'on')).toBe('on');
      await call.incoming.until(() => recordState(call.incoming) === 'on');

      // A change that no offer has made reaches both by re-INVITE.
      const before = call.outgoing.requests.length;
      const info = await call.outgoing.sendInfo({ headers: { Record: 'off' } });
      expect(info.status).toBe(200);
      await call.outgoing.until(() => recordState(call.outgoing) === 'off');
      await call.incoming.until(() => recordState(call.incoming) === 'off');
      expect(call.outgoing.requests.length).toBe(before + 1);
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(
        line!.controls.map(({ action, by, via, outcome }) => `${action} ${by} ${via} ${outcome}`),
      ).toEqual([
        'start recorded-party recordpref done',
        'pause recorded-party recordpref done',
        'start other-party recordpref refused-wrong-party',
        'resume recorded-party recordpref done',
        'stop recorded-party info done',
      ]);
    });
  });

  test('only they are told: another phone gets no re-INVITE', async () => {
    await withBench(users({ alice: { mode: 'always-with-pause-resume' } }), async bench => {
      const call = await placeAwareCall(bench, {});
      expect(recordState(call.outgoing)).toBe('on');
      await bench.srs.waitForRecording(({ state }) => state === 'established');
      const info = await call.outgoing.sendInfo({ headers: { Record: 'pause' } });
      expect(info.status).toBe(200);
      await call.outgoing.until(() => recordState(call.outgoing) === 'paused');
      await talkFor(call, 40);
      expect(call.incoming.requests.filter(({ method }) => method !== 'ACK')).toEqual([]);
      await hangUp(call);
      await bench.waitForLedger(1);
    });
  });
});

describe('feature codes that are not relayed', () => {
  test('a code is heard by nobody else, other keys arrive as they were pressed', async () => {
    const options = users({ alice: { mode: 'always-with-pause-resume' } });
    const featureCodes = { relay: false };
    await withBench({ config: { ...options.config, featureCodes } }, async bench => {
      const call = await placeAwareCall(bench, {});
      await bench.srs.waitForRecording(({ state }) => state === 'established');
      await talkFor(call, 10);

      call.outgoing.sendDtmf('*48', 60);
      await waitUntil(() => pauses(bench) === 1, 'the code pauses');
      call.outgoing.sendDtmf('7*21', 60);
      await call.incoming.until(() => call.incoming.digits === '7*21', 10_000, 'other keys');
      // Keys of the other party are its own affair.
      call.incoming.sendDtmf('*48', 60);
      await call.outgoing.until(() => call.outgoing.digits === '*48', 10_000, 'keys of bob');

      for (const digit of '*49*4') {
        await key(call.outgoing, digit);
      }
      // What might have become a code goes on when it has waited long enough.
      await call.incoming.until(() => infoKeys(call.incoming) === '*4', 10_000, 'keys by INFO');
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      const controls = line!.controls.map(({ action, outcome }) => `${action} ${outcome}`);
      expect(controls.sort()).toEqual(['pause done', 'pause refused-wrong-party', 'resume done']);
    });
  });
});

function users(
  recording: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): GatewayBenchOptions & { readonly config: Readonly<Record<string, unknown>> } {
  return {
    config: {
      organisations: {
        test: {
          provider: 'lab',
          users: Object.fromEntries(
            Object.entries(recording).map(([name, settings]) => [
              name,
              {
                identities: [`sip:${name}@127.0.0.1`],
                recording: { reminderTone: { enabled: false }, ...settings },
              },
            ]),
          ),
        },
      },
    },
  };
}

/** alice, who is record-aware, calls bob, whose 200 has these headers. */
async function placeAwareCall(
  bench: GatewayBench,
  answerHeaders: Readonly<Record<string, string>> = RECORD_AWARE,
): Promise<{ outgoing: PhoneCall; incoming: PhoneCall }> {
  const caller = await bench.phone('caller', 'alice');
  const callee = await bench.phone('callee', 'bob');
  const answered = new Promise<PhoneCall>(resolve =>
    callee.onIncoming(incoming => {
      incoming.answer({ headers: answerHeaders });
      resolve(incoming.call);
    }),
  );
  const outgoing = await caller.call(bench.uri('bob'), { headers: RECORD_AWARE });
  await outgoing.waitFor('answered');
  const incoming = await answered;
  await incoming.waitFor('answered');
  return { outgoing, incoming };
}

/** What the newest SDP from the gateway says; null: nothing. */
function recordState(call: PhoneCall): string | null {
  const line = call.remoteSdp?.media[0]?.lines.find(each => each.startsWith('a=record:'));
  return line?.slice('a=record:'.length) ?? null;
}

/** A re-INVITE with a preference. @returns the state that the answer tells. */
async function prefer(call: PhoneCall, preference: string): Promise<string | null> {
  const response = await call.reinvite(`${call.offer()}a=recordpref:${preference}\r\n`);
  expect(response.status).toBe(200);
  return recordState(call);
}

async function key(call: PhoneCall, digit: string): Promise<void> {
  const body = `Signal=${digit}\r\nDuration=160\r\n`;
  const response = await call.sendInfo({ contentType: 'application/dtmf-relay', body });
  expect(response.status).toBe(200);
}

function infoKeys({ requests }: PhoneCall): string {
  return requests
    .filter(({ method }) => method === 'INFO')
    .map(({ body }) => /Signal=(.)/.exec(body.toString('utf8'))?.[1] ?? '?')
    .join('');
}

function pauses({ srs }: GatewayBench): number {
  const events = srs.recordings[0]?.view?.metadata.details?.events ?? [];
  return events.filter(({ kind }) => kind === 'pause').length;
}
