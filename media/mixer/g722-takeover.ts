import { G722BandDecoder, G722BandEncoder } from '../codec/g722';

/** Both rates of the sub-bands and of G.722's RTP clock, Hz. */
export const BAND_RATE_HZ = 8000;
/** How much of a stream is followed before it is taken over, frames: 100 ms. */
const WARM_UP_FRAMES = BAND_RATE_HZ / 10;
/** A stream that is taken over is given back in a pause of speech, or after this, frames: 2 s. */
const GIVE_BACK_FRAMES = 2 * BAND_RATE_HZ;
/** After a notice the quantisers' steps settle before a pause counts, frames: 40 ms. */
const SETTLING_FRAMES = BAND_RATE_HZ / 25;
/** Mean magnitude of a pause in the sub-bands' 15 bits: about −50 dBFS. */
const PAUSE_MAGNITUDE = 40;

/**
 * G.722 has a memory: who re-encodes a stream has to begin with the state of whoever listens. The stream is followed for
 * 100 ms before it is taken over, beginning with that very state, and it is re-encoded after a notice until that makes no
 * difference any more, or speech pauses.
 */
export class G722Takeover {
  /** Whether what the leg hears is re-encoded here. */
  isTakenOver = false;
  readonly #decoder = new G722BandDecoder();
  readonly #encoder = new G722BandEncoder();
  #followedFrames = 0;
  #silentFramesLeft = 0;
  #framesSinceNotice = 0;

  /** Another format, or another stream. */
  reset(): void {
    this.#decoder.reset();
    this.isTakenOver = false;
    this.#followedFrames = 0;
    this.#silentFramesLeft = 0;
  }

  /** Goes along with a packet that passes as it is, until enough is known to take over. */
  follow(bytes: Uint8Array, at: number, frames: number, values: Int16Array): void {
    this.#decoder.decode(bytes, at, frames, values);
    this.#followedFrames += frames;
    if (this.#followedFrames >= WARM_UP_FRAMES) {
      this.#encoder.continueFrom(this.#decoder);
      this.isTakenOver = true;
    }
  }

  /**
   * Without a talker. A decoder that has heard nothing yet is as fresh as our encoder; one that has is led to our state by
   * 100 ms of silence.
   */
  takeOverSilence(hasHeard: boolean): void {
    if (this.#followedFrames > 0) {
      this.#encoder.continueFrom(this.#decoder);
    } else {
      this.#encoder.reset();
    }
    this.#silentFramesLeft = hasHeard ? WARM_UP_FRAMES : 0;
    this.isTakenOver = true;
  }

  /** Whether a packet of ours is to be one of that silence. */
  takeSilence(frames: number): boolean {
    if (this.#silentFramesLeft <= 0) {
      return false;
    }
    this.#silentFramesLeft -= frames;
    return true;
  }

  /** A packet of the talker, once the stream is taken over. */
  decode(bytes: Uint8Array, at: number, frames: number, values: Int16Array): void {
    this.#silentFramesLeft = 0;
    this.#decoder.decode(bytes, at, frames, values);
  }

  encode(values: Int16Array, frames: number, codes: Uint8Array): void {
    this.#encoder.encode(values, frames, codes, 0);
  }

  /** Puts code words in a packet's place. @returns whether nobody can hear that it was not left as it was. */
  replace(
    bytes: Uint8Array,
    at: number,
    frames: number,
    values: Int16Array,
    codes: Uint8Array,
  ): boolean {
    let isSame = true;
    let magnitude = 0;
    for (let i = 0; i < frames; i++) {
      const code = codes[i] ?? 0;
      isSame &&= code === bytes[at + i];
      bytes[at + i] = code;
      magnitude += Math.abs(values[2 * i] ?? 0);
    }
    return isSame || magnitude < PAUSE_MAGNITUDE * frames;
  }

  /** A notice is in what was re-encoded last. */
  onNotice(): void {
    this.#framesSinceNotice = 0;
  }

  /** After a notice the listener's state comes near the talker's: when nobody can hear the rest, we step aside. */
  giveBack(isInaudible: boolean, frames: number): void {
    this.#framesSinceNotice += frames;
    const isNear = this.#framesSinceNotice >= SETTLING_FRAMES;
    if ((isInaudible && isNear) || this.#framesSinceNotice >= GIVE_BACK_FRAMES) {
      this.isTakenOver = false;
      this.#followedFrames = 0;
      this.#decoder.reset();
    }
  }
}
