import {
  buildUserDirectory,
  matchesUriPattern,
  matchRoute,
  matchTrunk,
  parseConfig,
  parseIdentity,
} from '../../../config';

describe('matchTrunk', () => {
  const config = parseConfig(
    `
trunks:
  wide: { sources: [10.0.0.0/8, '2001:db8::/32'], kind: internal }
  narrow: { sources: [10.1.2.0/24], kind: pstn }
  host: { sources: [10.1.2.3, '::1'], kind: pstn, trusted: true }
  odd: { sources: [172.16.0.0/13], kind: pstn }
`,
    'x',
  );

  test.each([
    ['10.9.9.9', 'wide'],
    ['10.1.2.4', 'narrow'],
    ['10.1.2.3', 'host'],
    ['::ffff:10.1.2.3', 'host'],
    ['::FFFF:0a01:0203', 'host'],
    ['2001:db8:1::5', 'wide'],
    ['2001:DB8:ffff:ffff:ffff:ffff:ffff:ffff', 'wide'],
    ['0:0:0:0:0:0:0:1', 'host'],
    ['172.23.255.255', 'odd'],
    ['172.24.0.0', null],
    ['11.0.0.0', null],
    ['2001:db9::', null],
    ['::2', null],
    ['10.1.2', null],
    ['host', null],
    ['', null],
  ])('finds for %s the trunk %s', (source, name) => {
    expect(matchTrunk(config, source)?.name ?? null).toBe(name);
  });

  test('hands over the trunk as configured', () => {
    expect(matchTrunk(config, '::1')).toEqual({
      name: 'host',
      trunk: { sources: ['10.1.2.3', '::1'], kind: 'pstn', trusted: true, network: 'default' },
    });
  });

  test('finds everything under a zero prefix of its own family only', () => {
    const open = parseConfig('trunks: {all: {sources: [0.0.0.0/0], kind: pstn}}', 'x');
    expect(matchTrunk(open, '203.0.113.9')?.name).toBe('all');
    expect(matchTrunk(open, '2001:db8::1')).toBeNull();
  });
});

describe('matchesUriPattern', () => {
  test.each([
    ['vm-*@*', 'sip:vm-17@mail.example.com:5070;transport=tcp', true],
    ['vm-*@*', 'sips:vm-17@[2001:db8::1]', true],
    ['vm-*@Mail.Example.COM', 'sip:vm-17@mail.example.com', true],
    ['VM-*@*', 'sip:vm-17@mail.example.com', false],
    ['+1555*@*', 'tel:+1-555-0100', true],
    ['*@mail.*', 'sip:bob@example.com', false],
  ])('%s and %s: %s', (pattern, uri, isMatch) => {
    expect(matchesUriPattern(pattern, uri)).toBe(isMatch);
  });
});

describe('matchRoute', () => {
  const config = parseConfig(
    `
trunks: { pbx: { sources: [10.0.0.1], kind: internal }, isp: { sources: [10.0.0.2], kind: pstn } }
routes:
  - { match: { user: '\\*44' }, nextHops: ['sip:codes'], kind: internal }
  - { match: { user: '1###', fromTrunk: isp }, nextHops: ['sip:inbound'], kind: internal }
  - { match: { user: '+44*' }, nextHops: ['sip:uk'], kind: pstn }
  - { match: { domain: '*.Example.com' }, nextHops: ['sip:domain'], kind: internal }
  - { match: { user: 'b?b' }, nextHops: ['sip:bob'], kind: internal }
  - { match: { user: 'a*b*c' }, nextHops: ['sip:abc'], kind: internal }
`,
    'x',
  );

  test.each([
    ['sip:*44@gw', 'pbx', 0],
    ['sip:x44@gw', 'pbx', null],
    ['sip:1234@gw', 'isp', 1],
    ['sip:1234@gw', 'pbx', null],
    ['sip:1234@gw', null, null],
    ['sip:123@gw', 'isp', null],
    ['sip:12345@gw', 'isp', null],
    ['sip:123a@gw', 'isp', null],
    ['sip:+442012345678@gw;user=phone', 'pbx', 2],
    ['sip:%2B4420@gw', 'pbx', 2],
    ['tel:+44-20-1234', 'pbx', 2],
    ['sip:+1555@gw', 'pbx', null],
    ['sip:any@PBX.example.COM:5070;transport=tcp', 'pbx', 3],
    ['sips:any@pbx.example.com', 'pbx', 3],
    ['sip:any@example.com', 'pbx', null],
    ['sip:bob@gw', 'pbx', 4],
    ['sip:bb@gw', 'pbx', null],
    ['sip:Bob@gw', 'pbx', null],
    ['sip:abc@gw', 'pbx', 5],
    ['sip:a1b2b3c@gw', 'pbx', 5],
    ['sip:a1b2b3@gw', 'pbx', null],
    ['sip:gw', 'pbx', null],
    ['mailto:bob@gw', 'pbx', null],
    ['sip:', 'pbx', null],
    ['', 'pbx', null],
    [`sip:${'b'.repeat(5000)}@gw`, 'pbx', null],
  ])('takes for %s from trunk %s the route %s', (requestUri, fromTrunk, index) => {
    expect(matchRoute(config, { requestUri, fromTrunk })?.index ?? null).toBe(index);
  });

  test('takes the first of several routes that match', () => {
    const two = parseConfig(
      "routes: [{nextHops: ['sip:a'], kind: pstn}, {requestUri: true, kind: internal}]",
      'x',
    );
    const match = matchRoute(two, { requestUri: 'sip:gw', fromTrunk: null });
    expect(match?.route.nextHops).toEqual(['sip:a']);
  });

  test('stays fast on a pattern that would blow up a backtracking matcher', () => {
    const nasty = parseConfig(
      `routes: [{match: {user: '${'*a'.repeat(100)}b'}, nextHops: ['sip:x'], kind: pstn}]`,
      'x',
    );
    // A matcher with one way back per star needs more steps here than there are atoms.
    const requestUri = `sip:${'a'.repeat(2000)}@gw`;
    expect(matchRoute(nasty, { requestUri, fromTrunk: null })).toBeNull();
  });
});

describe('parseIdentity', () => {
  test.each([
    ['sip:alice@example.com', 'sip:alice@example.com'],
    ['alice@Example.COM', 'sip:alice@example.com'],
    ['sips:alice@example.com:5061;transport=tcp?Subject=x', 'sip:alice@example.com'],
    ['sip:alice:secret@example.com', 'sip:alice@example.com'],
    ['sip:%61lice@example.com.', 'sip:alice@example.com'],
    ['sip:Alice@example.com', 'sip:Alice@example.com'],
    ['sip:alice@[2001:DB8::1]:5060', 'sip:alice@2001:db8::1'],
    ['+15550100', 'tel:+15550100'],
    ['+1 (555) 01-00', 'tel:+15550100'],
    ['tel:+1-555-0100;ext=5', 'tel:+15550100'],
    ['sip:+15550100@anywhere.example;user=phone', 'tel:+15550100'],
    ['sip:%2B15550100@anywhere', 'tel:+15550100'],
    ['sip:+1.555.0100;phone-context=x@anywhere', 'tel:+15550100'],
    ['1001', 'ext:1001'],
    ['10-01', 'ext:1001'],
    ['*44', 'ext:*44'],
    ['tel:1001;phone-context=example.com', 'ext:1001'],
    ['sip:1001@pbx', 'sip:1001@pbx'],
    ['sip:example.com', null],
    ['sip:@example.com', null],
    ['sip:a@', null],
    ['sip:a@ex ample', null],
    ['alice', null],
    ['+1', null],
    ['+12345678901234567', null],
    ['', null],
    ['tel:', null],
    [`sip:${'a'.repeat(600)}@x`, null],
  ])('reads %s as %s', (text, key) => {
    expect(parseIdentity(text)).toBe(key);
  });
});

describe('buildUserDirectory', () => {
  const directory = buildUserDirectory(
    parseConfig(
      `
providers: { lab: { targets: ['sip:srs'] } }
organisations:
  one:
    provider: lab
    users:
      alice: { identities: ['sip:alice@example.com', '+1 555 0100', '1001'], recording: { mode: always } }
      pbx: { identities: ['sip:1001@pbx.example.com'] }
  two: { provider: none, recordingOff: acknowledged, users: { carol: { identities: [carol@example.org] } } }
`,
      'x',
    ),
  );

  test.each([
    ['sip:alice@EXAMPLE.com:5080;transport=udp', 'alice'],
    ['sip:+15550100@elsewhere;user=phone', 'alice'],
    ['tel:+1-555-0100', 'alice'],
    ['sip:1001@gateway', 'alice'],
    ['1001', 'alice'],
    ['sip:1001@pbx.example.com', 'pbx'],
    ['sip:carol@example.org', 'carol'],
    ['sip:ALICE@example.com', null],
    ['sip:alice@example.org', null],
    ['sip:15550100@elsewhere', null],
    ['sip:anonymous@anonymous.invalid', null],
    ['sip:toString@x', null],
    ['%%%', null],
    ['', null],
  ])('finds for %s the user %s', (identity, userId) => {
    expect(directory.find(identity)?.userId ?? null).toBe(userId);
  });

  test('tells organisation, provider and settings of the user', () => {
    expect(directory.find('1001')).toMatchObject({
      organisationId: 'one',
      userId: 'alice',
      user: { recording: { mode: 'always' } },
    });
    expect([directory.userCount, directory.identityCount]).toEqual([3, 5]);
  });
});
