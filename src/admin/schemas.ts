import { MAX_PARTICIPANTS } from '../session';

/** JSON schemas of what the API takes and gives; Fastify checks requests with them, OpenAPI shows them. */

const text = { type: 'string' } as const;
const textOrNull = { type: ['string', 'null'] } as const;
const timeOrNull = {
  type: ['number', 'null'],
  description: 'milliseconds since the epoch',
} as const;
const time = { type: 'number', description: 'milliseconds since the epoch' } as const;
const texts = { type: 'array', items: text } as const;

/** Fields are only ever added. */
const open = { additionalProperties: true } as const;

export const ACTIONS = ['start', 'stop', 'pause', 'resume'] as const;

const notice = {
  type: 'object',
  ...open,
  properties: {
    kind: text,
    startedAtMs: timeOrNull,
    endedAtMs: timeOrNull,
    heardBy: texts,
  },
} as const;

const recording = {
  type: 'object',
  ...open,
  properties: {
    recordingId: { ...textOrNull, description: 'null before the first one (on demand)' },
    userId: text,
    organisationId: text,
    providerId: text,
    role: { type: 'string', enum: ['caller', 'callee'] },
    mode: {
      type: 'string',
      enum: ['never', 'always', 'always-with-pause-resume', 'on-demand', 'on-demand-keep'],
    },
    phase: { ...text, description: 'what policy wants now' },
    keep: { type: 'string', enum: ['kept', 'undecided', 'discarded'] },
    session: { ...textOrNull, description: 'state of the recording session; null: there is none' },
    startedAtMs: timeOrNull,
    actions: { type: 'array', items: { type: 'string', enum: ACTIONS } },
    notices: { type: 'array', items: notice },
  },
} as const;

const party = {
  type: 'object',
  ...open,
  properties: {
    aor: text,
    displayName: textOrNull,
    kind: { type: 'string', enum: ['internal', 'pstn'] },
    userId: textOrNull,
    levelDbfs: { type: ['number', 'null'], description: 'null while nobody watches' },
    participants: {
      type: ['array', 'null'],
      description: 'everybody on that side, as a switch has told; null: the party alone',
      items: {
        type: 'object',
        ...open,
        properties: { aor: text, displayName: textOrNull },
      },
    },
  },
} as const;

export const call = {
  type: 'object',
  ...open,
  properties: {
    callId: text,
    sipCallId: text,
    state: { type: 'string', enum: ['ringing', 'answered', 'ending'] },
    arrivedAtMs: time,
    answeredAtMs: timeOrNull,
    trunkId: text,
    routeId: text,
    isAnchored: { type: 'boolean', description: 'whether its media passes through the gateway' },
    parties: { type: 'object', properties: { caller: party, callee: party } },
    recordings: { type: 'array', items: recording },
  },
} as const;

export const calls = {
  type: 'object',
  properties: {
    total: { type: 'integer', description: 'calls in progress, also those that are left out' },
    calls: { type: 'array', items: call },
  },
} as const;

export const recordings = {
  type: 'object',
  properties: {
    total: { type: 'integer' },
    recordings: {
      type: 'array',
      items: { ...recording, properties: { callId: text, ...recording.properties } },
    },
  },
} as const;

export const problem = {
  type: 'object',
  ...open,
  properties: { error: text, problems: texts },
  required: ['error'],
} as const;

export const callParams = {
  type: 'object',
  properties: { callId: { type: 'string', minLength: 1, maxLength: 64 } },
  required: ['callId'],
} as const;

export const controlBody = {
  type: 'object',
  additionalProperties: false,
  properties: {
    action: { type: 'string', enum: ACTIONS },
    recordingId: {
      type: 'string',
      maxLength: 64,
      description: 'default: every recording of the call',
    },
    userId: { type: 'string', maxLength: 256 },
  },
  required: ['action'],
} as const;

export const controlAnswer = {
  type: 'object',
  properties: {
    outcome: { ...text, description: '`done`, or `unchanged` when it was so already' },
  },
  required: ['outcome'],
} as const;

export const participantsBody = {
  type: 'object',
  additionalProperties: false,
  properties: {
    userId: {
      type: 'string',
      maxLength: 256,
      description: 'whose recording it concerns; default: every recording of the call',
    },
    participants: {
      type: 'array',
      minItems: 0,
      maxItems: MAX_PARTICIPANTS,
      description: 'who is on the other side now: all of them, not only those who are new',
      items: {
        type: 'object',
        additionalProperties: false,
        properties: {
          aor: {
            type: 'string',
            minLength: 1,
            maxLength: 512,
            pattern: '^(sips?|tel):[^\\s<>"]+$',
          },
          displayName: { type: ['string', 'null'], maxLength: 256 },
        },
        required: ['aor'],
      },
    },
  },
  required: ['participants'],
} as const;

export const providers = {
  type: 'object',
  properties: {
    providers: {
      type: 'array',
      items: {
        type: 'object',
        ...open,
        properties: {
          providerId: text,
          state: { type: 'string', enum: ['up', 'down', 'unknown'] },
          targets: texts,
          deadTargets: { ...texts, description: 'those that do not answer at the moment' },
          openRecordings: { type: 'integer' },
          lastSuccessAtMs: timeOrNull,
          lastFailureAtMs: timeOrNull,
          lastFailure: textOrNull,
        },
      },
    },
  },
} as const;

export const user = {
  type: 'object',
  ...open,
  properties: {
    userId: text,
    organisationId: text,
    locationId: textOrNull,
    identities: texts,
    mode: text,
    providerId: textOrNull,
    notRecordedBecause: textOrNull,
    recording: {
      type: 'object',
      ...open,
      description: 'as in force, by the names of docs/configuration.md',
    },
  },
} as const;

export const users = {
  type: 'object',
  properties: {
    users: { type: 'array', items: user },
    next: { ...textOrNull, description: '`after` of the next page; null: this was the last one' },
  },
} as const;

export const platform = {
  type: 'object',
  properties: { serviceProvider: text, externalGroup: text, externalIdentifier: text },
} as const;
