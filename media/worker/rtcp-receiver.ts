import { type IoMemory } from '../io/packet-io';
import { parseRtcp } from '../rtcp/parse';
import { add, LEG, STREAM } from './counters';
import { type LegState } from './leg-state';
import { type WorkerEvent } from './protocol';
import { type RecordingStreamState } from './recording-state';
import { type SourceLatch } from './source-latch';

/** Receiver reports beyond this rate are read but not told, ms. */
const REPORT_INTERVAL_MS = 500;

export interface RtcpReceiverOptions {
  readonly received: IoMemory;
  readonly counters: Float64Array;
  readonly clock: { readonly nowMs: number };
  readonly emit: (event: WorkerEvent) => void;
  /** A packet came from somebody whom the latch does not take. */
  readonly rejectSource: (leg: LegState, latch: SourceLatch, sourceAt: number) => void;
}

/** Takes in the reports of legs and of the SRS (RFC 3550 §6.4). */
export class RtcpReceiver {
  readonly #received: IoMemory;
  readonly #counters: Float64Array;
  readonly #clock: { readonly nowMs: number };
  readonly #emit: (event: WorkerEvent) => void;
  readonly #rejectSource: RtcpReceiverOptions['rejectSource'];

  constructor(options: RtcpReceiverOptions) {
    this.#received = options.received;
    this.#counters = options.counters;
    this.#clock = options.clock;
    this.#emit = options.emit;
    this.#rejectSource = options.rejectSource;
  }

  /**
   * What a leg sends beside its media.
   * @param latch of the port that it came to: on a shared one (RFC 5761) that of RTP.
   */
  onLegPacket(
    leg: LegState,
    at: number,
    receivedBytes: number,
    sourceAt: number,
    latch: SourceLatch,
  ): void {
    const { words, view } = this.#received;
    let length = receivedBytes;
    if (leg.protection !== null) {
      if (latch.isLocked && !latch.isLockedSource(words, sourceAt)) {
        this.#rejectSource(leg, latch, sourceAt);
        return;
      }
      length = leg.protection.receiver.unprotectRtcp(this.#received, at, receivedBytes);
      if (length === 0) {
        add(this.#counters, leg.counterBase, LEG.unauthentic, 1);
        return;
      }
    }
    if (!latch.isLockedSource(words, sourceAt)) {
      // RTCP never latches RTP: on a shared port only the locked source counts.
      const verdict = latch === leg.rtpLatch ? 'reject' : latch.judge(words, sourceAt);
      if (verdict === 'reject') {
        this.#rejectSource(leg, latch, sourceAt);
      }
      if (verdict === 'reject' || verdict === 'wait') {
        return;
      }
    }
    const parsed = parseRtcp(view, at, length);
    if (parsed === null) {
      add(this.#counters, leg.counterBase, LEG.malformed, 1);
    } else if (parsed.senderReport !== null) {
      leg.lastSrNtpMiddle = parsed.senderReport.ntpMiddle;
      leg.lastSrAtMs = this.#clock.nowMs;
    }
  }

  /** The SRS sends nothing but RTCP: on its own port, or on the RTP port (RFC 5761). */
  onSrsPacket(
    stream: RecordingStreamState,
    at: number,
    receivedBytes: number,
    sourceAt: number,
    isRtcpPort: boolean,
  ): void {
    const { view, words } = this.#received;
    const expected = isRtcpPort && !stream.rtcpMux ? stream.rtcpRemote : stream.rtpRemote;
    if (!expected.isSet || !expected.sameHost(words, sourceAt)) {
      add(this.#counters, stream.counterBase, STREAM.rejectedSource, 1);
      return;
    }
    const length =
      stream.protection === null
        ? receivedBytes
        : stream.protection.receiver.unprotectRtcp(this.#received, at, receivedBytes);
    if (length === 0) {
      add(this.#counters, stream.counterBase, STREAM.unauthentic, 1);
      return;
    }
    const parsed = parseRtcp(view, at, length);
    if (parsed === null) {
      add(this.#counters, stream.counterBase, STREAM.malformed, 1);
      return;
    }
    const block = parsed.blocks.find(candidate => candidate.ssrc === stream.output.ssrc);
    if (block === undefined) {
      return;
    }
    const report = {
      fractionLost: block.fractionLost / 256,
      packetsLost: block.packetsLost,
      jitterMs: (block.jitter * 1000) / stream.output.clockRateHz,
    };
    const counters = this.#counters;
    const base = stream.counterBase;
    counters[base + STREAM.fractionLost] = report.fractionLost;
    counters[base + STREAM.packetsLost] = report.packetsLost;
    counters[base + STREAM.jitterMs] = report.jitterMs;
    counters[base + STREAM.receiverReportAtMs] = Date.now();
    add(counters, base, STREAM.receiverReports, 1);
    if (this.#clock.nowMs - stream.lastReportAtMs >= REPORT_INTERVAL_MS) {
      stream.lastReportAtMs = this.#clock.nowMs;
      this.#emit({ kind: 'receiver-report', slot: stream.slot, report });
    }
  }
}
