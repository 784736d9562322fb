import { type PayloadFormat } from '#core';
import { payloadKindTable } from '../codec/payload-kinds';
import { type PacketIo, type SocketHandle } from '../io/packet-io';
import { type LegMixer } from '../mixer/leg-mixer';
import { clockRateTable } from '../rtp/payload-types';
import { ReceptionStats } from '../rtp/reception';
import { type StreamRewriter } from '../rtp/rewriter';
import { type StreamProtection } from '../srtp/stream-protection';
import { COUNTER_STRIDE } from './counters';
import { type EarlyPackets } from './early-packets';
import { type LegEvents } from './leg-events';
import { type LevelMeter } from './level-meter';
import { type RecordingStreamState } from './recording-state';
import { NOTHING_IS_PLAIN } from './plain-packet';
import { SourceLatch } from './source-latch';
import { LEG_ROW, type StateTable } from './state-table';

export interface LegStateOptions {
  readonly slot: number;
  readonly rtpHandle: SocketHandle;
  readonly rtcpHandle: SocketHandle;
  readonly output: StreamRewriter;
  readonly cname: string;
  readonly allowsForeign: boolean;
}

/**
 * One leg as the packet loop sees it: plain data that says where packets of the leg go and what was counted. What
 * it sends is `rtpLatch`, `reception` and `taps`; what it receives is `output` and what follows it.
 */
export class LegState {
  readonly slot: number;
  readonly counterBase: number;
  readonly rtpHandle: SocketHandle;
  readonly rtcpHandle: SocketHandle;
  readonly cname: string;

  readonly rtpLatch: SourceLatch;
  readonly rtcpLatch: SourceLatch;
  /** Hears what this leg sends. */
  peer: LegState | null = null;
  /** Recording streams that copy what this leg sends. */
  taps: readonly RecordingStreamState[] = [];
  sends = false;
  /** Whether signalling has said where the peer is. */
  isSignalled = false;
  /** What came before that. */
  early: EarlyPackets | null = null;
  /** Whether packets may go toward the leg: it receives, and its address is known. */
  receives = false;
  rtcpMux = false;
  /** SRTP of the leg's stream, both ways; null: plain RTP. */
  protection: StreamProtection | null = null;
  /** The RTCP address that signalling named last; where RTCP goes is up to the latch. */
  signalledRtcp = '';
  clockRates = clockRateTable([]);
  /** Agreed with the leg, for both directions; kinds are theirs by payload type. */
  formats: readonly PayloadFormat[] = [];
  kinds = payloadKindTable([]);
  /** Packet time that signalling stated, ms; 0: none. */
  packetMs = 0;
  readonly reception: ReceptionStats;
  hasTimedOut = false;
  lastIntruderAtMs = -Infinity;

  /** The stream toward the leg, with our own SSRC. */
  readonly output: StreamRewriter;

  /** While a notice is mixed into what the leg hears. */
  mixer: LegMixer | null = null;
  /** Once the leg has sent a telephone event, or such events are to be held back. */
  events: LegEvents | null = null;
  /** Of an event that is sent to the leg after it was held. */
  eventTimestamp = 0;
  /** While somebody watches. */
  meter: LevelMeter | null = null;
  /** Among those that wait to be served (see {@link LegServices}). */
  duePlace = -1;

  nextRtcpAtMs = 0;
  /** Of the leg's last SR: what our report block echoes (RFC 3550 §6.4.1). */
  lastSrNtpMiddle = 0;
  lastSrAtMs = 0;

  readonly #table: StateTable;
  readonly #row: number;

  constructor(io: PacketIo, table: StateTable, options: LegStateOptions) {
    this.slot = options.slot;
    this.counterBase = options.slot * COUNTER_STRIDE;
    this.rtpHandle = options.rtpHandle;
    this.rtcpHandle = options.rtcpHandle;
    this.output = options.output;
    this.cname = options.cname;
    this.#table = table;
    this.#row = table.at(options.slot);
    table.words[this.#row + LEG_ROW.handle] = options.rtpHandle;
    this.unsettle();
    this.reception = new ReceptionStats(table.row(options.slot, LEG_ROW.reception));
    this.rtpLatch = new SourceLatch(io, options.allowsForeign, table.createAddress(options.slot));
    this.rtcpLatch = new SourceLatch(io, options.allowsForeign);
  }
  /** Monotonic ms of the last packet, or of the moment from which on packets are expected. */
  get lastRtpAtMs(): number {
    return this.#table.doubles[(this.#row + LEG_ROW.lastRtpAtMs) >> 1] ?? 0;
  }

  set lastRtpAtMs(atMs: number) {
    this.#table.doubles[(this.#row + LEG_ROW.lastRtpAtMs) >> 1] = atMs;
  }

  /** What the leg sends is looked at anew, packet by packet: see plain-packet. So are its timers. */
  unsettle(): void {
    this.#table.dueAtMs[this.slot] = 0;
    this.#table.words[this.#row + LEG_ROW.plain] = NOTHING_IS_PLAIN;
  }
}
