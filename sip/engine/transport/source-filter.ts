import { BlockList, isIP, isIPv6 } from 'node:net';
import { type SipRequest, tagOf } from '../message';

/** The addresses that may begin something here; null: everybody may. */
export class SourceFilter {
  #known: BlockList | null = null;

  constructor(sources: readonly string[] | null = null) {
    this.set(sources);
  }

  /** @param sources addresses and CIDR blocks, already checked; null: everybody */
  set(sources: readonly string[] | null): void {
    if (sources === null) {
      this.#known = null;
      return;
    }
    const known = new BlockList();
    for (const source of sources) {
      const [address = '', prefix] = source.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      known.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family);
    }
    this.#known = known;
  }

  /**
   * Whether a request from there is looked at. One within a dialog always is: its dialog may be with a next hop or a
   * recorder, wherever they have moved to.
   */
  admits(request: SipRequest, remoteHost: string): boolean {
    if (this.#known === null || tagOf(request.headers.get('to') ?? '') !== null) {
      return true;
    }
    // A dual-stack listener names IPv4 peers by IPv6-mapped addresses; a zone is of this machine alone.
    const host = remoteHost.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
    return isIP(host) !== 0 && this.#known.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
  }
}
