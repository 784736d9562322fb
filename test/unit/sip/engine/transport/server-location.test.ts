import {
  type DnsClient,
  makeResolve,
  orderRecords,
  type ResolvedAddress,
  type Target,
} from '#sip/engine';
import { type SrvRecord } from '../../../../../sip/engine/transport/dns-client';
import { AddressHealth } from '../../../../../sip/engine/transport/address-health';
import { DnsCache } from '../../../../../sip/engine/transport/dns-cache';

interface Zone {
  readonly a?: Readonly<Record<string, readonly string[]>>;
  readonly aaaa?: Readonly<Record<string, readonly string[]>>;
  readonly srv?: Readonly<
    Record<string, readonly { priority: number; weight: number; name: string; port: number }[]>
  >;
  readonly naptr?: Readonly<
    Record<
      string,
      readonly { order: number; preference: number; service: string; replacement: string }[]
    >
  >;
}

/** Names of the zone that are not there fail as a server does that gives no answer. */
function dnsOf(zone: Zone, broken: readonly string[] = []): DnsClient {
  const look = <T>(
    table: Readonly<Record<string, readonly T[]>> | undefined,
    name: string,
  ): Promise<{ records: readonly T[]; ttlS: number }> =>
    broken.includes(name)
      ? Promise.reject(new Error(`no answer for ${name}`))
      : Promise.resolve({ records: table?.[name] ?? [], ttlS: 10 });
  return {
    addresses: (name, family) => look(family === 4 ? zone.a : zone.aaaa, name),
    services: name => look(zone.srv, name),
    pointers: name => look(zone.naptr, name),
  };
}

const ALL = (): boolean => true;

async function resolve(
  zone: Zone,
  target: Target,
  usable: (transport: string, family: 4 | 6) => boolean = ALL,
  broken: readonly string[] = [],
): Promise<readonly string[]> {
  const found = await makeResolve(dnsOf(zone, broken), () => 0)(target, usable);
  return found.map(({ transport, host, port }) => `${transport} ${host} ${port}`);
}

const NAME: Target = { transport: 'udp', host: 'example.com', port: 5060, lookUp: 'any' };

describe('makeResolve', () => {
  test('takes NAPTR by order and preference, for transports that there are listeners for', async () => {
    const zone: Zone = {
      naptr: {
        'example.com': [
          { order: 20, preference: 1, service: 'SIP+D2U', replacement: 'udp.example.com' },
          { order: 10, preference: 2, service: 'SIP+D2T', replacement: 'tcp.example.com' },
          { order: 10, preference: 1, service: 'SIPS+D2T', replacement: 'tls.example.com' },
          { order: 1, preference: 1, service: 'SIP+D2W', replacement: 'ws.example.com' },
        ],
      },
      srv: Object.fromEntries(
        ['udp', 'tcp', 'tls'].map(each => [
          `${each}.example.com`,
          [{ priority: 1, weight: 1, name: '192.0.2.1', port: 7000 }],
        ]),
      ),
    };
    expect(await resolve(zone, NAME)).toEqual(['tls 192.0.2.1 7000']);
    expect(await resolve(zone, NAME, transport => transport !== 'tls')).toEqual([
      'tcp 192.0.2.1 7000',
    ]);
    expect(await resolve(zone, NAME, transport => transport === 'udp')).toEqual([
      'udp 192.0.2.1 7000',
    ]);
  });

  test('goes through the records by priority and each host by its addresses, IPv4 first', async () => {
    const zone: Zone = {
      srv: {
        '_sip._udp.example.com': [
          { priority: 2, weight: 0, name: 'b.example.com', port: 2 },
          { priority: 1, weight: 0, name: 'a.example.com', port: 1 },
        ],
      },
      a: { 'a.example.com': ['192.0.2.1'], 'b.example.com': ['192.0.2.2', '192.0.2.3'] },
      aaaa: { 'a.example.com': ['2001:db8::1'] },
    };
    expect(await resolve(zone, NAME)).toEqual([
      'udp 192.0.2.1 1',
      'udp 2001:db8::1 1',
      'udp 192.0.2.2 2',
      'udp 192.0.2.3 2',
    ]);
    expect(await resolve(zone, NAME, (_, family) => family === 6)).toEqual(['udp 2001:db8::1 1']);
  });

  test.each<[string, Target, readonly string[]]>([
    ['has a port', { ...NAME, lookUp: 'address' }, []],
    ['has no SRV record', NAME, []],
    ['has SRV records that nobody can tell', NAME, ['_sip._udp.example.com', 'example.com#']],
  ])('takes the addresses of a name that %s', async (_, target, broken) => {
    const zone: Zone = { a: { 'example.com': ['192.0.2.9'] } };
    expect(await resolve(zone, target, ALL, broken)).toEqual(['udp 192.0.2.9 5060']);
  });

  test('passes over a service that is decidedly not there (a lone dot) and a host without address', async () => {
    const zone: Zone = {
      srv: {
        '_sip._udp.example.com': [{ priority: 0, weight: 0, name: '', port: 0 }],
        '_sip._tcp.example.com': [
          { priority: 0, weight: 0, name: 'gone.example.com', port: 1 },
          { priority: 1, weight: 0, name: 'here.example.com', port: 2 },
        ],
      },
      a: { 'here.example.com': ['192.0.2.5'] },
    };
    expect(await resolve(zone, NAME, ALL, ['gone.example.com'])).toEqual(['tcp 192.0.2.5 2']);
  });

  test('asks for _sips._tcp with TLS and for no service of a name without a dot', async () => {
    const zone: Zone = {
      srv: { '_sips._tcp.example.com': [{ priority: 0, weight: 0, name: '192.0.2.7', port: 99 }] },
      a: { srs: ['192.0.2.8'] },
    };
    const tls: Target = { ...NAME, transport: 'tls', port: 5061, lookUp: 'service' };
    expect(await resolve(zone, tls)).toEqual(['tls 192.0.2.7 99']);
    expect(await resolve(zone, { ...tls, host: 'srs' })).toEqual(['tls 192.0.2.8 5061']);
  });

  test('fails when there is neither an address nor an answer, and never gives more than ten', async () => {
    await expect(resolve({}, NAME, ALL, ['example.com'])).rejects.toThrow('no answer');
    const many = Array.from({ length: 40 }, (_, i) => `192.0.2.${i}`);
    expect(await resolve({ a: { 'example.com': many } }, NAME)).toHaveLength(10);
  });
});

describe('orderRecords (RFC 2782)', () => {
  const record = (name: string, priority: number, weight: number): SrvRecord => ({
    name,
    priority,
    weight,
    port: 1,
  });

  test('draws within a priority in proportion to the weights', () => {
    const records = [record('a', 1, 75), record('b', 1, 25), record('last', 2, 1000)];
    let firsts = 0;
    for (let i = 0; i < 1000; i++) {
      const ordered = orderRecords(records, () => (i + 0.5) / 1000);
      expect(ordered.at(-1)?.name).toBe('last');
      firsts += ordered[0]?.name === 'a' ? 1 : 0;
    }
    expect(firsts).toBeGreaterThan(700);
    expect(firsts).toBeLessThan(800);
  });

  test('keeps every record, those of weight 0 too', () => {
    const records = [record('a', 1, 0), record('b', 1, 0), record('c', 1, 5)];
    for (const chance of [0, 0.5, 0.999]) {
      const names = orderRecords(records, () => chance).map(({ name }) => name);
      expect([...names].sort()).toEqual(['a', 'b', 'c']);
    }
  });
});

describe('DnsCache', () => {
  test('keeps an answer for its TTL, shares one that is on its way, and forgets a failure', async () => {
    let nowMs = 0;
    let asked = 0;
    let fails = false;
    const client: DnsClient = {
      ...dnsOf({}),
      addresses: () => {
        asked++;
        return fails
          ? Promise.reject(new Error('down'))
          : Promise.resolve({ records: [], ttlS: 5 });
      },
    };
    const cache = new DnsCache(client, () => nowMs);
    await Promise.all([cache.addresses('a', 4), cache.addresses('a', 4)]);
    nowMs = 4999;
    await cache.addresses('a', 4);
    expect(asked).toBe(1);
    nowMs = 5000;
    fails = true;
    await expect(cache.addresses('a', 4)).rejects.toThrow('down');
    fails = false;
    await cache.addresses('a', 4);
    expect(asked).toBe(3);
  });

  test('holds a bounded number of names', async () => {
    let asked = 0;
    const client: DnsClient = {
      ...dnsOf({}),
      services: () => {
        asked++;
        return Promise.resolve({ records: [], ttlS: 100 });
      },
    };
    const cache = new DnsCache(client, () => 0);
    for (let i = 0; i <= 1000; i++) {
      await cache.services(`name-${i}`);
    }
    await cache.services('name-1000');
    expect(asked).toBe(1001);
    await cache.services('name-0');
    expect(asked).toBe(1002);
  });
});

test('an address that has failed comes last until its time is over or it answers', () => {
  let nowMs = 0;
  const health = new AddressHealth(() => nowMs);
  const [a, b]: ResolvedAddress[] = [1, 2].map(port => ({ transport: 'udp', host: 'h', port }));
  const failed = { transport: 'udp', remoteHost: 'h', remotePort: 1 };
  health.noteFailure(failed);
  expect(health.order([a!, b!])).toEqual([b, a]);
  nowMs = 30_000;
  expect(health.order([a!, b!])).toEqual([a, b]);
  health.noteFailure(failed);
  health.noteSuccess(failed);
  expect(health.order([a!, b!])).toEqual([a, b]);
});
