import { errorMessage, type Logger } from '#core';
import { type SrsBehaviour } from './behaviour';
import { type SessionTimers } from './session-timers';

/** What an SRS may be told to do to a session, of its own accord. */
export interface SessionActions {
  stopReading(): void;
  setReportedLoss(fraction: number | null): void;
  bye(): Promise<void>;
  requestSnapshot(reason: string): Promise<unknown>;
  breakConnection(): void;
  vanish(): void;
  reoffer(direction: 'recvonly'): Promise<unknown>;
}

/** Does at its time whatever the behaviour says, from the moment that the session is established. */
export function misbehave(
  behaviour: SrsBehaviour,
  actions: SessionActions,
  timers: SessionTimers,
  logger: Logger,
): void {
  const at = (delayMs: number | undefined, action: () => void): void => {
    if (delayMs !== undefined) {
      timers.later(delayMs, action);
    }
  };
  const quietly = (promise: Promise<unknown>): void => {
    promise.catch((error: unknown) =>
      logger.debug('the SRC did not take it', { cause: errorMessage(error) }),
    );
  };
  if (behaviour.stopReading === true) {
    actions.stopReading();
  }
  actions.setReportedLoss(behaviour.reportedLoss ?? null);
  at(behaviour.byeAfterMs, () => void actions.bye());
  at(behaviour.snapshotAfterMs, () => quietly(actions.requestSnapshot('as told')));
  at(behaviour.closeConnectionAfterMs, () => actions.breakConnection());
  at(behaviour.vanishAfterMs, () => actions.vanish());
  if (behaviour.inactive === true) {
    at(behaviour.activateAfterMs, () => quietly(actions.reoffer('recvonly')));
  }
}
