import { type SrtpSuite } from '#core';

/** Everything runs on loopback, each part on an address of its own, so that other programs' ports are not touched. */
export const PHONES_HOST = '127.77.0.1';
export const RECORDER_HOST = '127.77.0.2';
const FIRST_PORT = 10_000;
/** Many phones share a socket, so that one system call of the generator sends or takes many packets. */
export const PHONE_SOCKETS = 64;
/** Recording streams share the sockets of the recorder, as with many small recorders or one large one. */
export const RECORDER_SOCKETS = 32;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Within a packet time the first legs of all calls send, then the second ones: neighbours in this order share sockets,
 * and the two legs of a call do not.
 *
 * @param leg 2n and 2n + 1 are those of call n.
 */
export function turnOf(leg: number, calls: number): number {
  return (leg & 1) * calls + (leg >> 1);
}

/** The leg whose turn it is. */
export function legAt(turn: number, calls: number): number {
  return turn < calls ? 2 * turn : 2 * (turn - calls) + 1;
}

export function phoneSocketOf(leg: number, calls: number): number {
  return Math.floor((turnOf(leg, calls) * PHONE_SOCKETS) / (2 * calls));
}

export function recorderSocketOf(leg: number, calls: number): number {
  return Math.floor((turnOf(leg, calls) * RECORDER_SOCKETS) / (2 * calls));
}

export function phoneSocketAddress(socket: number): Address {
  return { host: PHONES_HOST, port: FIRST_PORT + 2 * socket };
}

export function recorderSocketAddress(socket: number): Address {
  return { host: RECORDER_HOST, port: FIRST_PORT + 2 * socket };
}

/** Where a leg's phone sends from and receives. */
export function phoneAddress(leg: number, calls: number): Address {
  return phoneSocketAddress(phoneSocketOf(leg, calls));
}

/** Where what a leg sends is recorded. */
export function recorderAddress(leg: number, calls: number): Address {
  return recorderSocketAddress(recorderSocketOf(leg, calls));
}

/** Static, RFC 3551 §6. */
export const PCMU_PAYLOAD_TYPE = 0;
export const G722_PAYLOAD_TYPE = 9;

/** The keys of all encrypted legs: made up for the benchmark, and equal, because only the work counts. */
export const LEG_SUITE: SrtpSuite = 'AES_CM_128_HMAC_SHA1_80';
export const BENCH_KEY = {
  keySalt: Buffer.from(Array.from({ length: 30 }, (_, i) => i * 7)).toString('base64'),
  mki: '',
};

/** What the load generator is told to do. */
export interface TrafficOrder {
  /** Where each leg sends to, by leg. */
  readonly targets: readonly Address[];
  /** Sends straight to the other phone and to the recorder: no relay. */
  readonly isDirect: boolean;
  /** Process whose CPU time is read at both ends of the window; null: none. */
  readonly pid: number | null;
  readonly warmUpMs: number;
  readonly windowMs: number;
  /** Copies that a recorder gets of each packet. */
  readonly copies: number;
  /** Whether the phones receive the payload that was sent, so that each packet can be timed. */
  readonly isPayloadIntact: boolean;
  readonly isEncrypted: boolean;
  /** Of the phones' codec: 160 bytes per 20 ms, as of G.711 and G.722. */
  readonly payloadType: number;
  /** RTCP sender reports per leg and second; 0: none. */
  readonly senderReportsPerSecond: number;
  /** Tells rounds apart: SSRCs differ. */
  readonly round: number;
}

/** What one window of traffic gave. */
export interface TrafficResult {
  readonly cpuUsPerPacket: number | null;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly copiesReceived: number;
  readonly lossPct: number;
  readonly copyLossPct: number;
  /** null when packets cannot be timed. */
  readonly latencyMs: Latency | null;
  readonly jitterMs: number | null;
  readonly rssKiB: number | null;
  readonly generator: GeneratorHeadroom;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface GeneratorHeadroom {
  /** Of one core; the generator has one thread. */
  readonly cpuShare: number;
  /** How late packets left, compared with their schedule. */
  readonly latenessP99Ms: number;
  /** Datagrams lost in the generator's own socket buffers, or refused by the kernel. */
  readonly drops: number;
  /** Whether any of these could have decided the result. */
  readonly isLimit: boolean;
}
