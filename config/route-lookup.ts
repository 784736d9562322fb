import { matchesPattern, parsePattern, type PatternToken } from './pattern';
import { type GatewayConfig, type RouteConfig } from './schema';
import { parseSipUri } from './sip-uri';

/** What a route is chosen by. */
export interface RouteQuery {
  /** Request-URI of the INVITE: `sip:`, `sips:` or `tel:`. */
  readonly requestUri: string;
  /** Name of the trunk that the call came from; null: none. */
  readonly fromTrunk: string | null;
}

/** A route and its position in `routes`, which names it in logs. */
export interface RouteMatch {
  readonly index: number;
  readonly route: RouteConfig;
}

interface CompiledRoute extends RouteMatch {
  readonly user: readonly PatternToken[] | null;
  readonly domain: readonly PatternToken[] | null;
}

const compiledRoutes = new WeakMap<GatewayConfig['routes'], readonly CompiledRoute[]>();

/**
 * The first route whose conditions all hold. The user part is compared with percent-escapes resolved; the
 * number of a `tel:` URI counts as user without a domain; domains compare without case and port.
 * @returns null when none matches, and for a URI that cannot be read.
 */
export function matchRoute(
  config: Pick<GatewayConfig, 'routes'>,
  query: RouteQuery,
): RouteMatch | null {
  const called = calledParty(query.requestUri);
  if (called === null) {
    return null;
  }
  const match = compiled(config.routes).find(
    ({ route, user, domain }) =>
      (user === null || matchesPattern(user, called.user)) &&
      (domain === null || matchesPattern(domain, called.domain)) &&
      (route.match.fromTrunk ?? query.fromTrunk) === query.fromTrunk,
  );
  return match === undefined ? null : { index: match.index, route: match.route };
}

function calledParty(requestUri: string): { user: string; domain: string } | null {
  if (/^tel:/i.test(requestUri)) {
    const number = requestUri.slice(4).split(';')[0] ?? '';
    return { user: number.replace(/[-.()]/g, ''), domain: '' };
  }
  const uri = parseSipUri(requestUri);
  return uri === null ? null : { user: decode(uri.user ?? ''), domain: uri.host };
}

function compiled(routes: GatewayConfig['routes']): readonly CompiledRoute[] {
  let entries = compiledRoutes.get(routes);
  if (entries === undefined) {
    entries = routes.map((route, index) => ({
      index,
      route,
      user: tokens(route.match.user),
      domain: tokens(route.match.domain?.toLowerCase()),
    }));
    compiledRoutes.set(routes, entries);
  }
  return entries;
}

function tokens(pattern: string | undefined): readonly PatternToken[] | null {
  const parsed = pattern === undefined ? null : parsePattern(pattern);
  // The schema has refused patterns that do not parse.
  return typeof parsed === 'string' ? null : parsed;
}

function decode(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

const compiledPatterns = new Map<string, readonly PatternToken[] | null>();
/** Patterns are the configuration's: few. The bound is for configurations that are loaded again and again. */
const MAX_COMPILED = 1000;

/** Whether `user@host` of a SIP URI (`number@` of a tel URI) matches a pattern; the host without case and port. */
export function matchesUriPattern(pattern: string, uri: string): boolean {
  const called = calledParty(uri);
  let compiledPattern = compiledPatterns.get(pattern);
  if (compiledPattern === undefined) {
    if (compiledPatterns.size >= MAX_COMPILED) {
      compiledPatterns.clear();
    }
    compiledPattern = tokens(pattern.replace(/@[^@]*$/, host => host.toLowerCase()));
    compiledPatterns.set(pattern, compiledPattern);
  }
  return (
    called !== null &&
    compiledPattern !== null &&
    matchesPattern(compiledPattern, `${called.user}@${called.domain}`)
  );
}
