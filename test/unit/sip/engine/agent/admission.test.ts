import { DEFAULT_ENGINE_LIMITS } from '#sip/engine';
import { Admission, type Load } from '../../../../../sip/engine/agent/admission';
import { type AppPort } from '../../../../../sip/engine/agent/app-port';
import { DelayMonitor } from '../../../../../sip/engine/delay-monitor';
import { FakeClock } from '../fake-clock';

const CALM: Load = { dialogs: 0, transactions: 0, delayMs: 0, isHeldUp: false };
const LIMITS = { ...DEFAULT_ENGINE_LIMITS, dialogs: 10, shedTransactions: 20, shedDelayMs: 100 };

function app(isBusy: boolean): AppPort {
  return { isOpen: true, isBusy, send: () => undefined };
}

test.each<[string, Partial<Load>, boolean, string | null, string | null]>([
  ['nothing is the matter', {}, false, null, null],
  ['the last dialog is still free', { dialogs: 9 }, false, null, null],
  ['there are as many dialogs as allowed', { dialogs: 10 }, false, 'dialogs', null],
  ['there are more transactions than allowed', { transactions: 21 }, false, 'transactions', null],
  ['the thread is late', { delayMs: 101 }, false, 'delay', null],
  ['the application is behind', {}, true, 'application', null],
  ['an application holds everything up', { isHeldUp: true }, false, 'application', 'application'],
])('when %s', (_, load, isBusy, forInvite, forOthers) => {
  const admission = new Admission(LIMITS, () => ({ ...CALM, ...load }));
  expect(admission.refusal('INVITE', app(isBusy))).toBe(forInvite);
  expect(admission.refusal('OPTIONS', app(isBusy))).toBe(forOthers);
  const total = Object.values(admission.counts()).reduce((sum, count) => sum + count, 0);
  expect(total).toBe([forInvite, forOthers].filter(reason => reason !== null).length);
});

test('turns new calls away when the thread is late for about a second, and not for one pause', () => {
  const clock = new FakeClock();
  let lateMs = 0;
  const monitor = new DelayMonitor({
    wallNowMs: () => clock.wallNowMs(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs + lateMs, callback),
  });
  const admission = new Admission(LIMITS, () => ({ ...CALM, delayMs: monitor.delayMs }));
  const isLetIn = (): boolean => admission.refusal('INVITE', app(false)) === null;
  clock.advance(200);
  lateMs = 250;
  clock.advance(1);
  clock.advance(650);
  expect(isLetIn()).toBe(true);
  clock.advance(2000);
  expect(isLetIn()).toBe(false);
  lateMs = 0;
  clock.advance(3000);
  expect(isLetIn()).toBe(true);
  monitor.close();
  expect(clock.timerCount).toBe(0);
});
