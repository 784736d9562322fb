import { movePlayhead, type PlayheadFacts } from '../../../../media/worker/pacing';

const BEHIND: PlayheadFacts = {
  playheadMs: 1000,
  elapsedMs: 5,
  factor: 3,
  nowMs: 9000,
  oldestPendingMs: 1010,
  isAfterPause: false,
};

test.each<[string, Partial<PlayheadFacts>, number]>([
  ['it moves at three times real time', {}, 1015],
  ['it stands while no time passes', { elapsedMs: 0 }, 1000],
  ['it never runs ahead of the present', { nowMs: 1004 }, 1004],
  ['a worker that was held up makes no burst of it', { elapsedMs: 5000 }, 1300],
  ['a pause is jumped over', { isAfterPause: true, oldestPendingMs: 5000 }, 5000],
  ['what is due before a pause is not skipped', { isAfterPause: true, oldestPendingMs: 900 }, 1015],
  ['a silence is not jumped over', { oldestPendingMs: 5000 }, 1015],
  ['a clock that went back moves nothing', { elapsedMs: -50 }, 1000],
])('%s', (_name, facts, expected) => {
  expect(movePlayhead({ ...BEHIND, ...facts })).toBe(expected);
});
