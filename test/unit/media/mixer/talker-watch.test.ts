import { TalkerWatch } from '../../../../media/mixer/talker-watch';

const PACKET_MS = 20;

function watchAt(nowMs: number, talkedAtMs = -Infinity): [TalkerWatch, { nowMs: number }] {
  const clock = { nowMs };
  return [new TalkerWatch(clock, talkedAtMs), clock];
}

test('where nobody ever talked packets are due at once; where somebody did, two of the longest packets later', () => {
  expect(watchAt(1000)[0].dueMs(PACKET_MS)).toBe(-Infinity);
  expect(watchAt(1000, 990)[0].dueMs(PACKET_MS)).toBe(990 + 125);
});

test('a talker is missed after two packet times and a little more, whatever was heard last', () => {
  const [watch, clock] = watchAt(1000);
  watch.heardAudio();
  expect(watch.dueMs(PACKET_MS)).toBe(1045);
  clock.nowMs = 1010;
  watch.heardEvent();
  expect(watch.dueMs(PACKET_MS)).toBe(1055);
  clock.nowMs = 1020;
  watch.heardUnmixable();
  expect(watch.dueMs(PACKET_MS)).toBe(1065);
  expect(watch.isUnmixable).toBe(true);
  clock.nowMs = 1030;
  watch.heardAudio();
  expect(watch.isUnmixable).toBe(false);
});

test('one who was late is waited for as long again, up to four packet times', () => {
  const [watch, clock] = watchAt(1000);
  watch.heardAudio();
  clock.nowMs = 1070;
  watch.heardTooLate();
  watch.heardAudio();
  expect(watch.dueMs(PACKET_MS)).toBe(1070 + 70 + 5);
  clock.nowMs = 2000;
  watch.heardTooLate();
  watch.heardAudio();
  expect(watch.dueMs(PACKET_MS)).toBe(2000 + 80 + 5);
});

test('what is filled in follows audio without a gap, and has a slot per packet time', () => {
  const [watch, clock] = watchAt(1000);
  watch.heardAudio();
  clock.nowMs = 1045;
  expect(watch.fill(PACKET_MS)).toBe(true);
  expect([watch.isFilling, watch.slotDueMs]).toEqual([true, 1020]);
  watch.slotDueMs += 2 * PACKET_MS;
  expect(watch.dueMs(PACKET_MS)).toBe(1060);
  clock.nowMs = 1060;
  expect(watch.fill(PACKET_MS)).toBe(true);
  expect(watch.slotDueMs).toBe(1060);
});

test.each(['heardEvent', 'heardUnmixable'] as const)(
  'after something that is no audio (%s) there is a gap',
  heard => {
    const [watch, clock] = watchAt(1000);
    watch.heardAudio();
    clock.nowMs = 1010;
    watch[heard]();
    clock.nowMs = 1055;
    expect(watch.fill(PACKET_MS)).toBe(false);
    expect(watch.slotDueMs).toBe(1055);
  },
);

test('a hold-up of more than five packets is not made up for', () => {
  const [watch, clock] = watchAt(1000);
  watch.heardAudio();
  clock.nowMs = 1045;
  watch.fill(PACKET_MS);
  clock.nowMs = 1200;
  expect(watch.fill(PACKET_MS)).toBe(false);
  expect(watch.slotDueMs).toBe(1200);
});

test('the talker takes the place back by audio and by key presses', () => {
  for (const heard of ['heardAudio', 'heardEvent'] as const) {
    const [watch] = watchAt(1000);
    watch.fill(PACKET_MS);
    watch[heard]();
    expect(watch.isFilling).toBe(false);
  }
});
