import { CallRegistry } from '../../../../src/session/call/call-registry';
import { type RecordedCall } from '../../../../src/session/call/recorded-call';
import { ManualClock } from '../../../support/manual-clock';

/** What the registry asks of a call. */
class FakeCall {
  finish: () => void = () => undefined;
  readonly finished = new Promise<void>(resolve => {
    this.finish = resolve;
  });
  readonly hangUps: [number, string][] = [];
  endsOnHangUp = true;

  hangUp(status: number, text: string): Promise<void> {
    this.hangUps.push([status, text]);
    if (this.endsOnHangUp) {
      this.finish();
    }
    return Promise.resolve();
  }
}

interface Bench {
  readonly registry: CallRegistry;
  readonly calls: readonly FakeCall[];
  readonly clock: ManualClock;
}

function bench(count: number): Bench {
  const registry = new CallRegistry();
  const calls = Array.from({ length: count }, () => new FakeCall());
  calls.forEach((call, index) => registry.add(`call-${index}`, call as unknown as RecordedCall));
  return { registry, calls, clock: new ManualClock() };
}

/** Lets everything run that waits for nothing but the event loop. */
function settled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve);
  });
}

describe('CallRegistry', () => {
  test('holds a call until it is finished', async () => {
    const { registry, calls } = bench(2);
    expect(registry.size).toBe(2);
    calls[0]?.finish();
    await settled();
    expect(registry.size).toBe(1);
    calls[1]?.finish();
    await settled();
    expect(registry.size).toBe(0);
  });

  test('is empty at once without calls', async () => {
    const { registry } = bench(0);
    await expect(registry.empty()).resolves.toBeUndefined();
  });

  test('tells everybody who waits when the last call is gone, and not before', async () => {
    const { registry, calls } = bench(2);
    let told = 0;
    for (let waiter = 0; waiter < 2; waiter += 1) {
      void registry.empty().then(() => {
        told += 1;
      });
    }
    calls[0]?.finish();
    await settled();
    expect(told).toBe(0);
    calls[1]?.finish();
    await settled();
    expect(told).toBe(2);
  });

  test('hangs every call up and leaves no timer behind', async () => {
    const { registry, calls, clock } = bench(3);
    await expect(registry.hangUpAll(503, 'shutdown', clock, 2000)).resolves.toBe(0);
    expect(calls.map(({ hangUps }) => hangUps)).toEqual(Array(3).fill([[503, 'shutdown']]));
    expect(clock.runningTimers).toBe(0);
  });

  test('waits no longer than the deadline and says how many calls are left', async () => {
    const { registry, calls, clock } = bench(3);
    calls.slice(1).forEach(call => {
      call.endsOnHangUp = false;
    });
    let left: number | null = null;
    void registry.hangUpAll(503, 'shutdown', clock, 2000).then(count => {
      left = count;
    });
    clock.advance(1999);
    await settled();
    expect(left).toBeNull();
    clock.advance(1);
    await settled();
    expect(left).toBe(2);
  });

  test('has nothing to wait for when there are no calls', async () => {
    const { registry, clock } = bench(0);
    await expect(registry.hangUpAll(503, 'shutdown', clock, 2000)).resolves.toBe(0);
    expect(clock.runningTimers).toBe(0);
  });
});
