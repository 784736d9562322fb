import { DueQueue } from '../../../../media/worker/due-queue';

interface Item {
  readonly name: number;
  duePlace: number;
}

const item = (name: number): Item => ({ name, duePlace: -1 });

/** Takes everything out, in the order in which it is due. */
function drain(queue: DueQueue<Item>): [number, number][] {
  const order: [number, number][] = [];
  for (let { first } = queue; first !== undefined; first = queue.first) {
    order.push([first.name, queue.firstDueMs]);
    queue.remove(first);
  }
  return order;
}

test('gives what is due soonest, and nothing when nothing waits', () => {
  const queue = new DueQueue<Item>();
  expect([queue.size, queue.first, queue.firstDueMs]).toEqual([0, undefined, Infinity]);
  [30.5, 10.25, 20].forEach((dueMs, i) => queue.set(item(i), dueMs));
  expect(queue.size).toBe(3);
  expect(drain(queue)).toEqual([
    [1, 10.25],
    [2, 20],
    [0, 30.5],
  ]);
  expect(queue.firstDueMs).toBe(Infinity);
});

test('something has one place: it is put off, brought forward, taken out and put in again', () => {
  const queue = new DueQueue<Item>();
  const [a, b, c] = [item(0), item(1), item(2)] as const;
  queue.set(a, 1);
  queue.set(b, 2);
  queue.set(c, 3);
  queue.set(a, 4);
  expect(queue.first).toBe(b);
  queue.set(c, 0);
  expect(queue.first).toBe(c);
  queue.remove(c);
  queue.remove(c);
  expect(c.duePlace).toBe(-1);
  queue.set(c, 5);
  expect(drain(queue)).toEqual([
    [1, 2],
    [0, 4],
    [2, 5],
  ]);
});

test('keeps the order through any sequence of changes', () => {
  let seed = 4711;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (seed >> 8) % below;
  };
  const queue = new DueQueue<Item>();
  const items = Array.from({ length: 300 }, (_, i) => item(i));
  const expected = new Map<Item, number>();
  for (let step = 0; step < 20_000; step++) {
    const one = items[random(items.length)]!;
    if (random(4) === 0) {
      queue.remove(one);
      expected.delete(one);
    } else {
      const dueMs = random(1000) / 8;
      queue.set(one, dueMs);
      expected.set(one, dueMs);
    }
    expect(queue.size).toBe(expected.size);
    expect(queue.firstDueMs).toBe(Math.min(...expected.values()));
    expect(queue.first && expected.get(queue.first)).toBe(
      expected.size === 0 ? undefined : queue.firstDueMs,
    );
  }
  const order = drain(queue).map(([, dueMs]) => dueMs);
  expect(order).toEqual([...expected.values()].sort((x, y) => x - y));
});
