import { KIND_OTHER, KIND_PCMA, KIND_PCMU } from '../codec/payload-kinds';
import { renderOf } from '../notices/sound-store';
import { type NoticeOutcome } from '../ports';
import { type LegState } from '../worker/leg-state';
import { BAND_RATE_HZ } from './g722-takeover';
import { DuckedLaws, gainStepOf, type MixGains, mixFrames, mixG711 } from './mix';
import { type MixerHost } from './mixer-host';
import { MAX_QUEUED, type QueuedNotice } from './notice-queue';
import { lanesOf, lawOf, limitOf } from './payload-codec';

/** A notice that does not get on is given up this long after it should have ended, ms. */
const STALLED_MS = 5000;

const NO_SOUND = new Int16Array(0);
const duckedLaws = new DuckedLaws();

/** The notices of one leg: they take turns, and the first one's sound is mixed in from where it was heard to. */
export class NoticeTurns {
  readonly #leg: LegState;
  readonly #host: MixerHost;
  readonly #queue: QueuedNotice[] = [];
  readonly #gains: MixGains = {
    live: 1,
    liveTarget: 1,
    sound: 1,
    soundTarget: 1,
    step: gainStepOf(BAND_RATE_HZ),
  };

  /** Of what is mixed into. */
  #kind = KIND_OTHER;
  #clockRateHz = BAND_RATE_HZ;
  /** The active notice's sound in that format, and how much of it was heard, in frames. */
  #sound: Int16Array | null = null;
  #position = 0;

  /** Decodes G.711 with the gain of speech under the notice in it, of that kind and gain. */
  #ducked: Int16Array = NO_SOUND;
  #duckedKind = KIND_OTHER;
  #duckedGain = 1;

  constructor(leg: LegState, host: MixerHost) {
    this.#leg = leg;
    this.#host = host;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Whose turn it is; undefined: nobody's. */
  get first(): QueuedNotice | undefined {
    return this.#queue[0];
  }

  /** Whether the talker is as loud as without a notice. */
  get isLiveUnchanged(): boolean {
    return this.#gains.live === 1;
  }

  play(notice: QueuedNotice): void {
    if (this.#queue.length >= MAX_QUEUED) {
      this.#host.ended(this.#leg, notice, 'cut');
      return;
    }
    this.#queue.push(notice);
  }

  /** Ends a notice softly, or takes it out of the queue. */
  stop(number: number): void {
    const index = this.#queue.findIndex(notice => notice.number === number);
    const notice = this.#queue[index];
    if (notice === undefined) {
      return;
    }
    if (notice.startedAtMs !== null) {
      notice.isStopping = true;
      this.#gains.soundTarget = 0;
    } else {
      this.#sound = index === 0 ? null : this.#sound;
      this.#queue.splice(index, 1);
      this.#host.ended(this.#leg, notice, 'cut');
    }
  }

  /** The leg goes. */
  close(): void {
    for (const notice of this.#queue.splice(0)) {
      this.#host.ended(this.#leg, notice, 'cut');
    }
  }

  /** It is the notice's turn. */
  begin(notice: QueuedNotice): void {
    if (notice.deadlineMs === Infinity) {
      notice.deadlineMs = this.#host.clock.nowMs + notice.durationMs + STALLED_MS;
    }
  }

  /** Whether the notice that has its turn has had it for longer than so many ms. */
  hasWaited(notice: QueuedNotice, ms: number): boolean {
    return this.#host.clock.nowMs > notice.deadlineMs - notice.durationMs - STALLED_MS + ms;
  }

  end(notice: QueuedNotice, outcome: NoticeOutcome): void {
    this.#queue.shift();
    this.#sound = null;
    this.#position = 0;
    if (this.#queue.length === 0) {
      this.#gains.liveTarget = 1;
    }
    this.#host.ended(this.#leg, notice, outcome);
  }

  /** What is mixed into is in this format from now on; a notice goes on from where it was, in another render. */
  follow(kind: number, clockRateHz: number): void {
    this.#position = Math.round((this.#position * clockRateHz) / this.#clockRateHz);
    this.#sound = null;
    this.#kind = kind;
    this.#clockRateHz = clockRateHz;
    this.#gains.step = gainStepOf(clockRateHz);
  }

  /** Whether the notice can be had in the format. */
  hasSound(notice: QueuedNotice): boolean {
    return this.#soundOf(notice) !== null;
  }

  /** Nobody talks: there is nothing to turn down, nor up again. */
  skipLiveRamp(): void {
    this.#gains.live = this.#queue[0]?.duckGain ?? 1;
  }

  /**
   * What nearly every packet under a notice needs: G.711, a sound that goes on beyond the packet, and no gain that
   * moves. @returns false when there is more to do than that; nothing has been done then.
   */
  mixSteadily(bytes: Uint8Array, at: number, frames: number): boolean {
    const kind = this.#kind;
    const gains = this.#gains;
    const notice = this.#queue[0];
    const sound = this.#sound;
    if (
      (kind !== KIND_PCMU && kind !== KIND_PCMA) ||
      notice === undefined ||
      notice.startedAtMs === null ||
      sound === null ||
      this.#position + frames >= sound.length ||
      gains.live !== notice.duckGain ||
      gains.sound !== 1 ||
      gains.soundTarget !== 1
    ) {
      return false;
    }
    const { decode, encode } = lawOf(kind);
    if (this.#duckedKind !== kind || this.#duckedGain !== gains.live) {
      this.#ducked = duckedLaws.find(String(kind), decode, gains.live);
      this.#duckedKind = kind;
      this.#duckedGain = gains.live;
    }
    gains.liveTarget = gains.live;
    mixG711(bytes, at, frames, this.#ducked, encode, sound, this.#position);
    this.#position += frames;
    return true;
  }

  /** Mixes the notice whose turn it is into the host's values, and moves on in it. */
  mix(frames: number): void {
    const kind = this.#kind;
    const gains = this.#gains;
    const notice = this.#queue[0];
    const sound = notice === undefined ? null : this.#soundOf(notice);
    const active = sound === null ? undefined : notice;
    if (active?.startedAtMs === null) {
      active.startedAtMs = Date.now();
      gains.sound = 1;
      gains.soundTarget = 1;
      this.begin(active);
    }
    gains.liveTarget = active === undefined ? 1 : active.duckGain;
    mixFrames(
      this.#host.values,
      frames,
      lanesOf(kind),
      sound ?? NO_SOUND,
      this.#position,
      gains,
      limitOf(kind),
    );
    if (active === undefined) {
      return;
    }
    this.#position += frames;
    if (active.isStopping && gains.sound === 0) {
      this.end(active, 'cut');
    } else if (this.#position * lanesOf(kind) >= (sound?.length ?? 0)) {
      this.end(active, 'played');
    }
  }

  #soundOf(notice: QueuedNotice): Int16Array | null {
    this.#sound ??= this.#host.sounds.find(notice.soundId, renderOf(this.#kind, this.#clockRateHz));
    return this.#sound;
  }
}
