import { type Clock, type Logger } from '#core';
import { isIP } from 'node:net';
import { MediaError } from '../errors';
import { MIN_RING_BYTES } from '../worker/packet-ring';

/** Where a network's sockets are bound, and what its peers are told. */
export interface MediaNetwork {
  /** An IP literal. */
  readonly bindHost: string;
  /** What goes into SDP; an IP literal, other than `bindHost` behind a NAT. */
  readonly advertisedHost: string;
}

export interface MediaPlaneOptions {
  /** `auto`: Linux system calls where they work, Node's sockets elsewhere. */
  readonly backend: 'auto' | 'linux' | 'dgram';
  /** Packet threads, 1–64. */
  readonly workers: number;
  readonly networks: Readonly<Record<string, MediaNetwork>>;
  /** The range of RTP and RTCP ports, both ends included; the same on every network. */
  readonly portMin: number;
  readonly portMax: number;
  /** How long ports rest before reuse, ms. */
  readonly portQuarantineMs: number;
  /** DiffServ code point of everything that is sent, 0–63; 46 is Expedited Forwarding. */
  readonly dscp: number;
  /** Silence after which a leg that should send is reported, ms; 0: never. */
  readonly mediaTimeoutMs: number;
  /** Of each recording stream's ring; 10 s of G.711 take about 100 kB. */
  readonly ringBytes: number;
  /** How many times real time a recording is sent while it catches up, ≥ 1.1. */
  readonly recordingCatchUpFactor: number;
  /** Whether a source on another host than the signalled one may be learnt (NAT). Default true. */
  readonly latchesForeignSource?: boolean;
  readonly logger: Logger;
  readonly clock: Clock;
}

const MAX_WORKERS = 64;

/** @throws MediaError `REC_ERR_MEDIA_OPTIONS` naming every problem. */
export function checkOptions(options: MediaPlaneOptions): void {
  const problems: string[] = [];
  const check = (isRight: boolean, problem: string): void => {
    if (!isRight) {
      problems.push(problem);
    }
  };
  const isWhole = (value: number, min: number, max: number): boolean =>
    Number.isInteger(value) && value >= min && value <= max;
  check(isWhole(options.workers, 1, MAX_WORKERS), `workers must be 1–${MAX_WORKERS}`);
  check(
    isWhole(options.portMin, 1, 65_534) && isWhole(options.portMax, options.portMin + 1, 65_535),
    'portMin and portMax must hold one pair of ports at least',
  );
  check(isWhole(options.dscp, 0, 63), 'dscp must be 0–63');
  check(options.portQuarantineMs >= 0, 'portQuarantineMs must not be negative');
  check(options.mediaTimeoutMs >= 0, 'mediaTimeoutMs must not be negative');
  check(
    isWhole(options.ringBytes, MIN_RING_BYTES, 2 ** 30),
    `ringBytes must be ${MIN_RING_BYTES}–${2 ** 30}`,
  );
  check(options.recordingCatchUpFactor >= 1.1, 'recordingCatchUpFactor must be 1.1 at least');
  check(Object.keys(options.networks).length > 0, 'networks must not be empty');
  for (const [name, { bindHost }] of Object.entries(options.networks)) {
    check(isIP(bindHost) !== 0, `networks.${name}.bindHost must be an IP literal: ${bindHost}`);
  }
  if (problems.length > 0) {
    throw new MediaError('REC_ERR_MEDIA_OPTIONS', `media options: ${problems.join('; ')}`, {
      details: { problems },
    });
  }
}
