import { type PayloadFormat } from '#core';
import { canBecomeG711, G711_RATE_HZ } from '../codec/to-g711';
import {
  KIND_COMFORT_NOISE,
  KIND_EVENT,
  KIND_PCMA,
  KIND_PCMU,
  kindOf,
} from '../codec/payload-kinds';
import { type RecordingStreamRules } from '../ports';
import { acceptanceTable, sharedFormats } from '../rtp/payload-types';
import { canBeSilent } from '../codec/silence';

/** What becomes of a packet on its way into a recording. */
export const STAYS = 0;
export const IS_DROPPED = 1;
export const IS_TRANSCODED = 2;

/** Shared by all streams of providers that take everything, so that it is in the cache. */
const ALL_STAY = new Uint8Array(KIND_COMFORT_NOISE + 1).fill(1);

/**
 * What one stream of a recording is sent: what its provider's settings say, and what the SRS has accepted. Without
 * either everything stays as it is.
 */
export class CaptureRules {
  /** The G.711 that is made; of no meaning while {@link canMake} is false. */
  targetType = 0;
  targetKind = KIND_PCMU;
  canMake = false;

  #kept: readonly string[] | null = null;
  #wanted: PayloadFormat | null = null;
  #dropsEvents = false;
  #dropsNoise = false;
  /** By payload type, 1 where the SRS takes it. */
  #accepted = acceptanceTable([]);
  #answered: readonly PayloadFormat[] = [];
  /** By kind, 1 where the provider takes it. */
  #stays = ALL_STAY;

  setRules({ keep, transcodeTo, dtmf, comfortNoise }: RecordingStreamRules): void {
    this.#kept = keep;
    this.#wanted = transcodeTo;
    this.#dropsEvents = dtmf === 'drop';
    this.#dropsNoise = comfortNoise === 'drop';
    this.#stays = keep === null ? ALL_STAY : new Uint8Array(KIND_COMFORT_NOISE + 1);
    for (const encoding of this.#kept ?? []) {
      this.#stays[kindOf({ encoding, payloadType: 0, clockRateHz: 0, channels: 1 })] = 1;
    }
    this.#choose();
  }

  /** @param formats of the SRS's answer; none: not known. */
  setAccepted(formats: readonly PayloadFormat[]): void {
    this.#answered = sharedFormats(formats);
    this.#accepted = acceptanceTable(formats);
    this.#choose();
  }

  isAccepted(payloadType: number): boolean {
    return this.#accepted[payloadType] !== 0;
  }

  /** What is to be done with a packet of the leg. @param rateHz of its clock; 0: not known. */
  judge(kind: number, payloadType: number, rateHz: number): number {
    if (kind === KIND_EVENT) {
      return this.#dropsEvents ? IS_DROPPED : STAYS;
    }
    if (kind === KIND_COMFORT_NOISE) {
      return this.#dropsNoise ? IS_DROPPED : STAYS;
    }
    const isTaken = this.#stays[kind] !== 0 && this.#accepted[payloadType] !== 0;
    return isTaken || !this.canBeMadeFrom(kind, rateHz) ? STAYS : IS_TRANSCODED;
  }

  /** The format in which a stream begins that nothing was captured of, as far as silence can be made in it. */
  preferred(): PayloadFormat | null {
    return this.#answered.find(canBeSilent) ?? this.#wanted;
  }

  canBeMadeFrom(kind: number, rateHz: number): boolean {
    return this.canMake && kind !== this.targetKind && canBecomeG711(kind, rateHz);
  }

  /** What the provider wants most, unless the SRS takes only another. */
  #choose(): void {
    const wanted = this.#wanted;
    const target =
      wanted !== null && this.#accepted[wanted.payloadType] !== 0
        ? wanted
        : this.#answered.find(isG711);
    this.canMake = target !== undefined;
    if (target !== undefined) {
      this.targetType = target.payloadType;
      this.targetKind = kindOf(target);
    }
  }
}

function isG711(format: PayloadFormat): boolean {
  const kind = kindOf(format);
  return (kind === KIND_PCMU || kind === KIND_PCMA) && format.clockRateHz === G711_RATE_HZ;
}
