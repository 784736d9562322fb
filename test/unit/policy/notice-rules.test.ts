import { type LegRole } from '#core';

import {
  type DueNotice,
  INTENT_PHASES,
  type NoticeHistory,
  type NoticePlan,
  noticesFor,
  type RecordingMoment,
  reminderIntervalMs,
} from '../../../src/policy';

const SILENT: NoticePlan = {
  startStop: false,
  notification: 'none',
  reminderIntervalMs: null,
  compliance: null,
};
const ANNOUNCING: NoticePlan = { ...SILENT, startStop: true };
const BEEPING: NoticePlan = { ...SILENT, notification: 'beep' };
const SPEAKING: NoticePlan = { ...SILENT, notification: 'announcement' };
const BEFORE: NoticePlan = { ...ANNOUNCING, compliance: { when: 'before-connect' } };
const AFTER: NoticePlan = { ...ANNOUNCING, compliance: { when: 'after-answer', delayMs: 3000 } };
const EVERYTHING: NoticePlan = { ...AFTER, notification: 'announcement' };
const NOTHING_YET: NoticeHistory = {
  complianceHeardBy: [],
  callEnded: false,
  recordedPartyLeft: false,
};
const HEARD_BY_CALLER: NoticeHistory = { ...NOTHING_YET, complianceHeardBy: ['caller'] };
const HEARD: NoticeHistory = { ...NOTHING_YET, complianceHeardBy: ['caller', 'callee'] };
const OVER: NoticeHistory = { ...NOTHING_YET, callEnded: true };
const LEFT: NoticeHistory = { ...NOTHING_YET, recordedPartyLeft: true };

/** `start to caller+callee after 3000`. */
function spelled(notices: readonly DueNotice[]): string {
  return notices
    .map(
      ({ kind, toRoles, delayMs }) =>
        `${kind} to ${toRoles.join('+')}${delayMs === 0 ? '' : ` after ${delayMs}`}`,
    )
    .join(', ');
}

describe('noticesFor', () => {
  test.each<[string, RecordingMoment, LegRole, NoticePlan, NoticeHistory, string]>([
    ['a silent plan', 'started', 'caller', SILENT, NOTHING_YET, ''],
    ['a silent plan', 'stopped', 'caller', SILENT, NOTHING_YET, ''],
    ['announcements', 'started', 'caller', ANNOUNCING, NOTHING_YET, 'start to caller+callee'],
    ['announcements', 'kept', 'caller', ANNOUNCING, NOTHING_YET, 'start to caller+callee'],
    ['announcements', 'stopped', 'caller', ANNOUNCING, NOTHING_YET, 'stop to caller+callee'],
    ['announcements', 'paused', 'caller', ANNOUNCING, NOTHING_YET, ''],
    ['beeps', 'paused', 'caller', BEEPING, NOTHING_YET, 'beep to caller+callee'],
    ['beeps', 'resumed', 'caller', BEEPING, NOTHING_YET, 'beep to caller+callee'],
    ['spoken pauses', 'paused', 'caller', SPEAKING, NOTHING_YET, 'pause to caller+callee'],
    ['spoken pauses', 'resumed', 'caller', SPEAKING, NOTHING_YET, 'resume to caller+callee'],
    [
      'late compliance',
      'started',
      'caller',
      AFTER,
      NOTHING_YET,
      'compliance to caller+callee after 3000',
    ],
    [
      'early compliance that was not heard',
      'started',
      'callee',
      BEFORE,
      NOTHING_YET,
      'compliance to caller+callee',
    ],
    ['early compliance', 'started', 'callee', BEFORE, HEARD_BY_CALLER, 'start to callee'],
    ['early compliance', 'stopped', 'callee', BEFORE, HEARD_BY_CALLER, 'stop to caller+callee'],
    ['compliance heard by all', 'started', 'caller', AFTER, HEARD, ''],
    ['compliance heard by all', 'kept', 'caller', AFTER, HEARD, ''],
    ['the end of the call', 'stopped', 'caller', ANNOUNCING, OVER, ''],
    ['a recorded party that has left', 'stopped', 'caller', ANNOUNCING, LEFT, 'stop to callee'],
  ])('%s, %s, %s recorded', (_name, moment, recordedRole, plan, history, expected) => {
    expect(spelled(noticesFor(moment, 'kept', plan, recordedRole, history))).toBe(expected);
  });

  test('says nothing but compliance of what nobody has decided to keep', () => {
    const said = (['started', 'stopped', 'paused', 'resumed'] as const).map(moment =>
      spelled(noticesFor(moment, 'undecided', EVERYTHING, 'caller', NOTHING_YET)),
    );
    expect(said).toEqual(['compliance to caller+callee after 3000', '', '', '']);
    expect(noticesFor('started', 'undecided', EVERYTHING, 'caller', HEARD)).toEqual([]);
  });
});

test('the reminder tone sounds only while something that is kept is recorded', () => {
  const plan: NoticePlan = { ...SILENT, reminderIntervalMs: 15_000 };
  const sounding = INTENT_PHASES.flatMap(phase =>
    (['kept', 'undecided', 'discarded'] as const).map(keep => ({ phase, keep })),
  ).filter(state => reminderIntervalMs(state, plan) !== null);
  expect(sounding).toEqual([{ phase: 'on', keep: 'kept' }]);
  expect(reminderIntervalMs({ phase: 'on', keep: 'kept' }, plan)).toBe(15_000);
  expect(reminderIntervalMs({ phase: 'on', keep: 'kept' }, SILENT)).toBeNull();
});
