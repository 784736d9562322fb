import { dialectFlow } from '#metadata';

import {
  nextUpdate,
  NOTHING_UNTOLD,
  type PlannedUpdate,
  type Untold,
} from '../../../../src/session/recording-session/update-plan';

const RFC = dialectFlow({ name: 'rfc7865' });
const BROADWORKS = dialectFlow({ name: 'broadworks' });
const SDP: PlannedUpdate = { sdp: true, document: 'none' };
const SNAPSHOT: PlannedUpdate = { sdp: true, document: 'complete' };
const CHANGES: PlannedUpdate = { sdp: false, document: 'changes' };
const CHANGES_WITH_SDP: PlannedUpdate = { sdp: true, document: 'changes' };

/** Every message in its order, if all are accepted. */
function messages(untold: Partial<Untold>, flow = RFC): readonly PlannedUpdate[] {
  const planned: PlannedUpdate[] = [];
  let next = nextUpdate({ ...NOTHING_UNTOLD, ...untold }, flow);
  while (next !== null) {
    planned.push(next.update);
    expect(planned.length).toBeLessThan(5);
    next = nextUpdate(next.left, flow);
  }
  return planned;
}

describe('what an SRS is told, message by message', () => {
  test.each([
    ['nothing', {}, []],
    ['that it has missed something, as such', { missed: true }, []],
    ['new streams', { streams: true }, [SNAPSHOT]],
    ['new facts', { facts: true }, [CHANGES]],
    ['new streams and facts', { streams: true, facts: true }, [SNAPSHOT]],
    ['new facts after one that it missed', { facts: true, missed: true }, [SNAPSHOT]],
    ['a snapshot', { snapshot: true }, [SNAPSHOT]],
    ['a transfer', { transfer: true }, [CHANGES]],
  ] as const)('RFC 7865: %s', (_what, untold, expected) => {
    expect(messages(untold)).toEqual(expected);
  });

  test.each([
    ['nothing', {}, []],
    ['new streams: SDP alone, then the event', { streams: true }, [SDP, CHANGES]],
    ['new facts', { facts: true }, [CHANGES]],
    ['new streams after a message that it missed', { streams: true, missed: true }, [SNAPSHOT]],
    ['a snapshot', { snapshot: true, streams: true }, [SNAPSHOT]],
    ['a transfer: SDP alone, then everything', { transfer: true }, [SDP, SNAPSHOT]],
    ['a transfer in a pause', { transfer: true, streams: true, facts: true }, [SDP, SNAPSHOT]],
  ] as const)('BroadWorks: %s', (_what, untold, expected) => {
    expect(messages(untold, BROADWORKS)).toEqual(expected);
  });

  test('RFC 7865 with complete documents always defines their labels in SDP (RFC 7866 §9.1)', () => {
    const flow = { ...RFC, updates: 'complete' } as const;
    expect(messages({ facts: true }, flow)).toEqual([CHANGES_WITH_SDP]);
  });
});
