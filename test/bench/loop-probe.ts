import { type RemoteStream } from '#core';
import { performance } from 'node:perf_hooks';
import { memoryOf, type PacketIo, SEND_OK } from '../../media/io/packet-io';
import { PeerAddress } from '../../media/io/peer-address';
import { WorkerControl } from '../../media/worker/control';
import { COUNTER_STRIDE } from '../../media/worker/counters';
import { PacketLoop } from '../../media/worker/packet-loop';

function fakeIo(): PacketIo {
  let handle = 10;
  const allocate = (bytes: number) => memoryOf(new ArrayBuffer(Math.ceil(bytes / 16) * 16), 0, bytes, 0);
  return {
    received: allocate(4096),
    spare: { at: 0, sourceAt: 512 },
    allocate,
    createAddress: () => { const a = new PeerAddress(new ArrayBuffer(28), 0, 0); a.clear(); return a; },
    releaseAddress: () => undefined,
    open: (_t, _o, done) => done({ handle: handle++ }),
    connect: () => undefined,
    close: () => undefined,
    send: () => SEND_OK,
    sendFrom: process.env['NOFAST'] === '1' ? null : () => SEND_OK,
    run: () => undefined,
  };
}
const PCMU = { payloadType: 0, encoding: 'PCMU', clockRateHz: 8000, channels: 1 };
function run(calls: number): void {
  const io = fakeIo();
  const slots = calls * 4;
  const counters = new Float64Array(slots * COUNTER_STRIDE);
  const settings = { dscp: 0, mediaTimeoutMs: 0, ringBytes: 32768, catchUpFactor: 3, latchesForeignSource: false };
  const emit = () => undefined;
  const control = new WorkerControl({ io, crypto: null as never, counters, settings, emit });
  const loop = new PacketLoop({ io, counters, slots, settings, emit, control: () => true, onDrained: () => undefined });
  control.attach(loop);
  const remote = (port: number, sends: boolean): RemoteStream => ({ rtp: { host: '127.0.0.1', port }, rtcp: null, rtcpMux: true, sends, receives: true, formats: [PCMU], ptimeMs: 20 });
  let request = 1;
  for (let c = 0; c < calls; c++) {
    const [a, b, x, y] = [4 * c, 4 * c + 1, 4 * c + 2, 4 * c + 3] as const;
    for (const slot of [a, b]) {
      control.execute({ kind: 'open-leg', request: request++, binding: { slot, host: '127.0.0.1', port: 1000 }, cname: 'x' } as never);
      control.execute({ kind: 'set-remote', slot, remote: remote(2000 + (slot % 60000), true) } as never);
    }
    control.execute({ kind: 'connect', slotA: a, slotB: b } as never);
    control.execute({ kind: 'open-recording', request: request++, recording: c, gateOpen: true, streams: [[x, a], [y, b]].map(([slot, sourceSlot]) => ({ binding: { slot, host: '127.0.0.1', port: 1000 }, label: '1', sourceSlot, formats: [PCMU], ssrc: 77 + c, cname: 'x', rules: null })) } as never);
    control.execute({ kind: 'set-remotes', recording: c, remotes: [remote(9000, false), remote(9000, false)] } as never);
  }
  const { bytes, view } = io.received;
  new PeerAddress(io.received.buffer as ArrayBuffer, 2048, 0).set('127.0.0.1', 9);
  const legs: number[] = [];
  for (let c = 0; c < calls; c++) legs.push(4 * c, 4 * c + 1);
  // shuffle
  for (let i = legs.length - 1; i > 0; i--) { const j = (i * 7919 + 13) % (i + 1); [legs[i], legs[j]] = [legs[j]!, legs[i]!]; }
  const junk = new Int32Array(1 << 20);
  let junkAt = 0;
  const POLLUTE = Number(process.env['POLLUTE'] ?? 0);
  const rounds = Math.max(50, Math.ceil(600_000 / legs.length));
  let spent = 0; let n = 0;
  let now = loop.nowMs; loop.onRoundEnd();
  for (let r = 0; r < rounds; r++) {
    const t0 = process.hrtime.bigint();
    let pol = 0n;
    for (const slot of legs) {
      now += 20 / legs.length; loop.nowMs = now;
      bytes[0] = 0x80; bytes[1] = 0; view.setUint16(2, (r + 100) & 0xffff); view.setUint32(4, r * 160); view.setUint32(8, slot + 5);
      const sp = 2000 + (slot % 60000); bytes[2048] = 2; bytes[2049] = 0; bytes[2050] = sp >> 8; bytes[2051] = sp & 255;
      if (POLLUTE > 0) { const p0 = process.hrtime.bigint(); for (let k = 0; k < POLLUTE; k++) { junkAt = (junkAt + 16) & 0xfffff; junk[junkAt]!++; } pol += process.hrtime.bigint() - p0; }
      loop.onPacket(slot * 2, 0, 172, 512);
      if (slot % 12 === 0) loop.onRoundEnd();
    }
    const t = process.hrtime.bigint() - t0 - pol;
    if (r >= rounds / 3) { spent += Number(t); n += legs.length; }
  }
  console.log(calls, 'calls', (spent / n).toFixed(0), 'ns/packet', 'sent', counters[2], 'stream', counters[2 * COUNTER_STRIDE + 2]);
}
void performance;
for (const c of process.argv.slice(2).map(Number)) run(c);
