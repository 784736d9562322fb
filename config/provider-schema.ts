import { SRTP_SUITES } from '#core';
import { z } from 'zod';
import { DEFAULTS } from './defaults';
import {
  encodingSchema,
  headerNameSchema,
  headerValueSchema,
  hostSchema,
  idSchema,
  labelSchema,
  nonEmptySchema,
  srsTargetSchema,
} from './leaf-schemas';

/*
 * The recorders. What a provider leaves out comes from its profile (config/providers/*.yaml), then from the defaults;
 * see profiles.ts.
 */

const whole = (min: number, max: number): z.ZodNumber => z.number().int().min(min).max(max);

/** An SRS, and what RFC 2782 says about choosing. A URI alone is completed by profiles.ts. */
const targetSchema = z.strictObject({
  uri: srsTargetSchema,
  priority: whole(0, 65_535),
  weight: whole(0, 65_535).default(DEFAULTS.provider.targetWeight),
});

const signallingSchema = z.strictObject({
  requireSiprec: z.boolean().default(DEFAULTS.provider.requireSiprec),
  contactTag: z.enum(['+sip.src', 'src']).default(DEFAULTS.provider.contactTag),
  metadataType: z
    .enum(['application/rs-metadata+xml', 'application/rs-metadata'])
    .default(DEFAULTS.provider.metadataType),
  partOrder: z.enum(['sdp-first', 'metadata-first']).default(DEFAULTS.provider.partOrder),
  extraHeaders: z.record(headerNameSchema, headerValueSchema).default(() => ({})),
  metadataInBye: z.boolean().default(DEFAULTS.provider.metadataInBye),
  sessionExpiresS: whole(90, 86_400).exactOptional(),
});

const metadataSchema = z.strictObject({
  dialect: z.enum(['rfc7865', 'broadworks']).default(DEFAULTS.provider.dialect),
  schemaVersion: z.enum(['1.0', '2.0', '3.0']).default(DEFAULTS.provider.schemaVersion),
  updates: z.enum(['partial', 'complete']).exactOptional(),
  reportEvents: z.boolean().default(DEFAULTS.provider.reportEvents),
  displayNames: z.boolean().default(DEFAULTS.provider.displayNames),
});

const providerMediaSchema = z.strictObject({
  srtp: z
    .strictObject({
      policy: z
        .enum(['never', 'when-live-is-secure', 'always'])
        .default(DEFAULTS.provider.srtpPolicy),
      suites: z
        .array(z.enum(SRTP_SUITES))
        .min(1)
        .max(SRTP_SUITES.length)
        .default(() => [...DEFAULTS.provider.srtpSuites]),
      allowLessProtected: z.boolean().default(DEFAULTS.provider.srtpAllowLessProtected),
    })
    .prefault({}),
  codecs: z.array(encodingSchema).min(1).max(32).exactOptional(),
  dtmf: z.enum(['pass', 'drop']).default(DEFAULTS.provider.dtmf),
  comfortNoise: z.enum(['pass', 'drop']).default(DEFAULTS.provider.comfortNoise),
  pause: z.enum(['inactive', 'silence']).default(DEFAULTS.provider.pause),
  labels: z
    .strictObject({
      recordedParty: labelSchema.default(DEFAULTS.provider.recordedPartyLabel),
      otherParties: labelSchema.default(DEFAULTS.provider.otherPartiesLabel),
    })
    .prefault({}),
});

const failoverSchema = z.strictObject({
  maxResponseWaitMs: whole(50, 10_000).default(DEFAULTS.provider.maxResponseWaitMs),
  optionsIntervalMs: whole(0, 300_000).default(DEFAULTS.provider.optionsIntervalMs),
  optionsDeadlineMs: whole(100, 32_000).default(DEFAULTS.provider.optionsDeadlineMs),
  rtcpSilenceMs: whole(0, 300_000).default(DEFAULTS.provider.rtcpSilenceMs),
  overlapMs: whole(0, 60_000).default(DEFAULTS.provider.overlapMs),
});

const providerTlsSchema = z.strictObject({
  ca: nonEmptySchema.exactOptional(),
  cert: nonEmptySchema.exactOptional(),
  key: nonEmptySchema.exactOptional(),
  serverName: hostSchema.exactOptional(),
  minVersion: z.enum(['TLSv1.2', 'TLSv1.3']).default(DEFAULTS.sip.tlsMinVersion),
  allowWildcards: z.boolean().exactOptional(),
});

export const providerSchema = z.strictObject({
  profile: idSchema.default(DEFAULTS.provider.profile),
  targets: z.array(targetSchema).min(1).max(16),
  regions: z.array(idSchema).min(1).max(64).exactOptional(),
  termsOfService: z.enum(['required', 'none']).default(DEFAULTS.provider.termsOfService),
  answerTimeoutMs: whole(50, 32_000).default(DEFAULTS.provider.answerTimeoutMs),
  network: idSchema.default(DEFAULTS.provider.network),
  tls: providerTlsSchema.exactOptional(),
  signalling: signallingSchema.prefault({}),
  metadata: metadataSchema.prefault({}),
  media: providerMediaSchema.prefault({}),
  failover: failoverSchema.prefault({}),
});
