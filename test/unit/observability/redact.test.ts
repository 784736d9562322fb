import { GatewayError } from '#core';
import * as fc from 'fast-check';
import { maskUser, redactFields, redactText } from '../../../src/observability';

const MASKED = { maskIdentities: true };
const PLAIN = { maskIdentities: false };

describe('maskUser', () => {
  test.each([
    ['+15551230100', '+155***0100'],
    ['+4930123456789', '+4930***6789'],
    ['+15550100', '+***0100'],
    ['5550100', '***100'],
    ['1001', '1***'],
    ['alice', 'a***'],
    ['', ''],
  ])('masks %s as %s', (user, masked) => {
    expect(maskUser(user)).toBe(masked);
  });

  test('always hides at least four digits of a number', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\+?\d{7,15}$/), number => {
        const shown = maskUser(number).replace(/\D/g, '').length;
        expect(number.replace(/\D/g, '').length - shown).toBeGreaterThanOrEqual(4);
      }),
      { numRuns: 200 },
    );
  });
});

describe('redactText', () => {
  test.each([
    ['INVITE sip:+15551230100@gw;user=phone', 'INVITE sip:+155***0100@gw;user=phone'],
    ['from <sip:alice@example.com:5060>', 'from <sip:a***@example.com:5060>'],
    ['sips:bob@h and sip:carol@h', 'sips:b***@h and sip:c***@h'],
    ['to sip:192.0.2.1:5060;transport=udp', 'to sip:192.0.2.1:5060;transport=udp'],
    ['tel:+1-555-123-0100', 'tel:+155***0100'],
    ['call +15551230100 ended', 'call +155***0100 ended'],
    [
      'at 2026-01-02T03:04:05.678Z on 127.0.0.1:20000',
      'at 2026-01-02T03:04:05.678Z on 127.0.0.1:20000',
    ],
  ])('masks in %s', (text, masked) => {
    expect(redactText(text, MASKED)).toBe(masked);
  });

  test('leaves identities alone when not asked to mask them', () => {
    expect(redactText('sip:+15551230100@gw', PLAIN)).toBe('sip:+15551230100@gw');
  });

  test.each([
    ['a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9|2^20|1:4', 'WVNf'],
    ['Authorization: Digest username="a", response="deadbeef"', 'deadbeef'],
    ['Proxy-Authorization: Digest response="deadbeef"\r\nX: y', 'deadbeef'],
    ['Bearer abc.def-123', 'abc.def'],
    ['sip:user:hunter2@host', 'hunter2'],
    ['Signal=5\r\nDuration=160', 'Signal=5'],
  ])('removes the secret from %s at every level', (text, secret) => {
    expect(redactText(text, PLAIN)).not.toContain(secret);
    expect(redactText(text, MASKED)).not.toContain(secret);
  });

  test('bounds the length of a text', () => {
    expect(redactText('x'.repeat(100_000), PLAIN).length).toBeLessThan(5000);
  });
});

describe('redactFields', () => {
  test('removes secrets and digits by the name of their field, at any depth', () => {
    const fields = {
      secret: 'a',
      drachtio: { secret: 'b', host: 'h' },
      list: [{ apiToken: 'c' }],
      digit: '5',
      dtmf: '55',
      masterKey: 'd',
      keyframes: 3,
    };
    expect(redactFields(fields, PLAIN)).toEqual({
      secret: '[redacted]',
      drachtio: { secret: '[redacted]', host: 'h' },
      list: [{ apiToken: '[redacted]' }],
      digit: '[redacted]',
      dtmf: '[redacted]',
      masterKey: '[redacted]',
      keyframes: 3,
    });
  });

  test('masks bare identities by the name of their field', () => {
    const fields = {
      caller: '15551230100',
      callee: 'alice',
      to: '<sip:bob@h>',
      from: '1001',
      userId: 'alice',
      transition: { from: 'idle', to: 'inviting' },
    };
    expect(redactFields(fields, MASKED)).toEqual({
      caller: '155***0100',
      callee: 'a***',
      to: '<sip:b***@h>',
      from: '1***',
      userId: 'alice',
      transition: { from: 'idle', to: 'inviting' },
    });
  });

  test('tells errors with code, details, cause and without secrets', () => {
    const error = new GatewayError('REC_ERR_X', 'no answer from sip:bob@h', {
      cause: new Error('socket +15551230100'),
      details: { secret: 'x', status: 503 },
    });
    expect(redactFields({ error }, MASKED)['error']).toMatchObject({
      name: 'GatewayError',
      message: 'no answer from sip:b***@h',
      code: 'REC_ERR_X',
      details: { secret: '[redacted]', status: 503 },
      cause: { message: expect.stringContaining('+155***0100') as string },
    });
  });

  test('survives cycles, depth, size and odd values', () => {
    const cycle: Record<string, unknown> = { n: 1n, f: () => 1, b: Buffer.alloc(9), u: undefined };
    cycle['self'] = cycle;
    let deep: Record<string, unknown> = {};
    for (let i = 0; i < 50; i++) {
      deep = { deep };
    }
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`k${i}`, i]));
    const result = redactFields(
      { cycle, deep, many, date: new Date(0), map: new Map([[1, 2]]) },
      MASKED,
    );
    expect(result).toMatchObject({
      cycle: { n: '1', f: '[function]', b: '[9 bytes]', self: '[circular]' },
      date: '1970-01-01T00:00:00.000Z',
    });
    expect(JSON.stringify(result)).toContain('[too deep]');
    expect(Object.keys(result['many'] as object)).toHaveLength(100);
  });

  test('what comes out is always JSON', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.anything({ withBigInt: true, withDate: true })),
        fields => {
          expect(() => JSON.stringify(redactFields(fields, MASKED))).not.toThrow();
        },
      ),
      { numRuns: 300 },
    );
  });
});
