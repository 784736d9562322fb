import { isIP } from 'node:net';
import { type DnsClient, type SrvRecord } from './dns-client';
import {
  type EngineTransport,
  type Resolve,
  type ResolvedAddress,
  type Target,
  type Usable,
} from './types';

/** Addresses that are tried for one request; a name may have any number. */
const MAX_ADDRESSES = 10;
/** SRV records that are looked at; each is a look-up more. */
const MAX_RECORDS = 20;

const FAMILIES = [4, 6] as const;

/** The names of RFC 3263 §4.1 for each transport. */
const SERVICES: Readonly<Record<EngineTransport, { naptr: string; srv: string }>> = {
  udp: { naptr: 'SIP+D2U', srv: '_sip._udp' },
  tcp: { naptr: 'SIP+D2T', srv: '_sip._tcp' },
  tls: { naptr: 'SIPS+D2T', srv: '_sips._tcp' },
};

/** Without a word from DNS, what `sip:` URIs are tried with; TLS is for those who ask for it. */
const GUESSED: readonly EngineTransport[] = ['udp', 'tcp'];

interface Service {
  readonly transport: EngineTransport;
  readonly name: string;
}

/**
 * Locates SIP servers by RFC 3263: NAPTR where the transport is open, SRV where the port is, then the
 * addresses, IPv4 first. What cannot be looked up does not hinder what can.
 * @param random 0 (inclusive) to 1 (exclusive), for the weights of SRV records
 */
export function makeResolve(dns: DnsClient, random: () => number): Resolve {
  return async (target, usable) => {
    const isUsable = (transport: EngineTransport): boolean =>
      FAMILIES.some(family => usable(transport, family));
    const services = await servicesOf(dns, target, isUsable);
    for (const { transport, name } of services) {
      const records = await recordsOf(dns, name);
      if (records.length > 0) {
        const found = await addressesOfAll(dns, transport, orderRecords(records, random), usable);
        if (found.length > 0) {
          return found;
        }
      }
    }
    // RFC 3263 §4.2: no SRV records: the addresses of the name itself, at the default port.
    return (await addressesOf(dns, target.transport, target, usable)).slice(0, MAX_ADDRESSES);
  };
}

async function servicesOf(
  dns: DnsClient,
  { host, transport, lookUp = 'address' }: Target,
  isUsable: (transport: EngineTransport) => boolean,
): Promise<readonly Service[]> {
  // A name of one label is one of this machine or its network; no domain has such records.
  if (lookUp === 'address' || !host.includes('.')) {
    return [];
  }
  const named = (each: EngineTransport): Service => ({
    transport: each,
    name: `${SERVICES[each].srv}.${host}`,
  });
  if (lookUp === 'service') {
    return [named(transport)];
  }
  const { records } = await dns.pointers(host).catch(() => ({ records: [] }));
  const pointed = [...records]
    .sort((a, b) => a.order - b.order || a.preference - b.preference)
    .slice(0, MAX_RECORDS)
    .flatMap(({ service, replacement }) =>
      (Object.keys(SERVICES) as EngineTransport[])
        .filter(each => SERVICES[each].naptr === service && isUsable(each))
        .map(each => ({ transport: each, name: replacement })),
    );
  return pointed.length > 0 ? pointed : GUESSED.filter(isUsable).map(named);
}

async function recordsOf(dns: DnsClient, name: string): Promise<readonly SrvRecord[]> {
  const { records } = await dns.services(name).catch(() => ({ records: [] as SrvRecord[] }));
  // RFC 2782: a lone dot says that the service is decidedly not there.
  return records.filter(record => record.name !== '' && record.name !== '.').slice(0, MAX_RECORDS);
}

/** RFC 2782: lowest priority first; within one, each by chance in proportion to its weight. */
export function orderRecords(
  records: readonly SrvRecord[],
  random: () => number,
): readonly SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  for (const priority of priorities) {
    // Those of weight 0 stand first, so that they are chosen at all, if rarely.
    const left = records
      .filter(record => record.priority === priority)
      .sort((a, b) => a.weight - b.weight);
    while (left.length > 0) {
      const total = left.reduce((sum, { weight }) => sum + weight, 0);
      let chance = Math.floor(random() * (total + 1));
      const at = left.findIndex(({ weight }) => (chance -= weight) <= 0);
      ordered.push(...left.splice(Math.max(0, at), 1));
    }
  }
  return ordered;
}

async function addressesOfAll(
  dns: DnsClient,
  transport: EngineTransport,
  records: readonly SrvRecord[],
  usable: Usable,
): Promise<readonly ResolvedAddress[]> {
  const found = await Promise.all(
    records.map(({ name, port }) =>
      addressesOf(dns, transport, { host: name, port }, usable).catch(() => []),
    ),
  );
  return found.flat().slice(0, MAX_ADDRESSES);
}

async function addressesOf(
  dns: DnsClient,
  transport: EngineTransport,
  { host, port }: { readonly host: string; readonly port: number },
  usable: Usable,
): Promise<readonly ResolvedAddress[]> {
  if (isIP(host) !== 0) {
    return [{ transport, host, port }];
  }
  const families = FAMILIES.filter(family => usable(transport, family));
  const answers = await Promise.allSettled(families.map(family => dns.addresses(host, family)));
  const addresses = answers.flatMap(answer =>
    answer.status === 'fulfilled' ? answer.value.records : [],
  );
  const failed = answers.find(answer => answer.status === 'rejected');
  if (addresses.length === 0 && failed !== undefined) {
    throw failed.reason;
  }
  return addresses.map(address => ({ transport, host: address, port }));
}
