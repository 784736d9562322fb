import fc from 'fast-check';
import { formatDateTime, parseDateTime } from '#metadata';
import { parseLenientDateTime } from '../../../metadata/date-time';

const INSTANT_MS = Date.UTC(2026, 10, 23, 2, 5, 9, 7);

describe('formatDateTime', () => {
  test.each([
    [0, '2026-11-23T02:05:09.007Z'],
    [60, '2026-11-23T03:05:09.007+01:00'],
    [-210, '2026-11-22T22:35:09.007-03:30'],
    [840, '2026-11-23T16:05:09.007+14:00'],
  ])('writes an offset of %d minutes', (offset, text) => {
    expect(formatDateTime(INSTANT_MS, offset)).toBe(text);
  });

  test.each([
    [NaN, 0],
    [Infinity, 0],
    [Date.UTC(10_000, 0), 0],
    [Date.UTC(9999, 11, 31, 23), 120],
    [INSTANT_MS, 841],
    [INSTANT_MS, 0.5],
  ])('refuses %d ms with offset %d', (epochMs, offset) => {
    expect(() => formatDateTime(epochMs, offset)).toThrow(
      expect.objectContaining({ code: 'REC_ERR_METADATA_TIME' }) as Error,
    );
  });
});

describe('parseDateTime', () => {
  test.each([
    ['2010-12-16T23:41:07Z', Date.UTC(2010, 11, 16, 23, 41, 7)],
    ['2010-12-16T23:41:07.1239Z', Date.UTC(2010, 11, 16, 23, 41, 7, 123)],
    ['2010-12-16T23:41:07.5-00:30', Date.UTC(2010, 11, 17, 0, 11, 7, 500)],
    ['2024-02-29T00:00:00+02:00', Date.UTC(2024, 1, 28, 22)],
    ['0099-03-01T00:00:00Z', Date.parse('0099-03-01T00:00:00Z')],
  ])('reads %s', (text, epochMs) => {
    expect(parseDateTime(text)).toBe(epochMs);
  });

  test.each([
    '2010-12-16t23:41:07z',
    '2010-12-16 23:41:07Z',
    '2010-12-16T23:41:07',
    '2010-12-16T23:41:07+0200',
    '2010-12-16T23:41:07+14:01',
    '2010-12-16T23:41:07+02:60',
    '2010-12-16T23:41:60Z',
    '2010-12-16T24:00:00Z',
    '2023-02-29T00:00:00Z',
    '2010-13-01T00:00:00Z',
    '2010-00-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '2010-12-16T23:41:07.Z',
    ' 2010-12-16T23:41:07Z',
    '1292542867',
    '',
  ])('refuses %j', text => {
    expect(parseDateTime(text)).toBeNull();
  });

  test('reads whatever formatDateTime writes', () => {
    const times = fc.integer({
      min: Date.parse('0001-01-02T00:00:00Z'),
      max: Date.parse('9999-12-30T00:00:00Z'),
    });
    fc.assert(
      fc.property(times, fc.integer({ min: -840, max: 840 }), (epochMs, offset) => {
        expect(parseDateTime(formatDateTime(epochMs, offset))).toBe(epochMs);
      }),
      { numRuns: 300 },
    );
  });
});

describe('parseLenientDateTime', () => {
  test.each([
    ['2010-12-16t23:41:07z', Date.UTC(2010, 11, 16, 23, 41, 7)],
    ['2010-12-16 23:41:07+0200', Date.UTC(2010, 11, 16, 21, 41, 7)],
    ['2010-12-16T23:41:07', Date.UTC(2010, 11, 16, 23, 41, 7)],
    ['yesterday', null],
  ])('makes the best of %j', (text, epochMs) => {
    expect(parseLenientDateTime(text)).toBe(epochMs);
  });
});
