import { ScriptedPacketIo } from '../../../support/scripted-packet-io';
import { type LegState } from '../../../../media/worker/leg-state';
import { type WorkerEvent } from '../../../../media/worker/protocol';
import { type RecordingStreamState } from '../../../../media/worker/recording-state';
import { MAX_SERVED_AT_A_TIME, SlotTimers } from '../../../../media/worker/slot-timers';
import { StateTable } from '../../../../media/worker/state-table';

const SLOTS = 3;

/** A leg in slot 1 and a stream in slot 2, whose reports are due when the test says. */
function bench(mediaTimeoutMs: number): {
  readonly asked: string[];
  readonly events: WorkerEvent[];
  readonly table: StateTable;
  readonly leg: LegState;
  readonly timers: SlotTimers;
  due: { leg: number; stream: number };
} {
  const table = new StateTable(new ScriptedPacketIo(false), SLOTS);
  const asked: string[] = [];
  const events: WorkerEvent[] = [];
  const due = { leg: Infinity, stream: Infinity };
  const leg = {
    slot: 1,
    sends: true,
    hasTimedOut: false,
    lastRtpAtMs: 1000,
    unsettle: () => (table.dueAtMs[1] = 0),
  } as unknown as LegState;
  const stream = { slot: 2 } as unknown as RecordingStreamState;
  const loop = {
    table,
    legs: [null, leg, null],
    streams: [null, null, stream],
    reporter: {
      reportToLeg: (_leg: LegState, nowMs: number) => {
        asked.push(`leg at ${nowMs}`);
        return due.leg;
      },
      reportToSrs: (_stream: RecordingStreamState, nowMs: number) => {
        asked.push(`stream at ${nowMs}`);
        return due.stream;
      },
    },
  };
  const timers = new SlotTimers(loop as never, mediaTimeoutMs, event => events.push(event));
  return { asked, events, table, leg, timers, due };
}

test('what is not due is not looked at, and what was looked at says when it is due again', () => {
  const { asked, table, timers, due } = bench(0);
  table.dueAtMs.set([Infinity, 500, 0]);
  due.stream = 2000;
  due.leg = 700;
  timers.service(100);
  expect(asked).toEqual(['stream at 100']);
  timers.service(500);
  timers.service(600);
  timers.service(1999);
  timers.service(2000);
  expect(asked).toEqual([
    'stream at 100',
    'leg at 500',
    'leg at 1999',
    'leg at 2000',
    'stream at 2000',
  ]);
});

test('a leg that has been silent for longer than the timeout is told of once', () => {
  const { events, table, leg, timers } = bench(300);
  table.dueAtMs[1] = 0;
  timers.service(1100);
  expect(table.dueAtMs[1]).toBe(1300);
  leg.lastRtpAtMs = 1250;
  timers.service(1301);
  expect(events).toEqual([]);
  timers.service(1550);
  expect(events).toEqual([]);
  timers.service(1551);
  timers.service(1700);
  expect(events).toEqual([{ kind: 'timed-out', slot: 1 }]);
  expect(leg.hasTimedOut).toBe(true);
});

test.each([
  ['is not to send', (leg: LegState) => (leg.sends = false)],
  ['has timed out already', (leg: LegState) => (leg.hasTimedOut = true)],
])('a leg that %s is not watched', (_name, change) => {
  const { events, table, leg, timers } = bench(300);
  change(leg);
  table.dueAtMs[1] = 0;
  timers.service(9000);
  expect(events).toEqual([]);
  expect(table.dueAtMs[1]).toBe(Infinity);
});

test('a slot that was closed is forgotten', () => {
  const { table, timers, asked } = bench(300);
  table.dueAtMs[0] = 0;
  timers.service(100);
  expect(table.dueAtMs[0]).toBe(Infinity);
  expect(asked).toEqual([]);
});

test('what is due in many slots at once is served in parts, and the next one begins where the last one ended', () => {
  const slots = 2 * MAX_SERVED_AT_A_TIME + 1;
  const table = new StateTable(new ScriptedPacketIo(false), slots);
  const asked: number[] = [];
  const loop = {
    table,
    legs: [],
    streams: Array.from({ length: slots }, (_, slot) => ({ slot })),
    reporter: {
      reportToSrs: ({ slot }: RecordingStreamState) => {
        asked.push(slot);
        return 9000;
      },
    },
  };
  const timers = new SlotTimers(loop as never, 0, () => undefined);
  table.dueAtMs.fill(0);
  expect(timers.service(500)).toBe(500);
  expect(asked).toHaveLength(MAX_SERVED_AT_A_TIME);
  // Due again before the others were served: their turn comes first.
  table.dueAtMs[0] = 0;
  expect(timers.service(501)).toBe(501);
  expect(timers.service(502)).toBe(602);
  expect(asked).toEqual(Array.from({ length: slots }, (_, slot) => slot));
  timers.service(602);
  expect(asked.slice(slots)).toEqual([0]);
});
