import {
  buildUserDirectory,
  type DirectoryUser,
  type GatewayConfig,
  matchRoute,
  matchTrunk,
  type ProviderConfig,
  type RouteConfig,
  type TrunkConfig,
  type UserDirectory,
} from '#config';
import { type CallTarget } from '#sip';

import { resolveCallPolicy } from './call-policy';
import { type UserPolicy } from './policy';
import {
  type ProviderSettings,
  type RouteSettings,
  type SessionSettings,
  type TrunkSettings,
} from './session';
import { resolveUserPolicy } from './user-policies';

/**
 * Turns the checked configuration into the look-ups that a call needs.
 * @param directory who is behind which identity; one of an earlier configuration with the same users serves, too.
 */
export function sessionSettings(
  config: GatewayConfig,
  directory: UserDirectory = buildUserDirectory(config),
): SessionSettings {
  // Put together when first asked for: most of 100 000 users have no call in the life of a configuration.
  const policies = new Map<DirectoryUser, UserPolicy>();
  const providers = new Map(
    Object.entries(config.providers).map(([providerId, provider]) => [
      providerId,
      providerSettings(providerId, provider, config.sip.engine),
    ]),
  );
  return {
    findTrunk(sourceHost) {
      const match = matchTrunk(config, sourceHost);
      return match === null ? null : trunkSettings(match.name, match.trunk);
    },
    findRoute(invite, trunk) {
      const match = matchRoute(config, {
        requestUri: invite.requestUri,
        fromTrunk: trunk.trunkId,
      });
      return match === null
        ? null
        : routeSettings(match.index, match.route, invite.requestUri, config.sip.answerTimeoutMs);
    },
    findUser(identity, scope): UserPolicy | null {
      const found = directory.find(identity, scope);
      if (found === null) {
        return null;
      }
      let policy = policies.get(found);
      if (policy === undefined) {
        policy = resolveUserPolicy(config, found);
        policies.set(found, policy);
      }
      return policy;
    },
    callPolicy: resolveCallPolicy(config),
    findProvider: providerId => providers.get(providerId) ?? null,
    srtpOnly: config.sip.srtpOnly,
    redirects: config.sip.redirects,
    refer: config.sip.refer,
    otherMedia: config.sip.otherMedia,
    messages: config.sip.messages,
    srtp: config.sip.srtp,
    srcUri: config.recording.fromUri,
    drainMs: config.recording.drainMs,
    maxReportedLossRatio: config.ledger.maxReportedLossPercent / 100,
    hangUpOnMediaTimeout: config.media.mediaTimeoutS > 0,
  };
}

export function trunkSettings(trunkId: string, trunk: TrunkConfig): TrunkSettings {
  const { kind, trusted, network } = trunk;
  return { trunkId, kind, trusted, network, ...scopeOf(trunk) };
}

function routeSettings(
  index: number,
  route: GatewayConfig['routes'][number],
  requestUri: string,
  defaultAnswerTimeoutMs: number,
): RouteSettings {
  const answerTimeoutMs = route.answerTimeoutMs ?? defaultAnswerTimeoutMs;
  const credentials = route.credentials === undefined ? {} : { credentials: route.credentials };
  const targets: readonly CallTarget[] =
    route.nextHops === undefined
      ? [{ requestUri, nextHop: null, answerTimeoutMs, ...credentials }]
      : route.nextHops.map(nextHop => ({
          requestUri: readdressed(requestUri, nextHop),
          nextHop,
          answerTimeoutMs,
          ...credentials,
        }));
  return {
    routeId: `routes[${index}]`,
    kind: route.kind,
    trusted: route.trusted,
    network: route.network,
    targets,
    srtp: route.srtp,
    ...scopeOf(route),
  };
}

function scopeOf({
  organisation,
  location,
}: Pick<RouteConfig, 'organisation' | 'location'>): Pick<RouteSettings, 'scope'> {
  return organisation === undefined
    ? {}
    : { scope: { organisationId: organisation, locationId: location ?? null } };
}

function providerSettings(
  providerId: string,
  provider: ProviderConfig,
  engine: GatewayConfig['sip']['engine'],
): ProviderSettings {
  const { metadataInBye, sessionExpiresS, ...profile } = provider.signalling;
  const { srtp, codecs, dtmf, comfortNoise, pause, labels } = provider.media;
  return {
    providerId,
    targets: provider.targets,
    failover: provider.failover,
    profile,
    answerTimeoutMs: provider.answerTimeoutMs,
    network: provider.network,
    metadataInBye,
    srtp,
    ...(codecs === undefined ? {} : { codecs }),
    dtmf,
    comfortNoise,
    pause,
    labels,
    metadata: provider.metadata,
    // A drachtio-server refreshes nothing, so that a timer would end every recording.
    ...(sessionExpiresS === undefined || engine !== 'embedded' ? {} : { sessionExpiresS }),
  };
}

/**
 * The called user at the next hop: `sip:+1555@gateway;user=phone` to `sip:switch:5080` becomes
 * `sip:+1555@switch:5080;user=phone`. A next hop does not serve the gateway's own address.
 */
export function readdressed(requestUri: string, nextHop: string): string {
  const hop = /^sips?:([^;?]+)/i.exec(nextHop)?.[1] ?? '';
  const tel = /^tel:([^;?]+)/i.exec(requestUri)?.[1];
  if (tel !== undefined) {
    return `sip:${tel}@${hop};user=phone`;
  }
  // A user part may hold ; and ? (RFC 3261 §25.1, user-unreserved), but never @.
  const user = /^sips?:([^@]+)@/i.exec(requestUri)?.[1];
  const isPhone = /;user=phone(;|\?|$)/i.test(requestUri.replace(/^[^@]*@/, ''));
  return `sip:${user === undefined ? '' : `${user}@`}${hop}${isPhone ? ';user=phone' : ''}`;
}
