import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as application from '#sip';
import { connectionHost, findPart, parseSdp, readMultipart } from '#sip';
import {
  formatSipUri,
  type HeaderList,
  parseCSeq,
  parseMessage,
  parseNameAddr,
  parseSipUri,
  parseVia,
  serializeMessage,
  type SipMessage,
  type SipRequest,
  splitList,
  tagOf,
} from '#sip/engine';
import { serverKey } from '../../../sip/engine/transaction/keys';
import { messageOf, type ParserOutcome, TORTURE_CASES } from '../../fixtures/torture/cases';

function parsed(name: string): SipMessage {
  const result = parseMessage(messageOf(name));
  if (!result.ok) {
    throw new Error(`${name}: ${result.reason}`);
  }
  return result.message;
}

function request(name: string): SipRequest {
  const message = parsed(name);
  if (message.kind !== 'request') {
    throw new Error(`${name} is a response`);
  }
  return message;
}

function uriIn(headers: HeaderList, name: string): string {
  return parseNameAddr(headers.get(name) ?? '')?.uri ?? '';
}

test('every fixture has its case and every case its fixture', () => {
  const files = readdirSync(join(__dirname, '../../fixtures/torture'))
    .filter(file => file.endsWith('.dat'))
    .map(file => file.slice(0, -4));
  expect(TORTURE_CASES.map(({ name }) => name).sort()).toEqual(files.sort());
});

test('fixtures have the line ends of the wire', () => {
  for (const { name } of TORTURE_CASES) {
    const text = messageOf(name).toString('latin1');
    const head = text.split('\r\n\r\n', 1)[0] ?? '';
    const bare = head.replaceAll('\r\n', '').match(/[\r\n]/g) ?? [];
    expect([name, bare.length]).toEqual([name, name === 'own-bare-line-feed-in-header' ? 1 : 0]);
  }
});

/** How the parser judges a message, in the words of the table. */
function judge(bytes: Buffer): ParserOutcome {
  const result = parseMessage(bytes);
  return result.ok
    ? 'accepted'
    : { code: result.code, status: result.request === null ? null : result.status };
}

test.each(TORTURE_CASES)('$name is judged rightly: $shows', ({ name, parser }) => {
  expect(judge(messageOf(name))).toEqual(parser);
});

test.each(TORTURE_CASES.filter(({ parser }) => parser === 'accepted'))(
  '$name means the same after it was written again',
  ({ name }) => {
    const first = parsed(name);
    const written = serializeMessage(first);
    const second = parseMessage(written);
    const facts = ({ headers, ...rest }: SipMessage): unknown => ({
      ...rest,
      headers: headers
        .entries()
        .filter(({ key }) => key !== 'content-length')
        .map(({ key, value }) => [key, value]),
    });
    expect(second.ok ? facts(second.message) : second.reason).toEqual(facts(first));
    expect(second.ok ? serializeMessage(second.message) : null).toEqual(written);
  },
);

test.each(TORTURE_CASES)('$name cut off anywhere makes the parser throw nothing', ({ name }) => {
  const whole = messageOf(name);
  const step = Math.max(1, Math.floor(whole.length / 300));
  for (let end = 0; end < whole.length; end += step) {
    const cut = whole.subarray(0, end);
    expect(() => parseMessage(cut)).not.toThrow();
  }
});

describe('RFC 4475 §3.1.1: valid messages say what they mean', () => {
  test('folded headers are unfolded, blanks and leading zeros mean nothing (§3.1.1.1)', () => {
    const { headers, uri, body } = request('4475-3.1.1.1-folding-everywhere');
    expect(parseSipUri(uri)?.params.get('colour')).toBeNull();
    expect(parseNameAddr(headers.get('to') ?? '')).toMatchObject({
      uri: 'sip:keeper@lighthouse.example',
    });
    expect(tagOf(headers.get('to'))).toBe('5061tide');
    expect(parseNameAddr(headers.get('from') ?? '')).toMatchObject({
      display: '"M Tidewater \\\\\\""',
      uri: 'sip:marta@harbour.example',
    });
    expect(tagOf(headers.get('from'))).toBe('q7w8');
    expect(parseCSeq(headers.get('cseq'))).toEqual({ number: 17, method: 'INVITE' });
    expect(headers.get('max-forwards')).toBe('0031');
    expect(headers.get('subject')).toBe('');
    expect(headers.get('tide-table')).toBe('high water at a quarter past six');
    expect(headers.get('odd-punctuation')).toBe(',;;,;;,,;');
    const vias = headers.getList('via').map(via => parseVia(via));
    expect(vias.map(via => [via?.transport, via?.host, via?.params.get('branch')])).toEqual([
      ['UDP', '203.0.113.40', 'no-cookie-here'],
      ['TCP', 'quay.example', 'z9hG4bKquay1'],
      ['UDP', '203.0.113.41', 'z9hG4bKquay2'],
    ]);
    const contact = parseNameAddr(headers.get('contact') ?? '');
    expect(contact?.display).toBe('"Escaped quotes \\"\\""');
    expect([...(contact?.params ?? [])]).toEqual([
      ['flag', 'raised'],
      ['half-mast', null],
      ['q', '0.25'],
    ]);
    const route = parseSipUri(uriIn(headers, 'route'));
    expect(route?.params.has('lr')).toBe(true);
    expect(route?.params.get('berth')).toBe('north');
    expect(parseSdp(body.toString()).media).toHaveLength(2);
  });

  test('every legal character is kept, and none has a meaning that it should not have (§3.1.1.2)', () => {
    const { headers, method, uri } = request('4475-3.1.1.2-every-legal-character');
    expect(method).toBe("~Odd.method-9_*+`%21'!");
    expect(parseCSeq(headers.get('cseq'))?.method).toBe(method);
    expect(parseSipUri(uri)).toMatchObject({
      user: "9_strange.User~(is-it!ok)&yes=so+far$really,/?;;*:&pass+word=7,odd!*pa$$~w_rd.(isn't-it)",
      host: 'lighthouse.example',
      headers: null,
    });
    expect(headers.get('to')).toContain('"ESC:\\\u001b NUL:\\\u0000 DEL:\\\u007f"');
    expect(tagOf(headers.get('from'))).toBe("'~`+_*%21.!-");
    expect(parseNameAddr(headers.get('from') ?? '')?.params.get('odd~+_*.!%-')).toBe('"маяк"');
    expect(headers.get('call-id')).toBe('chars.!%21*_+`\'~()<>:\\/"[]?{}@-');
    expect(headers.get("x-~Odd.name-9_*+`%21'!")).toBe('\ufeff潮汐');
    expect(parseVia(headers.get('via') ?? '')?.params.get('branch')).toBe("z9hG4bK'~`+_*%21.!-");
  });

  test('percent escapes are kept as they are, once (§3.1.1.3)', () => {
    const { headers, uri } = request('4475-3.1.1.3-percent-escapes');
    expect(parseSipUri(uri)).toMatchObject({
      user: 'sips%3Akeeper%40lighthouse.example',
      host: 'gate.example',
    });
    expect(parseSipUri(uriIn(headers, 'from'))?.user).toBe('two%20words');
    const contact = uriIn(headers, 'contact');
    expect(parseSipUri(contact)?.params.get('b%65rth')).toBe('n%6Frth%25%34%32');
    expect(headers.get('content-type')).toBe('application/sdp');
    expect(headers.get('call-id')).toBe('percent-1.aa01');
  });

  test('escaped NULs do not end a user part (§3.1.1.4)', () => {
    const { headers } = request('4475-3.1.1.4-escaped-nulls');
    expect(parseSipUri(uriIn(headers, 'to'))?.user).toBe('before%00after');
    const users = headers
      .getList('contact')
      .map(contact => parseSipUri(parseNameAddr(contact)?.uri ?? '')?.user);
    expect(users).toEqual(['%00', '%00%00']);
  });

  test('a percent sign in method, header name and display name is just that (§3.1.1.5)', () => {
    const { headers, method } = request('4475-3.1.1.5-percent-is-no-escape');
    expect(method).toBe('OP%54ION%53');
    expect(parseNameAddr(headers.get('to') ?? '')?.display).toBe('"%41%4"');
    expect(headers.getAll('contact')).toEqual([
      '<sip:first@buoy6.example>',
      '<sip:third@buoy6.example>',
    ]);
    expect(headers.get('%43ontact')).toBe('<sip:second@buoy6.example>');
  });

  test('a display name may touch the bracket (§3.1.1.6)', () => {
    const { headers } = request('4475-3.1.1.6-no-space-before-bracket');
    expect(parseNameAddr(headers.get('from') ?? '')).toMatchObject({
      display: 'marta',
      uri: 'sip:marta@harbour.example',
    });
  });

  test('long values come through whole (§3.1.1.7)', () => {
    const { headers } = request('4475-3.1.1.7-long-values');
    expect(headers.getList('via')).toHaveLength(34);
    expect(headers.getList('via').every(via => parseVia(via) !== null)).toBe(true);
    expect(tagOf(headers.get('from'))).toBe(`7${'314'.repeat(60)}9`);
    expect(headers.get('call-id')).toBe(`long-1.${'truly'.repeat(28)}endless`);
    const to = parseSipUri(uriIn(headers, 'to'));
    expect(to?.port).toBe(6001);
    expect(to?.params.get(`beam${'width'.repeat(22)}`)).toBe('short');
    expect(to?.params.get(`no${'thing'.repeat(24)}AtAll`.toLowerCase())).toBeNull();
    const last = parseVia(headers.getList('via').at(-1) ?? '');
    expect(last?.params.get('branch')).toBe(`far${'ther'.repeat(50)}out`);
    expect(last?.params.get('received')).toBe('203.0.113.9');
  });

  test('octets after the body are not part of the message (§3.1.1.8)', () => {
    const message = request('4475-3.1.1.8-octets-after-the-body');
    expect(message.body).toHaveLength(0);
    expect(serializeMessage(message).toString()).not.toContain('stowaway');
  });

  test('a semicolon before the at-sign belongs to the user (§3.1.1.9)', () => {
    const { headers, uri } = request('4475-3.1.1.9-semicolon-in-user');
    expect(parseSipUri(uri)).toMatchObject({
      user: 'keeper;lamp=a%40gate.example',
      host: 'lighthouse.example',
    });
    expect(parseSipUri(uri)?.params.size).toBe(0);
    expect(headers.getList('accept')).toEqual([
      'application/sdp',
      'text/plain',
      'multipart/mixed',
      'multipart/related',
      'message/sipfrag',
    ]);
  });

  test('unknown transports in Via are read (§3.1.1.10)', () => {
    const { headers } = request('4475-3.1.1.10-varied-transports');
    expect(headers.getList('via').map(via => parseVia(via)?.transport)).toEqual([
      'UDP',
      'SCTP',
      'TLS',
      'PIGEON',
      'TCP',
    ]);
  });

  test('a binary part is not changed and not cut (§3.1.1.11)', () => {
    const { headers, body } = request('4475-3.1.1.11-binary-multipart');
    const { parts, closed } = readMultipart(headers.get('content-type') ?? '', body);
    expect(closed).toBe(true);
    expect(parts.map(part => part.mediaType)).toEqual(['text/plain', 'application/octet-stream']);
    const binary = findPart(parts, part => part.mediaType === 'application/octet-stream');
    expect(binary?.body.subarray(0, 200)).toEqual(
      Buffer.from(Array.from({ length: 200 }, (_, i) => (i * 37 + 11) & 255)),
    );
    expect(binary?.body.subarray(200).toString('latin1')).toBe(
      '\0\r\n\r\n\0\r\n--not-it\r\n\0\u00ff',
    );
  });

  test('a reason phrase may be anything or nothing (§3.1.1.12, §3.1.1.13)', () => {
    expect(parsed('4475-3.1.1.12-unusual-reason-phrase')).toMatchObject({
      status: 200,
      reason: '= 2*100 всё в порядке, маяк горит',
    });
    expect(parsed('4475-3.1.1.13-empty-reason-phrase')).toMatchObject({ status: 100, reason: '' });
  });
});

describe('RFC 4475 §3.1.2, §3.3: what is forgiven is understood rightly', () => {
  test('spaces within brackets are no part of the URI (§3.1.2.14)', () => {
    const { headers } = request('4475-3.1.2.14-spaces-in-addr-spec');
    expect(parseNameAddr(headers.get('to') ?? '')).toMatchObject({
      display: '"Keeper, Konrad"',
      uri: 'sip:k.keeper@lighthouse.example',
    });
  });

  test('a comma in From is not a list (§3.1.2.15)', () => {
    const { headers } = request('4475-3.1.2.15-unquoted-display-name');
    expect(parseNameAddr(headers.get('from') ?? '')).toMatchObject({
      display: 'Tidewater, Marta',
      uri: 'sip:m.tidewater@harbour.example',
    });
  });

  test('what lacks its quotes has them when it is passed on (§3.1.2.15)', () => {
    const from = request('4475-3.1.2.15-unquoted-display-name').headers.get('from') ?? '';
    const address = application.parseNameAddr(from);
    expect(address && application.formatNameAddr(address)).toBe(
      '"Tidewater, Marta" <sip:m.tidewater@harbour.example>',
    );
  });

  test('the refused request of another version keeps its Via as it came (§3.1.2.16)', () => {
    const result = parseMessage(messageOf('4475-3.1.2.16-unknown-version'));
    const via = parseVia((result.ok ? null : result.request?.headers.get('via')) ?? '');
    expect(via).toMatchObject({ version: '9.1', transport: 'UDP', host: 'buoy17.example' });
  });

  test('brackets decide whose a parameter is (§3.3.12 to §3.3.14)', () => {
    const bare = parseNameAddr(
      request('4475-3.3.12-contact-header-parameter').headers.get('contact') ?? '',
    );
    expect(bare?.uri).toBe('sip:+4940555123@gate.example');
    expect(bare?.params.has('pennant')).toBe(true);
    const inside = parseNameAddr(
      request('4475-3.3.13-contact-uri-parameter').headers.get('contact') ?? '',
    );
    expect(inside?.uri).toBe('sip:+4940555123@gate.example;pennant');
    expect(inside?.params.size).toBe(0);
    const header = parseNameAddr(
      request('4475-3.3.14-contact-uri-header').headers.get('contact') ?? '',
    );
    expect(parseSipUri(header?.uri ?? '')?.headers).toBe('Route=%3Csip:breakwater.example%3E');
  });

  test('without Content-Length the body is the rest of the datagram (§3.4.1)', () => {
    const { body, headers } = request('4475-3.4.1-rfc2543-invite');
    expect(parseSdp(body.toString()).media).toHaveLength(1);
    expect(tagOf(headers.get('from'))).toBeNull();
    expect(parseNameAddr(headers.get('from') ?? '')?.uri).toContain(';user=phone');
    expect(parseNameAddr(headers.get('to') ?? '')?.params.get('user')).toBe('phone');
  });
});

describe('RFC 5118: IPv6', () => {
  test.each([
    ['5118-4.1-ipv6-references', '2001:db8:51:18::20', null],
    ['5118-4.3-port-inside-brackets', '2001:db8:51:18::20:5080', null],
    ['5118-4.4-port-outside-brackets', '2001:db8:51:18::20', 5080],
    ['5118-4.10-three-colons', '2001:db8:51:::198.51.100.4', null],
    ['5118-4.10-two-colons', '2001:db8:51::198.51.100.4', null],
  ])('%s has the host %s and the port %s', (name, host, port) => {
    const uri = parseSipUri(request(name).uri);
    expect(uri).toMatchObject({ host, port });
    expect(uri === null ? '' : formatSipUri(uri)).toBe(request(name).uri);
  });

  test('a received parameter may have brackets or not (§4.5)', () => {
    const received = (name: string): unknown =>
      parseVia(request(name).headers.get('via') ?? '')?.params.get('received');
    expect(received('5118-4.5-received-with-brackets')).toBe('[2001:db8:51:18::b:77]');
    expect(received('5118-4.5-received-without-brackets')).toBe('2001:db8:51:18::b:77');
  });

  test('Via lists may mix address families, mapped ones included (§4.7, §4.9)', () => {
    const hosts = (name: string): unknown =>
      request(name)
        .headers.getList('via')
        .map(via => [parseVia(via)?.host, parseVia(via)?.port]);
    expect(hosts('5118-4.7-mixed-addresses-in-via')).toEqual([
      ['2001:db8:51:18::b:2', 6060],
      ['198.51.100.2', null],
      ['2001:db8:51:18::b:77', null],
    ]);
    expect(hosts('5118-4.9-ipv4-mapped')).toEqual([
      ['::ffff:198.51.100.10', 20123],
      ['::ffff:198.51.100.3', null],
    ]);
  });

  test.each([
    ['5118-4.6-ipv6-in-sdp', ['2001:db8:51:18::30', '2001:db8:51:18::30']],
    ['5118-4.8-mixed-addresses-in-sdp', ['198.51.100.2', '2001:db8:51:18::2']],
    ['5118-4.9-ipv4-mapped', ['::ffff:198.51.100.3', '::ffff:198.51.100.3']],
  ])('%s offers media at %j', (name, hosts) => {
    const sdp = parseSdp(request(name).body.toString());
    expect(sdp.media.map(media => connectionHost(sdp, media))).toEqual(hosts);
  });
});

test('a head that is not UTF-8 is read one character per octet', () => {
  const { headers } = request('own-latin1-display-name');
  expect(parseNameAddr(headers.get('from') ?? '')?.display).toBe('"Jörg"');
});

test('commas between quotes and brackets separate nothing', () => {
  expect(splitList('"a, b" <sip:x;y=1,2@h>, <sip:c>')).toEqual([
    '"a, b" <sip:x;y=1,2@h>',
    '<sip:c>',
  ]);
});

test('two requests whose branch is the cookie alone are two transactions (RFC 4475 §3.2.1)', () => {
  const text = messageOf('4475-3.2.1-branch-is-the-cookie-alone').toString('latin1');
  const keyOf = (bytes: string): string | null => {
    const result = parseMessage(Buffer.from(bytes, 'latin1'));
    return result.ok && result.message.kind === 'request' ? serverKey(result.message) : null;
  };
  expect(keyOf(text)).toBe(keyOf(text));
  expect(keyOf(text.replace('Call-ID: cookie-1', 'Call-ID: cookie-2'))).not.toBe(keyOf(text));
});

test('a quote that is not closed in a parameter is malformed, so that no tag can vanish in it', () => {
  expect(parseNameAddr('<sip:bob@example.com>;note="open')).toBeNull();
  expect(parseNameAddr('<sip:bob@example.com>;note=a"b')).toBeNull();
  expect(tagOf('<sip:bob@example.com>;note="a;b\\"c";tag=t')).toBe('t');
});
