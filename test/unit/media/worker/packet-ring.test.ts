import fc from 'fast-check';
import { memoryOf } from '../../../../media/io/packet-io';
import {
  appendRead,
  isReadToTheEnd,
  MIN_RING_BYTES,
  PacketRing,
  reserveNext,
} from '../../../../media/worker/packet-ring';
import { ownRow } from '../../../../media/rtp/state-row';

function ringOf(bytes: number): PacketRing {
  // A part of a larger memory whose other parts must stay untouched.
  const memory = memoryOf(new ArrayBuffer(bytes + 64), 0, bytes + 64, 0);
  return new PacketRing({ memory, slab: 0, base: 32, length: bytes });
}

/** Writes a packet whose bytes all tell its number. */
function push(ring: PacketRing, number: number, length: number, flags = 0): void {
  const at = ring.reserve(length);
  ring.memory.bytes.fill(number & 0xff, at, at + length);
  ring.commit(length, number, flags);
}

/** Takes the packet at the cursor: its capture time stands for its number. */
function take(ring: PacketRing): { number: number; length: number; isWhole: boolean } {
  const { packetAt, packetLength, packetCaptureMs: number } = ring;
  const bytes = ring.memory.bytes.subarray(packetAt, packetAt + packetLength);
  const isWhole = bytes.every(byte => byte === (number & 0xff));
  ring.advance();
  return { number, length: packetLength, isWhole };
}

test('packets come out in order, whole, with their time and flags', () => {
  const ring = ringOf(MIN_RING_BYTES);
  push(ring, 1, 172, 0xbeef);
  push(ring, 2, 12);
  expect(ring.packetFlags).toBe(0xbeef);
  expect(take(ring)).toEqual({ number: 1, length: 172, isWhole: true });
  expect(take(ring)).toEqual({ number: 2, length: 12, isWhole: true });
  expect(ring.pending).toBe(0);
});

test('what a slow reader misses is counted, and the newest packets survive', () => {
  const ring = ringOf(MIN_RING_BYTES);
  for (let number = 0; number < 500; number++) {
    push(ring, number, 172);
  }
  expect(ring.pending + ring.overflowed).toBe(500);
  expect(ring.pending).toBeGreaterThan(30);
  const first = ring.overflowed;
  for (let number = first; number < 500; number++) {
    expect(take(ring)).toEqual({ number, length: 172, isWhole: true });
  }
});

test('a reader that keeps up never loses a packet, wherever the end of the ring falls', () => {
  const ring = ringOf(MIN_RING_BYTES);
  for (let number = 0; number < 2000; number++) {
    const length = 12 + ((number * 37) % 2000);
    push(ring, number, length);
    expect(take(ring)).toEqual({ number, length, isWhole: true });
  }
  expect(ring.overflowed).toBe(0);
});

test('skipping leaves nothing pending, and reading goes on with what comes then', () => {
  const ring = ringOf(MIN_RING_BYTES);
  push(ring, 1, 100);
  push(ring, 2, 100);
  expect(ring.skipAll()).toBe(2);
  push(ring, 3, 100);
  expect(take(ring).number).toBe(3);
});

test('a ring that cannot hold two packets is refused', () => {
  expect(() => ringOf(MIN_RING_BYTES - 16)).toThrow(RangeError);
});

test('any mix of writing and reading behaves like a list that forgets its oldest', () => {
  const step = fc.record({ length: fc.integer({ min: 12, max: 2048 }), reads: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.nat(64), (stepsTaken, extra) => {
      const ring = ringOf(MIN_RING_BYTES + extra * 16);
      const model: number[] = [];
      stepsTaken.forEach(({ length, reads }, number) => {
        const before = ring.overflowed;
        push(ring, number, length);
        model.push(number);
        model.splice(0, ring.overflowed - before);
        expect(ring.pending).toBe(model.length);
        for (let i = 0; i < reads && model.length > 0; i++) {
          expect(take(ring)).toMatchObject({ number: model.shift(), isWhole: true });
        }
      });
    }),
    { numRuns: 200 },
  );
});

describe('going back in the ring', () => {
  test('begins at the oldest packet captured at or after the given time', () => {
    const ring = ringOf(MIN_RING_BYTES);
    for (let number = 1; number <= 9; number++) {
      push(ring, number, 172);
    }
    for (let number = 1; number <= 6; number++) {
      take(ring);
    }
    expect(ring.rewind(4)).toBe(3);
    expect(ring.pending).toBe(6);
    expect(Array.from({ length: 6 }, () => take(ring).number)).toEqual([4, 5, 6, 7, 8, 9]);
  });

  test('never moves the cursor forward, and keeps what is unread', () => {
    const ring = ringOf(MIN_RING_BYTES);
    push(ring, 1, 172);
    push(ring, 2, 172);
    take(ring);
    expect(ring.rewind(50)).toBe(0);
    expect(ring.pending).toBe(1);
    expect(take(ring).number).toBe(2);
  });

  test('reaches, at any fill and any packet sizes, exactly the packets that are still there', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 12, max: 1500 }), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 60 }),
        (lengths, reads, fromMs) => {
          const ring = ringOf(MIN_RING_BYTES);
          const survivors = ringOf(MIN_RING_BYTES);
          lengths.forEach((length, number) => {
            push(ring, number, length);
            push(survivors, number, length);
          });
          const there = Array.from({ length: survivors.pending }, () => take(survivors).number);
          let next = there[0]!;
          for (let read = 0; read < reads && ring.pending > 0; read++) {
            next = take(ring).number + 1;
          }
          ring.rewind(fromMs);
          const expected = there.filter(number => number >= Math.min(fromMs, next));
          expect(ring.pending).toBe(expected.length);
          expect(Array.from({ length: ring.pending }, () => take(ring))).toEqual(
            expected.map(number => ({ number, length: lengths[number]!, isWhole: true })),
          );
        },
      ),
    );
  });
});

test('a record carries a mark of 16 bits', () => {
  const ring = ringOf(MIN_RING_BYTES);
  const at = ring.reserve(20);
  ring.memory.bytes.fill(7, at, at + 20);
  ring.commit(20, 7, 3, 0xfffe);
  expect([ring.packetMark, ring.packetFlags, ring.packetLength]).toEqual([0xfffe, 3, 20]);
});

test('packets that are appended as read leave the ring as if they had been read one by one', () => {
  const lengths = fc.oneof(
    fc.constant([172]),
    fc.array(fc.integer({ min: 12, max: 2048 }), { minLength: 1, maxLength: 4 }),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(lengths, fc.integer({ min: 1, max: 150 })), { maxLength: 6 }),
      runs => {
        const row = ownRow();
        const bytes = MIN_RING_BYTES + 48;
        const memory = memoryOf(new ArrayBuffer(bytes), 0, bytes, 0);
        const ring = new PacketRing({ memory, slab: 0, base: 0, length: bytes }, row);
        const model = new PacketRing({
          memory: memoryOf(new ArrayBuffer(bytes), 0, bytes, 0),
          slab: 0,
          base: 0,
          length: bytes,
        });
        let number = 0;
        for (const [sizes, times] of runs) {
          for (let i = 0; i < times; i++) {
            const length = sizes[i % sizes.length]!;
            // One is always unread there, so that the ring's own way of making room is gone.
            push(model, ++number, length);
            if (model.pending > 1) {
              model.advance();
            }
            expect(isReadToTheEnd(row.words, row.at)).toBe(true);
            const at = reserveNext(row.words, row.at, memory, length);
            memory.bytes.fill(number & 0xff, at, at + length);
            appendRead(row.words, row.at, memory, length, number, 0, 0);
          }
          model.advance();
          expect(ring.rewind(number - 20)).toBe(model.rewind(number - 20));
          while (model.pending > 0) {
            expect(take(ring)).toEqual(take(model));
          }
          expect(ring.pending).toBe(0);
          expect(read(ring)).toEqual(read(model));
        }
      },
    ),
  );
});

/** The numbers of all packets that are still there. */
function read(ring: PacketRing): number[] {
  const numbers: number[] = [];
  ring.visitSince(-Infinity, at => numbers.push(ring.memory.bytes[at] ?? -1));
  return numbers;
}
