import { lookup, Resolver } from 'node:dns';

/** An SRV record (RFC 2782). */
export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly name: string;
  readonly port: number;
}

/** A NAPTR record whose replacement is the name of SRV records (RFC 3263 §4.1, flag `s`). */
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  /** Upper case, e.g. `SIP+D2T`. */
  readonly service: string;
  readonly replacement: string;
}

export interface Answer<T> {
  /** Empty: there is no such record. */
  readonly records: readonly T[];
  /** How long the answer holds, s. */
  readonly ttlS: number;
}

/** What RFC 3263 asks of DNS. Rejects when no server gave an answer. */
export interface DnsClient {
  addresses(name: string, family: 4 | 6): Promise<Answer<string>>;
  services(name: string): Promise<Answer<SrvRecord>>;
  pointers(name: string): Promise<Answer<NaptrRecord>>;
}

/** Node.js does not tell the TTL of these; and what is not there may soon be. */
const SERVICE_TTL_S = 60;
const SYSTEM_TTL_S = 30;
const NEGATIVE_TTL_S = 5;
const QUERY_TIMEOUT_MS = 2000;
const QUERY_TRIES = 2;

const NOT_THERE = new Set(['ENODATA', 'ENOTFOUND', 'NOTFOUND']);

/**
 * The DNS of this machine, or the servers given (`address` or `address:port`). A name without a dot, and an
 * address that DNS does not have, is looked up by the system, which knows its hosts file and search domains.
 */
export function systemDns(servers: readonly string[] = []): DnsClient {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  if (servers.length > 0) {
    resolver.setServers(servers);
  }
  return {
    async addresses(name, family) {
      if (!name.includes('.')) {
        return askSystem(name, family);
      }
      const found = await ask<{ address: string; ttl: number }>(callback =>
        family === 6
          ? resolver.resolve6(name, { ttl: true }, callback)
          : resolver.resolve4(name, { ttl: true }, callback),
      ).catch((error: unknown) => error);
      if (Array.isArray(found) && found.length > 0) {
        const records = found as readonly { address: string; ttl: number }[];
        return {
          records: records.map(({ address }) => address),
          ttlS: Math.min(...records.map(({ ttl }) => ttl)),
        };
      }
      const known = await askSystem(name, family);
      if (known.records.length === 0 && found instanceof Error) {
        throw found;
      }
      return known;
    },
    async services(name) {
      const found = await ask<SrvRecord>(callback => resolver.resolveSrv(name, callback));
      return answer(found);
    },
    async pointers(name) {
      const found = await ask<{
        flags: string;
        service: string;
        replacement: string;
        order: number;
        preference: number;
      }>(callback => resolver.resolveNaptr(name, callback));
      return answer(
        found
          .filter(({ flags }) => flags.toLowerCase() === 's')
          .map(({ order, preference, service, replacement }) => ({
            order,
            preference,
            service: service.toUpperCase(),
            replacement,
          })),
      );
    },
  };
}

function answer<T>(records: readonly T[]): Answer<T> {
  return { records, ttlS: records.length > 0 ? SERVICE_TTL_S : NEGATIVE_TTL_S };
}

/** @returns empty when the name has no such record */
function ask<T>(
  query: (callback: (error: NodeJS.ErrnoException | null, records: T[]) => void) => void,
): Promise<readonly T[]> {
  return new Promise((resolve, reject) => {
    query((error, records) => {
      if (error === null) {
        resolve(records);
      } else if (NOT_THERE.has(error.code ?? '')) {
        resolve([]);
      } else {
        reject(error);
      }
    });
  });
}

function askSystem(name: string, family: 4 | 6): Promise<Answer<string>> {
  return new Promise(resolve => {
    lookup(name, { all: true, family }, (error, found) => {
      const records = error === null ? found.map(({ address }) => address) : [];
      resolve({ records, ttlS: records.length > 0 ? SYSTEM_TTL_S : NEGATIVE_TTL_S });
    });
  });
}
