/**
 * The load generator: a process of its own that plays all phones and the recorder. It takes one {@link TrafficOrder}
 * as a message, sends G.711 with 20 ms per packet from every leg, evenly spread, for a bounded time, and answers with
 * a {@link TrafficResult}. One thread; packets are timed by the kernel's receive time stamps, so that a late look at a
 * socket does not count as latency of the relay.
 */
import { chooseCryptoBackend } from '../../../media/srtp/choose-backend';
import { SrtpSender } from '../../../media/srtp/srtp-sender';
import { type IoMemory, memoryOf } from '../../../media/io/packet-io';
import {
  type Arena,
  arena,
  kernel,
  processCpuMicroseconds,
  processRssKiB,
  SOCKADDR_BYTES,
  socketAddress,
  socketDrops,
  udpSocket,
  wallMicroseconds,
} from '../kernel';
import { Histogram } from '../statistics';
import {
  BENCH_KEY,
  type GeneratorHeadroom,
  LEG_SUITE,
  phoneAddress,
  RECORDER_ADDRESSES,
  type TrafficOrder,
  type TrafficResult,
} from './plan';

const PTIME_MS = 20;
const SAMPLES_PER_PACKET = 160;
const RTP_BYTES = 12;
const PACKET_BYTES = RTP_BYTES + SAMPLES_PER_PACKET;
const SLOT_BYTES = 384;
/** In the payload: when it was sent, whether it belongs to the window, and what it is. */
const STAMP_AT = RTP_BYTES;
const FLAG_AT = STAMP_AT + 8;
const MAGIC_AT = FLAG_AT + 1;
const MAGIC = 0x5ec0;
/** Packets that are still under way are waited for. */
const DRAIN_MS = 300;
/** When nothing is due. Short against the packet time: 1/40. */
const SLEEP_US = 500;
const MSG_DONTWAIT = 0x40;

const BATCH = 16;
const HEADER_BYTES = 64;
const IOVEC_BYTES = 16;
const BUFFER_BYTES = 512;
const CONTROL_BYTES = 64;
const IOVECS_AT = BATCH * HEADER_BYTES;
const BUFFERS_AT = IOVECS_AT + BATCH * IOVEC_BYTES;
const CONTROLS_AT = BUFFERS_AT + BATCH * BUFFER_BYTES;
const RECEIVE_BYTES = CONTROLS_AT + BATCH * CONTROL_BYTES;
const MAX_EVENTS = 1024;
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const EVENT_DATA_AT = process.arch === 'x64' ? 4 : 8;

/** Beyond it a leg has two packets under way at once, and batches get larger than they would. */
const MAX_LATENESS_MS = PTIME_MS;
const MAX_CPU_SHARE = 0.9;

class Generator {
  readonly #order: TrafficOrder;
  readonly #legs: number;
  readonly #libc = kernel();
  readonly #epollFd: number;
  readonly #events = new Uint8Array(EVENT_BYTES * MAX_EVENTS);
  readonly #eventView = new DataView(this.#events.buffer);
  readonly #fds: number[];
  readonly #packets: Arena;
  readonly #sealed: Arena;
  readonly #addresses: Arena;
  readonly #receive = arena(RECEIVE_BYTES);
  /** The same memories as SRTP sees them. */
  readonly #plain: IoMemory;
  readonly #cipher: IoMemory;
  readonly #senders: SrtpSender[] = [];
  readonly #latency = new Histogram();
  readonly #lateness = new Histogram();
  readonly #transitUs: Float64Array;
  readonly #jitterUs: Float64Array;
  /** Wall clock minus monotonic clock, µs, against the origin of all stamps. */
  readonly #originUs = wallMicroseconds();
  #offsetUs = 0;
  #isInWindow = false;
  #sent = 0;
  #flagged = 0;
  #received = 0;
  #flaggedReceived = 0;
  #copies = 0;
  #flaggedCopies = 0;

  constructor(order: TrafficOrder) {
    this.#order = order;
    this.#legs = order.targets.length;
    this.#epollFd = this.#libc.epollCreate(0);
    const phones = order.targets.map((_, leg) => phoneAddress(leg));
    this.#fds = [...phones, ...RECORDER_ADDRESSES].map(({ host, port }, index) =>
      this.#open(host, port, index),
    );
    this.#packets = arena(this.#legs * SLOT_BYTES);
    this.#sealed = arena(SLOT_BYTES);
    this.#plain = asMemory(this.#packets);
    this.#cipher = asMemory(this.#sealed);
    this.#transitUs = new Float64Array(this.#legs).fill(NaN);
    this.#jitterUs = new Float64Array(this.#legs);
    const direct = [...phones.map((_, leg) => phones[leg ^ 1]!), ...RECORDER_ADDRESSES];
    const destinations = order.isDirect ? direct : order.targets;
    this.#addresses = arena(destinations.length * SOCKADDR_BYTES);
    destinations.forEach(({ host, port }, i) =>
      this.#addresses.bytes.set(socketAddress(host, port), i * SOCKADDR_BYTES),
    );
    this.#prepare();
  }

  /** Runs the order; nothing else runs in this process meanwhile. */
  run(): TrafficResult {
    const { warmUpMs, windowMs, pid } = this.#order;
    const startMs = performance.now();
    const windowAtMs = startMs + warmUpMs;
    const endMs = windowAtMs + windowMs;
    const read = (): number => (pid === null ? 0 : processCpuMicroseconds(pid));
    const stepMs = PTIME_MS / this.#legs;
    let next = 0;
    let cpuUs = 0;
    let atWindow = { sent: 0, received: 0, ownUs: 0 };
    for (let nowMs = startMs; nowMs < endMs; nowMs = performance.now()) {
      if (!this.#isInWindow && nowMs >= windowAtMs) {
        this.#isInWindow = true;
        atWindow = { sent: this.#sent, received: this.#received, ownUs: ownCpuUs() };
        cpuUs = read();
      }
      this.#offsetUs = wallMicroseconds() - this.#originUs - nowMs * 1000;
      for (let dueMs = startMs + next * stepMs; dueMs <= nowMs && dueMs < endMs;) {
        this.#send(next, (nowMs - dueMs) * 1000);
        next += 1;
        dueMs = startMs + next * stepMs;
      }
      if (!this.#receiveAll()) {
        this.#libc.usleep(SLEEP_US);
      }
    }
    cpuUs = read() - cpuUs;
    const rssKiB = pid === null ? null : processRssKiB(pid);
    const cpuShare = (ownCpuUs() - atWindow.ownUs) / (windowMs * 1000);
    const delivered = this.#received - atWindow.received;
    this.#isInWindow = false;
    for (const untilMs = performance.now() + DRAIN_MS; performance.now() < untilMs;) {
      if (!this.#receiveAll()) {
        this.#libc.usleep(SLEEP_US);
      }
    }
    const { copies, isPayloadIntact } = this.#order;
    const loss = (got: number, due: number): number =>
      due === 0 ? 0 : Math.max(0, 100 * (1 - got / due));
    const isTimed = isPayloadIntact;
    return {
      cpuUsPerPacket: pid === null || delivered === 0 ? null : cpuUs / delivered,
      packetsSent: this.#sent,
      packetsReceived: this.#received,
      copiesReceived: this.#copies,
      lossPct: isTimed
        ? loss(this.#flaggedReceived, this.#flagged)
        : loss(this.#received, this.#sent),
      copyLossPct:
        isTimed && this.#flaggedCopies > 0
          ? loss(this.#flaggedCopies, this.#flagged * copies)
          : loss(this.#copies, this.#sent * copies),
      latencyMs: isTimed
        ? {
            p50: this.#latency.quantileMs(0.5),
            p99: this.#latency.quantileMs(0.99),
            max: this.#latency.maxMs,
          }
        : null,
      jitterMs: isTimed
        ? this.#jitterUs.reduce((sum, value) => sum + value, 0) / this.#legs / 1000
        : null,
      rssKiB,
      generator: this.#headroom(cpuShare),
    };
  }

  #headroom(cpuShare: number): GeneratorHeadroom {
    const latenessP99Ms = this.#lateness.quantileMs(0.99);
    const drops = this.#fds.reduce((sum, fd) => sum + socketDrops(fd), 0);
    const isLimit = cpuShare > MAX_CPU_SHARE || latenessP99Ms > MAX_LATENESS_MS || drops > 0;
    return { cpuShare, latenessP99Ms, drops, isLimit };
  }

  #open(host: string, port: number, index: number): number {
    const fd = udpSocket(host, port, true);
    const event = new Uint8Array(EVENT_BYTES);
    const view = new DataView(event.buffer);
    view.setUint32(0, 1, true);
    view.setInt32(EVENT_DATA_AT, index, true);
    this.#libc.epollCtl(this.#epollFd, 1, fd, event);
    return fd;
  }

  #prepare(): void {
    const { bytes, view } = this.#packets;
    for (let leg = 0; leg < this.#legs; leg++) {
      const at = leg * SLOT_BYTES;
      for (let i = 0; i < SAMPLES_PER_PACKET; i++) {
        bytes[at + RTP_BYTES + i] = 0x80 | ((i * 13 + leg) & 0x7f);
      }
      view.setUint8(at, 0x80);
      view.setUint16(at + 2, leg * 31);
      view.setUint32(at + 4, leg * 977);
      view.setUint32(at + 8, 0x10_0000 * (this.#order.round + 1) + leg);
      view.setUint16(at + MAGIC_AT, MAGIC);
    }
    if (this.#order.isEncrypted) {
      const backend = chooseCryptoBackend(length => asMemory(arena(length)));
      for (let leg = 0; leg < this.#legs; leg++) {
        this.#senders.push(new SrtpSender(backend, LEG_SUITE, BENCH_KEY));
      }
    }
    const { view: receive, pointer } = this.#receive;
    const put = (at: number, target: number): void =>
      receive.setBigUint64(at, BigInt(pointer + target), true);
    for (let i = 0; i < BATCH; i++) {
      const header = i * HEADER_BYTES;
      put(header + 16, IOVECS_AT + i * IOVEC_BYTES);
      receive.setUint32(header + 24, 1, true);
      put(header + 32, CONTROLS_AT + i * CONTROL_BYTES);
      receive.setUint32(header + 40, CONTROL_BYTES, true);
      put(IOVECS_AT + i * IOVEC_BYTES, BUFFERS_AT + i * BUFFER_BYTES);
      receive.setUint32(IOVECS_AT + i * IOVEC_BYTES + 8, BUFFER_BYTES, true);
    }
  }

  #send(index: number, latenessUs: number): void {
    const leg = index % this.#legs;
    const at = leg * SLOT_BYTES;
    const { bytes, view, pointer } = this.#packets;
    view.setUint16(at + 2, view.getUint16(at + 2) + 1);
    view.setUint32(at + 4, view.getUint32(at + 4) + SAMPLES_PER_PACKET);
    view.setFloat64(at + STAMP_AT, performance.now() * 1000 + this.#offsetUs);
    bytes[at + FLAG_AT] = this.#isInWindow ? 1 : 0;
    const sender = this.#senders[leg];
    let from = pointer + at;
    let length = PACKET_BYTES;
    if (sender !== undefined) {
      length = sender.protectRtp(this.#plain, at, PACKET_BYTES, this.#cipher, 0);
      from = this.#sealed.pointer;
    }
    this.#transmit(leg, from, length, leg);
    if (this.#order.isDirect) {
      const recorder = this.#legs + (leg % RECORDER_ADDRESSES.length);
      for (let copy = 0; copy < this.#order.copies; copy++) {
        this.#transmit(leg, from, length, recorder);
      }
    }
    this.#sent += 1;
    if (this.#isInWindow) {
      this.#flagged += 1;
      this.#lateness.add(latenessUs);
    }
    const { senderReportsPerSecond } = this.#order;
    const every = Math.round(1000 / PTIME_MS / senderReportsPerSecond);
    if (senderReportsPerSecond > 0 && Math.floor(index / this.#legs) % every === leg % every) {
      this.#sendReport(leg, at);
    }
  }

  /** A sender report without blocks (RFC 3550 §6.4.1) on the RTP port (RFC 5761). */
  #sendReport(leg: number, packetAt: number): void {
    const { view, pointer } = this.#sealed;
    view.setUint32(0, 0x80c8_0006);
    view.setUint32(4, this.#packets.view.getUint32(packetAt + 8));
    view.setUint32(8, Math.floor(Date.now() / 1000) + 2_208_988_800);
    view.setUint32(16, this.#packets.view.getUint32(packetAt + 4));
    this.#transmit(leg, pointer, 28, leg);
  }

  #transmit(leg: number, pointer: number, length: number, destination: number): void {
    this.#libc.sendto(
      this.#fds[leg]!,
      pointer,
      length,
      MSG_DONTWAIT,
      this.#addresses.pointer + destination * SOCKADDR_BYTES,
      SOCKADDR_BYTES,
    );
  }

  /** @returns whether anything came. */
  #receiveAll(): boolean {
    const ready = this.#libc.epollWait(this.#epollFd, this.#events, MAX_EVENTS, 0);
    for (let i = 0; i < ready; i++) {
      const index = this.#eventView.getInt32(i * EVENT_BYTES + EVENT_DATA_AT, true);
      const count = this.#libc.recvmmsg(
        this.#fds[index]!,
        this.#receive.pointer,
        BATCH,
        MSG_DONTWAIT,
        0,
      );
      for (let k = 0; k < count; k++) {
        this.#take(index, k);
      }
    }
    return ready > 0;
  }

  #take(index: number, k: number): void {
    const { view, bytes } = this.#receive;
    const header = k * HEADER_BYTES;
    view.setUint32(header + 40, CONTROL_BYTES, true);
    const at = BUFFERS_AT + k * BUFFER_BYTES;
    const kind = bytes[at + 1] ?? 0;
    if (kind >= 192 && kind <= 223) {
      return;
    }
    const isOurs = view.getUint16(at + MAGIC_AT) === MAGIC;
    const isFlagged = isOurs && bytes[at + FLAG_AT] === 1;
    if (index >= this.#legs) {
      this.#copies += 1;
      this.#flaggedCopies += isFlagged ? 1 : 0;
      return;
    }
    this.#received += 1;
    if (isFlagged) {
      this.#flaggedReceived += 1;
      const control = CONTROLS_AT + k * CONTROL_BYTES;
      const arrivedUs =
        Number(view.getBigInt64(control + 16, true)) * 1e6 +
        Number(view.getBigInt64(control + 24, true)) / 1000 -
        this.#originUs;
      const transitUs = arrivedUs - view.getFloat64(at + STAMP_AT);
      this.#latency.add(transitUs);
      // RFC 3550 §6.4.1.
      const deltaUs = Math.abs(transitUs - (this.#transitUs[index] ?? NaN));
      this.#transitUs[index] = transitUs;
      if (!Number.isNaN(deltaUs)) {
        this.#jitterUs[index]! += (deltaUs - this.#jitterUs[index]!) / 16;
      }
    }
  }
}

function asMemory({ bytes, pointer }: Arena): IoMemory {
  return memoryOf(bytes.buffer, 0, bytes.length, pointer);
}

function ownCpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

process.once('message', message => {
  const result = new Generator(message as TrafficOrder).run();
  process.send?.(result, () => process.exit(0));
});
