import fc from 'fast-check';
import { formatReplaces, parseReplaces, translateReferTo } from '../../../sip/replaces';

const TRANSLATED = { callId: 'other@host', toTag: 'x', fromTag: 'y', earlyOnly: false };

describe('a Replaces value', () => {
  it.each([
    ['a@b;to-tag=1;from-tag=2', { callId: 'a@b', toTag: '1', fromTag: '2', earlyOnly: false }],
    [
      ' a ; From-Tag=2 ;early-only; to-tag=1',
      { callId: 'a', toTag: '1', fromTag: '2', earlyOnly: true },
    ],
  ])('%s is read', (text, expected) => {
    expect(parseReplaces(text)).toEqual(expected);
    expect(parseReplaces(formatReplaces(expected))).toEqual(expected);
  });

  it.each(['', ';to-tag=1;from-tag=2', 'a@b;to-tag=1', 'a@b;from-tag=2', 'x'.repeat(2_000)])(
    '%# that names no dialog is null',
    text => {
      expect(parseReplaces(text)).toBeNull();
    },
  );
});

describe('a Refer-To with Replaces', () => {
  it('is rewritten in that place only', () => {
    const seen: unknown[] = [];
    const text = translateReferTo(
      '"C" <sip:c@h;p=1?Subject=a&Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&X=1>;q=2',
      replaces => {
        seen.push(replaces);
        return TRANSLATED;
      },
    );
    expect(seen).toEqual([{ callId: 'a@b', toTag: '1', fromTag: '2', earlyOnly: false }]);
    expect(text).toBe(
      '"C" <sip:c@h;p=1?Subject=a&Replaces=other%40host%3Bto-tag%3Dx%3Bfrom-tag%3Dy&X=1>;q=2',
    );
  });

  it('is understood when the phone forgot to escape', () => {
    expect(translateReferTo('<sip:c@h?replaces=a@b;to-tag=1;from-tag=2>', () => TRANSLATED)).toBe(
      '<sip:c@h?replaces=other%40host%3Bto-tag%3Dx%3Bfrom-tag%3Dy>',
    );
  });

  it('stays as it is when it names nothing that is known, or nothing at all', () => {
    for (const text of [
      '<sip:c@h?Replaces=a%3Bto-tag%3D1>',
      '<sip:c@h?Replaces=%E0%A4%A>',
      '<sip:c@h>',
    ]) {
      expect(translateReferTo(text, () => TRANSLATED)).toBe(text);
    }
    const named = '<sip:c@h?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2>';
    expect(translateReferTo(named, () => null)).toBe(named);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        translateReferTo(`<sip:c@h?Replaces=${text}>`, () => TRANSLATED);
        parseReplaces(text);
      }),
      { numRuns: 300 },
    );
  });
});
