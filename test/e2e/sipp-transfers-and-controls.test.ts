import { partiesOfLabel } from '../../src/lab';
import { sdp as rawSdp } from '../support/b2bua-bench';
import { RawDialog, RawSipPeer, tagOf } from '../support/raw-sip-peer';
import { describeWithSipp } from '../support/sipp';
import {
  FAILOVER_USER,
  GATEWAY_USERNAME,
  openSippBench,
  PAUSING_USER,
  type SippBench,
} from '../support/sipp-bench';
import { audioSdp, callee, caller, type SippScript } from '../support/sipp-scenario';

const sdp = audioSdp();

const callsAndIsAnswered = (headers: Readonly<Record<string, string>> = {}): SippScript =>
  caller().request('INVITE', { sdp, headers }).expectStatus(180).expectStatus(200).ack();
const answers = (): SippScript =>
  callee().expectRequest('INVITE').respond(180).respond(200, { sdp }).expectRequest('ACK');

describeWithSipp('transfers, redirections and controls that the gateway performs', () => {
  let bench: SippBench;

  beforeAll(async () => {
    bench = await openSippBench({ sip: { refer: 'perform', redirects: 'follow' } });
  }, 60_000);

  afterAll(async () => {
    await bench.close();
  });

  test.each([
    ['blind', '', {}],
    [
      'attended',
      '?Replaces=foreign%3Bto-tag%3D1%3Bfrom-tag%3D2',
      { Replaces: 'foreign;to-tag=1;from-tag=2', Require: 'replaces' },
    ],
  ])(
    'a caller’s %s REFER is performed, told by NOTIFY, and the recording goes on',
    async (_kind, replaces, seen) => {
      const refers = callsAndIsAnswered()
        .pause(200)
        .request('REFER', {
          headers: {
            'Refer-To': `<sip:4444@[second_target]${replaces}>`,
            'Referred-By': '<sip:1001@example.com>',
          },
        })
        .expectStatus(202);
      const callId = await bench.play({
        caller: refers
          .expectRequest('NOTIFY', { body: 'SIP/2.0 100', headers: { Event: 'refer' } })
          .respond(200)
          .expectRequest('NOTIFY', {
            body: 'SIP/2.0 200 OK',
            headers: { 'Subscription-State': 'terminated' },
          })
          .respond(200)
          .expectBye(),
        callee: [
          answers()
            .expectRequest('INVITE', { body: 'm=audio [1-9]' })
            .respond(200, { sdp })
            .expectRequest('ACK')
            .expectBye(),
          callee()
            .expectRequest('INVITE', {
              headers: { 'Referred-By': 'sip:1001@example.com', ...seen },
              body: 'm=audio [1-9]',
            })
            .respond(200, { sdp })
            .expectRequest('ACK')
            .pause(500)
            .bye(),
        ],
      });
      // Whom the recorder knows as the recorded party is the callee, who stays.
      expect(await bench.ledgerLine(callId)).toMatchObject({ verdict: 'recorded' });
      expect(bench.srs.recordings.at(-1)?.deviations).toEqual([]);
    },
  );

  test('an attended REFER names another call of the gateway: its target joins, that call ends, and the referrer gets BYE (RFC 5589 §7)', async () => {
    const [referrer, carol] = await Promise.all([RawSipPeer.open('1001'), RawSipPeer.open('4444')]);
    try {
      const port = bench.gateway.port('udp');
      // The referrer's second line: it asks carol first.
      const carolUri = `sip:4444@127.0.0.1:${carol.port}`;
      const consultation = new RawDialog(referrer, port, { remoteUri: carolUri });
      consultation.invite({ body: rawSdp(10_100) });
      const asked = await carol.request('INVITE');
      carol.reply(asked, '200 OK', { body: rawSdp(30_000) });
      consultation.acknowledge(await referrer.response(200, 'INVITE'));
      await carol.request('ACK');
      const { callId, remoteTag, localTag } = consultation;
      const replaces = `${callId};to-tag=${remoteTag};from-tag=${localTag}`;

      const played = bench.play({
        caller: callsAndIsAnswered()
          .pause(200)
          .request('REFER', {
            headers: { 'Refer-To': `<${carolUri}?Replaces=${encodeURIComponent(replaces)}>` },
          })
          .expectStatus(202)
          .expectRequest('NOTIFY', { body: 'SIP/2.0 100', headers: { Event: 'refer' } })
          .respond(200)
          .expectRequest('NOTIFY', {
            body: 'SIP/2.0 200 OK',
            headers: { 'Subscription-State': 'terminated' },
          })
          .respond(200)
          .expectBye(),
        callee: answers()
          .expectRequest('INVITE', { body: 'm=audio [1-9]' })
          .respond(200, { sdp })
          .expectRequest('ACK')
          .expectBye(),
      });
      const joining = await carol.request('INVITE');
      // What carol's phone knows the consultation by.
      expect(joining.get('replaces')).toBe(
        `${asked.get('call-id')};to-tag=4444-tag;from-tag=${tagOf(asked.get('from'))}`,
      );
      carol.reply(joining, '200 OK', { body: rawSdp(31_000) });
      await carol.request('ACK');
      // Her phone ends what was replaced (RFC 3891 §3).
      RawDialog.ofInvite(carol, port, asked).send('BYE');
      referrer.reply(await referrer.request('BYE'), '200 OK');
      await carol.response(200, 'BYE');
      RawDialog.ofInvite(carol, port, joining).send('BYE');
      await carol.response(200, 'BYE');
      expect(await bench.ledgerLine(await played)).toMatchObject({ verdict: 'recorded' });
      expect(partiesOfLabel(bench.srs.recordings.at(-1)!.view, '2')).toMatchObject([
        { aor: 'sip:4444@127.0.0.1' },
      ]);
    } finally {
      await Promise.all([referrer.close(), carol.close()]);
    }
  }, 60_000);

  test('a REFER to somebody who is busy is told so, and the call goes on', async () => {
    const callId = await bench.play({
      caller: callsAndIsAnswered()
        .pause(200)
        .request('REFER', { headers: { 'Refer-To': '<sip:4444@[second_target]>' } })
        .expectStatus(202)
        .expectRequest('NOTIFY', { body: 'SIP/2.0 100' })
        .respond(200)
        .expectRequest('NOTIFY', { body: 'SIP/2.0 486' })
        .respond(200)
        .pause(200)
        .bye(),
      callee: [
        answers().expectBye(),
        callee().expectRequest('INVITE').respond(486).expectRequest('ACK'),
      ],
    });
    expect(await bench.ledgerLine(callId)).toMatchObject({ verdict: 'recorded' });
  });

  test('a redirection is followed, and the caller is not told of it', async () => {
    const callId = await bench.play({
      caller: callsAndIsAnswered().pause(200).bye(),
      callee: [
        callee()
          .expectRequest('INVITE')
          .respond(302, { headers: { Contact: '<sip:2002@[second_target]>' } })
          .expectRequest('ACK'),
        answers().expectBye(),
      ],
    });
    expect(await bench.ledgerLine(callId)).toMatchObject({ verdict: 'recorded' });
  });

  test('the digest challenge of a next hop is answered, in the INVITE and in the BYE', async () => {
    const challenge = {
      headers: {
        'WWW-Authenticate': 'Digest realm="next hop", nonce="84a4cc", qop="auth", algorithm=MD5',
      },
    };
    const credentials = { Authorization: `username="${GATEWAY_USERNAME}".*nonce="84a4cc"` };
    await bench.play({
      user: FAILOVER_USER,
      caller: callsAndIsAnswered().pause(100).bye(),
      callee: callee()
        .expectRequest('INVITE')
        .respond(401, challenge)
        .expectRequest('ACK')
        .expectRequest('INVITE', { headers: credentials })
        .respond(180)
        .respond(200, { sdp })
        .expectRequest('ACK')
        .expectRequest('BYE')
        .respond(401, challenge)
        .expectRequest('BYE', { headers: credentials })
        .respond(200),
    });
    expect(bench.gateway.ledger().length).toBeGreaterThan(0);
  });

  test('a record-aware caller sees a=record:on in the answer, another one nothing', async () => {
    for (const [headers, checks] of [
      [{ Supported: 'record-aware' }, { body: 'a=record:on' }],
      [{}, { bodyWithout: 'a=record' }],
    ] as const) {
      const callId = await bench.play({
        caller: caller()
          .request('INVITE', { sdp, headers })
          .expectStatus(180)
          .expectStatus(200, checks)
          .ack()
          .pause(200)
          .bye(),
        callee: answers().expectBye(),
      });
      expect(await bench.ledgerLine(callId)).toMatchObject({ verdict: 'recorded' });
    }
  });

  test('INFO with Record pauses and resumes for the recorded party, and is 403 for the other one', async () => {
    const callId = await bench.play({
      user: PAUSING_USER,
      caller: callsAndIsAnswered()
        .pause(300)
        .request('INFO', { headers: { Record: 'pause' } })
        .expectStatus(403, { headers: { Reason: 'recorded party' } })
        .expectBye(),
      callee: answers()
        .pause(600)
        .request('INFO', { headers: { Record: 'pause' } })
        .expectStatus(200)
        .pause(200)
        .request('INFO', { headers: { Record: 'off' } })
        .expectStatus(403, { headers: { Reason: 'mode' } })
        .request('INFO', { headers: { Record: 'resume' } })
        .expectStatus(200)
        .pause(200)
        .bye(),
    });
    const { controls } = await bench.ledgerLine(callId);
    expect(controls.map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      'pause refused-wrong-party',
      'pause done',
      'stop refused-not-allowed-by-mode',
      'resume done',
    ]);
  });

  test('MESSAGE outside of a call reaches the user it is for, and the answer comes back', async () => {
    const ledgerLines = bench.gateway.ledger().length;
    await bench.play({
      caller: caller()
        .request('MESSAGE', { body: { type: 'text/plain', text: 'hello' } })
        .expectStatus(202),
      callee: callee().expectRequest('MESSAGE', { body: 'hello' }).respond(202),
    });
    expect(bench.gateway.ledger()).toHaveLength(ledgerLines);
  });
});

describeWithSipp('overload', () => {
  test('a call beyond the limit gets 503 with Retry-After, and the call in progress is unharmed', async () => {
    const bench = await openSippBench({ sip: { maxCalls: 1 } });
    try {
      const inProgress = bench.play({
        caller: callsAndIsAnswered().playTone().pause(2500).pauseTone().bye(),
        callee: answers().playTone().expectBye().pauseTone(),
      });
      const recording = await bench.srs.waitForRecording(({ state }) => state === 'established');
      await bench.play({
        caller: caller()
          .request('INVITE', { sdp })
          .expectStatus(503, { headers: { 'Retry-After': '^ *[0-9]+' } })
          .ackFailure(),
      });
      expect(recording.state).toBe('established');
      const callId = await inProgress;
      expect(await bench.ledgerLine(callId)).toMatchObject({
        verdict: 'recorded',
        verdictReasons: ['complete'],
      });
    } finally {
      await bench.close();
    }
  });
});
