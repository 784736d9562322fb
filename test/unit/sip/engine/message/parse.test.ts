import fc from 'fast-check';
import {
  parseMessage,
  parseNameAddr,
  parseSipUri,
  formatSipUri,
  parseVia,
  formatVia,
  serializeMessage,
  splitList,
  tagOf,
} from '#sip/engine';
import { countBodyParts } from '../../../../../sip/engine/message/body-parts';

const INVITE =
  'INVITE sip:bob@example.com SIP/2.0\r\n' +
  'v: SIP/2.0/UDP 10.0.0.1:5070 ;branch=z9hG4bK1\r\n' +
  'Via: SIP/2.0/TCP a.example;branch=z9hG4bK0, SIP/2.0/UDP b.example;branch=z9hG4bK00\r\n' +
  'f: "Alice, \\"A\\"" <sip:alice@example.com;x=1>;tag=a1\r\n' +
  'To:   <sip:bob@example.com>\r\n' +
  'i: call-1@example.com\r\n' +
  'CSeq: 7 INVITE\r\n' +
  'Subject: folded\r\n  over two lines\r\n' +
  'X-Mixed-CASE: kept\r\n' +
  'Max-Forwards: 70\r\n' +
  'l: 5\r\n' +
  '\r\n';
const BODY = Buffer.from([0x61, 0x00, 0xff, 0x0d, 0x0a]);
const BYTES = Buffer.concat([Buffer.from(INVITE), BODY]);

function parsed(bytes: Buffer | string): Extract<ReturnType<typeof parseMessage>, { ok: true }> {
  const result = parseMessage(Buffer.from(bytes));
  if (!result.ok) {
    throw new Error(`not parsed: ${result.reason}`);
  }
  return result;
}

describe('parseMessage', () => {
  test('finds headers in any case and compact form, unfolded, and keeps the body binary', () => {
    const { message } = parsed(BYTES);
    expect(message).toMatchObject({
      kind: 'request',
      method: 'INVITE',
      uri: 'sip:bob@example.com',
    });
    expect(message.headers.get('Call-ID')).toBe('call-1@example.com');
    expect(message.headers.get('s')).toBe('folded over two lines');
    expect(message.headers.getList('via')).toHaveLength(3);
    expect(tagOf(message.headers.get('FROM'))).toBe('a1');
    expect(message.body).toEqual(BODY);
  });

  test('what was not changed is written back byte for byte', () => {
    const { message } = parsed(BYTES);
    expect(serializeMessage(message)).toEqual(BYTES);
  });

  test('a changed header leaves the others as they were', () => {
    const { message } = parsed(BYTES);
    message.headers.set('Subject', 'new');
    const expected = INVITE.replace('Subject: folded\r\n  over two lines', 'Subject: new');
    expect(serializeMessage(message).toString('latin1')).toBe(expected + BODY.toString('latin1'));
  });

  test('a header value cannot smuggle in another header', () => {
    const { message } = parsed(BYTES);
    message.headers.set('Subject', 'x\r\nEvil: yes');
    expect(parsed(serializeMessage(message)).message.headers.has('evil')).toBe(false);
  });

  test('Content-Length counts bytes, whatever the header said', () => {
    const { message } = parsed(BYTES);
    const longer = { ...message, body: Buffer.from('hééé') };
    expect(serializeMessage(longer).toString()).toContain('Content-Length: 7\r\n');
  });

  test('a response is parsed, with and without a reason phrase', () => {
    const rest = INVITE.slice(INVITE.indexOf('v:')).replace('l: 5', 'l: 0');
    expect(parsed(`SIP/2.0 180 Ringing and more\r\n${rest}`).message).toMatchObject({
      status: 180,
      reason: 'Ringing and more',
    });
    expect(parsed(`SIP/2.0 200 \r\n${rest}`).message).toMatchObject({ status: 200, reason: '' });
    expect(parsed(`SIP/2.0 200\r\n${rest}`).message).toMatchObject({ status: 200, reason: '' });
  });

  test('CRLF before the start line is skipped; bytes after the body are dropped', () => {
    const noisy = Buffer.concat([Buffer.from('\r\n\r\n'), BYTES, Buffer.from('garbage')]);
    expect(parsed(noisy).message.body).toEqual(BODY);
  });

  test('without Content-Length the rest of the datagram is the body (RFC 3261 §18.3)', () => {
    const bytes = Buffer.concat([Buffer.from(INVITE.replace('l: 5\r\n', '')), BODY]);
    expect(parsed(bytes).message.body).toEqual(BODY);
  });

  test('a display name that is not UTF-8 does not lose the message', () => {
    const bytes = Buffer.from(
      INVITE.replace('l: 5', 'l: 0').replace('Alice', 'J\xfcrgen'),
      'latin1',
    );
    expect(parsed(bytes).message.headers.get('from')).toContain('Jürgen');
  });

  const without = (name: string): string => INVITE.replace(new RegExp(`^${name}:.*\r\n`, 'm'), '');
  test.each([
    ['no From', without('f'), 400, true],
    ['no Call-ID', without('i'), 400, true],
    ['no CSeq', without('CSeq'), 400, true],
    ['the wrong method in CSeq', INVITE.replace('7 INVITE', '7 BYE'), 400, true],
    ['a CSeq beyond 2^31', INVITE.replace('7 INVITE', '2147483648 INVITE'), 400, true],
    ['two Call-IDs', INVITE.replace('i:', 'Call-ID: x\r\ni:'), 400, true],
    ['another version', INVITE.replace('SIP/2.0\r\nv', 'SIP/3.0\r\nv'), 505, true],
    ['a body cut short', INVITE.replace('l: 5', 'l: 6'), 400, true],
    ['a negative length', INVITE.replace('l: 5', 'l: -1'), 400, true],
    ['a line without colon', INVITE.replace('X-Mixed-CASE: kept', 'oops'), 400, true],
    ['a bare LF', INVITE.replace('kept', 'ke\npt: 1'), 400, true],
    ['a broken From', INVITE.replace('<sip:alice', 'sip:alice'), 400, true],
    ['bad hops', INVITE.replace('Max-Forwards: 70', 'Max-Forwards: 300'), 400, true],
    ['a long URI', INVITE.replace('sip:bob', `sip:${'b'.repeat(2100)}`), 414, true],
    ['a long header', INVITE.replace('kept', 'k'.repeat(9000)), 513, true],
    ['too many headers', INVITE.replace('i:', `${'A: b\r\n'.repeat(201)}i:`), 400, true],
    ['no Via', INVITE.replace(/^v.*\r\nVia.*\r\n/m, ''), 400, false],
  ])('%s is refused with a status', (_name, text, status, isAnswerable) => {
    const result = parseMessage(Buffer.concat([Buffer.from(text), BODY]));
    expect(result).toMatchObject({ ok: false, status });
    expect(!result.ok && result.request !== null).toBe(isAnswerable);
  });

  test('every truncation gives a typed failure, never a throw', () => {
    for (let length = 0; length < BYTES.length; length++) {
      expect(parseMessage(BYTES.subarray(0, length)).ok).toBe(false);
    }
  });

  test('random bytes and random damage never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), bytes => {
        expect(typeof parseMessage(Buffer.from(bytes)).ok).toBe('boolean');
      }),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(BYTES.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        damage => {
          const bytes = Buffer.from(BYTES);
          for (const [at, value] of damage) {
            bytes[at] = value;
          }
          const result = parseMessage(bytes);
          // What is accepted can be written and read again.
          expect(!result.ok || parseMessage(serializeMessage(result.message)).ok).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('header grammar', () => {
  test('lists are split outside of quotes and brackets', () => {
    expect(splitList('"a,b" <sip:c,d@e>, f , ,g')).toEqual(['"a,b" <sip:c,d@e>', 'f', 'g']);
    expect(splitList('"a\\",b", c')).toEqual(['"a\\",b"', 'c']);
  });

  test.each([
    'sip:alice@example.com:5070;transport=tcp;lr?Subject=x',
    'sips:[2001:db8::1]:5061',
    'sip:+1;phone-context=a@example.com',
    'sip:example.com',
  ])('the URI %s survives a round trip', text => {
    const uri = parseSipUri(text);
    expect(uri).not.toBeNull();
    expect(uri === null ? null : formatSipUri(uri)).toBe(text);
  });

  test.each(['tel:+123', 'sip:', 'sip:@x', 'sip:a@b:99999', 'sip:a b@c', 'http://x', ''])(
    '%s is no SIP URI',
    text => expect(parseSipUri(text)).toBeNull(),
  );

  test('a name-addr without brackets has header parameters only (RFC 3261 §20)', () => {
    expect(parseNameAddr('sip:a@b;tag=1')).toMatchObject({ uri: 'sip:a@b' });
    expect(tagOf('sip:a@b;tag=1')).toBe('1');
    expect(tagOf('<sip:a@b;tag=1>')).toBeNull();
    expect(parseNameAddr('"unclosed <sip:a@b>')).toBeNull();
  });

  test('Via is read with its odd spacing and written canonically', () => {
    const via = parseVia('SIP / 2.0 / udp [::1]:5060 ;branch=z9hG4bKx;rport');
    expect(via === null ? null : formatVia(via)).toBe(
      'SIP/2.0/UDP [::1]:5060;branch=z9hG4bKx;rport',
    );
  });
});

describe('bounds of the parser', () => {
  const LIMITS = {
    messageBytes: 4000,
    headerCount: 12,
    headerLineBytes: 300,
    uriBytes: 40,
    bodyParts: 2,
  };
  const multipart = (parts: number): string =>
    `Content-Type: multipart/mixed;boundary=b\r\n\r\n${'--b\r\n\r\nx\r\n'.repeat(parts)}--b--\r\n`;
  const message = (extra: string, uri = 'sip:bob@example.com'): Buffer =>
    Buffer.from(
      `OPTIONS ${uri} SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\n` +
        `To: <sip:b@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n${extra}`,
    );

  // The name is the one of docs/limits.md.
  test('too many headers, a header that is too long, a long Request-URI and too many body parts', () => {
    const outcome = (bytes: Buffer): unknown => {
      const result = parseMessage(bytes, LIMITS);
      return result.ok ? 'ok' : `${result.status} ${result.code}`;
    };
    expect(outcome(message(`${'X: 1\r\n'.repeat(7)}\r\n`))).toBe('ok');
    expect(outcome(message(`${'X: 1\r\n'.repeat(8)}\r\n`))).toBe('400 too-many-headers');
    expect(outcome(message(`X: ${'1'.repeat(297)}\r\n\r\n`))).toBe('ok');
    expect(outcome(message(`X: ${'1'.repeat(298)}\r\n\r\n`))).toBe('513 too-large');
    expect(outcome(message('\r\n', `sip:${'b'.repeat(36)}`))).toBe('ok');
    expect(outcome(message('\r\n', `sip:${'b'.repeat(37)}`))).toBe('414 uri');
    expect(outcome(message(multipart(2)))).toBe('ok');
    expect(outcome(message(multipart(3)))).toBe('413 too-many-parts');
    expect(outcome(message(`\r\n${'x'.repeat(4000)}`))).toBe('513 too-large');
  });

  test.each([
    ['multipart/mixed; boundary="b"', '--b\n\nx\n--b\n\ny\n--b--', 2],
    ['multipart/mixed;boundary=b', 'text --b is no delimiter\r\n--b\r\n', 1],
    ['multipart/mixed', '--b\r\n--b\r\n', 0],
    ['application/sdp', '--b\r\n', 0],
  ])('counts the parts of %s: %j has %d', (contentType, body, count) => {
    expect(countBodyParts(contentType, Buffer.from(body), 10)).toBe(count);
  });
});
