import { addressOfRecord } from '../../../../src/session/parties/address-of-record';

describe('addressOfRecord', () => {
  test.each([
    ['sip:bob@127.0.0.1:5080;transport=udp', 'sip:bob@127.0.0.1'],
    ['sip:+15550100@example.com;user=phone;transport=tcp', 'sip:+15550100@example.com;user=phone'],
    ['SIPS:bob;ext=1@example.com:5061?Subject=x', 'sips:bob;ext=1@example.com'],
    ['sip:bob@[2001:db8::1]:5060;lr', 'sip:bob@[2001:db8::1]'],
    ['sip:example.com', 'sip:example.com'],
    ['tel:+15550100', 'tel:+15550100'],
    ['not a uri', 'not a uri'],
  ])('%s is %s', (uri, aor) => {
    expect(addressOfRecord(uri)).toBe(aor);
  });
});
