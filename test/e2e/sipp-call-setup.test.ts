import { describeWithSipp } from '../support/sipp';
import { FAILOVER_USER, openSippBench, type SippBench } from '../support/sipp-bench';
import { audioSdp, callee, caller } from '../support/sipp-scenario';

const sdp = audioSdp();

describeWithSipp('calls that are being set up, between SIPp instances', () => {
  let bench: SippBench;

  beforeAll(async () => {
    bench = await openSippBench();
  }, 60_000);

  afterAll(async () => {
    await bench.close();
  });

  test.each(['udp', 'tcp'] as const)(
    'a caller who gives up while the phone rings gets 487, and the callee a CANCEL, over %s',
    async transport => {
      await bench.play({
        transport,
        caller: caller()
          .request('INVITE', { sdp })
          .expectStatus(180)
          .cancel({ Reason: 'SIP;cause=487;text="gave up"' })
          .expectStatus(200)
          .expectStatus(487)
          .ackFailure(),
        callee: callee()
          .expectRequest('INVITE')
          .respond(180)
          .expectRequest('CANCEL', { headers: { Reason: 'gave up' } })
          .respond(200)
          .respondToInvite(487)
          .expectRequest('ACK'),
      });
    },
  );

  test.each(['udp', 'tcp'] as const)(
    'a busy callee: the caller gets its 486 with Reason, over %s',
    async transport => {
      await bench.play({
        transport,
        caller: caller()
          .request('INVITE', { sdp })
          .expectStatus(486, { headers: { Reason: 'cause=17' } })
          .ackFailure(),
        callee: callee()
          .expectRequest('INVITE')
          .respond(486, { headers: { Reason: 'Q.850;cause=17;text="User busy"' } })
          .expectRequest('ACK'),
      });
    },
  );

  test('a next hop that answers 503: the second one takes the call', async () => {
    await bench.play({
      user: FAILOVER_USER,
      caller: caller()
        .request('INVITE', { sdp })
        .expectStatus(180)
        .expectStatus(200)
        .ack()
        .pause(100)
        .bye(),
      callee: [
        callee().expectRequest('INVITE').respond(503).expectRequest('ACK'),
        callee()
          .expectRequest('INVITE')
          .respond(180)
          .respond(200, { sdp })
          .expectRequest('ACK')
          .expectBye(),
      ],
    });
  });

  test('a callee who declines at the first next hop is not called at the second', async () => {
    await bench.play({
      user: FAILOVER_USER,
      caller: caller().request('INVITE', { sdp }).expectStatus(603).ackFailure(),
      callee: callee().expectRequest('INVITE').respond(603).expectRequest('ACK'),
    });
  });

  test('early media: the 183 carries an answer that points to the gateway', async () => {
    await bench.play({
      caller: caller()
        .request('INVITE', { sdp })
        .expectStatus(183, { body: 'm=audio [1-9]' })
        .expectStatus(200, { body: 'm=audio [1-9]' })
        .ack()
        .pause(100)
        .bye(),
      callee: callee()
        .expectRequest('INVITE')
        .respond(183, { sdp })
        .pause(200)
        .respond(200, { sdp })
        .expectRequest('ACK')
        .expectBye(),
    });
  });

  test('several provisional responses arrive one by one, in their order', async () => {
    await bench.play({
      transport: 'tcp',
      caller: caller()
        .request('INVITE', { sdp })
        .expectStatus(180)
        .expectStatus(182)
        .expectStatus(183, { body: 'm=audio [1-9]' })
        .expectStatus(180)
        .expectStatus(200)
        .ack()
        .pause(100)
        .bye(),
      callee: callee()
        .expectRequest('INVITE')
        .respond(180)
        .pause(50)
        .respond(182)
        .pause(50)
        .respond(183, { sdp })
        .pause(50)
        .respond(180)
        .pause(50)
        .respond(200, { sdp })
        .expectRequest('ACK')
        .expectBye(),
    });
  });

  test('an INVITE without an offer: the callee offers in its 200, the caller answers in its ACK', async () => {
    await bench.play({
      caller: caller()
        .request('INVITE')
        .expectStatus(180)
        .expectStatus(200, { body: 'm=audio [1-9]' })
        .ack({ sdp })
        .pause(100)
        .bye(),
      callee: callee()
        .expectRequest('INVITE', { headers: { 'Content-Length': '^ *0' } })
        .respond(180)
        .respond(200, { sdp })
        .expectRequest('ACK', { body: 'm=audio [1-9]' })
        .expectBye(),
    });
  });

  test('OPTIONS to the gateway itself: 200 with what it understands', async () => {
    await bench.play({
      caller: caller()
        .request('OPTIONS')
        .expectStatus(200, { headers: { Allow: 'INVITE.*BYE' } }),
    });
  });

  test('nobody answers at the next hop of a call: the caller gets a final response', async () => {
    await bench.play({
      transport: 'tcp',
      caller: caller().request('INVITE', { sdp }).expectStatus(503).ackFailure(),
    });
  });

  test('a redirection comes to the caller with its Contact', async () => {
    await bench.play({
      caller: caller()
        .request('INVITE', { sdp })
        .expectStatus(302, { headers: { Contact: 'sip:4711@198.51.100.7' } })
        .ackFailure(),
      callee: callee()
        .expectRequest('INVITE')
        .respond(302, { headers: { Contact: '<sip:4711@198.51.100.7>' } })
        .expectRequest('ACK'),
    });
  });

  test('a digest challenge of the callee comes to the caller', async () => {
    await bench.play({
      caller: caller()
        .request('INVITE', { sdp })
        .expectStatus(407, { headers: { 'Proxy-Authenticate': 'realm="switch"' } })
        .ackFailure(),
      callee: callee()
        .expectRequest('INVITE')
        .respond(407, {
          headers: { 'Proxy-Authenticate': 'Digest realm="switch", nonce="84a4cc", algorithm=MD5' },
        })
        .expectRequest('ACK'),
    });
  });

  test('a session interval that is too short is refused with 422 and Min-SE', async () => {
    await bench.play({
      caller: caller()
        .request('INVITE', {
          sdp,
          headers: { Supported: 'timer', 'Session-Expires': '30', 'Min-SE': '30' },
        })
        .expectStatus(422, { headers: { 'Min-SE': '90' } })
        .ackFailure(),
    });
  });

  test('a callee whose 183 must be acknowledged gets a PRACK, and its early answer stands', async () => {
    await bench.play({
      caller: caller()
        .request('INVITE', { sdp, headers: { Supported: '100rel' } })
        .expectStatus(183, { body: 'm=audio [1-9]' })
        .expectStatus(200, { body: 'm=audio [1-9]' })
        .ack()
        .pause(100)
        .bye(),
      callee: callee()
        .expectRequest('INVITE')
        .respond(183, { sdp, headers: { Require: '100rel', RSeq: '1' } })
        .expectRequest('PRACK', { headers: { RAck: '1 [0-9]+ INVITE' } })
        .respond(200)
        .respondToInvite(200)
        .expectRequest('ACK')
        .expectBye(),
    });
  });

  test('who calls, for whom and by which session comes to a trusted callee', async () => {
    const headers = {
      'P-Asserted-Identity': '<sip:+15550100@example.com>',
      Privacy: 'id',
      Diversion: '<sip:9@example.com>;reason=unconditional',
      'Session-ID': 'ab30317f1a784dc48ff824d0d3715d86',
    };
    await bench.play({
      caller: caller()
        .request('INVITE', { sdp, headers })
        .expectStatus(180)
        .expectStatus(200)
        .ack()
        .pause(100)
        .bye(),
      callee: callee()
        .expectRequest('INVITE', {
          headers: {
            'P-Asserted-Identity': '15550100@example.com',
            Privacy: 'id',
            Diversion: 'sip:9@example.com',
            'Session-ID': 'ab30317f1a784dc48ff824d0d3715d86',
          },
        })
        .respond(180)
        .respond(200, { sdp })
        .expectRequest('ACK')
        .expectBye(),
    });
  });
});
