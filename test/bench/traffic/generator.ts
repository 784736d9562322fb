/**
 * The load generator: a process of its own that plays all phones and the recorder. It takes one {@link TrafficOrder}
 * as a message, sends G.711 with 20 ms per packet from every leg for a bounded time, and answers with a
 * {@link TrafficResult}. The legs' packets are spread evenly over the 20 ms and leave within a tenth of a millisecond
 * of their turn, by one system call for those that are due. Packets are timed by the kernel's receive time stamps, so
 * that a late look at a socket does not count as latency of the relay.
 */
import { setPriority } from 'node:os';
import { performance } from 'node:perf_hooks';

import {
  arena,
  kernel,
  processCpuMicroseconds,
  processRssKiB,
  sleepPrecisely,
  SOCKADDR_BYTES,
  socketAddress,
  socketDrops,
  udpSocket,
  wallMicroseconds,
} from '../kernel';
import { Histogram } from '../statistics';
import { isIntact, isOfWindow, isRtcp, Packets, senderOf, stampOf } from './packets';
import {
  type GeneratorHeadroom,
  legAt,
  PHONE_SOCKETS,
  phoneAddress,
  phoneSocketAddress,
  phoneSocketOf,
  RECORDER_SOCKETS,
  recorderAddress,
  recorderSocketAddress,
  type TrafficOrder,
  type TrafficResult,
} from './plan';
import { ReceiveBatch } from './receive-batch';
import { SendBatch } from './send-batch';

const PTIME_MS = 20;
/** Packets that are still under way are waited for. */
const DRAIN_MS = 300;
/** When nothing is due: 1/200 of the packet time. */
const SLEEP_US = 100;
const MAX_EVENTS = PHONE_SOCKETS + RECORDER_SOCKETS;
const EVENT_BYTES = process.arch === 'x64' ? 12 : 16;
const EVENT_DATA_AT = process.arch === 'x64' ? 4 : 8;
/** Before all other programs, where the system allows it: a late generator measures nothing. */
const PRIORITY = -18;

/** Beyond it a leg has two packets under way at once, and batches get larger than they would. */
const MAX_LATENESS_MS = PTIME_MS;
const MAX_CPU_SHARE = 0.9;
/** Packets delivered per packet sent: what was under way at the ends of the window, and a little more. */
const MAX_SURPLUS = 1.1;
/** A payload may come through mixing or encryption as it was, by chance. */
const MAX_UNCHANGED_SHARE = 0.1;

interface Totals {
  sent: number;
  received: number;
  copies: number;
  /** Of the window. */
  flagged: number;
  flaggedReceived: number;
  flaggedCopies: number;
}

class Generator {
  readonly #order: TrafficOrder;
  readonly #legs: number;
  readonly #calls: number;
  readonly #libc = kernel();
  readonly #epollFd = this.#libc.epollCreate(0);
  readonly #events = new Uint8Array(EVENT_BYTES * MAX_EVENTS);
  readonly #eventView = new DataView(this.#events.buffer);
  /** Phones first, then the recorder's. */
  readonly #fds: readonly number[];
  readonly #packets: Packets;
  readonly #outgoing = new SendBatch();
  readonly #incoming = new ReceiveBatch();
  /** Where each leg sends to; of the direct order also where its copies go. */
  readonly #targets: number;
  readonly #recorders: number;
  readonly #latency = new Histogram();
  readonly #lateness = new Histogram();
  readonly #transitUs: Float64Array;
  readonly #jitterUs: Float64Array;
  /** Wall clock minus monotonic clock, µs, against the origin of all stamps. */
  readonly #originUs = wallMicroseconds();
  #offsetUs = 0;
  #isInWindow = false;
  readonly #totals: Totals = {
    sent: 0,
    received: 0,
    copies: 0,
    flagged: 0,
    flaggedReceived: 0,
    flaggedCopies: 0,
  };

  constructor(order: TrafficOrder) {
    this.#order = order;
    this.#legs = order.targets.length;
    this.#calls = this.#legs / 2;
    this.#packets = new Packets(order);
    const phones = Array.from({ length: PHONE_SOCKETS }, (_, i) => phoneSocketAddress(i));
    const recorders = Array.from({ length: RECORDER_SOCKETS }, (_, i) => recorderSocketAddress(i));
    this.#fds = [...phones, ...recorders].map(({ host, port }, index) => {
      const fd = udpSocket(host, port, index < PHONE_SOCKETS);
      this.#watch(fd, index);
      return fd;
    });
    this.#transitUs = new Float64Array(this.#legs).fill(NaN);
    this.#jitterUs = new Float64Array(this.#legs);
    const toLeg = (leg: number): Uint8Array => {
      const { host, port } = order.isDirect
        ? phoneAddress(leg ^ 1, this.#calls)
        : order.targets[leg]!;
      return socketAddress(host, port);
    };
    const toRecorder = (leg: number): Uint8Array => {
      const { host, port } = recorderAddress(leg, this.#calls);
      return socketAddress(host, port);
    };
    this.#targets = this.#addresses(toLeg);
    this.#recorders = this.#addresses(toRecorder);
  }

  /** Runs the order; nothing else runs in this process meanwhile. */
  run(): TrafficResult {
    sleepPrecisely();
    const { warmUpMs, windowMs, pid } = this.#order;
    const totals = this.#totals;
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
        atWindow = { sent: totals.sent, received: totals.received, ownUs: ownCpuUs() };
        cpuUs = read();
      }
      this.#offsetUs = wallMicroseconds() - this.#originUs - nowMs * 1000;
      for (let dueMs = startMs + next * stepMs; dueMs <= nowMs && dueMs < endMs;) {
        this.#send(next, (nowMs - dueMs) * 1000);
        next += 1;
        dueMs = startMs + next * stepMs;
      }
      this.#outgoing.flush();
      this.#receiveOrSleep();
    }
    cpuUs = read() - cpuUs;
    const rssKiB = pid === null ? null : processRssKiB(pid);
    const cpuShare = (ownCpuUs() - atWindow.ownUs) / (windowMs * 1000);
    const delivered = totals.received - atWindow.received;
    const sent = totals.sent - atWindow.sent;
    this.#isInWindow = false;
    for (const untilMs = performance.now() + DRAIN_MS; performance.now() < untilMs;) {
      this.#receiveOrSleep();
    }
    this.#check(sent, delivered);
    return {
      ...this.#figures(),
      cpuUsPerPacket: pid === null || delivered === 0 ? null : cpuUs / delivered,
      rssKiB,
      generator: this.#headroom(cpuShare),
    };
  }

  /** @throws when what was measured is not what was to be measured. */
  #check(sent: number, delivered: number): void {
    const { isPayloadIntact } = this.#order;
    const { flagged, flaggedReceived } = this.#totals;
    if (delivered > sent * MAX_SURPLUS) {
      throw new Error(`the phones sent ${sent} packets and got ${delivered}: somebody else sends`);
    }
    if (!isPayloadIntact && flaggedReceived > flagged * MAX_UNCHANGED_SHARE) {
      throw new Error(
        `${flaggedReceived} of ${flagged} packets came unchanged: the feature was not at work`,
      );
    }
  }

  #figures(): Omit<TrafficResult, 'cpuUsPerPacket' | 'rssKiB' | 'generator'> {
    const { copies, isPayloadIntact } = this.#order;
    const totals = this.#totals;
    const loss = (got: number, due: number): number =>
      due === 0 ? 0 : Math.max(0, 100 * (1 - got / due));
    return {
      packetsSent: totals.sent,
      packetsReceived: totals.received,
      copiesReceived: totals.copies,
      lossPct: isPayloadIntact
        ? loss(totals.flaggedReceived, totals.flagged)
        : loss(totals.received, totals.sent),
      copyLossPct:
        isPayloadIntact && totals.flaggedCopies > 0
          ? loss(totals.flaggedCopies, totals.flagged * copies)
          : loss(totals.copies, totals.sent * copies),
      latencyMs: isPayloadIntact
        ? {
            p50: this.#latency.quantileMs(0.5),
            p99: this.#latency.quantileMs(0.99),
            max: this.#latency.maxMs,
          }
        : null,
      jitterMs: isPayloadIntact
        ? this.#jitterUs.reduce((sum, value) => sum + value, 0) / this.#legs / 1000
        : null,
    };
  }

  #headroom(cpuShare: number): GeneratorHeadroom {
    const latenessP99Ms = this.#lateness.quantileMs(0.99);
    const drops = this.#fds.reduce((sum, fd) => sum + socketDrops(fd), this.#outgoing.unsent);
    const isLimit = cpuShare > MAX_CPU_SHARE || latenessP99Ms > MAX_LATENESS_MS || drops > 0;
    return { cpuShare, latenessP99Ms, drops, isLimit };
  }

  #watch(fd: number, index: number): void {
    const event = new Uint8Array(EVENT_BYTES);
    const view = new DataView(event.buffer);
    view.setUint32(0, 1, true);
    view.setInt32(EVENT_DATA_AT, index, true);
    this.#libc.epollCtl(this.#epollFd, 1, fd, event);
  }

  /** @returns pointer to a table of socket addresses, by leg. */
  #addresses(of: (leg: number) => Uint8Array): number {
    const table = arena(this.#legs * SOCKADDR_BYTES);
    for (let leg = 0; leg < this.#legs; leg++) {
      table.bytes.set(of(leg), leg * SOCKADDR_BYTES);
    }
    return table.pointer;
  }

  #send(index: number, latenessUs: number): void {
    const leg = legAt(index % this.#legs, this.#calls);
    const { copies, isDirect, senderReportsPerSecond } = this.#order;
    const stampUs = performance.now() * 1000 + this.#offsetUs;
    const length = this.#packets.write(leg, stampUs, this.#isInWindow);
    const pointer = this.#packets.pointerOf(leg);
    const fd = this.#fds[phoneSocketOf(leg, this.#calls)]!;
    this.#outgoing.add(fd, pointer, length, this.#targets + leg * SOCKADDR_BYTES);
    for (let copy = isDirect ? copies : 0; copy > 0; copy--) {
      this.#outgoing.add(fd, pointer, length, this.#recorders + leg * SOCKADDR_BYTES);
    }
    this.#totals.sent += 1;
    if (this.#isInWindow) {
      this.#totals.flagged += 1;
      this.#lateness.add(latenessUs);
    }
    const every = Math.round(1000 / PTIME_MS / senderReportsPerSecond);
    if (senderReportsPerSecond > 0 && Math.floor(index / this.#legs) % every === leg % every) {
      // On the RTP port (RFC 5761).
      const report = this.#packets.writeReport(leg);
      const target = this.#targets + leg * SOCKADDR_BYTES;
      this.#outgoing.add(fd, report.pointer, report.length, target);
    }
  }

  #receiveOrSleep(): void {
    const ready = this.#libc.epollWait(this.#epollFd, this.#events, MAX_EVENTS, 0);
    for (let i = 0; i < ready; i++) {
      const index = this.#eventView.getInt32(i * EVENT_BYTES + EVENT_DATA_AT, true);
      const count = this.#incoming.receive(this.#fds[index]!);
      for (let k = 0; k < count; k++) {
        if (index < PHONE_SOCKETS) {
          this.#takeRelayed(k);
        } else {
          this.#takeCopy(k);
        }
      }
    }
    if (ready <= 0) {
      this.#libc.usleep(SLEEP_US);
    }
  }

  #takeCopy(k: number): void {
    const { view } = this.#incoming;
    const at = this.#incoming.placeOf(k);
    if (!isRtcp(view, at)) {
      this.#totals.copies += 1;
      this.#totals.flaggedCopies += isIntact(view, at) && isOfWindow(view, at) ? 1 : 0;
    }
  }

  #takeRelayed(k: number): void {
    const { view } = this.#incoming;
    const at = this.#incoming.placeOf(k);
    if (isRtcp(view, at)) {
      return;
    }
    this.#totals.received += 1;
    if (!isIntact(view, at) || !isOfWindow(view, at)) {
      return;
    }
    this.#totals.flaggedReceived += 1;
    const leg = senderOf(view, at);
    const transitUs = this.#incoming.arrivalUs(k) - this.#originUs - stampOf(view, at);
    this.#latency.add(transitUs);
    // RFC 3550 §6.4.1.
    const deltaUs = Math.abs(transitUs - (this.#transitUs[leg] ?? NaN));
    this.#transitUs[leg] = transitUs;
    if (!Number.isNaN(deltaUs)) {
      this.#jitterUs[leg]! += (deltaUs - this.#jitterUs[leg]!) / 16;
    }
  }
}

function ownCpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

try {
  setPriority(PRIORITY);
} catch {
  // Not allowed: the report tells how late it was.
}

process.once('message', message => {
  const result = new Generator(message as TrafficOrder).run();
  process.send?.(result, () => process.exit(0));
});
