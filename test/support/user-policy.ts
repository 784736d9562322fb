import { type CallPolicy, type UserPolicy } from '../../src/policy';

/** A user of `org` who is always recorded by `lab`, silently, changed by `more`. */
export function userPolicy(userId: string, more: Partial<UserPolicy> = {}): UserPolicy {
  return {
    userId,
    organisationId: 'org',
    locationId: null,
    mode: 'always',
    providerId: 'lab',
    providerFrom: 'organisation',
    notRecordedBecause: null,
    recordVoicemail: false,
    startStopAnnouncement: { internalCalls: false, pstnCalls: false },
    notification: 'none',
    reminderTone: { enabled: false, intervalMs: 20_000 },
    compliance: { inboundPstn: false, outboundPstn: false, outboundDelayMs: null },
    language: 'en',
    customAudio: {},
    platform: { serviceProvider: 'org', externalGroup: 'org', externalIdentifier: userId },
    failureBehaviour: { always: 'proceed', onDemand: 'proceed' },
    apiControl: true,
    dubberPlan: null,
    ...more,
  };
}

/** The rules of all calls as the product ships them, without any mailbox. */
export function callPolicy(more: Partial<CallPolicy> = {}): CallPolicy {
  const tone = { frequencyHz: 1400, durationMs: 200, levelDbm0: -20, rampMs: 10 };
  return {
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
    notices: { reminderTone: tone, beep: tone, duckDb: 6, codecs: 'strip' },
    voicemail: { matchTarget: () => null, matchPattern: () => null, redirectCauses: new Set() },
    ...more,
  };
}
