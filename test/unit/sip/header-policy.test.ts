import {
  actionFor,
  fromForCallee,
  HEADER_POLICY,
  nextMaxForwards,
  passedHeaders,
  passedOptionTags,
  toForCallee,
  unsupportedOptionTags,
} from '../../../sip/header-policy';
import { type NameAddr } from '#sip';
import { messageLike } from '../../support/message-like';

const nameAddr = (uri: string, displayName: string | null = null): NameAddr => ({
  uri,
  displayName,
  params: {},
});

describe('the header policy', () => {
  it.each([
    'Via',
    'Route',
    'Record-Route',
    'Path',
    'Contact',
    'From',
    'To',
    'Call-ID',
    'CSeq',
    'Content-Length',
    'Content-Type',
    'Max-Forwards',
    'Replaces',
    'Session-Expires',
    'Server',
    'Unheard-Of',
    '__proto__',
    'constructor',
  ])('never passes %s', name => {
    for (const context of ['invite', 'response', 'inDialog'] as const) {
      expect(actionFor(name, context)).toBe('strip');
    }
  });

  it('passes identity to trusted peers only', () => {
    const message = messageLike({
      'p-asserted-identity': '<sip:a@b>',
      'X-Own': '1',
      subject: 's',
      via: 'v',
    });
    expect(passedHeaders(message, 'invite', true)).toEqual({
      'p-asserted-identity': '<sip:a@b>',
      'X-Own': '1',
      subject: 's',
    });
    expect(passedHeaders(message, 'invite', false)).toEqual({ 'X-Own': '1', subject: 's' });
  });

  it('lets no value smuggle another header', () => {
    const message = messageLike({
      subject: 'a\r\n b\r\nX-Evil: 1\r\n\r\nbody\u0000',
      'X-A': '\r\n',
    });
    expect(passedHeaders(message, 'invite', true)).toEqual({ subject: 'a bX-Evil: 1body' });
  });

  it('is bounded', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`X-${i}`, 'v']));
    expect(Object.keys(passedHeaders(messageLike(many), 'invite', true))).toHaveLength(64);
    expect(passedHeaders(messageLike({ subject: 'x'.repeat(9_000) }), 'invite', true)).toEqual({});
  });

  it('names its headers in lower case', () => {
    for (const name of Object.keys(HEADER_POLICY)) {
      expect(name).toBe(name.toLowerCase());
    }
  });

  it('passes option tags that need no help, and names those that it cannot honour', () => {
    const message = messageLike({
      supported: 'timer, Histinfo,100rel',
      require: 'siprec, privacy',
    });
    expect(passedOptionTags(message, 'supported')).toBe('histinfo');
    expect(unsupportedOptionTags(message)).toEqual(['siprec']);
    expect(passedOptionTags(messageLike({}), 'require')).toBeNull();
  });

  it.each([
    [undefined, 70],
    ['70', 69],
    ['1', 0],
    ['0', null],
    ['x', 70],
    ['999', 254],
  ])('Max-Forwards %j becomes %j', (value, expected) => {
    expect(nextMaxForwards(messageLike(value === undefined ? {} : { 'max-forwards': value }))).toBe(
      expected,
    );
  });

  it.each([
    [nameAddr('sip:alice@example.org:5080;x=1', 'Al'), '"Al" <sip:alice@localhost>'],
    [nameAddr('sip:example.org'), '<sip:localhost>'],
    [nameAddr('tel:+49301'), '<tel:+49301>'],
    [
      nameAddr('sip:anonymous@anonymous.invalid', 'Anonymous'),
      '"Anonymous" <sip:anonymous@anonymous.invalid>',
    ],
  ])('From %j becomes %s', (from, expected) => {
    expect(fromForCallee(from)).toBe(expected);
  });

  it.each([
    [
      nameAddr('sip:bob@gateway', 'Bob'),
      'sip:1001@10.0.0.1:5070;transport=tcp',
      '"Bob" <sip:bob@10.0.0.1:5070>',
    ],
    [nameAddr('sip:gateway'), 'sip:1001@10.0.0.1', '<sip:1001@10.0.0.1>'],
    [nameAddr('tel:+1'), 'sip:1001@10.0.0.1', '<sip:1001@10.0.0.1>'],
  ])('To %j toward %s becomes %s', (to, target, expected) => {
    expect(toForCallee(to, target)).toBe(expected);
  });
});
