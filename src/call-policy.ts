import { type GatewayConfig, identityKeys, matchesUriPattern } from '#config';

import { type CallPolicy, type ControlAction } from './policy';

const ACTIONS = ['start', 'stop', 'pause', 'resume'] as const satisfies readonly ControlAction[];

/** What is the same for all calls, from the checked configuration. */
export function resolveCallPolicy(config: GatewayConfig): CallPolicy {
  const { featureCodes, notices, voicemail } = config;
  const mailboxes = new Map(
    voicemail.targets.flatMap(target => identityKeys(target).map(key => [key, target] as const)),
  );
  return {
    anchor: config.media.anchor,
    recordEarlyMedia: config.recording.earlyMedia,
    featureCodes: {
      codes: new Map(
        ACTIONS.filter(action => featureCodes[action] !== 'none').map(action => [
          featureCodes[action],
          action,
        ]),
      ),
      relay: featureCodes.relay,
      maxHoldMs: featureCodes.maxHoldMs,
    },
    notices,
    voicemail: {
      matchTarget(uri) {
        const key = identityKeys(uri).find(each => mailboxes.has(each));
        return key === undefined ? null : (mailboxes.get(key) ?? null);
      },
      matchPattern: uri =>
        voicemail.patterns.find(pattern => matchesUriPattern(pattern, uri)) ?? null,
      redirectCauses: new Set(voicemail.redirectCauses.map(cause => cause.toLowerCase())),
    },
  };
}
