import { G722BandDecoder } from '../codec/g722';
import { KIND_G722, kindOf } from '../codec/payload-kinds';
import { MAX_PACKET_BYTES, payloadEnd, payloadStart } from '../rtp/header';
import { type PacketRing } from './packet-ring';
import { kindOfFlags, rateOfFlags } from './record-flags';
import { type Recorder } from './recorder';
import { type RecordingState, type RecordingStreamState } from './recording-state';
import { type Silence, silenceOf } from '../codec/silence';

/** So much of what a G.722 stream said last is decoded, so that its silence goes on in the same state, ms. */
const HEARD_MS = 1000;
/** Of one packet at a time. */
const pairs = new Int16Array(2 * MAX_PACKET_BYTES);

/** A loop that was held up longer than this leaves a gap in time rather than sending it all at once, ms. */
const MAX_LATE_MS = 2000;

/**
 * Fills the streams of paused recordings with silence, so that their timeline goes on: each stream from the end of its
 * last packet on, in the codec that it had. Never anything that a leg sent: the gate is shut meanwhile.
 */
export class SilenceFiller {
  readonly #recorder: Recorder;
  readonly #filled = new Set<RecordingState>();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
  }

  start(recording: RecordingState, nowMs: number): void {
    recording.isFilled = true;
    recording.streams.forEach(stream => {
      stream.silence = null;
      stream.fillsAtMs = nowMs;
      stream.isFillContiguous = false;
    });
    this.#filled.add(recording);
  }

  stop(recording: RecordingState): void {
    recording.isFilled = false;
    this.#filled.delete(recording);
  }

  /** Writes what is due. @returns when to come again, monotonic ms; Infinity: nothing is filled. */
  service(nowMs: number): number {
    let nextMs = Infinity;
    for (const recording of this.#filled) {
      for (const stream of recording.streams) {
        nextMs = Math.min(nextMs, this.#fill(stream, nowMs));
      }
    }
    return nextMs;
  }

  #fill(stream: RecordingStreamState, nowMs: number): number {
    stream.silence ??= this.#begin(stream);
    const { silence } = stream;
    const packetMs = silence === null ? 20 : (silence.units * 1000) / silence.rateHz;
    const isUnwanted = stream.isAnswered && !stream.isSending;
    if (silence === null || isUnwanted || nowMs - stream.fillsAtMs > MAX_LATE_MS) {
      // Nothing can be made yet, or is not taken, or not in time: what follows stands where time is then.
      stream.isFillContiguous = false;
      stream.fillsAtMs = Math.max(stream.fillsAtMs, nowMs + packetMs);
      return stream.fillsAtMs;
    }
    while (stream.fillsAtMs <= nowMs) {
      this.#recorder.captureSilence(stream, silence, stream.fillsAtMs, stream.isFillContiguous);
      stream.isFillContiguous = true;
      stream.fillsAtMs += packetMs;
    }
    return stream.fillsAtMs;
  }

  /** In the codec of the last packet, and right behind it if that was just now; otherwise in what the SRS wants most. */
  #begin(stream: RecordingStreamState): Silence | null {
    const silence = this.#likeLast(stream);
    if (silence === null) {
      const wanted = stream.rules.preferred();
      return wanted === null
        ? null
        : silenceOf(kindOf(wanted), wanted.payloadType, wanted.clockRateHz);
    }
    const packetMs = ((this.#recorder.unitsOfLast(stream) ?? 0) * 1000) / silence.rateHz;
    const endsAtMs = stream.lastAudio.atMs + packetMs;
    if (endsAtMs + packetMs >= stream.fillsAtMs) {
      stream.fillsAtMs = endsAtMs;
      stream.isFillContiguous = true;
    }
    return silence;
  }

  #likeLast({ lastAudio, ring, rules }: RecordingStreamState): Silence | null {
    const { at, flags, atMs } = lastAudio;
    const payloadType = (ring.memory.bytes[at + 1] ?? 0) & 0x7f;
    if (atMs === -Infinity || !rules.isAccepted(payloadType)) {
      return null;
    }
    const kind = kindOfFlags(flags);
    const heard = kind === KIND_G722 ? heardOf(ring, atMs - HEARD_MS) : null;
    return silenceOf(kind, payloadType, rateOfFlags(flags), heard);
  }
}

/** The state of a G.722 decoder that has heard what is in the ring since then. */
function heardOf(ring: PacketRing, fromMs: number): G722BandDecoder {
  const decoder = new G722BandDecoder();
  const { bytes } = ring.memory;
  ring.visitSince(fromMs, (at, length, flags) => {
    if (kindOfFlags(flags) === KIND_G722) {
      const start = payloadStart(bytes, at);
      decoder.decode(bytes, start, Math.max(0, payloadEnd(bytes, at, length) - start), pairs);
    }
  });
  return decoder;
}
