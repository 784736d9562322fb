import { describeWithSipp } from '../support/sipp';
import { openRtpSink, openSippBench, type RtpSink, type SippBench } from '../support/sipp-bench';
import { audioSdp, callee, caller, type SippScript } from '../support/sipp-scenario';

const sdp = audioSdp();
const RECORDERS = 8;
const RECORDED = { verdict: 'recorded', verdictReasons: ['complete'] };
/** RFC 7866 §9.2. */
const SNAPSHOT_REQUEST = {
  headers: { Require: 'siprec', 'Content-Disposition': 'recording-session' },
  body: {
    type: 'application/rs-metadata+xml',
    text: '<?xml version="1.0" encoding="UTF-8"?>\n<requestsnapshot xmlns="urn:ietf:params:xml:ns:recording:1"/>',
  },
};

/** Both parties of a call play their tones for a while. */
const callsAndTalks = (talkMs: number): SippScript =>
  caller()
    .request('INVITE', { sdp })
    .expectStatus(180)
    .expectStatus(200)
    .ack()
    .playTone()
    .pause(talkMs)
    .pauseTone()
    .bye();
const answersAndTalks = (): SippScript =>
  callee()
    .expectRequest('INVITE')
    .respond(180)
    .respond(200, { sdp })
    .expectRequest('ACK')
    .playTone()
    .expectBye()
    .pauseTone();

/** The recorder receives an INVITE as RFC 7866 §6.1 and §9.1 want it. */
const isInvited = (): SippScript =>
  callee(';+sip.srs').expectRequest('INVITE', {
    headers: { Require: 'siprec', Contact: '\\+sip\\.src', 'Content-Type': 'multipart/mixed' },
    body: 'a=label:1.*a=label:2.*recording-session.*<recording',
  });

describeWithSipp('SIPp as the recorder', () => {
  let bench: SippBench;
  let sinks: RtpSink[];

  beforeAll(async () => {
    bench = await openSippBench({ sippRecorders: RECORDERS });
  }, 60_000);

  afterAll(async () => {
    await bench.close();
  });

  beforeEach(async () => {
    sinks = [await openRtpSink(), await openRtpSink()];
  });

  afterEach(() => {
    sinks.forEach(sink => sink.close());
  });

  /** The recorder's SDP: two streams on our sinks, the second one refused on demand. */
  function recorderSdp(direction: 'recvonly' | 'inactive', isSecondRefused = false): string {
    return [
      'v=0',
      'o=srs 7 {version} IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      ...sinks.flatMap(({ port }, index) => [
        `m=audio ${index === 1 && isSecondRefused ? 0 : port} RTP/AVP 0`,
        'a=rtpmap:0 PCMU/8000',
        `a=rtcp:${port}`,
        `a=label:${index + 1}`,
        `a=${direction}`,
      ]),
    ].join('\n');
  }

  const takesTheSession = (): SippScript =>
    isInvited()
      .respond(200, { sdp: recorderSdp('recvonly') })
      .expectRequest('ACK');
  const packets = (): readonly number[] => sinks.map(sink => sink.packets);

  test('that takes the session gets both voices, and a BYE at the end', async () => {
    const callId = await bench.play({
      caller: callsAndTalks(1000),
      callee: answersAndTalks(),
      srs: takesTheSession().expectBye(),
    });
    const line = await bench.ledgerLine(callId);
    expect(line).toMatchObject(RECORDED);
    expect(packets()).toEqual(line.streams.map(({ packetsSent }) => packetsSent));
    expect(Math.min(...packets())).toBeGreaterThan(40);
  });

  test('that answers 503 leaves the call alone; the ledger says so', async () => {
    const callId = await bench.play({
      caller: callsAndTalks(300),
      callee: answersAndTalks(),
      srs: isInvited().respond(503).expectRequest('ACK'),
    });
    expect(await bench.ledgerLine(callId)).toMatchObject({
      verdict: 'failed',
      verdictReasons: ['srs-refused'],
      srsAttempts: [{ status: 503 }],
    });
    expect(packets()).toEqual([0, 0]);
  });

  test('that is inactive at first gets everything once it says recvonly', async () => {
    const callId = await bench.play({
      caller: callsAndTalks(1500),
      callee: answersAndTalks(),
      srs: isInvited()
        .respond(200, { sdp: recorderSdp('inactive') })
        .expectRequest('ACK')
        .pause(500)
        .request('INVITE', { sdp: recorderSdp('recvonly') })
        .expectStatus(200, { body: 'a=sendonly', headers: { Contact: '\\+sip\\.src' } })
        .ack()
        .expectBye(),
    });
    const line = await bench.ledgerLine(callId);
    expect(line).toMatchObject(RECORDED);
    expect(packets()).toEqual(line.streams.map(({ packetsCaptured }) => packetsCaptured));
  });

  test('that re-INVITEs without an offer gets ours, and answers in its ACK', async () => {
    const callId = await bench.play({
      caller: callsAndTalks(1000),
      callee: answersAndTalks(),
      srs: takesTheSession()
        .pause(300)
        .request('INVITE')
        .expectStatus(200, { body: 'a=label:1.*a=label:2' })
        .ack({ sdp: recorderSdp('recvonly') })
        .expectBye(),
    });
    expect(await bench.ledgerLine(callId)).toMatchObject(RECORDED);
  });

  test('that refuses one stream with port 0 gets the other one', async () => {
    const callId = await bench.play({
      caller: callsAndTalks(500),
      callee: answersAndTalks(),
      srs: isInvited()
        .respond(200, { sdp: recorderSdp('recvonly', true) })
        .expectRequest('ACK')
        .expectBye(),
    });
    const line = await bench.ledgerLine(callId);
    expect(line.verdict).toBe('partial');
    expect(line.verdictReasons).toContain('stream-refused');
    expect(packets()[0]).toBeGreaterThan(10);
    expect(packets()[1]).toBe(0);
  });

  test('that hangs up in mid-call: the call goes on, the ledger has the gap', async () => {
    const callId = await bench.play({
      caller: callsAndTalks(1000),
      callee: answersAndTalks(),
      srs: takesTheSession().pause(400).bye(),
    });
    expect(await bench.ledgerLine(callId)).toMatchObject({
      verdict: 'partial',
      verdictReasons: expect.arrayContaining(['srs-lost']) as string[],
      gaps: [{ reason: 'bye' }],
    });
    expect(Math.min(...packets())).toBeGreaterThan(5);
  });

  test('that asks for a snapshot by UPDATE gets a complete document at once', async () => {
    const callId = await bench.play({
      caller: callsAndTalks(1000),
      callee: answersAndTalks(),
      srs: takesTheSession()
        .pause(200)
        .request('UPDATE', SNAPSHOT_REQUEST)
        .expectStatus(200)
        .expectRequest('INVITE', { body: 'a=label:1.*<datamode>complete</datamode>' })
        .respond(200, { sdp: recorderSdp('recvonly') })
        .expectRequest('ACK')
        .expectBye(),
    });
    expect(await bench.ledgerLine(callId)).toMatchObject(RECORDED);
  });

  test('that answers our re-INVITE with 491 is asked again, on its own terms of time', async () => {
    const callId = await bench.play({
      // RFC 3261 §14.1: the owner of the Call-ID waits 2.1 to 4 s.
      caller: callsAndTalks(5000),
      callee: answersAndTalks(),
      srs: takesTheSession()
        .pause(100)
        .request('UPDATE', SNAPSHOT_REQUEST)
        .expectStatus(200)
        .expectRequest('INVITE')
        .respond(491)
        .expectRequest('ACK')
        .expectRequest('INVITE', { body: '<datamode>complete</datamode>' })
        .respond(200, { sdp: recorderSdp('recvonly') })
        .expectRequest('ACK')
        .expectBye(),
    });
    expect(await bench.ledgerLine(callId)).toMatchObject(RECORDED);
  });
});
