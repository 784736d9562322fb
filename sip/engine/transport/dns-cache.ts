import { type Answer, type DnsClient, type NaptrRecord, type SrvRecord } from './dns-client';

const MAX_ENTRIES = 1000;
/** An answer is kept for its TTL within these, s: no name is asked for with each call, none lasts for ever. */
const MIN_TTL_S = 1;
const MAX_TTL_S = 3600;

interface Entry {
  readonly answer: Promise<Answer<unknown>>;
  /** Infinity while the answer is on its way. */
  untilMs: number;
}

/** Keeps answers for their TTL; the same question asked again meanwhile waits for the same answer. */
export class DnsCache implements DnsClient {
  readonly #client: DnsClient;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();

  constructor(client: DnsClient, nowMs: () => number) {
    this.#client = client;
    this.#nowMs = nowMs;
  }

  addresses(name: string, family: 4 | 6): Promise<Answer<string>> {
    return this.#ask(`A${family}|${name}`, () => this.#client.addresses(name, family));
  }

  services(name: string): Promise<Answer<SrvRecord>> {
    return this.#ask(`SRV|${name}`, () => this.#client.services(name));
  }

  pointers(name: string): Promise<Answer<NaptrRecord>> {
    return this.#ask(`NAPTR|${name}`, () => this.#client.pointers(name));
  }

  #ask<T>(key: string, query: () => Promise<Answer<T>>): Promise<Answer<T>> {
    const known = this.#entries.get(key);
    if (known !== undefined && this.#nowMs() < known.untilMs) {
      return known.answer as Promise<Answer<T>>;
    }
    this.#entries.delete(key);
    if (this.#entries.size >= MAX_ENTRIES) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest ?? '');
    }
    const answer = query();
    const entry: Entry = { answer, untilMs: Infinity };
    this.#entries.set(key, entry);
    answer.then(
      ({ ttlS }) => {
        entry.untilMs = this.#nowMs() + Math.min(Math.max(ttlS, MIN_TTL_S), MAX_TTL_S) * 1000;
      },
      // No answer at all is not remembered.
      () => {
        if (this.#entries.get(key) === entry) {
          this.#entries.delete(key);
        }
      },
    );
    return answer;
  }
}
