import { readWav } from '../../src/lab';
import { describeWithSipp } from '../support/sipp';
import {
  CALLEE_HZ,
  CALLER_HZ,
  expectOnlyTone,
  openSippBench,
  type SippBench,
} from '../support/sipp-bench';
import {
  audioSdp,
  callee,
  caller,
  type SdpOptions,
  type SippScript,
} from '../support/sipp-scenario';

const sdp = audioSdp();

const callsAndIsAnswered = (): SippScript =>
  caller().request('INVITE', { sdp }).expectStatus(180).expectStatus(200).ack();
const answers = (): SippScript =>
  callee().expectRequest('INVITE').respond(180).respond(200, { sdp }).expectRequest('ACK');

/** The three ways to put a call on hold (RFC 3264 §8.4 and its predecessor), and how the other side answers. */
const HOLDS: readonly { form: string; offer: SdpOptions; relayed: string; answer: SdpOptions }[] = [
  {
    form: 'sendonly',
    offer: { direction: 'sendonly' },
    relayed: 'a=sendonly',
    answer: { direction: 'recvonly' },
  },
  {
    form: 'inactive',
    offer: { direction: 'inactive' },
    relayed: 'a=inactive',
    answer: { direction: 'inactive' },
  },
  {
    form: 'c=0.0.0.0',
    offer: { address: '0.0.0.0' },
    relayed: 'a=(sendonly|inactive)',
    answer: { direction: 'recvonly' },
  },
];

/** A re-INVITE with this offer, accepted. */
function reoffers(script: SippScript, offer: SdpOptions): SippScript {
  return script
    .request('INVITE', { sdp: audioSdp(offer) })
    .expectStatus(200, { body: 'm=audio [1-9]' })
    .ack();
}

function acceptsReoffer(script: SippScript, relayed: string, answer: SdpOptions): SippScript {
  return script
    .expectRequest('INVITE', { body: relayed })
    .respond(200, { sdp: audioSdp(answer) })
    .expectRequest('ACK');
}

describeWithSipp('established calls between SIPp instances', () => {
  let bench: SippBench;

  beforeAll(async () => {
    bench = await openSippBench();
  }, 60_000);

  afterAll(async () => {
    await bench.close();
  });

  /** The call went well and so did its recording, in which nobody spoke. */
  async function expectRecorded(callId: string, endedBy: string): Promise<void> {
    expect(await bench.ledgerLine(callId)).toMatchObject({ verdict: 'recorded', endedBy });
    expect(bench.srs.recordings.at(-1)?.deviations).toEqual([]);
  }

  describe.each(['udp', 'tcp'] as const)('over %s', transport => {
    test('the caller hangs up, with a Reason that reaches the callee', async () => {
      const callId = await bench.play({
        transport,
        caller: callsAndIsAnswered().pause(200).bye({ Reason: 'Q.850;cause=16;text="done"' }),
        callee: answers().expectBye({ headers: { Reason: 'cause=16' } }),
      });
      await expectRecorded(callId, 'caller: bye');
    });

    test('the callee hangs up, with a Reason that reaches the caller', async () => {
      const callId = await bench.play({
        transport,
        caller: callsAndIsAnswered().expectBye({ headers: { Reason: 'cause=16' } }),
        callee: answers().pause(200).bye({ Reason: 'Q.850;cause=16;text="done"' }),
      });
      await expectRecorded(callId, 'callee: bye');
    });
  });

  test.each(HOLDS)(
    'the caller holds with $form and resumes',
    async ({ offer, relayed, answer }) => {
      const holder = reoffers(callsAndIsAnswered().pause(100), offer).pause(200);
      const held = acceptsReoffer(answers(), relayed, answer);
      const callId = await bench.play({
        caller: reoffers(holder, {}).pause(200).bye(),
        callee: acceptsReoffer(held, 'm=audio [1-9]', {}).expectBye(),
      });
      await expectRecorded(callId, 'caller: bye');
    },
  );

  test.each(HOLDS)(
    'the callee holds with $form and resumes',
    async ({ offer, relayed, answer }) => {
      const holder = reoffers(answers().pause(100), offer).pause(200);
      const held = acceptsReoffer(callsAndIsAnswered(), relayed, answer);
      const callId = await bench.play({
        transport: 'tcp',
        caller: acceptsReoffer(held, 'm=audio [1-9]', {}).expectBye(),
        callee: reoffers(holder, {}).pause(200).bye(),
      });
      await expectRecorded(callId, 'callee: bye');
    },
  );

  test('what was said before and after a hold is recorded, each voice in its channel', async () => {
    const holder = reoffers(answers().playTone().pause(1000), { direction: 'sendonly' });
    const held = acceptsReoffer(callsAndIsAnswered().playTone(), 'a=sendonly', {
      direction: 'recvonly',
    });
    const callId = await bench.play({
      caller: acceptsReoffer(held, 'm=audio [1-9]', {}).expectBye().pauseTone(),
      callee: reoffers(holder.pauseTone().pause(500), {})
        .resumeTone()
        .pause(1000)
        .pauseTone()
        .bye(),
    });
    expect(await bench.ledgerLine(callId)).toMatchObject({
      verdict: 'recorded',
      verdictReasons: ['complete'],
    });
    const recording = bench.srs.recordings.at(-1)!;
    await recording.until(() => recording.state === 'ended');
    const { channels } = readWav(recording.wavPath);
    expectOnlyTone(channels[0]!, CALLEE_HZ, CALLER_HZ, 1500);
    expectOnlyTone(channels[1]!, CALLER_HZ, CALLEE_HZ, 1500);
  });

  test('a re-INVITE without an offer: the other side offers, the answer comes with the ACK', async () => {
    const callId = await bench.play({
      caller: callsAndIsAnswered()
        .pause(100)
        .request('INVITE')
        .expectStatus(200, { body: 'm=audio [1-9]' })
        .ack({ sdp })
        .pause(200)
        .bye(),
      callee: answers()
        .expectRequest('INVITE', { headers: { 'Content-Length': '^ *0' } })
        .respond(200, { sdp })
        .expectRequest('ACK', { body: 'm=audio [1-9]' })
        .expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });

  test('a re-INVITE that the other side refuses leaves the call as it was', async () => {
    const callId = await bench.play({
      caller: callsAndIsAnswered()
        .pause(100)
        .request('INVITE', { sdp })
        .expectStatus(488)
        .ackFailure()
        .pause(200)
        .bye(),
      callee: answers().expectRequest('INVITE').respond(488).expectRequest('ACK').expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });

  test('both sides re-INVITE at once: the second gets 491, the first is answered', async () => {
    const callId = await bench.play({
      caller: reoffers(callsAndIsAnswered().pause(100), { direction: 'sendonly' }).pause(200).bye(),
      callee: answers()
        .expectRequest('INVITE', { body: 'a=sendonly' })
        .request('INVITE', { sdp })
        .expectStatus(491)
        .ackFailure()
        .respondToInvite(200, { sdp: audioSdp({ direction: 'recvonly' }) })
        .expectRequest('ACK')
        .expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });

  test('INFO passes both ways with its body, and the answer comes back', async () => {
    const dtmf = { type: 'application/dtmf-relay', text: 'Signal=5\nDuration=160' };
    const callId = await bench.play({
      caller: callsAndIsAnswered()
        .pause(100)
        .request('INFO', { body: dtmf })
        .expectStatus(200)
        .expectRequest('INFO', { body: 'Signal=5' })
        .respond(200)
        .pause(100)
        .bye(),
      callee: answers()
        .expectRequest('INFO', { body: 'Signal=5', headers: { 'Content-Type': 'dtmf-relay' } })
        .respond(200)
        .pause(100)
        .request('INFO', { body: dtmf })
        .expectStatus(200)
        .expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });

  test('OPTIONS within the call asks the other side', async () => {
    const callId = await bench.play({
      caller: callsAndIsAnswered().pause(100).request('OPTIONS').expectStatus(200).pause(100).bye(),
      callee: answers().expectRequest('OPTIONS').respond(200).expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });

  test('UPDATE with an offer is answered with the other side’s word', async () => {
    const callId = await bench.play({
      caller: callsAndIsAnswered()
        .pause(100)
        .request('UPDATE', { sdp: audioSdp({ direction: 'sendonly' }) })
        .expectStatus(200, { body: 'a=recvonly' })
        .pause(200)
        .bye(),
      // It has not said that it allows UPDATE, so it gets a re-INVITE (RFC 3311 §5.1).
      callee: acceptsReoffer(answers(), 'a=sendonly', { direction: 'recvonly' }).expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });

  test('UPDATE reaches a callee that allows it as UPDATE', async () => {
    const callId = await bench.play({
      caller: callsAndIsAnswered()
        .pause(100)
        .request('UPDATE', { sdp: audioSdp({ direction: 'sendonly' }) })
        .expectStatus(200, { body: 'a=recvonly' })
        .pause(200)
        .bye(),
      callee: callee()
        .expectRequest('INVITE')
        .respond(180)
        .respond(200, { sdp, headers: { Allow: 'INVITE, ACK, BYE, CANCEL, UPDATE' } })
        .expectRequest('ACK')
        .expectRequest('UPDATE', { body: 'a=sendonly' })
        .respond(200, { sdp: audioSdp({ direction: 'recvonly' }) })
        .expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });

  test('MESSAGE within the call passes with its text', async () => {
    const callId = await bench.play({
      caller: callsAndIsAnswered()
        .pause(100)
        .request('MESSAGE', { body: { type: 'text/plain', text: 'hello' } })
        .expectStatus(200)
        .pause(100)
        .bye(),
      callee: answers().expectRequest('MESSAGE', { body: 'hello' }).respond(200).expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });

  test('a caller that asks for a session timer gets one, with a refresher', async () => {
    const callId = await bench.play({
      caller: caller()
        .request('INVITE', { sdp, headers: { Supported: 'timer', 'Session-Expires': '1800' } })
        .expectStatus(180)
        .expectStatus(200, { headers: { 'Session-Expires': '1800;refresher=ua[cs]' } })
        .ack()
        .pause(100)
        .bye(),
      callee: answers().expectBye(),
    });
    await expectRecorded(callId, 'caller: bye');
  });
});
