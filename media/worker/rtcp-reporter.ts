import { type IoMemory, type PacketIo, SEND_OK } from '../io/packet-io';
import {
  type CompoundReport,
  MAX_RTCP_BYTES,
  type ReportBlock,
  type SenderInfo,
  writeCompound,
} from '../rtcp/build';
import { toDlsr } from '../rtcp/ntp';
import { RTP_HEADER_BYTES } from '../rtp/header';
import { type StreamProtection } from '../srtp/stream-protection';
import { MAX_SRTP_OVERHEAD_BYTES } from '../srtp/suites';
import { add, get, LEG, STREAM } from './counters';
import { type LegState } from './leg-state';
import { type RecordingStreamState } from './recording-state';

/** The minimum interval of RFC 3550 §6.2, ms; each report varies by ±20 % so that reports spread. */
const INTERVAL_MS = 5000;
/** A leg's first report waits half of the interval (RFC 3550 §6.2); an SRS wants to align streams soon. */
const FIRST_LEG_REPORT_MS = 2500;

/** Builds and sends our reports: to each leg, and to the SRS for each recording stream. */
export class RtcpReporter {
  readonly #io: PacketIo;
  readonly #counters: Float64Array;
  readonly #scratch: IoMemory;

  constructor(io: PacketIo, counters: Float64Array) {
    this.#io = io;
    this.#counters = counters;
    this.#scratch = io.allocate(MAX_RTCP_BYTES + MAX_SRTP_OVERHEAD_BYTES);
  }

  /**
   * Sends the leg's report when it is due (RFC 3550 §6.4): SR once we sent something, RR before.
   * @returns when it wants to be asked again, monotonic ms.
   */
  reportToLeg(leg: LegState, nowMs: number, wallMs: number): number {
    if (!leg.receives) {
      return Infinity;
    }
    if (!(leg.output.started || leg.reception.started)) {
      return nowMs;
    }
    if (leg.nextRtcpAtMs === 0) {
      leg.nextRtcpAtMs = nowMs + varied(FIRST_LEG_REPORT_MS);
    } else if (nowMs >= leg.nextRtcpAtMs) {
      leg.nextRtcpAtMs = nowMs + varied(INTERVAL_MS);
      this.#sendToLeg(leg, nowMs, wallMs, false);
    }
    return leg.nextRtcpAtMs;
  }

  /** Says goodbye to a leg that heard us (RFC 3550 §6.6). */
  byeToLeg(leg: LegState, nowMs: number, wallMs: number): void {
    if (leg.receives && leg.output.started) {
      this.#sendToLeg(leg, nowMs, wallMs, true);
    }
  }

  /**
   * Sends the stream's SR when it is due; the first one right after the first packet.
   * @returns when it wants to be asked again, monotonic ms.
   */
  reportToSrs(stream: RecordingStreamState, nowMs: number): number {
    if (nowMs >= stream.nextRtcpAtMs && this.#hasSent(stream)) {
      stream.nextRtcpAtMs = nowMs + varied(INTERVAL_MS);
      this.#sendToSrs(stream, nowMs, false);
    }
    return stream.nextRtcpAtMs;
  }

  /** Ends a recording stream for the SRS (RFC 3550 §6.6). */
  byeToSrs(stream: RecordingStreamState, nowMs: number): void {
    if (this.#hasSent(stream)) {
      this.#sendToSrs(stream, nowMs, true);
    }
  }

  #hasSent(stream: RecordingStreamState): boolean {
    return (
      stream.rtpRemote.isSet && get(this.#counters, stream.counterBase, STREAM.packetsSent) > 0
    );
  }

  /** Legs and streams count what they sent in the same columns. */
  #senderInfo(counterBase: number, wallMs: number, timestamp: number): SenderInfo {
    const packets = get(this.#counters, counterBase, LEG.packetsSent);
    const bytes = get(this.#counters, counterBase, LEG.bytesSent);
    return { wallMs, timestamp, packets, octets: bytes - packets * RTP_HEADER_BYTES };
  }

  /** Leaves a compound in the scratch memory, protected when its stream is. @returns its length. */
  #write(protection: StreamProtection | null, report: CompoundReport): number {
    const length = writeCompound(this.#scratch.view, 0, report);
    return protection === null ? length : protection.sender.protectRtcp(this.#scratch, 0, length);
  }

  #sendToLeg(leg: LegState, nowMs: number, wallMs: number, bye: boolean): void {
    const { output } = leg;
    const length = this.#write(leg.protection, {
      ssrc: output.ssrc,
      sender: output.started
        ? this.#senderInfo(leg.counterBase, wallMs, output.timestampAt(nowMs))
        : null,
      block: leg.reception.started ? reportBlock(leg, nowMs) : null,
      cname: Buffer.from(leg.cname),
      bye,
    });
    const handle = leg.rtcpMux ? leg.rtpHandle : leg.rtcpHandle;
    const latch = leg.rtcpMux ? leg.rtpLatch : leg.rtcpLatch;
    if (
      latch.destination.isSet &&
      this.#io.send(handle, this.#scratch, 0, length, latch.destination) !== SEND_OK
    ) {
      add(this.#counters, leg.counterBase, LEG.sendErrors, 1);
    }
  }

  #sendToSrs(stream: RecordingStreamState, nowMs: number, bye: boolean): void {
    const length = this.#write(stream.protection, {
      ssrc: stream.output.ssrc,
      // Wall clock of the capture: the line from timestamps to time is the same for packets sent late.
      sender: this.#senderInfo(
        stream.counterBase,
        nowMs + stream.recording.wallOffsetMs,
        stream.output.timestampAt(nowMs),
      ),
      block: null,
      cname: Buffer.from(stream.cname),
      bye,
    });
    const sent = stream.rtcpMux
      ? this.#io.send(stream.rtpHandle, this.#scratch, 0, length, null)
      : this.#io.send(stream.rtcpHandle, this.#scratch, 0, length, stream.rtcpRemote);
    if (sent !== SEND_OK) {
      add(this.#counters, stream.counterBase, LEG.sendErrors, 1);
    }
  }
}

function reportBlock(leg: LegState, nowMs: number): ReportBlock {
  const { reception } = leg;
  return {
    ssrc: reception.ssrc >>> 0,
    fractionLost: reception.takeFractionLost(),
    packetsLost: reception.packetsLost,
    extendedHighest: reception.extendedHighest,
    jitter: reception.jitter,
    lastSenderReport: leg.lastSrNtpMiddle,
    // RFC 3550 §6.4.1: zero when no SR came yet.
    delaySinceLastSenderReport: leg.lastSrNtpMiddle === 0 ? 0 : toDlsr(nowMs - leg.lastSrAtMs),
  };
}

/** Not always the same, or the reports of calls that began together would stay together (RFC 3550 §6.2). */
function varied(intervalMs: number): number {
  return intervalMs * (0.8 + 0.4 * Math.random());
}
