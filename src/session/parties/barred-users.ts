import { type LegRole, type Logger } from '#core';
import { type InfoFacts, type InfoVerdict, readRecordHeader } from '#sip';

import { type ControlOutcome } from '../../policy';
import { RECORD_ACTIONS, verdictOf } from '../controls/control-verdict';
import { type CallDeps } from '../deps';
import { type CallControl, type ControlRequest } from '../live-view';

/** A user whose provider's terms are not accepted: to start a recording is refused. */
export interface BarredUser {
  readonly userId: string;
  /** The user has tried. */
  readonly tried: () => void;
}

/**
 * The users of one call who may not start a recording. Their controls are refused whether or not the media of the call passes
 * through us.
 */
export class BarredUsers {
  readonly #users: Record<LegRole, BarredUser | null> = { caller: null, callee: null };
  readonly #deps: Pick<CallDeps, 'metrics'>;
  readonly #logger: Logger;

  constructor(deps: Pick<CallDeps, 'metrics'>, logger: Logger) {
    this.#deps = deps;
    this.#logger = logger;
  }

  get isEmpty(): boolean {
    return this.#users.caller === null && this.#users.callee === null;
  }

  bar(role: LegRole, user: BarredUser): void {
    this.#users[role] = user;
  }

  /** The party of that leg is somebody else now. */
  release(role: LegRole): void {
    this.#users[role] = null;
  }

  /** null: nobody on that leg is barred. */
  controlFrom(role: LegRole, control: Omit<CallControl, 'origin'>): ControlOutcome | null {
    const user = this.#users[role];
    return user === null ? null : this.#refuse(user, { ...control, origin: 'recorded-party' });
  }

  /** An authorised client's control; the answers, one per user that it is for. */
  control({ action, recordingId, userId }: ControlRequest): readonly ControlOutcome[] {
    return recordingId !== undefined
      ? []
      : Object.values(this.#users)
          .filter(user => user !== null)
          .filter(user => userId === undefined || user.userId === userId)
          .map(user => this.#refuse(user, { action, origin: 'api', via: 'api' }));
  }

  /** An INFO of a call whose media goes around us. */
  infoReceived(role: LegRole, info: InfoFacts): InfoVerdict {
    const record = readRecordHeader(info);
    const outcome =
      record === null
        ? null
        : this.controlFrom(role, { action: RECORD_ACTIONS[record], via: 'info' });
    return outcome === null ? 'relay' : verdictOf(outcome);
  }

  #refuse({ userId, tried }: BarredUser, { action, origin, via }: CallControl): ControlOutcome {
    const outcome = 'refused-terms';
    if (action === 'start') {
      tried();
    }
    this.#deps.metrics.control(action, via, outcome);
    this.#logger.warn('recording control', { user: userId, action, by: origin, via, outcome });
    return outcome;
  }
}
