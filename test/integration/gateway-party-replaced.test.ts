import { HeaderList } from '#sip/engine';

import { partiesOfLabel, type PhoneCall } from '../../src/lab';
import { hangUp, placeCall, talkFor, withBench } from '../support/gateway-bench';
import { waitUntil } from '../support/wait-until';

/** What a switch sends when it has put somebody else behind the leg. */
async function becomes(call: PhoneCall, name: string): Promise<void> {
  const headers = HeaderList.of(['P-Asserted-Identity', `"${name}" <sip:${name}@127.0.0.1>`]);
  const response = await call.request('UPDATE', { headers });
  expect(response.status).toBe(200);
}

describe('the recording follows the parties', () => {
  test('when the other party is replaced, the recording goes on with the new participant', async () => {
    await withBench({}, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 20);
      await becomes(call.incoming, 'carol');
      const recording = await bench.srs.waitForRecording(({ documents }) => documents >= 2);
      await talkFor(call, 40);
      expect(partiesOfLabel(recording.view, '1')).toMatchObject([{ aor: 'sip:alice@127.0.0.1' }]);
      expect(partiesOfLabel(recording.view, '2')).toMatchObject([
        { aor: 'sip:carol@127.0.0.1', name: 'carol' },
      ]);
      const { participants, participantSessionAssociations, participantStreamAssociations } =
        recording.view!.metadata;
      const idOf = (name: string): string =>
        participants.find(({ nameIds }) => nameIds[0]?.aor === `sip:${name}@127.0.0.1`)!
          .participantId;
      const inSession = (name: string): (typeof participantSessionAssociations)[number] =>
        participantSessionAssociations.findLast(each => each.participantId === idOf(name))!;
      // Bob is gone since the moment that carol is there, and neither sends nor hears; alice has been there all the time.
      expect(inSession('carol')).toMatchObject({ disassociateTimeMs: null });
      expect(inSession('alice')).toMatchObject({ disassociateTimeMs: null });
      expect(inSession('bob').disassociateTimeMs).toBe(inSession('carol').associateTimeMs);
      expect(inSession('alice').associateTimeMs).toBeLessThan(inSession('carol').associateTimeMs!);
      const streamsOf = (name: string): (typeof participantStreamAssociations)[number] =>
        participantStreamAssociations.findLast(each => each.participantId === idOf(name))!;
      expect(streamsOf('bob').disassociateTimeMs).toBe(inSession('bob').disassociateTimeMs);
      expect(streamsOf('bob')).toMatchObject({ send: [], recv: [] });
      expect(streamsOf('carol').send).toEqual(streamsOf('alice').recv);
      expect(streamsOf('carol').recv).toEqual(streamsOf('alice').send);
      expect(streamsOf('carol').send).toHaveLength(1);
      await hangUp(call);
      const ledger = await bench.waitForLedger(1);
      expect(ledger.map(({ verdict }) => verdict)).toEqual(['recorded']);
      await recording.until(() => recording.state === 'ended');
      expect(recording.deviations).toEqual([]);
    });
  });

  test('when the recorded party leaves, its recording ends and the call goes on', async () => {
    await withBench({}, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 20);
      await becomes(call.outgoing, 'dave');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'ended');
      const packets = recording.streams.map(stream => stream.packets);
      await talkFor(call, 50);
      expect(call.outgoing.state).toBe('answered');
      expect(recording.streams.map(stream => stream.packets)).toEqual(packets);
      expect(recording.endedBy).toBe('src-bye');
      await hangUp(call);
      expect(await bench.waitForLedger(1)).toMatchObject([{ verdict: 'recorded' }]);
    });
  });

  test('when a recorded user comes into an unrecorded call, recording begins from that moment', async () => {
    await withBench({ recordedUsers: ['erin'] }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await talkFor(call, 20);
      expect(bench.srs.recordings).toHaveLength(0);
      await becomes(call.incoming, 'erin');
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await waitUntil(
        () => recording.streams.every(({ packets }) => packets > 10),
        'packets at the recorder',
      );
      expect(partiesOfLabel(recording.view, '1')).toMatchObject([{ aor: 'sip:erin@127.0.0.1' }]);
      expect(partiesOfLabel(recording.view, '2')).toMatchObject([{ aor: 'sip:alice@127.0.0.1' }]);
      await hangUp(call);
      const [line] = await bench.waitForLedger(1);
      expect(line).toMatchObject({
        verdict: 'recorded',
        recordedParty: { role: 'callee', identifiedBy: 'P-Asserted-Identity' },
      });
    });
  });

  test('when a call is redirected to a recorded user, it is recorded from its answer (sip.redirects: follow)', async () => {
    await withBench({ recordedUsers: ['erin'], sip: { redirects: 'follow' } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const erin = await bench.phone('callee', 'erin');
      callee.onIncoming(incoming =>
        incoming.reject(302, { headers: { Contact: `<${erin.uri}>` } }),
      );
      const answered = new Promise<PhoneCall>(resolve => {
        erin.onIncoming(incoming => {
          resolve(incoming.call);
          incoming.answer();
        });
      });
      const outgoing = await caller.call(bench.uri('bob'));
      await outgoing.waitFor('answered');
      const call = { outgoing, incoming: await answered };
      const recording = await bench.srs.waitForRecording();
      await talkFor(call, 40);
      expect(partiesOfLabel(recording.view, '1')).toMatchObject([{ aor: 'sip:erin@127.0.0.1' }]);
      expect(partiesOfLabel(recording.view, '2')).toMatchObject([{ aor: 'sip:alice@127.0.0.1' }]);
      await hangUp(call);
      expect(await bench.waitForLedger(1)).toMatchObject([
        { verdict: 'recorded', recordedParty: { role: 'callee' } },
      ]);
    });
  });

  test('when a recorded user answers in the place of who was called, the call is recorded from its answer', async () => {
    await withBench({ recordedUsers: ['erin'] }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee, {
        answerHeaders: { 'P-Asserted-Identity': '"Erin" <sip:erin@127.0.0.1>' },
      });
      const recording = await bench.srs.waitForRecording();
      await talkFor(call, 40);
      expect(partiesOfLabel(recording.view, '1')).toMatchObject([{ aor: 'sip:erin@127.0.0.1' }]);
      expect(partiesOfLabel(recording.view, '2')).toMatchObject([{ aor: 'sip:alice@127.0.0.1' }]);
      await hangUp(call);
      expect(await bench.waitForLedger(1)).toMatchObject([
        {
          verdict: 'recorded',
          recordedParty: { role: 'callee', identifiedBy: 'P-Asserted-Identity of the 200' },
        },
      ]);
    });
  });

  test('an unknown identity in the answer may be another name of a recorded user: who was called stays recorded', async () => {
    await withBench({ recordedUsers: ['bob'] }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee, {
        answerHeaders: { 'P-Asserted-Identity': '<sip:5550199@127.0.0.1>' },
      });
      await talkFor(call, 40);
      await hangUp(call);
      expect(await bench.waitForLedger(1)).toMatchObject([
        { verdict: 'recorded', policy: { userId: 'bob' } },
      ]);
    });
  });

  test('another user who answers in the place of a recorded one is not recorded, nor is the call', async () => {
    const users = {
      bob: { identities: ['sip:bob@127.0.0.1'], recording: { mode: 'always' } },
      zoe: { identities: ['sip:zoe@127.0.0.1'] },
    };
    const organisations = { test: { provider: 'lab', users } };
    await withBench({ config: { organisations } }, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee, {
        answerHeaders: { 'P-Asserted-Identity': '<sip:zoe@127.0.0.1>' },
      });
      await talkFor(call, 40);
      await hangUp(call);
      await bench.expectNothingOpen();
      expect(bench.srs.recordings).toHaveLength(0);
    });
  });

  test('a party that only says again who it is changes nothing', async () => {
    await withBench({}, async bench => {
      const caller = await bench.phone('caller', 'alice');
      const callee = await bench.phone('callee', 'bob');
      const call = await placeCall(bench, caller, callee);
      await becomes(call.outgoing, 'alice');
      await talkFor(call, 20);
      await hangUp(call);
      expect(await bench.waitForLedger(1)).toMatchObject([{ verdict: 'recorded' }]);
      expect(bench.srs.recordings[0]!.documents).toBe(2);
    });
  });
});
