import * as path from 'node:path';
import {
  type DirectoryUser,
  type GatewayConfig,
  INHERIT_PROVIDER,
  type LocationConfig,
  NO_PROVIDER,
  type OrganisationConfig,
  RECORDING_LICENCES,
  type UserConfig,
} from '#config';

import {
  type ComplianceAnnouncement,
  type NotRecordedBecause,
  type PlatformIdentity,
  PROMPT_KINDS,
  type UserPolicy,
} from './policy';

/** Puts together what organisation, location and user say: the narrowest wins. */
export function resolveUserPolicy(config: GatewayConfig, found: DirectoryUser): UserPolicy {
  const { organisationId, userId } = found;
  const organisation = config.organisations[organisationId];
  if (organisation === undefined) {
    throw new Error(`there is no organisation ${organisationId}`);
  }
  // Settings may have changed since the directory was built, identities not.
  const user = organisation.users[userId] ?? found.user;
  const location = user.location === undefined ? undefined : organisation.locations[user.location];
  const isOwnProvider = location !== undefined && location.provider !== INHERIT_PROVIDER;
  const provider = isOwnProvider ? location.provider : organisation.provider;
  const providerId = provider === NO_PROVIDER ? null : provider;
  const { recording } = user;
  return {
    userId,
    organisationId,
    locationId: user.location ?? null,
    mode: recording.mode,
    providerId,
    providerFrom: isOwnProvider ? 'location' : 'organisation',
    notRecordedBecause: notRecordedBecause(config, organisation, user, providerId),
    recordVoicemail: recording.recordVoicemail,
    startStopAnnouncement: {
      internalCalls: recording.startStopAnnouncement.internalCallsEnabled,
      pstnCalls: recording.startStopAnnouncement.pstnCallsEnabled,
    },
    notification: recording.notification,
    reminderTone: {
      enabled: recording.reminderTone.enabled,
      intervalMs: recording.reminderTone.intervalS * 1000,
    },
    compliance: complianceOf(organisation, location),
    language: location?.language ?? organisation.language,
    customAudio: Object.fromEntries(
      PROMPT_KINDS.flatMap(kind => {
        const file = organisation.customAudio[kind];
        return file === undefined ? [] : [[kind, path.resolve(file)]];
      }),
    ),
    platform: platformOf({ organisationId, userId, user }, organisation, location),
    failureBehaviour: { ...organisation.failureBehaviour, ...location?.failureBehaviour },
    apiControl: recording.apiControl,
    dubberPlan: user.dubberPlan ?? null,
  };
}

/** Whether the user's recording is switched on: by itself, where the licence includes it. */
export function isRecordingEnabled(user: Pick<UserConfig, 'licence' | 'recording'>): boolean {
  return RECORDING_LICENCES.includes(user.licence) && user.recording.enabled !== false;
}

function notRecordedBecause(
  config: GatewayConfig,
  organisation: OrganisationConfig,
  user: UserConfig,
  providerId: string | null,
): NotRecordedBecause | null {
  if (providerId === null) {
    return 'provider-none';
  }
  if (user.recording.enabled === false) {
    return 'recording-disabled';
  }
  if (!RECORDING_LICENCES.includes(user.licence)) {
    return 'licence';
  }
  if (user.recording.mode === 'never') {
    return 'never';
  }
  const terms = organisation.termsOfService[providerId];
  const isRequired = config.providers[providerId]?.termsOfService === 'required';
  return terms?.notAccepted !== undefined || (isRequired && terms?.acceptedAt === undefined)
    ? 'terms'
    : null;
}

function complianceOf(
  { complianceAnnouncement: own }: OrganisationConfig,
  location: LocationConfig | undefined,
): ComplianceAnnouncement {
  const merged = { ...own, ...location?.complianceAnnouncement };
  return {
    inboundPstn: merged.inboundPSTNCallsEnabled,
    outboundPstn: merged.outboundPSTNCallsEnabled,
    outboundDelayMs: merged.outboundPSTNCallsDelayEnabled ? merged.delayInSeconds * 1000 : null,
  };
}

/** What is not given is derived: the group is the location, the identifier the first address of record. */
function platformOf(
  { organisationId, userId, user }: DirectoryUser,
  organisation: OrganisationConfig,
  location: LocationConfig | undefined,
): PlatformIdentity {
  const serviceProvider = user.serviceProvider ?? organisation.serviceProvider ?? organisationId;
  return {
    serviceProvider,
    externalGroup:
      user.externalGroup ??
      location?.externalGroup ??
      organisation.externalGroup ??
      user.location ??
      serviceProvider,
    externalIdentifier: user.externalIdentifier ?? addressOf(user) ?? userId,
  };
}

/** `alice@example.com` of the first identity that is an address of record. */
function addressOf({ identities }: UserConfig): string | null {
  for (const identity of identities) {
    const address = /^(?:sips?:)?([^@:;]+@[^:;?]+)/i.exec(identity.trim())?.[1];
    if (address !== undefined) {
      return address;
    }
  }
  return null;
}
