import { SRTP_SUITES, type StreamCrypto } from '#core';
import { type MediaCall, type MediaLeg, type MediaPlane } from '#media';
import { newSrtpKey, SrtpInbound, SrtpOutbound } from '../../src/lab/rtp/srtp';
import {
  eventually,
  inForce,
  isRtcp,
  openPlane,
  parse,
  rtp,
  thrownCode,
  UdpPeer,
} from './media-support';

/** A peer's view of one protected stream, with keys for both directions. */
function newStream(suite: (typeof SRTP_SUITES)[number]): {
  crypto: StreamCrypto;
  out: SrtpOutbound;
  in: SrtpInbound;
} {
  const [sendKey, receiveKey] = [newSrtpKey(suite), newSrtpKey(suite)];
  return {
    // The gateway's point of view.
    crypto: {
      suite,
      sendKey: { keySalt: sendKey, mki: '' },
      receiveKey: { keySalt: receiveKey, mki: '' },
    },
    out: new SrtpOutbound(suite, receiveKey),
    in: new SrtpInbound(suite, sendKey),
  };
}

/** A receiver report about nobody, from the test's SRS or phone. */
function emptyReport(ssrc: number): Buffer {
  const report = Buffer.from('80c90001000000000000', 'hex').subarray(0, 8);
  report.writeUInt32BE(ssrc, 4);
  return report;
}

describe.each(['linux', 'dgram'] as const)('SRTP on %s', backend => {
  let plane: MediaPlane;
  let peers: UdpPeer[];
  let call: MediaCall;
  let a: UdpPeer;
  let b: UdpPeer;
  let legA: MediaLeg;
  let legB: MediaLeg;

  beforeEach(async () => {
    plane = await openPlane(backend);
    a = await UdpPeer.open();
    b = await UdpPeer.open();
    peers = [a, b];
    call = plane.openCall({ callId: 'call' }, {});
    legA = await call.openLeg({ legId: 'a', network: 'lo' });
    legB = await call.openLeg({ legId: 'b', network: 'lo' });
    call.connect('a', 'b');
  });

  afterEach(async () => {
    peers.forEach(peer => peer.close());
    await plane.close();
  });

  test.each(SRTP_SUITES)('%s on one leg, plain RTP on the other', async suite => {
    const stream = newStream(suite);
    legA.setRemote(a.remote({ crypto: stream.crypto }));
    legB.setRemote(b.remote());
    await inForce(call);
    for (let i = 0; i < 10; i++) {
      a.send(stream.out.protect(rtp(65_531 + i)), legA.local.rtp);
      b.send(rtp(i + 100), legB.local.rtp);
    }
    const heardByB = (await b.packetsReach(10)).map(parse);
    heardByB.forEach((packet, i) => {
      expect(packet.payload.equals(parse(rtp(65_531 + i)).payload)).toBe(true);
    });
    const heardByA = (await a.packetsReach(10)).map(packet => stream.in.unprotect(packet));
    heardByA.forEach((packet, i) => {
      expect(packet && parse(packet).payload.equals(parse(rtp(i + 100)).payload)).toBe(true);
    });
  });

  test('each leg and each recording stream has its own keys; the recording hears what was said', async () => {
    const [streamA, streamB, streamSrs] = [
      newStream('AES_CM_128_HMAC_SHA1_80'),
      newStream('AES_CM_128_HMAC_SHA1_32'),
      newStream('AES_CM_128_HMAC_SHA1_80'),
    ];
    const srs = await UdpPeer.open();
    peers.push(srs);
    legA.setRemote(a.remote({ crypto: streamA.crypto }));
    legB.setRemote(b.remote({ crypto: streamB.crypto }));
    const recording = await call.openRecording({
      recordingId: 'r',
      network: 'lo',
      gateOpen: true,
      streams: [{ label: '1', sourceLegId: 'a', formats: [] }],
    });
    await inForce(call);
    // Said before the SRS has answered: it is in the ring, in the clear, and leaves protected.
    for (let i = 0; i < 5; i++) {
      a.send(streamA.out.protect(rtp(i)), legA.local.rtp);
    }
    await b.packetsReach(5);
    recording.setRemotes([srs.remote({ sends: false, rtcpMux: true, crypto: streamSrs.crypto })]);
    for (let i = 5; i < 10; i++) {
      a.send(streamA.out.protect(rtp(i)), legA.local.rtp);
    }
    const heardByB = (await b.packetsReach(10)).map(packet => streamB.in.unprotect(packet));
    const recorded = (await srs.packetsReach(10)).map(packet => streamSrs.in.unprotect(packet));
    for (const heard of [heardByB, recorded]) {
      heard.forEach((packet, i) => {
        expect(packet && parse(packet).payload.equals(parse(rtp(i)).payload)).toBe(true);
      });
    }
    // The first sender report comes right after the first packet, as SRTCP.
    const [report] = await srs.reportsReach(1);
    const opened = report === undefined ? null : streamSrs.in.unprotectRtcp(report);
    expect(opened?.readUInt32BE(4)).toBe(recording.streams[0]?.ssrc);
    expect(report?.includes(Buffer.from(recording.streams[0]?.cname ?? '?'))).toBe(false);
    // A report of the SRS counts only when it is authentic.
    const [stream] = recording.streams;
    const block = receiverReport(stream?.ssrc ?? 0);
    srs.send(block, stream?.local.rtp ?? { host: '', port: 0 });
    srs.send(streamSrs.out.protectRtcp(block), stream?.local.rtp ?? { host: '', port: 0 });
    await eventually(
      () => recording.report().streams[0]?.lastReceiverReport?.packetsLost === 7,
      'the report of the SRS',
    );
    expect(plane.counters().unauthentic).toBe(1);
  });

  test('what is not authentic is dropped, counted, and teaches the latch nothing', async () => {
    const stream = newStream('AES_CM_128_HMAC_SHA1_80');
    const stranger = await UdpPeer.open();
    peers.push(stranger);
    legA.setRemote(a.remote({ crypto: stream.crypto }));
    legB.setRemote(b.remote());
    await inForce(call);
    // From the signalled host, so that a plain leg would lock to it.
    for (let i = 0; i < 5; i++) {
      stranger.send(rtp(i), legA.local.rtp);
    }
    const first = stream.out.protect(rtp(1));
    a.send(first, legA.local.rtp);
    await b.packetsReach(1);
    a.send(first, legA.local.rtp);
    const broken = Buffer.from(stream.out.protect(rtp(2)));
    broken.writeUInt8(broken.readUInt8(20) ^ 1, 20);
    a.send(broken, legA.local.rtp);
    a.send(emptyReport(5), legA.local.rtcp);
    a.send(stream.out.protect(rtp(3)), legA.local.rtp);
    const heard = (await b.packetsReach(2)).map(parse);
    expect(heard.map(packet => packet.payload.equals(parse(rtp(1)).payload))).toEqual([
      true,
      false,
    ]);
    await eventually(() => legA.counters().unauthentic === 8, 'eight packets are not authentic');
    expect(b.packets).toHaveLength(2);
  });

  test('keys that stay keep their counters, another key begins anew', async () => {
    const stream = newStream('AES_CM_128_HMAC_SHA1_80');
    legA.setRemote(a.remote({ crypto: stream.crypto }));
    legB.setRemote(b.remote());
    await inForce(call);
    a.send(stream.out.protect(rtp(65_535)), legA.local.rtp);
    a.send(stream.out.protect(rtp(65_536)), legA.local.rtp);
    await b.packetsReach(2);
    // A re-INVITE with the same keys: the rollover counter is one already.
    legA.setRemote(a.remote({ crypto: stream.crypto, ptimeMs: 20 }));
    await inForce(call);
    a.send(stream.out.protect(rtp(65_537)), legA.local.rtp);
    await b.packetsReach(3);
    const renewed = newStream('AES_CM_128_HMAC_SHA1_80');
    legA.setRemote(a.remote({ crypto: renewed.crypto }));
    await inForce(call);
    a.send(renewed.out.protect(rtp(3)), legA.local.rtp);
    await b.packetsReach(4);
    // And back to plain RTP.
    legA.setRemote(a.remote());
    await inForce(call);
    a.send(rtp(4), legA.local.rtp);
    await b.packetsReach(5);
    expect(legA.counters().unauthentic).toBe(0);
  });

  test('a leg gets SRTCP reports that nobody else can read', async () => {
    const stream = newStream('AEAD_AES_256_GCM');
    legA.setRemote(a.remote({ rtcpMux: true, crypto: stream.crypto }));
    legB.setRemote(b.remote());
    await inForce(call);
    a.send(stream.out.protect(rtp(1)), legA.local.rtp);
    b.send(rtp(1), legB.local.rtp);
    await a.packetsReach(1);
    await call.close();
    const [goodbye] = await a.reportsReach(1);
    const opened = goodbye === undefined ? null : stream.in.unprotectRtcp(goodbye);
    expect(opened !== null && isRtcp(opened)).toBe(true);
    expect(opened?.includes(Buffer.from([0x81, 203]))).toBe(true);
  });

  test('a key that does not fit its suite is refused, and is not told', () => {
    const { crypto } = newStream('AEAD_AES_256_GCM');
    const wrong = { ...crypto, suite: 'AES_CM_128_HMAC_SHA1_80' as const };
    expect(thrownCode(() => legA.setRemote(a.remote({ crypto: wrong })))).toBe(
      'REC_ERR_MEDIA_BAD_KEY',
    );
  });
});

/** A receiver report with one block: seven packets lost. */
function receiverReport(ssrc: number): Buffer {
  const report = Buffer.alloc(32);
  report.writeUInt32BE(0x81c90007, 0);
  report.writeUInt32BE(99, 4);
  report.writeUInt32BE(ssrc, 8);
  report.writeUInt32BE(7, 12);
  return report;
}
