import { isSipError } from '#sip';
import { FrameGate } from '../../../sip/frame-gate';
import { ManualClock } from '../../support/manual-clock';

function setUp(maxFrameBytes: number | null): {
  clock: ManualClock;
  gate: FrameGate;
  sent: string[];
  answers: Map<string, () => void>;
  pass: (name: string, bytes: number) => void;
} {
  const clock = new ManualClock();
  const gate = new FrameGate({ clock, maxFrameBytes });
  const sent: string[] = [];
  const answers = new Map<string, () => void>();
  const pass = (name: string, bytes: number): void =>
    gate.pass(bytes, name, done => {
      sent.push(name);
      answers.set(name, done);
    });
  return { clock, gate, sent, answers, pass };
}

describe('the frame gate', () => {
  it('lets everything through at once without a limit', () => {
    const { pass, sent } = setUp(null);
    pass('a', 100_000);
    pass('b', 100_000);
    expect(sent).toEqual(['a', 'b']);
  });

  it('lets nothing follow a large frame until it is answered', () => {
    const { pass, sent, answers, clock } = setUp(12_000);
    pass('small', 1_000);
    pass('large', 4_001);
    pass('next', 100);
    pass('large2', 5_000);
    expect(sent).toEqual(['small', 'large']);
    answers.get('large')?.();
    answers.get('large')?.();
    expect(sent).toEqual(['small', 'large', 'next', 'large2']);
    answers.get('large2')?.();
    expect(clock.runningTimers).toBe(0);
  });

  it('waits no longer than a second', () => {
    const { pass, sent, clock, answers } = setUp(12_000);
    pass('large', 5_000);
    pass('next', 5_000);
    clock.advance(999);
    expect(sent).toEqual(['large']);
    clock.advance(1);
    expect(sent).toEqual(['large', 'next']);
    // A late answer to the first releases nothing of the second.
    pass('third', 100);
    answers.get('large')?.();
    expect(sent).toHaveLength(2);
  });

  it('refuses a frame that the engine cannot take and names the document', () => {
    const { pass } = setUp(12_000);
    let error: unknown = null;
    try {
      pass('the recording INVITE', 12_001);
    } catch (caught) {
      error = caught;
    }
    expect(isSipError(error, 'REC_ERR_SIP_BODY_TOO_LARGE')).toBe(true);
    expect(error).toMatchObject({ details: { document: 'the recording INVITE', bytes: 12_001 } });
  });

  it('forgets what waited when the connection goes', () => {
    const { pass, sent, gate, clock } = setUp(12_000);
    pass('large', 5_000);
    pass('next', 100);
    gate.reset();
    expect(clock.runningTimers).toBe(0);
    pass('after', 100);
    expect(sent).toEqual(['large', 'after']);
  });
});
