import { audioPort, B2buaBench, hangUp, LOCAL, sdp } from '../support/b2bua-bench';
import { RawDialog, type RawMessage } from '../support/raw-sip-peer';

let bench: B2buaBench;

beforeAll(async () => {
  bench = await B2buaBench.start({ byeMs: 1_000 });
});
afterEach(async () => {
  await bench.settle();
});
afterAll(async () => {
  await bench.close();
});

const lines = (...each: string[]): string => `${each.join('\r\n')}\r\n`;

/** A phone that would like ICE, BUNDLE and opportunistic SRTP, but can live without. */
const ICE_AND_BUNDLE = lines(
  'v=0',
  'o=- 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'a=ice-options:trickle',
  'a=ice-lite',
  'a=msid-semantic: WMS *',
  'm=audio 10000 RTP/AVP 0 101',
  'a=mid:0',
  'a=ice-ufrag:abcd',
  'a=ice-pwd:abcdefghijklmnopqrstuv',
  'a=candidate:1 1 UDP 2130706431 127.0.0.1 10000 typ host',
  'a=end-of-candidates',
  'a=rtcp-mux',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  'a=tcap:1 RTP/SAVP',
  'a=pcfg:1 t=1',
  'a=zrtp-hash:1.10 00',
  'a=ssrc:1 cname:x',
  'a=rtpmap:101 telephone-event/8000',
  'm=video 0 RTP/AVP 96',
  'a=mid:1',
  'a=bundle-only',
  'a=rtpmap:96 H264/90000',
);
const OTHERS_TRANSPORT =
  /^a=(group|mid|ice-|candidate|end-of|crypto|tcap|pcfg|zrtp|ssrc|msid|bundle)/m;

/** The INVITE as the callee gets it, and the answer that the caller gets. */
async function call(
  offer: string,
  answer: string,
): Promise<{ offered: RawMessage; answered: RawMessage; end: () => Promise<void> }> {
  const caller = await bench.peer('alice');
  const callee = await bench.peer('bob');
  bench.addTarget(callee);
  const a = bench.dialFrom(caller);
  a.invite({ body: offer });
  const invite = await callee.request('INVITE');
  callee.reply(invite, '200 OK', { body: answer });
  const ok = await caller.response(200, 'INVITE');
  a.acknowledge(ok);
  await callee.request('ACK');
  const b = RawDialog.ofInvite(callee, bench.engine.sipPort, invite);
  const end = (): Promise<void> =>
    hangUp({ caller, callee, a, b, invite, ok, delegate: bench.delegate });
  return { offered: invite, answered: ok, end };
}

describe('an offer with ICE, BUNDLE and optional SRTP', () => {
  it('is offered and answered as plain RTP, without a trace of what is not ours', async () => {
    const answer = sdp(20_000) + lines('m=video 0 RTP/AVP 96');
    const { offered, answered, end } = await call(ICE_AND_BUNDLE, answer);
    for (const { body } of [offered, answered]) {
      expect(body).not.toMatch(OTHERS_TRANSPORT);
      expect(body.match(/^m=.*$/gm)).toHaveLength(2);
      expect(body).toMatch(/^m=video 0 RTP\/AVP 96\r$/m);
    }
    expect(offered.body).not.toContain('a=rtcp-mux');
    // Offered by the caller, so it may be sure of it (RFC 5761 §5.1.1).
    expect(answered.body).toContain('a=rtcp-mux\r\n');
    expect(audioPort(answered.body)).toBe(LOCAL.caller.rtp.port);
    expect(bench.delegate.lastStream('caller')).toMatchObject({ rtcpMux: true });
    expect(bench.delegate.lastStream('callee')).toMatchObject({ rtcpMux: false });
    await end();
  });
});

describe('an offer with more than one m-line', () => {
  it('has the first plain audio anchored and every other one refused in its place on both sides', async () => {
    const offer = lines(
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'm=video 11000 RTP/AVP 96',
      'a=rtpmap:96 H264/90000',
      'm=audio 12000 RTP/SAVP 0',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      'm=audio 10000 RTP/AVP 0',
      'm=audio 10010 RTP/AVP 8',
      'm=application 13000 UDP/BFCP *',
      'm=image 14000 UDPTL t38',
    );
    const refused = (line: string): string => line.replace(/ \d+ /, ' 0 ');
    const media = offer.match(/^m=.*(?=\r)/gm) ?? [];
    const answer =
      lines('v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0') +
      lines(...media.map((line, at) => (at === 2 ? 'm=audio 20000 RTP/AVP 0' : refused(line))));
    const { offered, answered, end } = await call(offer, answer);
    for (const [body, port] of [
      [offered.body, LOCAL.callee.rtp.port],
      [answered.body, LOCAL.caller.rtp.port],
    ] as const) {
      expect(body.match(/^m=.*(?=\r)/gm)).toEqual(
        media.map((line, at) => (at === 2 ? `m=audio ${port} RTP/AVP 0` : refused(line))),
      );
      expect(body).not.toContain('a=crypto');
    }
    expect(bench.delegate.lastStream('caller')?.rtp?.port).toBe(10_000);
    await end();
  });

  it('that is added in a re-INVITE is refused, and the audio goes on', async () => {
    const established = await bench.established();
    const { caller, callee, a } = established;
    a.send('INVITE', { body: sdp(10_000) + lines('m=video 11000 RTP/AVP 96') });
    const offered = await callee.request('INVITE');
    expect(offered.body).toMatch(/^m=video 0 RTP\/AVP 96\r$/m);
    callee.reply(offered, '200 OK', { body: sdp(20_000) + lines('m=video 0 RTP/AVP 96') });
    const ok = await caller.response(200, 'INVITE');
    expect(ok.body.match(/^m=.*(?=\r)/gm)).toEqual([
      `m=audio ${LOCAL.caller.rtp.port} RTP/AVP 0 8 101`,
      'm=video 0 RTP/AVP 96',
    ]);
    a.acknowledge(ok);
    await hangUp(established);
  });
});

describe('m-lines that are no audio, when they may pass', () => {
  it('go around us with the addresses of their owners, but for those that need keys or ICE', async () => {
    bench.plan = { otherMedia: 'pass' };
    const others = (port: number): string =>
      lines(
        `m=video ${port} RTP/AVP 96`,
        'a=rtpmap:96 H264/90000',
        'm=application 13000 UDP/BFCP *',
        'a=candidate:1 1 UDP 2130706431 127.0.0.1 13000 typ host',
      );
    const { offered, answered, end } = await call(
      sdp(10_000, { host: '127.0.0.3' }) + others(11_000),
      sdp(20_000, { host: '127.0.0.4' }) +
        lines('m=video 21000 RTP/AVP 96', 'm=application 0 UDP/BFCP *'),
    );
    for (const [body, anchored, host, port] of [
      [offered.body, LOCAL.callee.rtp.port, '127.0.0.3', 11_000],
      [answered.body, LOCAL.caller.rtp.port, '127.0.0.4', 21_000],
    ] as const) {
      expect(body.match(/^m=\S+ \d+/gm)).toEqual([
        `m=audio ${anchored}`,
        `m=video ${port}`,
        'm=application 0',
      ]);
      expect(body).toMatch(new RegExp(`m=video ${port} .*\r\nc=IN IP4 ${host}\r\n`));
    }
    await end();
  });
});

describe('an offer that cannot be anchored', () => {
  const dtls = sdp(10_000)
    .replace('RTP/AVP', 'UDP/TLS/RTP/SAVPF')
    .concat(lines('a=fingerprint:sha-256 00', 'a=setup:actpass', 'a=rtcp-mux'));
  it.each([
    ['that demands DTLS-SRTP', dtls, 305],
    ['that demands SDES-SRTP', sdp(10_000).replace('RTP/AVP', 'RTP/SAVP'), 305],
    ['of video alone', sdp(10_000).replace('m=audio', 'm=video'), 304],
    ['whose audio is disabled', sdp(0), 304],
  ])('%s gets 488 with a Warning, and nobody is rung', async (_what, offer, warning) => {
    const caller = await bench.peer('alice');
    const callee = await bench.peer('bob');
    bench.addTarget(callee);
    const a = bench.dialFrom(caller);
    a.invite({ body: offer });
    const refused = await caller.response(488, 'INVITE');
    expect(refused.get('warning')).toMatch(new RegExp(`^${warning} `));
    a.acknowledgeFailure(refused);
    expect(callee.received).toHaveLength(0);
  });
});
