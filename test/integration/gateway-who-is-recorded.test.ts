import { HeaderList } from '#sip/engine';

import { type PhoneCall, type Softphone } from '../../src/lab';
import {
  type AnsweredCall,
  type GatewayBench,
  type GatewayBenchOptions,
  hangUp,
  placeCall,
  talkFor,
  withBench,
} from '../support/gateway-bench';

const HOST = '127.0.0.1';

describe('on-demand-keep', () => {
  test('is streamed from the answer; start keeps it, and without start the recorder is told to discard', async () => {
    const options = organisation({ alice: { mode: 'on-demand-keep' } });
    await withBench(options, async bench => {
      const phones = await phonesOf(bench);
      const kept = await placeCall(bench, ...phones);
      const first = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await first.until(() => first.streams.every(({ packets }) => packets > 10));
      expect(properties(first)?.retention).toBe('undecided');
      expect((await kept.outgoing.sendInfo({ headers: { Record: 'on' } })).status).toBe(200);
      await first.until(() => properties(first)?.retention === 'kept', 10_000, 'kept is told');
      await hangUp(kept);
      await bench.waitForLedger(1);

      const discarded = await placeCall(bench, ...phones);
      const second = await bench.srs.waitForRecording(
        ({ number, state }) => number > first.number && state === 'established',
      );
      await second.until(() => second.streams.every(({ packets }) => packets > 10));
      await hangUp(discarded);
      const lines = await bench.waitForLedger(2);
      await second.until(() => second.state === 'ended');
      expect(properties(second)?.retention).toBe('discarded');
      expect(lines.map(({ verdict, kept: isKept }) => [verdict, isKept])).toEqual([
        ['recorded', true],
        ['recorded', false],
      ]);
      expect([...first.deviations, ...second.deviations]).toEqual([]);
    });
  });
});

describe('a provider whose terms nobody has accepted', () => {
  test.each([
    ['through the gateway', 'always', 1],
    ['around it', 'when-recordable', 0],
  ])(
    'records nothing of a call that passes %s: a ledger record and a metric say so, also of an on-demand user who tries to start',
    async (_way, anchor, openCalls) => {
      const base = organisation({ alice: { mode: 'always' }, bob: { mode: 'on-demand' } });
      const { test: own } = base.config.organisations;
      const organisations = {
        test: { ...own, termsOfService: { lab: { notAccepted: 'acknowledged' } } },
      };
      const config = { organisations, media: { anchor }, admin: { port: 0 } };
      await withBench({ config }, async bench => {
        const call = await placeCall(bench, ...(await phonesOf(bench)));
        await talkFor(call, 10);
        expect((await bench.gateway.counters()).media.openCalls).toBe(openCalls);
        const { status, headers } = await call.incoming.sendInfo({ headers: { Record: 'on' } });
        expect([status, headers.get('reason')]).toEqual([
          403,
          expect.stringContaining('terms of the recording provider are not accepted'),
        ]);
        expect(await controlByApi(bench)).toBe(409);
        // It is nobody's business but the recorded party's.
        const relayed = await call.outgoing.sendInfo({ headers: { Record: 'on' } });
        expect([relayed.status, call.incoming.requests.at(-1)?.method]).toEqual([200, 'INFO']);
        await hangUp(call);
        const lines = await bench.waitForLedger(2);
        expect(
          lines.map(
            ({ policy, verdict, verdictReasons }) =>
              `${policy.userId} ${verdict} ${verdictReasons.join()}`,
          ),
        ).toEqual(['alice not-recorded terms', 'bob not-recorded terms']);
        expect(bench.srs.recordings).toHaveLength(0);
        expect(await bench.metrics()).toContain(
          'siprec_gateway_recordings_left_out_total{provider="lab",reason="terms"} 2',
        );
      });
    },
  );
});

describe('voicemail', () => {
  const voicemail = {
    targets: [`sip:mailbox@${HOST}`],
    patterns: ['vm-*@*'],
    redirectCauses: ['user-busy', '486'],
  };

  test.each([
    ['retrieval by target', 'mailbox', {}, {}, 'target'],
    ['deposit by pattern', 'vm-17', {}, {}, 'uri-pattern'],
    [
      'deposit by Diversion',
      'bob',
      { Diversion: `<sip:carol@${HOST}>;reason=user-busy` },
      {},
      'diversion',
    ],
    [
      'deposit by History-Info',
      'bob',
      { 'History-Info': `<sip:carol@${HOST}>;index=1, <sip:bob@${HOST};cause=486>;index=1.1` },
      {},
      'history-info',
    ],
    [
      'deposit by who answers',
      'bob',
      {},
      { 'P-Asserted-Identity': `<sip:vm-9@${HOST}>` },
      'answer-identity',
    ],
  ] as const)(
    '%s: only users whose voicemail is recorded are',
    async (_what, target, headers, answerHeaders, detectedBy) => {
      const { organisations } = organisation({
        alice: { mode: 'always' },
        dora: { mode: 'always', recordVoicemail: true },
      }).config;
      await withBench({ config: { organisations, voicemail } }, async bench => {
        const mailbox = await bench.phone('callee', target);
        for (const name of ['alice', 'dora']) {
          const caller = await bench.phone('caller', name);
          const call = await deposit(bench, caller, mailbox, headers, answerHeaders);
          await talkFor(call, 20);
          await hangUp(call);
        }
        const lines = await bench.waitForLedger(2);
        expect(
          lines.map(({ policy, verdict, voicemail: mail }) => ({
            user: policy.userId,
            verdict,
            detectedBy: mail?.detectedBy,
          })),
        ).toEqual([
          { user: 'alice', verdict: 'not-recorded', detectedBy },
          { user: 'dora', verdict: 'recorded', detectedBy },
        ]);
        expect(bench.srs.recordings).toHaveLength(1);
      });
    },
  );

  test('deposit by where the answer comes from: a mailbox behind the switch', async () => {
    const { organisations } = organisation({ alice: { mode: 'always' } }).config;
    await withBench({ config: { organisations, voicemail } }, async bench => {
      const [caller, callee] = await phonesOf(bench);
      const contact = `<${callee.uri.replace('sip:bob@', 'sip:vm-9@')}>`;
      const call = await deposit(bench, caller, callee, {}, { Contact: contact });
      await talkFor(call, 20);
      await hangUp(call);
      expect(await bench.waitForLedger(1)).toMatchObject([
        { verdict: 'not-recorded', voicemail: { detectedBy: 'answer-contact' } },
      ]);
      expect(bench.srs.recordings.flatMap(({ streams }) => streams)).toEqual([]);
    });
  });

  test('the mailbox of a recorded user: a call that was diverted from it is a deposit with it', async () => {
    const { organisations } = organisation({
      carol: { mode: 'always', recordVoicemail: true },
    }).config;
    await withBench({ config: { organisations, voicemail } }, async bench => {
      const caller = await bench.phone('caller', 'zoe');
      const mailbox = await bench.phone('callee', 'mailbox');
      const diverted = { Diversion: `<sip:carol@${HOST}>;reason=user-busy` };
      const call = await deposit(bench, caller, mailbox, diverted, {});
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => recording.streams.every(({ packets }) => packets > 10));
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({
        verdict: 'recorded',
        recordedParty: { role: 'callee', identifiedBy: 'Diversion' },
        voicemail: { detectedBy: 'target' },
      });
    });
  });
});

describe('a call that is taken out of a mailbox', () => {
  test.each([
    ['known from the start', 'mailbox', {}],
    ['seen by its answer', 'bob', { 'P-Asserted-Identity': `<sip:vm-9@${HOST}>` }],
  ])('%s is recorded from then on', async (_how, target, answerHeaders) => {
    const { organisations } = organisation({ alice: { mode: 'always' } }).config;
    const voicemail = { targets: [`sip:mailbox@${HOST}`], patterns: ['vm-*@*'] };
    await withBench({ config: { organisations, voicemail } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const mailbox = await bench.phone('callee', target);
      const call = await deposit(bench, caller, mailbox, {}, answerHeaders);
      await talkFor(call, 10);
      expect(bench.srs.recordings).toHaveLength(0);
      await takeOver(call.incoming, mailbox, 'zoe');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => recording.streams.every(({ packets }) => packets > 10));
      await hangUp(call);
      const lines = await bench.waitForLedger(1);
      expect(lines.map(({ verdict, policy }) => `${policy.userId} ${verdict}`)).toEqual([
        'alice recorded',
      ]);
    });
  });
});

describe('media.anchor: when-recordable', () => {
  const ICE = 'a=candidate:1 1 UDP 2130706431 127.0.0.1 40000 typ host';

  test('a call that nobody can record passes with its ICE untouched, until somebody who is recorded comes into it', async () => {
    const { organisations } = organisation({ carol: { mode: 'always' } }).config;
    const media = { anchor: 'when-recordable' };
    await withBench({ config: { organisations, media } }, async bench => {
      const caller = await bench.phone('caller', 'zoe');
      const callee = await bench.phone('callee', 'bob');
      let offer = '';
      const ringing = new Promise<PhoneCall>(resolve =>
        callee.onIncoming(incoming => {
          offer = incoming.request.body.toString('utf8');
          incoming.answer();
          resolve(incoming.call);
        }),
      );
      const outgoing = await caller.call(bench.uri('bob'), {
        headers: { 'P-Asserted-Identity': `<sip:zoe@${HOST}>` },
      });
      await outgoing.waitFor('answered');
      const call = { outgoing, incoming: await ringing };
      await talkFor(call, 10);
      expect((await bench.gateway.counters()).media.openCalls).toBe(0);
      const direct = await outgoing.reinvite(`${outgoing.offer()}${ICE}\r\n`);
      expect(direct.status).toBe(200);
      const relayed = call.incoming.requests.findLast(({ method }) => method === 'INVITE');
      expect(relayed?.body.toString('utf8')).toContain(ICE);
      expect(offer).toContain(/m=audio (\d+)/.exec(outgoing.offer())?.[0]);

      // carol takes the call over from bob: his switch says so.
      await takeOver(call.incoming, callee, 'carol');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(
        () => recording.streams.every(({ packets }) => packets > 20),
        20_000,
        'both parties are recorded',
      );
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({
        verdict: 'recorded',
        recordedParty: { role: 'callee' },
        policy: { userId: 'carol' },
      });
    });
  });
});

describe('early media', () => {
  test.each([false, true])('is recorded with recording.earlyMedia: %s', async earlyMedia => {
    const { organisations } = organisation({ alice: { mode: 'always' } }).config;
    await withBench({ config: { organisations, recording: { earlyMedia } } }, async bench => {
      const [caller, callee] = await phonesOf(bench);
      const placed = new Promise<{ incoming: PhoneCall; answer: () => void }>(resolve =>
        callee.onIncoming(incoming => {
          incoming.ring(183, { earlyMedia: true });
          resolve({ incoming: incoming.call, answer: () => incoming.answer() });
        }),
      );
      const outgoing = await caller.call(bench.uri('bob'));
      const { incoming, answer } = await placed;
      await outgoing.until(
        () => outgoing.statistics().received.some(({ packets }) => packets > 50),
        20_000,
        'early media',
      );
      expect(bench.srs.recordings).toHaveLength(earlyMedia ? 1 : 0);
      answer();
      await outgoing.waitFor('answered');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await recording.until(() => recording.streams.every(({ packets }) => packets > 10));
      const firstAtMs = Math.min(
        ...recording.streams.map(({ firstPacketAtMs }) => firstPacketAtMs ?? Infinity),
      );
      expect(firstAtMs < outgoing.times.answeredAtMs!).toBe(earlyMedia);
      await hangUp({ outgoing, incoming });
      await bench.waitForLedger(1);
    });
  });
});

type Recording = GatewayBench['srs']['recordings'][number];

function properties({ view }: Recording): { readonly retention: string | null } | null {
  return view?.metadata.details?.properties ?? null;
}

interface OrganisationOptions extends GatewayBenchOptions {
  readonly config: {
    readonly organisations: { readonly test: Readonly<Record<string, unknown>> };
  };
}

function organisation(
  recording: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): OrganisationOptions {
  const users = Object.entries(recording).map(([name, settings]) => [
    name,
    {
      identities: [`sip:${name}@${HOST}`],
      recording: { reminderTone: { enabled: false }, ...settings },
    },
  ]);
  return {
    config: { organisations: { test: { provider: 'lab', users: Object.fromEntries(users) } } },
  };
}

async function phonesOf(bench: GatewayBench): Promise<[Softphone, Softphone]> {
  return [await bench.phone('caller', 'alice'), await bench.phone('callee', 'bob')];
}

/** @returns the status of an attempt to start the recordings of the only call. */
async function controlByApi({ gateway }: GatewayBench): Promise<number> {
  const { host, port } = gateway.admin!;
  const url = `http://${host}:${port}/v1/calls`;
  const { calls } = (await (await fetch(url)).json()) as { calls: { callId: string }[] };
  const answer = await fetch(`${url}/${calls[0]!.callId}/recording`, {
    method: 'POST',
    body: JSON.stringify({ action: 'start' }),
    headers: { 'content-type': 'application/json' },
  });
  return answer.status;
}

/** A call that a mailbox answers with these headers. */
async function deposit(
  bench: GatewayBench,
  caller: Softphone,
  mailbox: Softphone,
  headers: Readonly<Record<string, string>>,
  answerHeaders: Readonly<Record<string, string>>,
): Promise<AnsweredCall> {
  const answered = new Promise<PhoneCall>(resolve =>
    mailbox.onIncoming(incoming => {
      incoming.answer({ headers: answerHeaders });
      resolve(incoming.call);
    }),
  );
  const outgoing = await caller.call(bench.uri(mailbox.name), { headers });
  await outgoing.waitFor('answered');
  const incoming = await answered;
  await incoming.waitFor('answered');
  return { outgoing, incoming };
}

/** The switch of a phone says that somebody else is on the line now (RFC 3325 in a re-INVITE). */
async function takeOver(call: PhoneCall, phone: Softphone, by: string): Promise<void> {
  const response = await call.request('INVITE', {
    headers: HeaderList.of(
      ['Content-Type', 'application/sdp'],
      ['Contact', `<${phone.uri}>`],
      ['P-Asserted-Identity', `<sip:${by}@${HOST}>`],
    ),
    body: call.offer(),
  });
  expect(response.status).toBe(200);
}
