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

export interface RecordingStreamOptions {
  readonly slot: number;
  readonly rtpHandle: SocketHandle;
  readonly rtcpHandle: SocketHandle;
  readonly output: StreamRewriter;
  readonly cname: Uint8Array;
  readonly ring: PacketRing;
}

/** Where it lies in the ring's memory, the flags of its record, and when it was captured; −Infinity: never. */
export interface LastAudio {
  at: number;
  length: number;
  flags: number;
  atMs: number;
}

/** One stream of a recording: the ring between a leg's packets and the SRS. */
export class RecordingStreamState {
  readonly slot: number;
  readonly counterBase: number;
  readonly recording: RecordingState;
  readonly rtpHandle: SocketHandle;
  readonly rtcpHandle: SocketHandle;
  readonly cname: Uint8Array;
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
  /** The packet of speech (or silence) that was captured last. */
  readonly lastAudio: LastAudio = { at: 0, length: 0, flags: 0, atMs: -Infinity };
  /** Of a pause that is filled: what with, when the next packet of it is due, and whether that follows the last one. */
  silence: Silence | null = null;
  fillsAtMs = 0;
  isFillContiguous = false;

  nextRtcpAtMs = 0;
  lastReportAtMs = -Infinity;
  lastUnreachableAtMs = -Infinity;

  constructor(
    io: PacketIo,
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
    this.rtpRemote = io.createAddress();
    this.rtcpRemote = io.createAddress();
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
}
