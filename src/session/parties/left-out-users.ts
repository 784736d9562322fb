import { type LegRole } from '#core';

import { type PartyDecision } from '../../policy';
import { type EventSubject } from '../live-view';
import { type CallDeps } from '../deps';
import { type BarredUsers } from './barred-users';
import {
  type LeftOut,
  type LeftOutFacts,
  leftOutOnDemand,
  leftOutParty,
  recordLeftOut,
} from './left-out';

/** What was decided last of who is on each leg, and the users who would have been recorded and are not. */
export class LeftOutUsers {
  readonly #decided: Record<LegRole, PartyDecision>;
  readonly #leftOut: Record<LegRole, LeftOut | null> = { caller: null, callee: null };

  constructor(decided: Readonly<Record<LegRole, PartyDecision>>) {
    this.#decided = { ...decided };
  }

  decided(role: LegRole): PartyDecision {
    return this.#decided[role];
  }

  /** This is decided now of who is on its leg. */
  note(decided: PartyDecision): void {
    this.#decided[decided.role] = decided;
    const leftOut = leftOutParty(decided);
    if (leftOut !== null) {
      this.#leftOut[decided.role] = leftOut;
    }
  }

  /** Nobody misses anything on that leg any more. @param decided what is decided of it instead, when that is known. */
  forget(role: LegRole, decided: PartyDecision | null = null): void {
    this.#leftOut[role] = null;
    this.#decided[role] = decided ?? this.#decided[role];
  }

  /** Who may not start a recording is missed from the moment of trying on. */
  bar(barred: BarredUsers, decided: PartyDecision): void {
    const leftOut = leftOutOnDemand(decided);
    if (leftOut !== null) {
      const { userId } = leftOut.decision.user;
      barred.bar(decided.role, {
        userId,
        tried: () => (this.#leftOut[decided.role] = leftOut),
      });
    }
  }

  /** @returns a verdict for each user who would have been recorded in this answered call, and was not. */
  conclude(
    facts: LeftOutFacts,
    deps: CallDeps,
    told: (subject: EventSubject, reason: LeftOut['because']) => void,
  ): readonly string[] {
    const leftOut = Object.values(this.#leftOut).filter(each => each !== null);
    return leftOut.map(each => recordLeftOut(each, facts, deps, told));
  }
}
