import { parseConfig } from '#config';

import { explainCall, explanationLines } from '../../src/explain-call';

const YAML = `
media: { anchor: when-recordable }
trunks:
  pbx: { sources: [10.0.0.0/24], kind: internal, trusted: true, organisation: acme }
  isp: { sources: [203.0.113.5], kind: pstn }
routes:
  - { match: { user: '+1555*' }, nextHops: ['sip:10.0.0.1'], kind: internal, organisation: acme }
  - { match: { user: '+*' }, nextHops: ['sip:isp.example'], kind: pstn }
  - { match: { user: '####' }, nextHops: ['sip:10.0.0.1'], kind: internal }
providers: { dubber: { targets: ['sip:srs'] }, lab: { targets: ['sip:srs2'] } }
voicemail: { targets: ['9000'] }
organisations:
  acme:
    termsOfService: { dubber: { acceptedBy: Jane, acceptedAt: 2026-01-31 } }
    complianceAnnouncement: { inboundPSTNCallsEnabled: true }
    locations: { berlin: { provider: lab } }
    users:
      alice: { identities: ['sip:alice@example.com', '+15550100', '1001'], recording: { mode: always } }
      bob: { identities: ['1002'], location: berlin, recording: { mode: on-demand, reminderTone: { enabled: false } } }
      carol: { identities: ['1003'], recording: { enabled: false } }
  other:
    termsOfService: { dubber: { notAccepted: acknowledged } }
    users: { dave: { identities: ['1001'], recording: { mode: always } }, eve: { identities: ['1004'], recording: { mode: always } } }
`;
const config = parseConfig(YAML, 'x');

function explain(caller: string, callee: string, trunkId: string): string[] {
  const explanation = explainCall(config, { caller, callee, trunkId });
  return explanation === null ? [] : [...explanationLines(explanation)];
}

describe('explainCall', () => {
  test('tells of two recorded parties with providers and modes of their own, step by step', () => {
    expect(explain('1001', '1002', 'pbx')).toEqual([
      'trunk      pbx: internal, its identities are believed',
      'route      routes[2]: internal, to sip:10.0.0.1',
      'mailbox    nothing says that a mailbox takes the call',
      'caller     From sip:1001@gateway.invalid, compared as sip:1001@gateway.invalid, then ext:1001',
      '           is alice of acme (by From)',
      '           provider dubber, by its organisation; terms accepted by Jane (2026-01-31)',
      '           known there as acme / acme / alice@example.com',
      '           recorded: mode always',
      '           heard: tone every 20 s',
      'callee     Request-URI sip:1002@gateway.invalid, compared as sip:1002@gateway.invalid, then ext:1002',
      '           is bob of acme, location berlin (by Request-URI)',
      '           provider lab, by its location; no terms to accept',
      '           known there as acme / berlin / bob',
      '           recorded: mode on-demand',
      '           heard: nothing',
      'media      passes through the gateway: a party is recorded, or may be',
      'codecs     those that cannot be mixed are taken out of offers: notices are due',
    ]);
  });

  test('a caller of a trunk that is not trusted is nobody, and hears of the recording before connect', () => {
    const lines = explain('1001', '+1 555 0100', 'isp');
    expect(lines[3]).toBe(
      'caller     not known: the trunk is not trusted, so nobody believes who calls',
    );
    expect(lines).toContain(
      '           heard: compliance announcement to the caller before connect, tone every 20 s',
    );
  });

  test.each([
    ['1003', '+442012345', 'pbx', "not recorded: the user's recording is disabled"],
    [
      '1001',
      '9000',
      'pbx',
      "not recorded: calls with mailboxes are not recorded (the user's recordVoicemail)",
    ],
    [
      '1004',
      '+442012345',
      'pbx',
      "not recorded: the provider's terms of service are not accepted; told by ledger, metric and webhook",
    ],
    ['1009', '+442012345', 'pbx', 'is no user: not recorded'],
    [
      '1003',
      '+442012345',
      'pbx',
      'goes around the gateway, SDP untouched: nobody can be recorded (media.anchor: when-recordable)',
    ],
    [
      '1001',
      'nowhere',
      'pbx',
      'none leads to sip:nowhere@gateway.invalid: the call is refused with 404',
    ],
  ])('for %s to %s over %s says: %s', (caller, callee, trunk, text) => {
    expect(explain(caller, callee, trunk).map(line => line.slice(11))).toContain(text);
  });

  test('needs a trunk where there are several', () => {
    expect(explainCall(config, { caller: '1', callee: '2', trunkId: null })).toBeNull();
  });
});
