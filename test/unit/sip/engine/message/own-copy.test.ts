import { ownCopy } from '../../../../../sip/engine/message/own-copy';

describe('bytes that are kept for long', () => {
  test('have memory of their own and no more of it than they need', () => {
    const slice = Buffer.from('a small buffer').subarray(2, 7);
    expect(slice.buffer.byteLength).toBeGreaterThan(slice.length);
    const copy = ownCopy(slice);
    expect(copy.toString()).toBe('small');
    expect(copy.buffer.byteLength).toBe(copy.length);
  });
});
