import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * An address at which others reach somebody who listens on `host`: itself, or for a wildcard the first address of
 * this machine that is not loopback (loopback when there is no other).
 */
export function reachableHost(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') {
    return host;
  }
  const family = isIPv6(host) ? 'IPv6' : 'IPv4';
  const addresses = Object.values(networkInterfaces()).flatMap(entries => entries ?? []);
  const found = addresses.find(entry => entry.family === family && !entry.internal);
  return found?.address ?? (family === 'IPv6' ? '::1' : '127.0.0.1');
}
