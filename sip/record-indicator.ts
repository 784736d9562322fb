import { type LegRole } from '#core';
import { type RecordIndication } from './ports';

interface Told {
  /** `record-aware` was in what the peer said about itself. */
  isAware: boolean;
  /** What the other side has said last. */
  others: RecordIndication | null;
  /** In an offer or answer that may still be refused. */
  written: RecordIndication | null;
  /** In force at the peer. */
  agreed: RecordIndication | null;
  /** The peer has refused an offer that was made to tell it this; it is not asked again until it changes. */
  refused: RecordIndication | null;
}

/** From the weakest to the strongest. */
const ORDER: readonly (RecordIndication | null)[] = [null, 'off', 'paused', 'on'];

/**
 * What each leg is to be told in `a=record` and what it has been told (RFC 7866 §7.1.2). The indication of the other side
 * passes where ours says less: a call that anybody records is recorded (§7.3.1).
 */
export class RecordIndicator {
  #state: RecordIndication | null = null;
  readonly #legs: Record<LegRole, Told> = { caller: nobody(), callee: nobody() };

  /** null after any other state is `off`: who was told of a recording must be told of its end. */
  set(state: RecordIndication | null): void {
    this.#state = state ?? (this.#state === null ? null : 'off');
    for (const leg of Object.values(this.#legs)) {
      leg.refused = null;
    }
  }

  setAware(role: LegRole, isAware: boolean): void {
    this.#legs[role].isAware = isAware;
  }

  /** What the offer to somebody who is to take the place of a leg says; see {@link replaced}. */
  forNewcomer(others: RecordIndication | null): RecordIndication | null {
    return this.#state === null ? null : this.#wanted({ others });
  }

  /** Another peer is in the place of a leg and was told this. */
  replaced(role: LegRole, told: RecordIndication | null): void {
    this.#legs[role] = { ...nobody(), others: this.#legs[role].others, agreed: told };
  }

  /**
   * What an offer or answer to a leg is to say; null: whatever its writer says.
   * @param others what the other side says in it
   * @param isFirst the first offer to a peer that has not said yet what it understands
   */
  write(role: LegRole, others: RecordIndication | null, isFirst: boolean): RecordIndication | null {
    const leg = this.#legs[role];
    leg.others = others;
    leg.written = (leg.isAware || isFirst) && this.#state !== null ? this.#wanted(leg) : null;
    return leg.written;
  }

  /** What was written last to a leg is in force. */
  agreed(role: LegRole): void {
    this.#legs[role].agreed = this.#legs[role].written;
  }

  /** The leg does not take the offer that was written for it last. */
  refused(role: LegRole): void {
    this.#legs[role].refused = this.#legs[role].written;
  }

  /** Whether what the peers prefer is for us, and goes no further. */
  get takesPreferences(): boolean {
    return this.#state !== null;
  }

  /** Whether a leg must be offered again to learn the state. */
  isDue(role: LegRole): boolean {
    const leg = this.#legs[role];
    const wanted = this.#wanted(leg);
    return leg.isAware && this.#state !== null && leg.agreed !== wanted && leg.refused !== wanted;
  }

  #wanted({ others }: Pick<Told, 'others'>): RecordIndication | null {
    return ORDER.indexOf(others) > ORDER.indexOf(this.#state) ? others : this.#state;
  }
}

function nobody(): Told {
  return { isAware: false, others: null, written: null, agreed: null, refused: null };
}
