import { SRTP_SUITES } from '#core';
import { z } from 'zod';
import { DEFAULTS } from './defaults';
import {
  featureCodeSchema,
  hostSchema,
  identitySchema,
  idSchema,
  ipSchema,
  languageSchema,
  nonEmptySchema,
  mailboxPatternSchema,
  portSchema,
  renderedPromptSchema,
  secretSchema,
  sha256Schema,
  sofiaProfileSchema,
  tokenSchema,
  voiceSchema,
  webhookUrlSchema,
} from './leaf-schemas';

/* What is the same for all calls: codes, notices, mailboxes; and who may watch and control from outside. */

export const liveSrtpSchema = z.strictObject({
  accept: z.boolean().default(DEFAULTS.sip.srtpAccept),
  suites: z
    .array(z.enum(SRTP_SUITES))
    .min(1)
    .max(SRTP_SUITES.length)
    .default(() => [...DEFAULTS.sip.srtpSuites]),
});

export const featureCodesSchema = z.strictObject({
  start: featureCodeSchema.default(DEFAULTS.featureCodes.start),
  stop: featureCodeSchema.default(DEFAULTS.featureCodes.stop),
  pause: featureCodeSchema.default(DEFAULTS.featureCodes.pause),
  resume: featureCodeSchema.default(DEFAULTS.featureCodes.resume),
  relay: z.boolean().default(DEFAULTS.featureCodes.relay),
  maxHoldMs: z.number().int().min(100).max(2000).default(DEFAULTS.featureCodes.maxHoldMs),
});

const toneSchema = z.strictObject({
  frequencyHz: z.number().int().min(100).max(3400).default(DEFAULTS.notices.tone.frequencyHz),
  durationMs: z.number().int().min(20).max(5000).default(DEFAULTS.notices.tone.durationMs),
  levelDbm0: z.number().int().min(-60).max(0).default(DEFAULTS.notices.tone.levelDbm0),
  rampMs: z.number().int().min(0).max(500).default(DEFAULTS.notices.tone.rampMs),
});

export const noticesSchema = z.strictObject({
  reminderTone: toneSchema.prefault({}),
  beep: toneSchema.prefault({}),
  duckDb: z.number().int().min(0).max(60).default(DEFAULTS.notices.duckDb),
  codecs: z.enum(['strip', 'skip-notices']).default(DEFAULTS.notices.codecs),
});

const renderedSchema = renderedPromptSchema.exactOptional();

export const promptsSchema = z.strictObject({
  source: z.enum(['packaged', 'freeswitch']).default(DEFAULTS.prompts.source),
  freeswitch: z
    .strictObject({
      host: hostSchema,
      port: portSchema.default(DEFAULTS.prompts.freeswitchPort),
      secret: secretSchema,
      profile: sofiaProfileSchema.default(DEFAULTS.prompts.freeswitchProfile),
      localHost: ipSchema.default(DEFAULTS.prompts.localHost),
      advertisedHost: ipSchema.exactOptional(),
      promptTimeoutS: z.number().int().min(1).max(120).default(DEFAULTS.prompts.promptTimeoutS),
      prompts: z
        .record(
          languageSchema,
          z.strictObject({
            voice: voiceSchema.exactOptional(),
            start: renderedSchema,
            stop: renderedSchema,
            pause: renderedSchema,
            resume: renderedSchema,
            compliance: renderedSchema,
            failure: renderedSchema,
            failureProceed: renderedSchema,
            failureEnd: renderedSchema,
          }),
        )
        .default(() => ({})),
    })
    .exactOptional(),
});

export const voicemailSchema = z.strictObject({
  targets: z
    .array(identitySchema)
    .max(1000)
    .default(() => []),
  patterns: z
    .array(mailboxPatternSchema)
    .max(100)
    .default(() => []),
  redirectCauses: z
    .array(nonEmptySchema)
    .max(32)
    .default(() => []),
});

/** What an API client may do. */
export const TOKEN_SCOPES = ['read', 'control', 'admin'] as const;

/** A client of the API: its token, or better only the hash of it. */
export const apiTokenSchema = z.strictObject({
  name: idSchema,
  scopes: z.array(z.enum(TOKEN_SCOPES)).min(1).max(TOKEN_SCOPES.length),
  sha256: sha256Schema.exactOptional(),
  token: tokenSchema.exactOptional(),
});

/** Beginnings of event names that a webhook can be limited to. */
export const WEBHOOK_EVENTS = [
  'call',
  'recording',
  'notice',
  'control',
  'user',
  'provider',
  'ledger',
] as const;

export const webhookSchema = z.strictObject({
  url: webhookUrlSchema,
  secret: tokenSchema,
  events: z.array(z.enum(WEBHOOK_EVENTS)).min(1).max(WEBHOOK_EVENTS.length).exactOptional(),
});
