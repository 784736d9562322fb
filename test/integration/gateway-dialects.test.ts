import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type RecordingEventKind } from '#metadata';
import { HeaderList } from '#sip/engine';

import { partiesOfLabel, type PhoneCall, type Recording } from '../../src/lab';
import { type CallView } from '../../src/session';
import {
  type AnsweredCall,
  type GatewayBench,
  hangUp,
  placeCall,
  talkFor,
  withBench,
} from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';

/** How Webex Calling and BroadWorks signal, and what the standard says. */
const SIGNALLING = {
  rfc7865: {},
  broadworks: {
    requireSiprec: false,
    contactTag: 'src',
    partOrder: 'metadata-first',
    metadataInBye: false,
  },
} as const;
type Dialect = keyof typeof SIGNALLING;

const ALICE = 'sip:alice@127.0.0.1';
const BOB = 'sip:bob@127.0.0.1';
const CAROL = 'sip:carol@127.0.0.1';
const DAVE = 'sip:dave@127.0.0.1';
/** The identifier at the platform is how the BroadWorks dialect names the recorded party. */
const RECORDED = { rfc7865: ALICE, broadworks: 'sip:a1b2c3d4e5@1.int10.bcld.example.com' } as const;

/** A request that the recorder got: method, what of SDP and metadata is in it. */
type Message = `${'INVITE' | 'UPDATE' | 'BYE'}${'' | ` ${'sendonly' | 'inactive' | 'mixed'}`}${
  '' | ' +complete' | ' +partial'}`;

interface DialectBench extends GatewayBench {
  readonly dialect: Dialect;
  recording(): Recording;
  /** Requests that came since the last time it was asked. */
  newMessages(): readonly Message[];
  /** Waits until so many requests came since the last time it was asked, and says which. */
  messages(count: number): Promise<readonly Message[]>;
  post(path: string, body: unknown): Promise<number>;
  callId(): Promise<string>;
  /** Listens to the events of calls from now on. @returns the facts of those of one kind, once there are so many. */
  listen(): Promise<(kind: string, count: number) => Promise<readonly unknown[]>>;
}

async function withDialect(
  dialect: Dialect,
  recording: Readonly<Record<string, unknown>>,
  run: (bench: DialectBench) => Promise<void>,
): Promise<void> {
  const config = {
    admin: { port: 0 },
    organisations: {
      test: {
        provider: 'lab',
        serviceProvider: 'WBV000001',
        externalGroup: 'WBV000001L7',
        users: {
          alice: {
            identities: [ALICE],
            externalIdentifier: 'a1b2c3d4e5@1.int10.bcld.example.com',
            recording: { reminderTone: { enabled: false }, ...recording },
          },
        },
      },
    },
  };
  await withBench(
    {
      config,
      sip: { refer: 'perform' },
      provider: { signalling: SIGNALLING[dialect], metadata: { dialect } },
    },
    async bench => {
      let seen = 0;
      const newMessages = (): readonly Message[] => {
        const all = messagesOf(bench.srs.recordings[0]!);
        return all.slice(seen, (seen = all.length));
      };
      const { host, port } = bench.gateway.admin!;
      const api = `http://${host}:${port}/v1/calls`;
      await run(
        Object.assign(Object.create(bench) as GatewayBench, {
          dialect,
          recording: () => bench.srs.recordings[0]!,
          newMessages,
          messages: async (count: number) => {
            const from = seen;
            await waitUntil(
              () => messagesOf(bench.srs.recordings[0]!).length >= from + count,
              `${count} messages at the recorder`,
            );
            return newMessages();
          },
          post: async (path: string, body: unknown) => {
            const answer = await fetch(`${api}/${path}`, {
              method: 'POST',
              body: JSON.stringify(body),
              headers: { 'content-type': 'application/json' },
            });
            return answer.status;
          },
          listen: () => listenTo(`http://${host}:${port}/v1/events?kinds=call`),
          callId: async () => {
            const { calls } = (await (await fetch(api)).json()) as { calls: CallView[] };
            return calls[0]!.callId;
          },
        }),
      );
    },
  );
}

async function listenTo(url: string): ReturnType<DialectBench['listen']> {
  const stopped = new AbortController();
  const { body } = await fetch(url, { signal: stopped.signal });
  let text = '';
  void (async () => {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString('utf8');
    }
  })().catch(() => undefined);
  return async (kind, count) => {
    const found = (): readonly unknown[] =>
      [...text.matchAll(/^data: (.*)$/gm)]
        .map(([, json = '']) => JSON.parse(json) as { kind: string; facts: unknown })
        .flatMap(event => (event.kind === kind ? [event.facts] : []));
    await waitUntil(() => found().length >= count, `${count} events ${kind}`);
    stopped.abort();
    return found();
  };
}

/** The requests of the gateway in a recording session, in order, retransmissions and ACKs left out. */
function messagesOf(recording: Recording): readonly Message[] {
  const folder = join(recording.directory, 'sip');
  return readdirSync(folder)
    .sort()
    .map(file => readFileSync(join(folder, file), 'utf8'))
    .filter(text => /^(INVITE|UPDATE|BYE) /.test(text))
    .map(text => {
      const [method] = text.split(' ', 1);
      const directions = new Set([...text.matchAll(/^a=(sendonly|inactive)/gm)].map(([, d]) => d));
      const direction = directions.size > 1 ? 'mixed' : [...directions][0];
      const mode = /<data[mM]ode>(complete|partial)</.exec(text)?.[1];
      return [method, direction, mode && `+${mode}`].filter(Boolean).join(' ') as Message;
    });
}

function whoSpeaks(recording: Recording): Record<string, readonly string[]> {
  const aors = (label: string): readonly string[] =>
    partiesOfLabel(recording.view, label).map(({ aor }) => aor);
  return { '1': aors('1'), '2': aors('2') };
}

function eventsOf(recording: Recording): readonly RecordingEventKind[] {
  return recording.view?.metadata.details?.events.map(({ kind }) => kind) ?? [];
}

async function press(call: PhoneCall, key: 'on' | 'off' | 'pause' | 'resume'): Promise<void> {
  const { status } = await call.sendInfo({ headers: { Record: key } });
  expect(status).toBe(200);
}

async function established(bench: DialectBench): Promise<AnsweredCall> {
  const caller = await bench.phone('caller', 'alice');
  const callee = await bench.phone('callee', 'bob');
  const call = await placeCall(bench, caller, callee);
  await bench.srs.waitForRecording(({ state }) => state === 'established');
  await talkFor(call, 10);
  return call;
}

async function ended(bench: DialectBench): Promise<void> {
  await bench.recording().until(() => bench.recording().state === 'ended');
  expect(bench.recording().deviations).toEqual([]);
  expect(await bench.waitForLedger(1)).toMatchObject([{ verdict: 'recorded' }]);
}

describe.each(['rfc7865', 'broadworks'] as const)('a recorded call, told in %s', dialect => {
  const isStandard = dialect === 'rfc7865';

  test('start, pause, resume and hold', async () => {
    await withDialect(dialect, { mode: 'always-with-pause-resume' }, async bench => {
      const call = await established(bench);
      const recording = bench.recording();
      expect(bench.newMessages()).toEqual(['INVITE sendonly +complete']);
      expect(whoSpeaks(recording)).toEqual({ '1': [RECORDED[dialect]], '2': [BOB] });
      expect(eventsOf(recording)).toEqual(['start']);

      await press(call.outgoing, 'pause');
      expect(await bench.messages(isStandard ? 1 : 2)).toEqual(
        isStandard ? ['INVITE inactive +complete'] : ['INVITE inactive', 'UPDATE +complete'],
      );
      await recording.until(() => eventsOf(recording).length === 2);
      expect(eventsOf(recording)).toEqual(['start', 'pause']);

      await press(call.outgoing, 'resume');
      expect(await bench.messages(isStandard ? 1 : 2)).toEqual(
        isStandard ? ['INVITE sendonly +complete'] : ['INVITE sendonly', 'UPDATE +complete'],
      );
      await recording.until(() => eventsOf(recording).length === 3);
      expect(eventsOf(recording)).toEqual(['start', 'pause', 'resume']);

      await call.incoming.hold('inactive');
      expect(await bench.messages(1)).toEqual([isStandard ? 'UPDATE +partial' : 'INVITE inactive']);
      await recording.until(() => !isStandard || whoSpeaks(recording)['1']?.length === 0);
      expect(whoSpeaks(recording)).toEqual(
        isStandard ? { '1': [], '2': [] } : { '1': [RECORDED[dialect]], '2': [BOB] },
      );
      await call.incoming.resume();
      expect(await bench.messages(1)).toEqual([isStandard ? 'UPDATE +partial' : 'INVITE sendonly']);
      await recording.until(() => whoSpeaks(recording)['1']?.length === 1);
      expect(whoSpeaks(recording)).toEqual({ '1': [RECORDED[dialect]], '2': [BOB] });
      const packets = recording.streams.map(stream => stream.packets);
      await recording.until(() =>
        recording.streams.every((stream, index) => stream.packets > (packets[index] ?? 0) + 10),
      );
      await hangUp(call);
      await ended(bench);
      expect(bench.newMessages()).toEqual(
        isStandard ? ['BYE +partial'] : ['UPDATE +complete', 'BYE'],
      );
      expect(eventsOf(recording)).toEqual(['start', 'pause', 'resume', 'stop']);
    });
  }, 60_000);

  test('participants of a conference, told by the switch that holds it', async () => {
    await withDialect(dialect, { mode: 'always' }, async bench => {
      const call = await established(bench);
      const recording = bench.recording();
      const listened = await bench.listen();
      bench.newMessages();
      const before = recording.view!.metadata;
      const path = `${await bench.callId()}/participants`;
      const update = isStandard ? 'UPDATE +partial' : 'UPDATE +complete';
      const set = async (...aors: string[]): Promise<void> => {
        const participants = aors.map(aor => ({ aor }));
        expect(await bench.post(path, { participants })).toBe(204);
        expect(await bench.messages(1)).toEqual([update]);
        const others = aors.filter(aor => aor !== ALICE);
        await recording.until(() => whoSpeaks(recording)['2']?.length === others.length);
        expect(whoSpeaks(recording)).toEqual({ '1': [RECORDED[dialect]], '2': others });
      };
      await set(BOB, CAROL);
      // Who was there before has the same ids, and so have session and streams.
      const after = recording.view!.metadata;
      expect(after.sessions[0]?.sessionId).toBe(before.sessions[0]?.sessionId);
      expect(after.streams.map(({ streamId }) => streamId)).toEqual(
        before.streams.map(({ streamId }) => streamId),
      );
      expect(after.participants.slice(0, 2).map(({ participantId }) => participantId)).toEqual(
        before.participants.map(({ participantId }) => participantId),
      );
      await set(ALICE, BOB, CAROL, DAVE);
      await set(CAROL, DAVE);
      // The same list again is nothing new to anybody.
      const again = { participants: [{ aor: CAROL }, { aor: DAVE }] };
      expect(await bench.post(path, again)).toBe(204);
      const left = recording.view!.metadata.participantSessionAssociations.filter(
        ({ disassociateTimeMs }) => disassociateTimeMs !== null,
      );
      // Who has left is not told any more in the BroadWorks dialect.
      expect(left).toHaveLength(isStandard ? 1 : 0);

      const refused = [
        [path, { participants: [{ aor: DAVE }, { aor: DAVE }] }, 422],
        [path, { userId: 'nobody', participants: [] }, 404],
        ['no-such-call/participants', { participants: [] }, 404],
      ] as const;
      for (const [where, body, status] of refused) {
        expect(await bench.post(where, body)).toBe(status);
      }
      expect(bench.newMessages()).toEqual([]);
      await hangUp(call);
      await ended(bench);
      expect(await listened('call.participants-changed', 3)).toEqual(
        [
          { participants: `${BOB} ${CAROL}`, joined: CAROL, left: '' },
          { participants: `${BOB} ${CAROL} ${DAVE}`, joined: DAVE, left: '' },
          { participants: `${CAROL} ${DAVE}`, joined: '', left: BOB },
        ].map(facts => ({ by: 'api', leg: 'callee', ...facts })),
      );
      const [record] = await bench.waitForLedger(1);
      expect(record?.participants.map(({ present }) => present)).toEqual([
        [BOB, CAROL],
        [BOB, CAROL, DAVE],
        [CAROL, DAVE],
      ]);
    });
  }, 60_000);

  test('participants who were told before a recording begins are in its first document', async () => {
    await withDialect(dialect, { mode: 'on-demand' }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 10);
      const body = { userId: 'alice', participants: [{ aor: BOB }, { aor: CAROL }] };
      expect(await bench.post(`${await bench.callId()}/participants`, body)).toBe(204);
      await press(call.outgoing, 'on');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      expect(bench.newMessages()).toEqual(['INVITE sendonly +complete']);
      expect(whoSpeaks(recording)).toEqual({ '1': [RECORDED[dialect]], '2': [BOB, CAROL] });
      await hangUp(call);
      await ended(bench);
      const [record] = await bench.waitForLedger(1);
      expect(record?.participants).toMatchObject([{ present: [BOB, CAROL] }]);
    });
  }, 60_000);

  test('a party that its own switch replaces is a participant who left and one who joined', async () => {
    await withDialect(dialect, { mode: 'always' }, async bench => {
      const call = await established(bench);
      const recording = bench.recording();
      bench.newMessages();
      const before = recording.view!.metadata.sessions[0]?.sessionId;
      const headers = HeaderList.of(['P-Asserted-Identity', `"Carol" <${CAROL}>`]);
      const { status } = await call.incoming.request('UPDATE', { headers });
      expect(status).toBe(200);
      await recording.until(() => whoSpeaks(recording)['2']?.[0] === CAROL);
      expect(bench.newMessages()).toEqual([isStandard ? 'UPDATE +partial' : 'UPDATE +complete']);
      expect(whoSpeaks(recording)['1']).toEqual([RECORDED[dialect]]);
      expect(recording.view!.metadata.sessions[0]?.sessionId).toBe(before);
      await hangUp(call);
      await ended(bench);
    });
  }, 60_000);

  test('a blind transfer of the other party', async () => {
    await withDialect(dialect, { mode: 'always' }, async bench => {
      const call = await established(bench);
      const recording = bench.recording();
      bench.newMessages();
      const before = recording.view!.metadata;
      const carol = await bench.phone('callee', 'carol');
      const incoming = new Promise<PhoneCall>(resolve => {
        carol.onIncoming(waiting => {
          resolve(waiting.call);
          waiting.answer();
        });
      });
      const headers = HeaderList.of(['Refer-To', `<${CAROL}>`], ['Referred-By', `<${BOB}>`]);
      const { status } = await call.incoming.request('REFER', { headers });
      expect(status).toBe(202);
      const answered = await incoming;
      await answered.waitFor('answered');
      await recording.until(() => whoSpeaks(recording)['2']?.[0] === CAROL);
      expect(whoSpeaks(recording)).toEqual({ '1': [RECORDED[dialect]], '2': [CAROL] });
      const after = recording.view!.metadata;
      const [messages, redirected] = isStandard
        ? [['UPDATE +partial'], undefined]
        : [
            ['INVITE sendonly', 'INVITE sendonly +complete'],
            { fromPartyNumber: 'bob', toPartyNumber: 'carol' },
          ];
      expect(bench.newMessages().slice(-messages.length)).toEqual(messages);
      expect(after.details?.call?.redirectedCall ?? undefined).toEqual(
        redirected && { ...redirected, newTrackingId: after.details?.call?.trackingId },
      );
      expect(after.details?.call?.callId).toBe(before.details?.call?.callId);
      // In the standard the session goes on; in the BroadWorks dialect it is another call with other ids.
      const [known, now] = [before, after].map(({ sessions, streams, participants }) => [
        ...sessions.map(({ sessionId }) => sessionId),
        ...streams.map(({ streamId }) => streamId),
        ...participants.map(({ participantId }) => participantId),
      ]);
      expect(now!.filter(id => known!.includes(id))).toHaveLength(isStandard ? 5 : 0);
      await talkFor({ outgoing: call.outgoing, incoming: answered }, 10);
      await call.outgoing.hangUp();
      await answered.waitFor('ended');
      await ended(bench);
    });
  }, 60_000);

  test('announcements, and a start and a stop on demand', async () => {
    const settings = {
      mode: 'on-demand',
      startStopAnnouncement: { internalCallsEnabled: true, pstnCallsEnabled: false },
    };
    await withDialect(dialect, settings, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 10);
      expect(bench.srs.recordings).toHaveLength(0);
      await press(call.outgoing, 'on');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      const notices = (): readonly string[] =>
        recording.view?.metadata.details?.notices.map(({ kind, toParticipantIds }) => {
          return `${kind} to ${toParticipantIds.length}`;
        }) ?? [];
      await recording.until(() => notices().includes('start to 2'), 30_000);
      expect(bench.newMessages()).toEqual([
        'INVITE sendonly +complete',
        isStandard ? 'UPDATE +partial' : 'UPDATE +complete',
      ]);
      await press(call.outgoing, 'off');
      await recording.until(() => recording.state === 'ended', 30_000);
      expect(notices()).toEqual(['start to 2', 'stop to 2']);
      expect(eventsOf(recording)).toEqual(['start', 'stop']);
      // The event when it happens, the announcement when it has ended; only the standard has metadata in the BYE.
      expect(bench.newMessages()).toEqual(
        isStandard
          ? ['INVITE inactive +complete', 'UPDATE +partial', 'BYE']
          : ['INVITE inactive', 'UPDATE +complete', 'UPDATE +complete', 'BYE'],
      );
      await hangUp(call);
      await ended(bench);
    });
  }, 90_000);

  test('two recordings of one call, each with the labels that its provider wants', async () => {
    const platform = (name: string): string => `${name}0001@1.int10.bcld.example.com`;
    const user = (name: string): object => ({
      identities: [`sip:${name}@127.0.0.1`],
      externalIdentifier: platform(name),
      recording: { mode: 'always', reminderTone: { enabled: false } },
    });
    const options = {
      provider: {
        signalling: SIGNALLING[dialect],
        metadata: { dialect },
        media: { labels: { recordedParty: 'agent', otherParties: 'customer' } },
      },
      config: {
        organisations: {
          test: { provider: 'lab', users: { alice: user('alice'), bob: user('bob') } },
        },
      },
    };
    await withBench(options, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await waitUntil(
        () =>
          bench.srs.recordings.length === 2 &&
          bench.srs.recordings.every(({ streams }) => streams.every(({ packets }) => packets > 10)),
        'two recordings',
      );
      const [first, second] = bench.srs.recordings as [Recording, Recording];
      const speakers = [first, second].map(recording => ({
        sdp: recording.streams.map(({ label }) => label),
        agent: partiesOfLabel(recording.view, 'agent').map(({ aor }) => aor),
        customer: partiesOfLabel(recording.view, 'customer').map(({ aor }) => aor),
      }));
      const known = (aor: string, name: string): string =>
        isStandard ? aor : `sip:${platform(name)}`;
      const ofAlice = {
        sdp: ['agent', 'customer'],
        agent: [known(ALICE, 'alice')],
        customer: [BOB],
      };
      const ofBob = { sdp: ['agent', 'customer'], agent: [known(BOB, 'bob')], customer: [ALICE] };
      expect(speakers).toEqual(expect.arrayContaining([ofAlice, ofBob]));
      await hangUp(call);
      const ledger = await bench.waitForLedger(2);
      expect(
        ledger.map(({ streams }) => streams.map(({ label, party }) => [label, party])),
      ).toEqual(
        expect.arrayContaining([
          [
            ['agent', 'recorded party (caller)'],
            ['customer', 'other party (callee)'],
          ],
          [
            ['agent', 'recorded party (callee)'],
            ['customer', 'other party (caller)'],
          ],
        ]),
      );
      for (const recording of [first, second]) {
        await recording.until(() => recording.state === 'ended');
        expect(recording.deviations).toEqual([]);
      }
    });
  }, 60_000);
});
