import { type MediaCall, type MediaCallEvents, type MediaLeg, type MediaPlane } from '#media';
import fc from 'fast-check';
import { readdirSync, readlinkSync } from 'node:fs';
import {
  eventually,
  firstCall,
  inForce,
  openPlane,
  parse,
  rtp,
  steps,
  thrownCode,
  UdpPeer,
} from './media-support';

/** Sockets that this process holds open. */
function openSockets(): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

describe.each(['linux', 'dgram'] as const)('the relay on %s', backend => {
  let plane: MediaPlane;
  let peers: UdpPeer[];

  beforeEach(async () => {
    peers = [];
    plane = await openPlane(backend);
  });

  afterEach(async () => {
    peers.forEach(peer => peer.close());
    await plane.close();
  });

  async function peerOn(host?: string): Promise<UdpPeer> {
    const peer = await UdpPeer.open(host);
    peers.push(peer);
    return peer;
  }

  interface Scene {
    call: MediaCall;
    a: UdpPeer;
    b: UdpPeer;
    legA: MediaLeg;
    legB: MediaLeg;
  }

  /** A connected call of two phones, with nothing sent yet. */
  async function callOfTwo(events: MediaCallEvents = {}, network = 'lo'): Promise<Scene> {
    const host = network === 'lo6' ? '::1' : '127.0.0.1';
    const a = await peerOn(host);
    const b = await peerOn(host);
    const call = plane.openCall({ callId: 'call' }, events);
    const legA = await call.openLeg({ legId: 'a', network });
    const legB = await call.openLeg({ legId: 'b', network });
    legA.setRemote(a.remote());
    legB.setRemote(b.remote());
    call.connect('a', 'b');
    await inForce(call);
    return { call, a, b, legA, legB };
  }

  test('each leg hears the other bit for bit, under an SSRC of our own', async () => {
    const { a, b, legA, legB } = await callOfTwo();
    for (let i = 0; i < 20; i++) {
      a.send(rtp(i, { ssrc: 1, marker: i === 0 }), legA.local.rtp);
      b.send(rtp(i + 500, { ssrc: 2, payloadType: 8 }), legB.local.rtp);
    }
    const heardByB = (await b.packetsReach(20)).map(parse);
    const heardByA = (await a.packetsReach(20)).map(parse);
    heardByB.forEach((packet, i) => {
      const sent = parse(rtp(i));
      expect(packet.payload.equals(sent.payload)).toBe(true);
      expect(packet.marker).toBe(i === 0);
    });
    expect(heardByA.map(packet => packet.payloadType)).toEqual(new Array(20).fill(8));
    expect(new Set(heardByB.map(packet => packet.ssrc)).size).toBe(1);
    expect(heardByB[0]?.ssrc).not.toBe(1);
    expect(heardByA[0]?.ssrc).not.toBe(heardByB[0]?.ssrc);
    // The peer may see a packet a moment before it is counted.
    await eventually(() => legA.counters().packetsSent === 20, 'the last packet is counted');
    expect(legA.counters()).toMatchObject({ packetsReceived: 20, packetsSent: 20, packetsLost: 0 });
    expect(plane.counters()).toMatchObject({ openCalls: 1, openLegs: 2, packetsReceived: 40 });
  });

  test('CSRCs, a header extension and padding pass through intact', async () => {
    const { a, b, legA } = await callOfTwo();
    const packet = Buffer.concat([
      // V=2 P=1 X=1 CC=1, marker, payload type 96
      Buffer.from([0xb1, 0xe0, 0x00, 0x07, 0, 0, 0, 9, 0, 0, 0, 5]),
      Buffer.from('deadbeef', 'hex'),
      Buffer.from('bede0001aabbccdd', 'hex'),
      Buffer.from('payload'),
      Buffer.from([0, 0, 3]),
    ]);
    a.send(packet, legA.local.rtp);
    const [heard] = await b.packetsReach(1);
    expect(heard?.subarray(0, 2)).toEqual(packet.subarray(0, 2));
    expect(heard?.subarray(12)).toEqual(packet.subarray(12));
  });

  test('loss stays a gap, reordering keeps its numbers, and the wrap is no seam', async () => {
    const { a, b, legA } = await callOfTwo();
    const sequences = [65_533, 65_534, 1, 0, 2, 5];
    sequences.forEach(sequence => {
      a.send(rtp(sequence, { timestamp: sequence }), legA.local.rtp);
    });
    const heard = await b.packetsReach(6);
    expect(steps(heard)).toEqual([1, 3, 65_535, 2, 3]);
    // 65535 never came, nor did 3 and 4.
    expect(legA.counters().packetsLost).toBe(3);
  });

  test('another SSRC of the talker continues the stream without a seam', async () => {
    const { a, b, legA } = await callOfTwo();
    a.send(rtp(100, { ssrc: 1, timestamp: 1_000_000 }), legA.local.rtp);
    a.send(rtp(101, { ssrc: 1, timestamp: 1_000_160 }), legA.local.rtp);
    a.send(rtp(60_000, { ssrc: 9, timestamp: 77 }), legA.local.rtp);
    a.send(rtp(60_001, { ssrc: 9, timestamp: 237 }), legA.local.rtp);
    const heard = await b.packetsReach(4);
    expect(steps(heard)).toEqual([1, 1, 1]);
    const parsed = heard.map(parse);
    expect(new Set(parsed.map(packet => packet.ssrc)).size).toBe(1);
    const [, second, third, fourth] = parsed.map(packet => packet.timestamp);
    expect(((third ?? 0) - (second ?? 0)) >>> 0).toBeLessThan(8000);
    expect(((fourth ?? 0) - (third ?? 0)) >>> 0).toBe(160);
  });

  test('it works over IPv6', async () => {
    const { a, b, legA } = await callOfTwo({}, 'lo6');
    expect(legA.local.rtp.host).toBe('::1');
    a.send(rtp(1), legA.local.rtp);
    expect(await b.packetsReach(1)).toHaveLength(1);
  });

  test('a peer behind a NAT is learnt after three packets and then answered there', async () => {
    const latched = firstCall<[string, string]>('legLatched');
    const { b, legA, legB } = await callOfTwo({ legLatched: latched.handler });
    const behindNat = await peerOn('127.0.0.2');
    for (let i = 0; i < 5; i++) {
      behindNat.send(rtp(i), legA.local.rtp);
    }
    expect(await latched.called).toEqual(['a', `127.0.0.2:${behindNat.port}`]);
    // The first two are not believed yet.
    expect(parse((await b.packetsReach(3))[0] ?? Buffer.alloc(12)).payload).toEqual(
      parse(rtp(2)).payload,
    );
    b.send(rtp(1), legB.local.rtp);
    expect(await behindNat.packetsReach(1)).toHaveLength(1);
  });

  test('RTPbleed: a second source can neither take over nor listen', async () => {
    const intruder = firstCall<[string, string]>('intruderSeen');
    let intruders = 0;
    const { a, b, legA, legB } = await callOfTwo({
      intruderSeen: (legId, source) => {
        intruders++;
        intruder.handler(legId, source);
      },
    });
    a.send(rtp(1), legA.local.rtp);
    await b.packetsReach(1);
    const attackers = [await peerOn('127.0.0.3'), await peerOn('127.0.0.1')];
    for (let i = 0; i < 50; i++) {
      attackers.forEach(attacker => {
        attacker.send(rtp(1000 + i, { ssrc: 0x1234 }), legA.local.rtp);
      });
    }
    await eventually(() => legA.counters().rejectedSource === 100, '100 packets rejected');
    a.send(rtp(2), legA.local.rtp);
    b.send(rtp(1), legB.local.rtp);
    expect(steps(await b.packetsReach(2))).toEqual([1]);
    await a.packetsReach(1);
    expect(attackers.map(attacker => attacker.received.length)).toEqual([0, 0]);
    expect((await intruder.called)[0]).toBe('a');
    expect(intruders).toBe(1);
    expect(b.packets).toHaveLength(2);
  });

  test('a straggler of an earlier call that comes first does not keep the signalled source out', async () => {
    const { a, b, legA, legB } = await callOfTwo();
    // A switch sends all its calls from one host, and ports are used again.
    const straggler = await peerOn('127.0.0.1');
    straggler.send(rtp(7, { ssrc: 0x77 }), legA.local.rtp);
    await b.packetsReach(1);
    for (let i = 0; i < 10; i++) {
      a.send(rtp(i), legA.local.rtp);
    }
    // Two are lost until it is clear that the straggler has gone.
    expect(await b.packetsReach(9)).toHaveLength(9);
    expect(legA.counters().rejectedSource).toBe(2);
    b.send(rtp(1), legB.local.rtp);
    await a.packetsReach(1);
    expect(straggler.received).toHaveLength(0);
  });

  test('the signalled address does not displace another source that is locked and still sends', async () => {
    const { a, b, legA } = await callOfTwo();
    const talker = await peerOn('127.0.0.1');
    for (let i = 0; i < 10; i++) {
      talker.send(rtp(i), legA.local.rtp);
      await b.packetsReach(i + 1);
      a.send(rtp(100 + i, { ssrc: 0x1234 }), legA.local.rtp);
      await eventually(() => legA.counters().rejectedSource === i + 1, 'rejected');
    }
    expect(b.packets).toHaveLength(10);
  });

  test('a changed signalled address unlocks, and the new source takes over', async () => {
    const { call, a, b, legA, legB } = await callOfTwo();
    a.send(rtp(1), legA.local.rtp);
    await b.packetsReach(1);
    const moved = await peerOn();
    moved.send(rtp(900, { ssrc: 5 }), legA.local.rtp);
    await eventually(() => legA.counters().rejectedSource === 1, 'the new source is a stranger');
    legA.setRemote(moved.remote());
    await inForce(call);
    b.send(rtp(1), legB.local.rtp);
    await moved.packetsReach(1);
    moved.send(rtp(901, { ssrc: 5 }), legA.local.rtp);
    expect(steps(await b.packetsReach(2))).toEqual([1]);
    a.send(rtp(2), legA.local.rtp);
    await eventually(() => legA.counters().rejectedSource === 2, 'the old source is shut out');
  });

  test('malformed packets are counted and never relayed', async () => {
    const { a, b, legA } = await callOfTwo();
    const wrongVersion = rtp(3);
    wrongVersion[0] = 0x40;
    const tooManyCsrcs = rtp(4, { payload: Buffer.alloc(4) });
    tooManyCsrcs[0] = 0x8f;
    const malformed = [
      Buffer.from([0x80, 0, 0]),
      Buffer.alloc(0),
      rtp(2, { payload: Buffer.alloc(8988) }),
      wrongVersion,
      tooManyCsrcs,
    ];
    malformed.forEach(packet => a.send(packet, legA.local.rtp));
    a.send(rtp(9), legA.local.rtp);
    const heard = await b.packetsReach(1);
    expect(heard).toHaveLength(1);
    expect(heard[0]?.subarray(12)).toEqual(rtp(9).subarray(12));
    expect(legA.counters().malformed).toBe(malformed.length);
  });

  test('any bytes on any port harm nobody', async () => {
    const lost = jest.fn();
    const { a, b, legA } = await callOfTwo({ mediaLost: lost });
    a.send(rtp(1), legA.local.rtp);
    await b.packetsReach(1);
    const datagrams = fc.sample(fc.uint8Array({ maxLength: 120 }), { numRuns: 200, seed: 7 });
    for (const bytes of datagrams) {
      // Half of them look like RTP or RTCP at first sight.
      bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x80;
      a.send(Buffer.from(bytes), legA.local.rtp);
      a.send(Buffer.from(bytes), legA.local.rtcp);
    }
    const marked = rtp(2, { payload: Buffer.from('still here') });
    a.send(marked, legA.local.rtp);
    await b.until(
      () => b.packets.some(packet => packet.subarray(12).equals(marked.subarray(12))),
      'the packet after the garbage',
    );
    expect(legA.counters().malformed).toBeGreaterThan(50);
    expect(lost).not.toHaveBeenCalled();
  });

  test('nothing is sent toward a leg that does not receive, nor taken from one that does not send', async () => {
    const { call, a, b, legA, legB } = await callOfTwo();
    a.send(rtp(1), legA.local.rtp);
    await b.packetsReach(1);
    legB.setRemote(b.remote({ receives: false }));
    await inForce(call);
    a.send(rtp(2), legA.local.rtp);
    await eventually(() => legA.counters().packetsReceived === 2, 'the second packet');
    legB.setRemote(b.remote());
    legA.setRemote(a.remote({ sends: false }));
    await inForce(call);
    a.send(rtp(3), legA.local.rtp);
    await eventually(() => legA.counters().packetsReceived === 3, 'the third packet');
    legA.setRemote(a.remote());
    await inForce(call);
    a.send(rtp(4), legA.local.rtp);
    const heard = await b.packetsReach(2);
    expect(heard.map(packet => packet.subarray(12))).toEqual([
      rtp(1).subarray(12),
      rtp(4).subarray(12),
    ]);
  });

  test('connecting a leg to another one replaces its partner', async () => {
    const { call, a, b, legA, legB } = await callOfTwo();
    const c = await peerOn();
    const legC = await call.openLeg({ legId: 'c', network: 'lo' });
    legC.setRemote(c.remote());
    call.connect('a', 'c');
    await inForce(call);
    a.send(rtp(1), legA.local.rtp);
    await c.packetsReach(1);
    b.send(rtp(1), legB.local.rtp);
    await eventually(() => legB.counters().packetsReceived === 1, 'b is still read');
    c.send(rtp(1, { ssrc: 3 }), legC.local.rtp);
    await a.packetsReach(1);
    expect(b.packets).toHaveLength(0);
    expect(a.packets).toHaveLength(1);
  });

  test('a silent leg that should send is reported once', async () => {
    await plane.close();
    plane = await openPlane(backend, { mediaTimeoutMs: 150 });
    const timedOut = firstCall<[string]>('legTimedOut');
    const seen: string[] = [];
    const { a, b, legA, legB } = await callOfTwo({
      legTimedOut: legId => {
        seen.push(legId);
        timedOut.handler(legId);
      },
    });
    legB.setRemote(b.remote({ sends: false }));
    a.send(rtp(1), legA.local.rtp);
    expect(await timedOut.called).toEqual(['a']);
    a.send(rtp(2), legA.local.rtp);
    await eventually(() => seen.length === 2, 'the second silence');
    expect(seen).toEqual(['a', 'a']);
  });

  test('busy ports are skipped, exhausted ones are a clear error, ended ones come back rested', async () => {
    await plane.close();
    const blocker = await peerOn('127.0.0.1');
    const portMin = blocker.port - (blocker.port % 2);
    plane = await openPlane(backend, { portMin, portMax: portMin + 5, portQuarantineMs: 300 });
    const call = plane.openCall({ callId: 'c' }, {});
    const legs: MediaLeg[] = [];
    const openAll = async (): Promise<void> => {
      for (;;) {
        legs.push(await call.openLeg({ legId: `leg ${legs.length}`, network: 'lo' }));
      }
    };
    await expect(openAll()).rejects.toMatchObject({ code: 'REC_ERR_MEDIA_NO_PORTS' });
    const ports = legs.map(leg => leg.local.rtp.port);
    // Two of the three pairs are free, unless another program holds one of them.
    expect(ports.length).toBeGreaterThan(0);
    expect(ports).not.toContain(portMin);
    legs[0]?.close();
    await eventually(() => plane.counters().openLegs === legs.length - 1, 'the leg is closed');
    await expect(call.openLeg({ legId: 'x', network: 'lo' })).rejects.toMatchObject({
      code: 'REC_ERR_MEDIA_NO_PORTS',
    });
    expect(plane.counters().portsInUse).toBe(6);
    await eventually(() => plane.counters().portsInUse < 6, 'the quarantine ends');
    const again = await call.openLeg({ legId: 'x', network: 'lo' });
    expect(again.local.rtp.port).toBe(ports[0]);
  });

  test('legs and recordings of later calls are open at once: their ports are held ready', async () => {
    const first = plane.openCall({ callId: 'first' }, {});
    await first.openLeg({ legId: 'a', network: 'lo' });
    await first.close();
    // Two legs and two streams twice over, and more.
    const spares = (): number => {
      const { portsInUse } = plane.counters();
      expect(portsInUse).toBe(0);
      return openSockets();
    };
    const idle = openSockets();
    await eventually(() => spares() >= idle + 16, 'pairs are held ready, which count as unused');
    const call = plane.openCall({ callId: 'second' }, {});
    let isLater = false;
    setImmediate(() => {
      isLater = true;
    });
    const legA = await call.openLeg({ legId: 'a', network: 'lo' });
    const legB = await call.openLeg({ legId: 'b', network: 'lo' });
    const recording = await call.openRecording({
      recordingId: 'r',
      network: 'lo',
      gateOpen: true,
      streams: [
        { label: '1', sourceLegId: 'a', formats: [] },
        { label: '2', sourceLegId: 'b', formats: [] },
      ],
    });
    expect(isLater).toBe(false);
    // They work like any other.
    call.connect('a', 'b');
    const [a, b, srs] = [
      await peerOn('127.0.0.1'),
      await peerOn('127.0.0.1'),
      await peerOn('127.0.0.1'),
    ];
    legA.setRemote(a.remote());
    legB.setRemote(b.remote());
    recording.setRemotes([srs.remote(), null]);
    a.send(rtp(1), legA.local.rtp);
    await eventually(
      () => b.received.length === 1 && srs.received.length === 1,
      'relayed, recorded',
    );
    await call.close();
    expect(plane.counters().portsInUse).toBe(0);
  });

  test('wrong use is a typed error', async () => {
    const { call, a, legA } = await callOfTwo();
    await expect(call.openLeg({ legId: 'x', network: 'nowhere' })).rejects.toMatchObject({
      code: 'REC_ERR_MEDIA_UNKNOWN_NETWORK',
    });
    await expect(call.openLeg({ legId: 'a', network: 'lo' })).rejects.toMatchObject({
      code: 'REC_ERR_MEDIA_DUPLICATE',
    });
    expect(thrownCode(() => call.connect('a', 'z'))).toBe('REC_ERR_MEDIA_UNKNOWN_LEG');
    const bad = { host: 'example.org', port: 4000 };
    expect(thrownCode(() => legA.setRemote({ ...a.remote(), rtp: bad }))).toBe(
      'REC_ERR_MEDIA_BAD_ADDRESS',
    );
    await call.close();
    await expect(call.openLeg({ legId: 'x', network: 'lo' })).rejects.toMatchObject({
      code: 'REC_ERR_MEDIA_CLOSED',
    });
  });

  test('closing leaves no socket, and counters keep their sums', async () => {
    await plane.close();
    const before = openSockets();
    plane = await openPlane(backend);
    const { call, a, b, legA } = await callOfTwo();
    await call.openRecording({
      recordingId: 'r',
      network: 'lo',
      gateOpen: true,
      streams: [{ label: '1', sourceLegId: 'a', formats: [] }],
    });
    // Two phones, two legs and one stream of two sockets each, and what is held ready.
    expect(openSockets()).toBeGreaterThanOrEqual(before + 2 + 6);
    a.send(rtp(1), legA.local.rtp);
    await b.packetsReach(1);
    await call.close();
    expect(plane.counters()).toMatchObject({
      openCalls: 0,
      openLegs: 0,
      openRecordings: 0,
      packetsReceived: 1,
      packetsSent: 1,
    });
    expect(legA.counters()).toMatchObject({ packetsReceived: 1 });
    await plane.close();
    expect(openSockets()).toBe(before + 2);
    expect(thrownCode(() => plane.openCall({ callId: 'late' }, {}))).toBe('REC_ERR_MEDIA_CLOSED');
  });
});
