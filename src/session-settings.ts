import { buildUserDirectory, type GatewayConfig, matchRoute, matchTrunk } from '#config';
import { type CallTarget } from '#sip';

import { type CallPolicy, type UserPolicy } from './policy';
import { type ProviderSettings, type RouteSettings, type SessionSettings } from './session';

const POLICY_DEFAULTS: Omit<
  UserPolicy,
  'userId' | 'organisationId' | 'mode' | 'providerId' | 'notRecordedBecause' | 'platform'
> = {
  locationId: null,
  providerFrom: 'organisation',
  recordVoicemail: false,
  startStopAnnouncement: { internalCalls: false, pstnCalls: false },
  notification: 'none',
  reminderTone: { enabled: false, intervalMs: 20_000 },
  compliance: { inboundPstn: false, outboundPstn: false, outboundDelayMs: null },
  language: 'en',
  customAudio: {},
  failureBehaviour: { always: 'proceed', onDemand: 'proceed' },
  apiControl: true,
  dubberPlan: null,
};

const CALL_POLICY: CallPolicy = {
  anchor: 'always',
  recordEarlyMedia: false,
  featureCodes: {
    codes: new Map([
      ['*44', 'start'],
      ['*45', 'stop'],
      ['*48', 'pause'],
      ['*49', 'resume'],
    ]),
    relay: true,
    maxHoldMs: 2000,
  },
  notices: {
    reminderTone: { frequencyHz: 1400, durationMs: 200, levelDbm0: -20, rampMs: 10 },
    beep: { frequencyHz: 1400, durationMs: 200, levelDbm0: -20, rampMs: 10 },
    duckDb: 6,
    codecs: 'strip',
  },
  voicemail: { matchTarget: () => null, matchPattern: () => null, redirectCauses: new Set() },
};

/** Turns the checked configuration into the look-ups that a call needs. */
export function sessionSettings(config: GatewayConfig): SessionSettings {
  const directory = buildUserDirectory(config);
  const providers = new Map<string, ProviderSettings>(
    Object.entries(config.providers).map(([providerId, provider]) => [
      providerId,
      {
        providerId,
        targets: provider.targets,
        profile: provider.signalling,
        answerTimeoutMs: provider.answerTimeoutMs,
        network: provider.network,
        metadataInBye: true,
      },
    ]),
  );
  return {
    findTrunk(sourceHost) {
      const match = matchTrunk(config, sourceHost);
      return match === null
        ? null
        : {
            trunkId: match.name,
            kind: match.trunk.kind,
            trusted: match.trunk.trusted,
            network: match.trunk.network,
          };
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
    findUser(identity): UserPolicy | null {
      const found = directory.find(identity);
      return found === null
        ? null
        : {
            ...POLICY_DEFAULTS,
            userId: found.userId,
            organisationId: found.organisationId,
            mode: found.user.recording.mode,
            providerId: found.providerId,
            notRecordedBecause:
              found.providerId === null
                ? 'provider-none'
                : found.user.recording.mode === 'never'
                  ? 'never'
                  : null,
            platform: {
              serviceProvider: found.organisationId,
              externalGroup: found.organisationId,
              externalIdentifier: found.userId,
            },
          };
    },
    callPolicy: CALL_POLICY,
    findProvider: providerId => providers.get(providerId) ?? null,
    srtpOnly: config.sip.srtpOnly,
    srcUri: config.recording.fromUri,
    drainMs: config.recording.drainMs,
    maxReportedLossRatio: config.ledger.maxReportedLossPercent / 100,
    hangUpOnMediaTimeout: config.media.mediaTimeoutS > 0,
  };
}

function routeSettings(
  index: number,
  route: GatewayConfig['routes'][number],
  requestUri: string,
  defaultAnswerTimeoutMs: number,
): RouteSettings {
  const answerTimeoutMs = route.answerTimeoutMs ?? defaultAnswerTimeoutMs;
  const targets: readonly CallTarget[] =
    route.nextHops === undefined
      ? [{ requestUri, nextHop: null, answerTimeoutMs }]
      : route.nextHops.map(nextHop => ({
          requestUri: readdressed(requestUri, nextHop),
          nextHop,
          answerTimeoutMs,
        }));
  return {
    routeId: `routes[${index}]`,
    kind: route.kind,
    trusted: route.trusted,
    network: route.network,
    targets,
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
