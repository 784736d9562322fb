import { type LegRole, type NetworkKind, otherRole } from '#core';

import { type UserPolicy } from './user-policy';

/** Which side of a call leads where. */
export type LegKinds = Readonly<Record<LegRole, NetworkKind>>;

/** What the parties of one recording shall hear. */
export interface NoticePlan {
  /** Whether start and stop are announced. */
  readonly startStop: boolean;
  readonly notification: UserPolicy['notification'];
  /** null: no tone. */
  readonly reminderIntervalMs: number | null;
  readonly compliance: CompliancePlan | null;
}

/**
 * `before-connect`: to the caller, before anybody is rung. `after-answer`: to both parties, so long after the answer.
 * The party of the public network that has heard it does not hear the start announcement again.
 */
export type CompliancePlan =
  { readonly when: 'before-connect' } | { readonly when: 'after-answer'; readonly delayMs: number };

/**
 * The notices of one recording, by where the other party is. Pure. The announcement of compliance is for calls that
 * are streamed from their answer on: a recording on demand begins with its start announcement.
 */
export function planNotices(user: UserPolicy, role: LegRole, kinds: LegKinds): NoticePlan {
  const isPstn = kinds[otherRole(role)] === 'pstn';
  const { startStopAnnouncement: announced, reminderTone } = user;
  return {
    startStop: isPstn ? announced.pstnCalls : announced.internalCalls,
    notification: user.notification,
    reminderIntervalMs: reminderTone.enabled ? reminderTone.intervalMs : null,
    compliance: isPstn && user.mode !== 'on-demand' ? planCompliance(user, role) : null,
  };
}

/** Whether anything is to be heard, so that the codecs of the call must be ones that can be mixed. */
export function needsMixing(plan: NoticePlan): boolean {
  return (
    plan.startStop ||
    plan.notification !== 'none' ||
    plan.reminderIntervalMs !== null ||
    plan.compliance !== null
  );
}

/** The callee of a call from the public network has an inbound one, its caller an outbound one. */
function planCompliance({ compliance }: UserPolicy, role: LegRole): CompliancePlan | null {
  if (role === 'callee') {
    return compliance.inboundPstn ? { when: 'before-connect' } : null;
  }
  return compliance.outboundPstn
    ? { when: 'after-answer', delayMs: compliance.outboundDelayMs ?? 0 }
    : null;
}
