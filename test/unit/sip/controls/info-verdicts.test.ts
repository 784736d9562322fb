import { noopLogger } from '#core';
import { type InfoFacts, type InfoVerdict } from '#sip';
import { InfoVerdicts } from '../../../../sip/controls/info-verdicts';
import { ManualClock } from '../../../support/manual-clock';

const INFO: InfoFacts = { headers: {}, contentType: null, body: '' };

function bench(): {
  clock: ManualClock;
  answers: (InfoVerdict | Promise<InfoVerdict>)[];
  verdicts: InfoVerdicts;
} {
  const clock = new ManualClock();
  const answers: (InfoVerdict | Promise<InfoVerdict>)[] = [];
  const verdicts = new InfoVerdicts({
    clock,
    logger: noopLogger,
    ask: () => {
      const answer = answers.shift();
      if (answer === undefined) {
        throw new Error('no answer');
      }
      return answer;
    },
  });
  return { clock, answers, verdicts };
}

const settle = async (): Promise<void> => {
  await new Promise(resolve => setImmediate(resolve));
};

describe('the verdicts about INFOs', () => {
  it('come at once when the owner decides at once', () => {
    const { answers, verdicts } = bench();
    const done: InfoVerdict[] = [];
    answers.push('consumed');
    verdicts.judge(INFO, verdict => done.push(verdict));
    expect(done).toEqual(['consumed']);
  });

  it('keep their order: one that is ready waits for an earlier one', async () => {
    const { answers, verdicts } = bench();
    const done: InfoVerdict[] = [];
    let decide: (verdict: InfoVerdict) => void = () => undefined;
    answers.push(
      new Promise(resolve => {
        decide = resolve;
      }),
      { status: 403, reason: 'Forbidden' },
    );
    verdicts.judge(INFO, verdict => done.push(verdict));
    verdicts.judge(INFO, verdict => done.push(verdict));
    await settle();
    expect(done).toEqual([]);
    decide('consumed');
    await settle();
    expect(done).toEqual(['consumed', { status: 403, reason: 'Forbidden' }]);
  });

  it('are "relay" when the owner takes too long, fails or throws', async () => {
    const { clock, answers, verdicts } = bench();
    const done: InfoVerdict[] = [];
    answers.push(new Promise(() => undefined), Promise.reject(new Error('failed')));
    for (let i = 0; i < 3; i++) {
      verdicts.judge(INFO, verdict => done.push(verdict));
    }
    clock.advance(2_999);
    await settle();
    expect(done).toEqual([]);
    clock.advance(1);
    await settle();
    expect(done).toEqual(['relay', 'relay', 'relay']);
  });
});
