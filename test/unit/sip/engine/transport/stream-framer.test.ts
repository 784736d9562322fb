import fc from 'fast-check';
import { DEFAULT_ENGINE_LIMITS, type MessageLimits } from '#sip/engine';
import { type Frame, StreamFramer } from '../../../../../sip/engine/transport/stream-framer';

const head = (length: number | string): string => `OPTIONS sip:x SIP/2.0\r\nL : ${length}\r\n`;
const A = Buffer.from(`${head(4)}\r\nbody`);
const B = Buffer.from(`${head(0)}X: y\r\n\r\n`);
const STREAM = Buffer.concat([A, Buffer.from('\r\n\r\n'), B, Buffer.from('\r\n'), A]);

function feed(
  chunks: readonly Buffer[],
  limits: MessageLimits = DEFAULT_ENGINE_LIMITS,
): readonly Frame[] {
  const framer = new StreamFramer(limits);
  return chunks.flatMap(chunk => framer.push(chunk));
}

const WHOLE: readonly Frame[] = [
  { kind: 'message', bytes: A },
  { kind: 'ping' },
  { kind: 'message', bytes: B },
  { kind: 'message', bytes: A },
];

describe('StreamFramer', () => {
  test('cuts messages, pings and pongs out of one chunk', () => {
    expect(feed([STREAM])).toEqual(WHOLE);
  });

  test('gives the same whatever the slices are', () => {
    expect(feed([...STREAM].map(byte => Buffer.from([byte])))).toEqual(WHOLE);
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 10 }), cuts => {
        const sorted = [0, ...cuts.sort((a, b) => a - b), STREAM.length];
        const chunks = sorted.slice(1).map((end, i) => STREAM.subarray(sorted[i], end));
        expect(feed(chunks)).toEqual(WHOLE);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['no Content-Length', 'OPTIONS sip:x SIP/2.0\r\nA: b\r\n\r\n', 'missing-content-length'],
    ['letters', `${head('abc')}\r\n`, 'bad-content-length'],
    ['a negative one', `${head(-1)}\r\n`, 'bad-content-length'],
    ['two that differ', `${head(1)}Content-Length: 2\r\n\r\n`, 'bad-content-length'],
    ['a huge one', `${head(999999999)}\r\n`, 'too-large'],
    ['a head without end', 'A'.repeat(70_000), 'too-large'],
  ])('%s breaks the stream, and nothing is taken any more', (_name, text, reason) => {
    expect(feed([Buffer.from(text), A])).toMatchObject([{ kind: 'broken', reason }]);
  });

  test('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 20 }), chunks => {
        expect(Array.isArray(feed(chunks.map(chunk => Buffer.from(chunk))))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
