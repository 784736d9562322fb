import { formatSipUri, parseNameAddr, parseSipUri } from '../message';

/** How a request of a dialog is addressed (RFC 3261 §12.2.1.1). */
export interface Addressing {
  readonly requestUri: string;
  /** Values of the Route headers, in order. */
  readonly routes: readonly string[];
  /** The URI that says where the request goes. */
  readonly nextHop: string;
}

/**
 * Applies a route set to a remote target: loose routing, or the strict routing of RFC 2543 proxies when
 * the first route has no `lr` (then the target is the last Route, and the first route the Request-URI).
 */
export function addressBy(routeSet: readonly string[], remoteTarget: string): Addressing {
  const [first, ...rest] = routeSet;
  const firstUri = first === undefined ? null : (parseNameAddr(first)?.uri ?? null);
  if (firstUri === null) {
    return { requestUri: remoteTarget, routes: [], nextHop: remoteTarget };
  }
  const parsed = parseSipUri(firstUri);
  if (parsed === null || parsed.params.has('lr')) {
    return { requestUri: remoteTarget, routes: routeSet, nextHop: firstUri };
  }
  // A Request-URI has neither a method parameter nor headers (§19.1.1).
  const params = new Map(parsed.params);
  params.delete('method');
  return {
    requestUri: formatSipUri({ ...parsed, params, headers: null }),
    routes: [...rest, `<${remoteTarget}>`],
    nextHop: firstUri,
  };
}
