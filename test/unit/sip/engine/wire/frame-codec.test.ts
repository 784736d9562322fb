import fc from 'fast-check';
import { encodeFrame, FrameDecoder } from '../../../../../sip/engine/wire/frame-codec';

function decode(chunks: readonly Buffer[], limit = 1000): { frames: Buffer[]; fault: unknown } {
  const decoder = new FrameDecoder(limit);
  const frames = chunks.flatMap(chunk => [...decoder.push(chunk)]);
  return { frames, fault: decoder.fault };
}

describe('FrameDecoder', () => {
  test('counts bytes, not characters', () => {
    const payload = Buffer.from('é漢🎙');
    expect(encodeFrame(payload).toString()).toBe('9#é漢🎙');
    expect(decode([encodeFrame(payload)])).toEqual({ frames: [payload], fault: null });
  });

  test('gives back what was encoded, whatever the slices are', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 6 }),
        fc.array(fc.nat(1300), { maxLength: 10 }),
        (payloads, cuts) => {
          const buffers = payloads.map(payload => Buffer.from(payload));
          const stream = Buffer.concat(buffers.map(encodeFrame));
          const sorted = [0, ...cuts.sort((a, b) => a - b), stream.length];
          const chunks = sorted.slice(1).map((end, i) => stream.subarray(sorted[i], end));
          expect(decode(chunks)).toEqual({ frames: buffers, fault: null });
        },
      ),
      { numRuns: 300 },
    );
  });

  test.each([
    ['#', 'bad-length'],
    ['12x#', 'bad-length'],
    ['-1#', 'bad-length'],
    ['12345678#', 'bad-length'],
    ['1001#', 'too-large'],
  ])('%s is a fault, and nothing is taken any more', (text, fault) => {
    expect(decode([Buffer.from(text), Buffer.from('1#a')])).toEqual({ frames: [], fault });
  });

  test('a frame cut anywhere is waited for', () => {
    const frame = encodeFrame(Buffer.from('hello'));
    for (let length = 0; length < frame.length; length++) {
      expect(decode([frame.subarray(0, length)])).toEqual({ frames: [], fault: null });
    }
  });
});
