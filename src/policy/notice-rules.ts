import { type LegRole, otherRole, LEG_ROLES } from '#core';

import { type IntentState, type RecordingMoment } from './intent-machine';
import { type NoticePlan } from './notice-plan';
import { type PromptKind } from './user-policy';

/** What the parties of a call can hear. */
export type NoticeKind = PromptKind | 'beep' | 'reminder';

/** A notice that has to be played. */
export interface DueNotice {
  readonly kind: NoticeKind;
  /** The packaged prompt, where there are several of a kind. */
  readonly prompt?: 'failure-proceed' | 'failure-end';
  /** The legs that shall hear it. */
  readonly toRoles: readonly LegRole[];
  /** Wait so long before. */
  readonly delayMs: number;
}

/** What has happened so far in the call, as far as notices depend on it. */
export interface NoticeHistory {
  /** Who has heard the compliance announcement already, or is about to. */
  readonly complianceHeardBy: readonly LegRole[];
  /** The call is over, or about to be: nobody is left to hear anything. */
  readonly callEnded: boolean;
  /** The recorded party has been replaced: who has come has nothing to do with the recording. */
  readonly recordedPartyLeft: boolean;
}

/**
 * The notices that a moment of a recording calls for, in the order in which they play. Pure.
 *
 * What is not going to be kept is not announced: the recording of an `on-demand-keep` user starts, for those who hear
 * it, when the user decides; only the announcement of compliance, which says that calls may be recorded, comes before.
 * Whoever has heard that one is not told again that the recording starts.
 *
 * @param recordedRole the leg of the recorded party
 */
export function noticesFor(
  moment: RecordingMoment,
  keep: IntentState['keep'],
  plan: NoticePlan,
  recordedRole: LegRole,
  history: NoticeHistory,
): readonly DueNotice[] {
  if (history.callEnded) {
    return [];
  }
  const isKept = keep === 'kept';
  switch (moment) {
    case 'started':
      return (
        lateCompliance(plan, recordedRole, history) ?? (isKept ? startNotices(plan, history) : [])
      );
    case 'kept':
      return startNotices(plan, history);
    case 'stopped': {
      const toRoles = history.recordedPartyLeft ? [otherRole(recordedRole)] : LEG_ROLES;
      return plan.startStop && isKept ? [due('stop', toRoles)] : [];
    }
    case 'paused':
      return isKept ? notificationNotices(plan, 'pause') : [];
    case 'resumed':
      return isKept ? notificationNotices(plan, 'resume') : [];
  }
}

/** How often the reminder tone sounds in this state; null: it does not. */
export function reminderIntervalMs(
  { phase, keep }: IntentState,
  { reminderIntervalMs: intervalMs }: NoticePlan,
): number | null {
  return phase === 'on' && keep === 'kept' ? intervalMs : null;
}

/** The announcement of compliance after the answer, where it is due then, or could not be made before. */
function lateCompliance(
  { compliance }: NoticePlan,
  recordedRole: LegRole,
  { complianceHeardBy }: NoticeHistory,
): readonly DueNotice[] | null {
  if (compliance === null || complianceHeardBy.includes(otherRole(recordedRole))) {
    return null;
  }
  return [
    due('compliance', LEG_ROLES, compliance.when === 'after-answer' ? compliance.delayMs : 0),
  ];
}

function startNotices(
  { startStop }: NoticePlan,
  { complianceHeardBy }: NoticeHistory,
): readonly DueNotice[] {
  const toRoles = LEG_ROLES.filter(role => !complianceHeardBy.includes(role));
  return startStop && toRoles.length > 0 ? [due('start', toRoles)] : [];
}

function notificationNotices(
  { notification }: NoticePlan,
  prompt: 'pause' | 'resume',
): readonly DueNotice[] {
  switch (notification) {
    case 'none':
      return [];
    case 'beep':
      return [due('beep', LEG_ROLES)];
    case 'announcement':
      return [due(prompt, LEG_ROLES)];
  }
}

function due(kind: NoticeKind, toRoles: readonly LegRole[], delayMs = 0): DueNotice {
  return { kind, toRoles, delayMs };
}
