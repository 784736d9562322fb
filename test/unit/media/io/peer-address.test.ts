import fc from 'fast-check';
import { formatEndpoint, parseIp, PeerAddress } from '../../../../media/io/peer-address';

function address(host: string, port: number): PeerAddress {
  const peer = new PeerAddress();
  expect(peer.set(host, port)).toBe(true);
  return peer;
}

function words(peer: PeerAddress): Int32Array {
  return new Int32Array(peer.toSockaddr().slice().buffer);
}

test('an IPv4 address lies in memory as the kernel wants it', () => {
  expect(Buffer.from(address('192.0.2.7', 0x1234).toSockaddr()).toString('hex')).toBe(
    '02001234c0000207' + '00'.repeat(20),
  );
});

test('an IPv6 address lies in memory as the kernel wants it', () => {
  expect(Buffer.from(address('2001:db8::1', 0x1234).toSockaddr()).toString('hex')).toBe(
    '0a00123400000000' + '20010db8000000000000000000000001' + '00000000',
  );
});

test.each([
  ['::', '::'],
  ['::1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['fe80::1:2', 'fe80::1:2'],
  ['::ffff:192.0.2.1', '::ffff:c000:201'],
  ['1::', '1::'],
  ['10.0.0.255', '10.0.0.255'],
])('%s is learnt from its bytes as %s', (host, canonical) => {
  const learnt = new PeerAddress();
  learnt.learn(words(address(host, 5060)), 0);
  expect([learnt.host, learnt.port]).toEqual([canonical, 5060]);
});

test.each(['', 'example.org', '1.2.3', '1.2.3.256', 'fe80::1%eth0', '[::1]', '1.2.3.4:5'])(
  '%p is no IP literal',
  host => {
    expect(parseIp(host)).toBeNull();
    expect(new PeerAddress().set(host, 1)).toBe(false);
  },
);

test('address and port must match, or the address alone', () => {
  const peer = address('192.0.2.1', 4000);
  expect(peer.matches(words(address('192.0.2.1', 4000)), 0)).toBe(true);
  expect(peer.matches(words(address('192.0.2.1', 4001)), 0)).toBe(false);
  expect(peer.sameHost(words(address('192.0.2.1', 4001)), 0)).toBe(true);
  expect(peer.sameHost(words(address('192.0.2.2', 4000)), 0)).toBe(false);
  const peer6 = address('2001:db8::1', 4000);
  expect(peer6.matches(words(address('2001:db8::1', 4000)), 0)).toBe(true);
  expect(peer6.sameHost(words(address('2001:db8::2', 4000)), 0)).toBe(false);
  expect(peer6.sameHost(words(peer), 0)).toBe(false);
});

test('an address is where it is, however that is written', () => {
  const peer = address('2001:DB8:0:0::1', 4000);
  expect(peer.isAt('2001:db8::1', 4000)).toBe(true);
  expect(peer.isAt('2001:db8::1', 4001)).toBe(false);
  expect(peer.isAt('2001:db8::2', 4000)).toBe(false);
  expect(peer.isAt('example.org', 4000)).toBe(false);
  expect(new PeerAddress().isAt('0.0.0.0', 0)).toBe(false);
});

test('what is read of an address is that of the address learnt last', () => {
  const peer = address('192.0.2.1', 4000);
  expect([peer.host, peer.port, peer.length]).toEqual(['192.0.2.1', 4000, 16]);
  peer.copyFrom(address('2001:db8::1', 5000));
  expect([peer.host, peer.port, peer.length]).toEqual(['2001:db8::1', 5000, 28]);
  expect(peer.sameHostAs(address('2001:db8::1', 1))).toBe(true);
  expect(peer.sameHostAs(new PeerAddress())).toBe(false);
  peer.clear();
  expect([peer.host, peer.port, peer.length, peer.isSet]).toEqual(['', 0, 0, false]);
});

test('an address that is not set matches nobody, not even zeros', () => {
  const unset = new PeerAddress();
  expect(unset.matches(new Int32Array(7), 0)).toBe(false);
  expect(unset.sameHost(words(address('0.0.0.0', 1)), 0)).toBe(false);
});

test('IPv6 endpoints are written in brackets', () => {
  expect(formatEndpoint('::1', 5)).toBe('[::1]:5');
  expect(formatEndpoint('127.0.0.1', 5)).toBe('127.0.0.1:5');
});

test('every address survives its way through the bytes', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.integer({ min: 1, max: 65_535 }),
      (host, port) => {
        const peer = address(host, port);
        const learnt = new PeerAddress();
        learnt.learn(words(peer), 0);
        expect(parseIp(learnt.host)).toEqual(parseIp(host));
        expect(learnt.matches(words(peer), 0)).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});
