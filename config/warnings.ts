import { runAtOnce, type SlicedWork } from '#core';
import { NO_PROVIDER, RECORDING_LICENCES } from './names';
import { userSchema } from './people-schema';
import { type GatewayConfig, type UserConfig } from './schema';
import { parseSipUri } from './sip-uri';
import { buildUserDirectory, type UserDirectory } from './user-directory';

/**
 * What is allowed but probably not meant, in full sentences. For the log at start and `config check`.
 */
export function configWarnings(config: GatewayConfig): readonly string[] {
  return runAtOnce(findWarnings(config, buildUserDirectory(config)));
}

/** As {@link configWarnings}, with the directory of the very configuration, a user at a time. */
export function* findWarnings(
  config: GatewayConfig,
  directory: UserDirectory,
): SlicedWork<readonly string[]> {
  const ofUsers = yield* lookAtUsers(config);
  return [
    ...warnAboutCalls(config),
    ...warnAboutTls(config),
    ...warnAboutKeys(config),
    ...warnAboutRouteOrder(config),
    ...warnAboutRecording(config, ofUsers.withModes),
    ...warnAboutRing(config),
    ...warnAboutPauses(config),
    ...ofUsers.warnings,
    ...warnAboutTerms(config),
    ...warnAboutRegions(config),
    ...warnAboutExtensions(config, directory),
  ];
}

function warnAboutCalls(config: GatewayConfig): string[] {
  const warnings: string[] = [];
  if (Object.keys(config.trunks).length === 0) {
    warnings.push('No trunk is configured: every call is refused with 403.');
  }
  if (config.routes.length === 0) {
    warnings.push('No route is configured: every call is refused with 404.');
  }
  if (config.sip.engine === 'drachtio') {
    warnings.push('With engine: drachtio the drachtio-server listens; sip.listeners is not used.');
  }
  config.routes.forEach((route, i) => {
    if (route.requestUri === true && route.match.domain === undefined) {
      warnings.push(
        `routes[${i}] follows any Request-URI: callers choose where the gateway sends calls. ` +
          'Limit it by match.domain.',
      );
    }
  });
  return warnings;
}

function warnAboutTls({ sip }: GatewayConfig): string[] {
  const peers = Object.entries(sip.tls.peers).map(([peer, tls]) => ({
    path: `sip.tls.peers.${peer}`,
    tls,
  }));
  return [{ path: 'sip.tls', tls: sip.tls }, ...peers]
    .filter(({ tls }) => !tls.verify)
    .map(
      ({ path }) =>
        `${path}.verify is false: whoever answers is taken for the peer, and can read and change what is sent.`,
    );
}

/** RFC 4568 §7: SDES keys are as secret as the signalling that carries them. */
function warnAboutKeys({ providers, sip }: GatewayConfig): string[] {
  // Calls whose keys come over TLS are likely where the gateway listens for it.
  const areKeysLikely = sip.listeners.some(({ transport }) => transport === 'tls');
  return Object.entries(providers).flatMap(([name, { media, targets }]) => {
    const { policy } = media.srtp;
    const sendsKeys = policy === 'always' || (policy === 'when-live-is-secure' && areKeysLikely);
    return targets
      .filter(({ uri }) => sendsKeys && !isReachedByTls(uri))
      .map(
        ({ uri }) =>
          `providers.${name} sends the SRTP keys of recordings to ${uri} without TLS: ` +
          'whoever sees the signalling can listen to them.',
      );
  });
}

function isReachedByTls(uri: string): boolean {
  const parts = parseSipUri(uri);
  return parts?.scheme === 'sips' || parts?.params['transport']?.toLowerCase() === 'tls';
}

function warnAboutRouteOrder(config: GatewayConfig): string[] {
  const catchAll = config.routes.findIndex(
    ({ match }) =>
      [match.user, match.domain].every(p => p === undefined || p === '*') &&
      match.fromTrunk === undefined,
  );
  return catchAll >= 0 && catchAll < config.routes.length - 1
    ? [`routes[${catchAll}] matches every call: the routes after it are never used.`]
    : [];
}

/** @param withModes organisations of which a user has a mode other than never */
function warnAboutRecording(config: GatewayConfig, withModes: ReadonlySet<string>): string[] {
  const isOff = (name: string): boolean => config.organisations[name]?.provider === NO_PROVIDER;
  const unrecordable = [...withModes]
    .filter(isOff)
    .map(
      name =>
        `organisations.${name} has provider: ${NO_PROVIDER}: its users' recording modes have no effect.`,
    );
  return [...withModes].every(isOff) ? [...unrecordable, 'No user is recorded.'] : unrecordable;
}

function warnAboutRing(config: GatewayConfig): string[] {
  return Object.entries(config.providers).flatMap(([name, { answerTimeoutMs, targets }]) => {
    const longestWaitS = (answerTimeoutMs * targets.length) / 1000;
    return longestWaitS > config.media.ringSeconds
      ? [
          `providers.${name} may take ${longestWaitS} s until its last target answers, but ` +
            `media.ringSeconds keeps only ${config.media.ringSeconds} s: the beginning of a call may be lost.`,
        ]
      : [];
  });
}

/** Encodings of which the media plane can make silence. */
const SILENT_ENCODINGS: readonly string[] = ['PCMU', 'PCMA', 'G722', 'L16'];

function warnAboutPauses(config: GatewayConfig): string[] {
  return Object.entries(config.providers).flatMap(([name, { media }]) => {
    const others = (media.codecs ?? []).filter(codec => !SILENT_ENCODINGS.includes(codec));
    return media.pause === 'silence' && others.length > 0
      ? [
          `providers.${name}.media.pause: no silence can be made in ${others.join(', ')}: pauses of recordings in it ` +
            'are inactive.',
        ]
      : [];
  });
}

/** The platform's own page offers no more. */
const MAX_OFFERED_INTERVAL_S = 90;
/** More users with the same are counted only. */
const MAX_NAMED_USERS = 10;

interface UserFindings {
  /** Organisations of which a user has a mode other than never. */
  readonly withModes: ReadonlySet<string>;
  readonly warnings: readonly string[];
}

function* lookAtUsers(config: GatewayConfig): SlicedWork<UserFindings> {
  const withModes = new Set<string>();
  const ignored: string[] = [];
  const slow: string[] = [];
  for (const [organisationId, { users }] of Object.entries(config.organisations)) {
    for (const userId of Object.keys(users)) {
      const user = users[userId];
      if (user === undefined) {
        continue;
      }
      yield;
      if (user.recording.mode !== 'never') {
        withModes.add(organisationId);
      }
      if (!isEnabled(user) && hasSettings(user)) {
        ignored.push(`organisations.${organisationId}.users.${userId}`);
      }
      if (user.recording.reminderTone.intervalS > MAX_OFFERED_INTERVAL_S) {
        slow.push(`organisations.${organisationId}.users.${userId}`);
      }
    }
  }
  const warnings = [
    ...about(ignored, 'recording is disabled, so its recording settings are ignored'),
    ...about(
      slow,
      "the reminder tone's interval is above the 10 to 90 s that the platform's own page offers",
    ),
  ];
  return { withModes, warnings };
}

function about(names: readonly string[], what: string): string[] {
  const more = names.length - MAX_NAMED_USERS;
  return [
    ...names.slice(0, MAX_NAMED_USERS).map(name => `${name}: ${what}.`),
    ...(more > 0 ? [`${more} more users: ${what}.`] : []),
  ];
}

function isEnabled(user: UserConfig): boolean {
  return RECORDING_LICENCES.includes(user.licence) && user.recording.enabled !== false;
}

let untouched: string | null = null;

function hasSettings({ recording }: UserConfig): boolean {
  untouched ??= JSON.stringify(userSchema.parse({ identities: ['1'] }).recording);
  const settings = Object.fromEntries(
    Object.entries(recording).filter(([key]) => key !== 'enabled'),
  );
  return JSON.stringify(settings) !== untouched;
}

function warnAboutTerms(config: GatewayConfig): string[] {
  return Object.entries(config.organisations).flatMap(([name, { termsOfService }]) =>
    Object.entries(termsOfService).flatMap(([provider, { notAccepted }]) =>
      notAccepted === undefined
        ? []
        : [
            `organisations.${name}: the terms of service of ${provider} are not accepted: calls that would be recorded there ` +
              'are not, and each is told by a metric and a webhook.',
          ],
    ),
  );
}

function warnAboutRegions(config: GatewayConfig): string[] {
  return Object.entries(config.organisations).flatMap(([name, organisation]) => {
    const regions = config.providers[organisation.provider]?.regions;
    return regions === undefined || organisation.region !== undefined
      ? []
      : [
          `organisations.${name} has no region: nobody can tell whether ${organisation.provider} ` +
            `(${regions.join(', ')}) records there.`,
        ];
  });
}

function warnAboutExtensions(config: GatewayConfig, { sharedExtensions }: UserDirectory): string[] {
  const open = [
    ...Object.entries(config.trunks)
      .filter(([, { organisation }]) => organisation === undefined)
      .map(([name]) => `trunks.${name}`),
  ];
  return sharedExtensions === 0 || open.length === 0
    ? []
    : [
        `${sharedExtensions} extensions belong to several users: calls of ${open.join(', ')} find none of them without ` +
          'organisation (and location).',
      ];
}
