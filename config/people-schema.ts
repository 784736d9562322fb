import { z } from 'zod';
import { DEFAULTS } from './defaults';
import {
  dateSchema,
  identitySchema,
  idSchema,
  languageSchema,
  nonEmptySchema,
  platformIdSchema,
  userIdSchema,
} from './leaf-schemas';

/* Who is recorded: organisations, their locations and users. Names are those of the platform where it has them. */

const failureActionSchema = z.enum([
  'proceed',
  'proceed-with-announcement',
  'end-call-with-announcement',
  'compulsory',
]);

const failureOverrideSchema = z.strictObject({
  always: failureActionSchema.exactOptional(),
  onDemand: failureActionSchema.exactOptional(),
});

const complianceSchema = z.strictObject({
  inboundPSTNCallsEnabled: z.boolean().exactOptional(),
  outboundPSTNCallsEnabled: z.boolean().exactOptional(),
  outboundPSTNCallsDelayEnabled: z.boolean().exactOptional(),
  delayInSeconds: z.number().int().min(0).max(60).exactOptional(),
});

/** Either who has accepted the terms and when, or that somebody knows that nobody has. */
const termsSchema = z.strictObject({
  acceptedBy: nonEmptySchema.exactOptional(),
  acceptedAt: dateSchema.exactOptional(),
  notAccepted: z.literal('acknowledged').exactOptional(),
});

const customAudioSchema = z.strictObject({
  start: nonEmptySchema.exactOptional(),
  stop: nonEmptySchema.exactOptional(),
  pause: nonEmptySchema.exactOptional(),
  resume: nonEmptySchema.exactOptional(),
  compliance: nonEmptySchema.exactOptional(),
  failure: nonEmptySchema.exactOptional(),
});

const locationSchema = z.strictObject({
  provider: idSchema.default(DEFAULTS.location.provider),
  region: idSchema.exactOptional(),
  externalGroup: platformIdSchema.exactOptional(),
  language: languageSchema.exactOptional(),
  failureBehaviour: failureOverrideSchema.exactOptional(),
  complianceAnnouncement: complianceSchema.exactOptional(),
});

const userRecordingSchema = z.strictObject({
  enabled: z.boolean().exactOptional(),
  mode: z
    .enum(['never', 'always', 'always-with-pause-resume', 'on-demand', 'on-demand-keep'])
    .default(DEFAULTS.user.mode),
  recordVoicemail: z.boolean().default(DEFAULTS.user.recordVoicemail),
  startStopAnnouncement: z
    .strictObject({
      internalCallsEnabled: z.boolean().default(false),
      pstnCallsEnabled: z.boolean().default(false),
    })
    .prefault({}),
  notification: z.enum(['none', 'beep', 'announcement']).default(DEFAULTS.user.notification),
  reminderTone: z
    .strictObject({
      enabled: z.boolean().default(DEFAULTS.user.reminderToneEnabled),
      intervalS: z.number().int().min(10).max(1800).default(DEFAULTS.user.reminderToneIntervalS),
    })
    .prefault({}),
  apiControl: z.boolean().default(DEFAULTS.user.apiControl),
});

export const userSchema = z.strictObject({
  identities: z.array(identitySchema).min(1).max(64),
  location: idSchema.exactOptional(),
  licence: idSchema.default(DEFAULTS.user.licence),
  recording: userRecordingSchema.prefault({}),
  serviceProvider: platformIdSchema.exactOptional(),
  externalGroup: platformIdSchema.exactOptional(),
  externalIdentifier: platformIdSchema.exactOptional(),
  dubberPlan: z.enum(['go', 'standard', 'ai']).exactOptional(),
});

export const organisationSchema = z.strictObject({
  provider: idSchema.default(DEFAULTS.organisation.provider),
  recordingOff: z.literal('acknowledged').exactOptional(),
  termsOfService: z.record(idSchema, termsSchema).default(() => ({})),
  region: idSchema.exactOptional(),
  serviceProvider: platformIdSchema.exactOptional(),
  externalGroup: platformIdSchema.exactOptional(),
  language: languageSchema.default(DEFAULTS.organisation.language),
  customAudio: customAudioSchema.prefault({}),
  failureBehaviour: z
    .strictObject({
      always: failureActionSchema.default(DEFAULTS.organisation.failureBehaviour),
      onDemand: failureActionSchema.default(DEFAULTS.organisation.failureBehaviour),
    })
    .prefault({}),
  complianceAnnouncement: z
    .strictObject({
      inboundPSTNCallsEnabled: z.boolean().default(false),
      outboundPSTNCallsEnabled: z.boolean().default(false),
      outboundPSTNCallsDelayEnabled: z.boolean().default(false),
      delayInSeconds: z
        .number()
        .int()
        .min(0)
        .max(60)
        .default(DEFAULTS.organisation.complianceDelayS),
    })
    .prefault({}),
  locations: z.record(idSchema, locationSchema).default(() => ({})),
  users: z.record(userIdSchema, userSchema).default(() => ({})),
  usersFile: nonEmptySchema.exactOptional(),
});
