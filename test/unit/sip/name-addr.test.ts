import fc from 'fast-check';
import { formatNameAddr, parseNameAddr, parseNameAddrs, splitSipUri } from '#sip';

describe('a name-addr', () => {
  it.each([
    ['<sip:a@b>', { uri: 'sip:a@b', displayName: null, params: {} }],
    ['sip:a@b;tag=1', { uri: 'sip:a@b', displayName: null, params: { tag: '1' } }],
    [
      'Alice Smith <sip:a@b;x=y>;Tag=1;lr',
      { uri: 'sip:a@b;x=y', displayName: 'Alice Smith', params: { tag: '1', lr: '' } },
    ],
    [
      '"A \\"q\\" <x>, B" <sip:a@b>;r="a;b"',
      { uri: 'sip:a@b', displayName: 'A "q" <x>, B', params: { r: 'a;b' } },
    ],
    ['"Ünï" \r\n <tel:+1>', { uri: 'tel:+1', displayName: 'Ünï', params: {} }],
  ])('%j is understood', (text, expected) => {
    expect(parseNameAddr(text)).toEqual(expected);
  });

  it.each(['', '<>', 'Alice', '<sip:a@b', '<not a uri>', `<sip:${'a'.repeat(5_000)}>`])(
    '%j is none',
    text => {
      expect(parseNameAddr(text)).toBeNull();
    },
  );

  it('stands in lists whose commas may be quoted or bracketed', () => {
    expect(parseNameAddrs('"a, b" <sip:x@y?h=1,2>, junk, <sip:z>').map(each => each.uri)).toEqual([
      'sip:x@y?h=1,2',
      'sip:z',
    ]);
    expect(parseNameAddrs(undefined)).toEqual([]);
    expect(parseNameAddrs('<sip:a>,'.repeat(1_000)).length).toBeLessThanOrEqual(32);
  });

  it('is printed so that it reads back', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]{1,30}$/), name => {
        expect(
          parseNameAddr(formatNameAddr({ uri: 'sip:a@b', displayName: name }))?.displayName,
        ).toBe(name);
      }),
      { numRuns: 300 },
    );
  });

  it('can be anything without a throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), text => {
        parseNameAddrs(text);
        splitSipUri(text);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a SIP URI', () => {
  it('splits into what a B2BUA moves', () => {
    expect(splitSipUri('sip:bob;p=1@[::1]:5060;transport=tcp?x=y')).toEqual({
      scheme: 'sip',
      user: 'bob;p=1',
      hostPort: '[::1]:5060',
    });
    expect(splitSipUri('SIPS:h')).toEqual({ scheme: 'sips', user: null, hostPort: 'h' });
    expect(splitSipUri('tel:+1')).toBeNull();
  });
});
