import { type ResolvedAddress } from './types';

/** How long an address that has failed comes after those that have not. */
const PENALTY_MS = 30_000;
const MAX_ENTRIES = 1000;

/** Which addresses have failed of late, so that a name's next request begins with another one. */
export class AddressHealth {
  readonly #nowMs: () => number;
  readonly #failedUntilMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  noteFailure(route: RemoteEnd): void {
    const key = keyOf(route.transport, route.remoteHost, route.remotePort);
    this.#failedUntilMs.delete(key);
    if (this.#failedUntilMs.size >= MAX_ENTRIES) {
      const [oldest] = this.#failedUntilMs.keys();
      this.#failedUntilMs.delete(oldest ?? '');
    }
    this.#failedUntilMs.set(key, this.#nowMs() + PENALTY_MS);
  }

  noteSuccess(route: RemoteEnd): void {
    if (this.#failedUntilMs.size > 0) {
      this.#failedUntilMs.delete(keyOf(route.transport, route.remoteHost, route.remotePort));
    }
  }

  /** The same addresses; those that have failed of late come last. */
  order(addresses: readonly ResolvedAddress[]): readonly ResolvedAddress[] {
    if (this.#failedUntilMs.size === 0) {
      return addresses;
    }
    const isBad = ({ transport, host, port }: ResolvedAddress): boolean =>
      (this.#failedUntilMs.get(keyOf(transport, host, port)) ?? 0) > this.#nowMs();
    return [...addresses.filter(each => !isBad(each)), ...addresses.filter(isBad)];
  }
}

interface RemoteEnd {
  readonly transport: string;
  readonly remoteHost: string;
  readonly remotePort: number;
}

function keyOf(transport: string, host: string, port: number): string {
  return `${transport}|${host}|${port}`;
}
