import { type ToG711 } from '../codec/to-g711';
import { type PacketIo, type SocketHandle } from '../io/packet-io';
import { type PeerAddress } from '../io/peer-address';
import { type StreamRewriter } from '../rtp/rewriter';
import { type StreamProtection } from '../srtp/stream-protection';
import { CaptureRules } from './capture-rules';
import { COUNTER_STRIDE } from './counters';
import { type LegState } from './leg-state';
import { type PacketRing } from './packet-ring';
import { type Silence } from '../codec/silence';
import { STREAM_ROW, type StateTable } from './state-table';

/** A recording's timestamps leave the source's when those jump by more than this, ms. */
export const MAX_SLIP_MS = 3000;

export interface RecordingStreamOptions {
  readonly slot: number;
  readonly rtpHandle: SocketHandle;
  readonly rtcpHandle: SocketHandle;
  readonly output: StreamRewriter;
  readonly cname: string;
  readonly ring: PacketRing;
}

/** The packet of speech (or silence) that was captured last; kept in the stream's row. */
export class LastAudio {
  readonly #table: StateTable;
  readonly #row: number;

  constructor(table: StateTable, slot: number) {
    this.#table = table;
    this.#row = table.at(slot);
    this.set(0, 0, 0, -Infinity);
  }

  /** Where it lies in the ring's memory. */
  get at(): number {
    return this.#table.words[this.#row + STREAM_ROW.audioAt] ?? 0;
  }

  get length(): number {
    return (this.#table.words[this.#row + STREAM_ROW.audioRecord] ?? 0) & 0xffff;
  }

  /** Of its record. */
  get flags(): number {
    return (this.#table.words[this.#row + STREAM_ROW.audioRecord] ?? 0) >>> 16;
  }

  /** When it was captured; −Infinity: never. */
  get atMs(): number {
    return this.#table.doubles[(this.#row + STREAM_ROW.audioAtMs) >> 1] ?? 0;
  }

  set(at: number, length: number, flags: number, atMs: number): void {
    const { words, doubles } = this.#table;
    words[this.#row + STREAM_ROW.audioAt] = at;
    words[this.#row + STREAM_ROW.audioRecord] = (flags << 16) | length;
    doubles[(this.#row + STREAM_ROW.audioAtMs) >> 1] = atMs;
  }
}

/** One stream of a recording: the ring between a leg's packets and the SRS. */
export class RecordingStreamState {
  readonly slot: number;
  readonly counterBase: number;
  readonly recording: RecordingState;
  readonly rtpHandle: SocketHandle;
  readonly rtcpHandle: SocketHandle;
  readonly cname: string;
  readonly ring: PacketRing;
  readonly output: StreamRewriter;

  /** The leg whose sent packets are copied; null once it has gone. */
  source: LegState | null = null;
  clockRates: Uint32Array;

  readonly rtpRemote: PeerAddress;
  readonly rtcpRemote: PeerAddress;
  rtcpMux = false;
  /** SRTP toward the SRS; the ring holds plain packets all the same. */
  protection: StreamProtection | null = null;
  /** The SRS refused the stream: what is captured is counted and dropped. */
  isRefused = false;
  /** The present SRS has answered. */
  isAnswered = false;
  /** The SRS receives: what the ring holds may leave. */
  isSending = false;
  /** What is sent of what the leg sends. */
  readonly rules = new CaptureRules();
  /** Transcodes what is captured, while that is needed. */
  transcoder: ToG711 | null = null;
  /** Transcodes what the ring holds already, when an SRS takes less than was expected. */
  converter: ToG711 | null = null;
  /** Clock rate of the packet captured last, as the leg's; 0: none was captured. */
  sourceRateHz = 0;
  /** A timestamp at which the ring's packets of other clocks and those of 8000 Hz meet. */
  meetsAt = 0;
  /** How many captured packets were left out so far: later ones move up, so that no gap looks like loss. */
  leftOut = 0;
  /** The ring was rewound: packets in it may have been sent before. */
  isReplaying = false;
  /** How much of the ring's overflow is in the counters. */
  overflowedCounted = 0;
  /** Whether the next captured packet is the first since the gate opened. */
  isFirstOfGate = true;
  /** Of a telephone event that is captured after it was held. */
  eventTimestamp = 0;
  readonly lastAudio: LastAudio;
  /** Of a pause that is filled: what with, when the next packet of it is due, and whether that follows the last one. */
  silence: Silence | null = null;
  fillsAtMs = 0;
  isFillContiguous = false;

  nextRtcpAtMs = 0;
  lastReportAtMs = -Infinity;
  lastUnreachableAtMs = -Infinity;
  readonly #table: StateTable;

  constructor(
    io: PacketIo,
    table: StateTable,
    recording: RecordingState,
    options: RecordingStreamOptions,
    clockRates: Uint32Array,
  ) {
    this.slot = options.slot;
    this.counterBase = options.slot * COUNTER_STRIDE;
    this.recording = recording;
    this.rtpHandle = options.rtpHandle;
    this.rtcpHandle = options.rtcpHandle;
    this.cname = options.cname;
    this.ring = options.ring;
    this.output = options.output;
    this.clockRates = clockRates;
    this.lastAudio = new LastAudio(table, options.slot);
    table.words[table.at(options.slot, STREAM_ROW.handle)] = options.rtpHandle;
    table.doubles[table.at(options.slot, STREAM_ROW.wallOffsetMs) >> 1] = recording.wallOffsetMs;
    this.rtpRemote = io.createAddress();
    this.rtcpRemote = io.createAddress();
    this.#table = table;
    this.unsettle();
  }

  /** What is sent into the stream is looked at anew, packet by packet: see plain-packet. So are its timers. */
  unsettle(): void {
    this.#table.dueAtMs[this.slot] = 0;
    this.source?.unsettle();
  }
}

/** What ends a recording: when at the latest, and whom to tell. */
export interface RecordingClosing {
  readonly deadlineMs: number;
  readonly request: number;
}

/** One recording: its streams share gate, clock and pace. */
export class RecordingState {
  readonly id: number;
  streams: readonly RecordingStreamState[] = [];
  gateOpen: boolean;
  /** The gate is shut, and silence keeps the timeline. */
  isFilled = false;
  /** Monotonic ms; of no meaning while it is shut. */
  gateOpenedAtMs: number;
  /** Wall clock minus monotonic time, ms: one value for the life of a recording, so that its streams align. */
  readonly wallOffsetMs: number;
  /** Nothing waits in any ring that may be sent: packets leave as they are captured. */
  isLive = false;
  /** While catching up: what was captured up to this moment may be sent. */
  playheadMs = 0;
  lastPumpMs = 0;
  closing: RecordingClosing | null = null;

  constructor(id: number, gateOpen: boolean, wallOffsetMs: number, nowMs: number) {
    this.gateOpenedAtMs = nowMs;
    this.id = id;
    this.gateOpen = gateOpen;
    this.wallOffsetMs = wallOffsetMs;
  }

  /** What is sent into the recording is looked at anew, packet by packet: see plain-packet. */
  unsettle(): void {
    for (const stream of this.streams) {
      stream.unsettle();
    }
  }
}
