import fc from 'fast-check';
import { parseAppMessage } from '../../../../../sip/engine/wire/app-message';

describe('parseAppMessage', () => {
  test('takes what follows the empty line as body, NUL bytes and all, and ignores Content-Length', () => {
    const body = Buffer.from('a\u0000b\r\n\r\nc');
    const text = 'INVITE sip:a@b SIP/2.0\r\nfrom: <sip:a@localhost>\r\nContent-Length: 1\r\n\r\n';
    const result = parseAppMessage(Buffer.concat([Buffer.from(text), body]));
    expect(result).toMatchObject({ ok: true, message: { method: 'INVITE', uri: 'sip:a@b', body } });
  });

  test('a response has its status, and a reason even if none was given', () => {
    expect(parseAppMessage(Buffer.from('SIP/2.0 486 \r\n\r\n'))).toMatchObject({
      message: { kind: 'response', status: 486, reason: 'Busy Here' },
    });
  });

  test.each(['', 'INVITE', 'IN VITE sip:a SIP/2.0', 'INVITE sip:a SIP/3.0', 'SIP/2.0 99 x'])(
    'the start line "%s" is refused',
    text => expect(parseAppMessage(Buffer.from(`${text}\r\n\r\n`)).ok).toBe(false),
  );

  test('never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        expect(typeof parseAppMessage(Buffer.from(bytes)).ok).toBe('boolean');
      }),
      { numRuns: 300 },
    );
  });
});
