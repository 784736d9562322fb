import {
  decideLatch,
  FOREIGN_RUN,
  type LatchFacts,
  type LatchVerdict,
  PREVIOUS_RUN,
  SIGNALLED_RUN,
} from '../../../../media/worker/latch';

const STRANGER: LatchFacts = {
  isLocked: false,
  isLockedSource: false,
  isSignalled: true,
  isSignalledSource: false,
  isSignalledHost: false,
  isPreviousSource: false,
  isFormerPeer: false,
  run: 1,
  allowsForeign: true,
};

const ROWS: readonly (readonly [string, Partial<LatchFacts>, LatchVerdict])[] = [
  [
    'the source of a peer who has left, on the host of the one who came',
    { isPreviousSource: true, isFormerPeer: true, isSignalledHost: true, run: 1000 },
    'reject',
  ],
  [
    'the new peer, from just where the one before was',
    { isPreviousSource: true, isFormerPeer: true, isSignalledSource: true },
    'lock',
  ],
  ['the locked source', { isLocked: true, isLockedSource: true }, 'accept'],
  ['a stranger after the lock', { isLocked: true }, 'reject'],
  ['a long run of a stranger after the lock', { isLocked: true, run: 1000 }, 'reject'],
  [
    'the signalled address, while another source that is locked still sends',
    { isLocked: true, isSignalledSource: true, isSignalledHost: true, run: SIGNALLED_RUN - 1 },
    'reject',
  ],
  [
    'a run of the signalled address, once another source is locked that sends no more',
    { isLocked: true, isSignalledSource: true, isSignalledHost: true, run: SIGNALLED_RUN },
    'lock',
  ],
  ['anyone, before signalling names an address', { isSignalled: false, run: 100 }, 'reject'],
  ['the signalled address', { isSignalledSource: true, isSignalledHost: true }, 'lock'],
  ['another port of the signalled host', { isSignalledHost: true }, 'lock'],
  ['the first packet from another host', {}, 'wait'],
  ['one packet short of a run from another host', { run: FOREIGN_RUN - 1 }, 'wait'],
  ['a run from another host', { run: FOREIGN_RUN }, 'lock'],
  ['a run from another host where none may be learnt', { run: 99, allowsForeign: false }, 'reject'],
  ['the previous source after a move', { isPreviousSource: true }, 'accept'],
  [
    'the previous source on the host of the new address',
    { isPreviousSource: true, isSignalledHost: true },
    'accept',
  ],
  [
    'the previous source that is the new address too',
    { isPreviousSource: true, isSignalledSource: true, isSignalledHost: true },
    'lock',
  ],
  ['a long run of the previous source', { isPreviousSource: true, run: PREVIOUS_RUN }, 'lock'],
];

test.each(ROWS)('%s', (_name, facts, verdict) => {
  expect(decideLatch({ ...STRANGER, ...facts })).toBe(verdict);
});

test('once locked, nothing but the locked source and the signalled address is ever taken', () => {
  for (let bits = 0; bits < 32; bits++) {
    const has = (bit: number): boolean => ((bits >> bit) & 1) === 1;
    const verdict = decideLatch({
      isLocked: true,
      isLockedSource: false,
      isSignalled: has(0),
      isSignalledSource: false,
      isSignalledHost: has(1),
      isPreviousSource: has(2),
      allowsForeign: has(3),
      isFormerPeer: has(4),
      run: 1000,
    });
    expect(verdict).toBe('reject');
  }
});
