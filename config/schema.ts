import { z } from 'zod';
import { DEFAULTS } from './defaults';
import {
  cidrSchema,
  dnsServerSchema,
  hostSchema,
  idSchema,
  ipSchema,
  listenPortSchema,
  nextHopSchema,
  nonEmptySchema,
  patternSchema,
  peerSchema,
  portSchema,
  secretSchema,
  sipUriSchema,
} from './leaf-schemas';
import {
  apiTokenSchema,
  featureCodesSchema,
  liveSrtpSchema,
  noticesSchema,
  promptsSchema,
  voicemailSchema,
  webhookSchema,
} from './call-schema';
import { organisationSchema } from './people-schema';
import { providerSchema } from './provider-schema';

/*
 * One strict schema: an unknown key is an error. What a single value must look like is here and in
 * leaf-schemas; what values mean to one another is in cross-checks. docs/configuration.md describes each key.
 */

const networkKindSchema = z.enum(['internal', 'pstn']);

const tlsVersionSchema = z.enum(['TLSv1.2', 'TLSv1.3']).default(DEFAULTS.sip.tlsMinVersion);

const listenerTlsSchema = z.strictObject({
  cert: nonEmptySchema,
  key: nonEmptySchema,
  ca: nonEmptySchema.exactOptional(),
  requestClientCert: z
    .enum(['never', 'request', 'require'])
    .default(DEFAULTS.sip.tlsRequestClientCert),
  minVersion: tlsVersionSchema,
});

const clientTlsSchema = z.strictObject({
  ca: nonEmptySchema.exactOptional(),
  cert: nonEmptySchema.exactOptional(),
  key: nonEmptySchema.exactOptional(),
  minVersion: tlsVersionSchema,
  verify: z.boolean().default(DEFAULTS.sip.tlsVerify),
  allowWildcards: z.boolean().default(DEFAULTS.sip.tlsAllowWildcards),
});

const listenerSchema = z.strictObject({
  transport: z.enum(['udp', 'tcp', 'tls']),
  host: ipSchema,
  port: listenPortSchema,
  advertisedHost: ipSchema.exactOptional(),
  advertisedPort: portSchema.exactOptional(),
  tls: listenerTlsSchema.exactOptional(),
});

function limit(
  key: keyof typeof DEFAULTS.sip.limits,
  min: number,
  max: number,
): z.ZodDefault<z.ZodInt> {
  return z.int().min(min).max(max).default(DEFAULTS.sip.limits[key]);
}

/** Bounds of the embedded engine (docs/limits.md). */
const limitsSchema = z.strictObject({
  messageBytes: limit('messageBytes', 1024, 1_048_576),
  headerCount: limit('headerCount', 20, 2000),
  headerLineBytes: limit('headerLineBytes', 256, 65_535),
  uriBytes: limit('uriBytes', 128, 65_535),
  bodyParts: limit('bodyParts', 2, 100),
  connections: limit('connections', 1, 100_000),
  connectionsPerSource: limit('connectionsPerSource', 1, 100_000),
  connectTimeoutMs: limit('connectTimeoutMs', 100, 60_000),
  handshakeTimeoutMs: limit('handshakeTimeoutMs', 100, 60_000),
  firstMessageTimeoutMs: limit('firstMessageTimeoutMs', 1000, 600_000),
  halfMessageTimeoutMs: limit('halfMessageTimeoutMs', 100, 600_000),
  idleTimeoutMs: limit('idleTimeoutMs', 1000, 86_400_000),
  peerBufferBytes: limit('peerBufferBytes', 65_536, 1_073_741_824),
  transactions: limit('transactions', 1, 1_000_000),
  dialogs: limit('dialogs', 1, 1_000_000),
  ringingMs: limit('ringingMs', 1000, 3_600_000),
  shedTransactions: limit('shedTransactions', 1, 1_000_000),
  shedDelayMs: limit('shedDelayMs', 20, 60_000),
  appFrameBytes: limit('appFrameBytes', 65_536, 67_108_864),
  appAuthenticateMs: limit('appAuthenticateMs', 100, 60_000),
  appBusyBytes: limit('appBusyBytes', 65_536, 1_073_741_824),
  appPauseBytes: limit('appPauseBytes', 65_536, 1_073_741_824),
  appBufferBytes: limit('appBufferBytes', 65_536, 1_073_741_824),
  appStallMs: limit('appStallMs', 1000, 600_000),
});

const sipSchema = z.strictObject({
  engine: z.enum(['embedded', 'drachtio']).default(DEFAULTS.sip.engine),
  drachtio: z
    .strictObject({
      host: hostSchema,
      port: portSchema.default(DEFAULTS.sip.drachtioPort),
      secret: secretSchema,
    })
    .exactOptional(),
  listeners: z
    .array(listenerSchema)
    .min(1)
    .max(64)
    .default(() => DEFAULTS.sip.listeners.map(listener => ({ ...listener }))),
  tls: clientTlsSchema
    .extend({
      peers: z
        .record(peerSchema, clientTlsSchema.extend({ serverName: hostSchema.exactOptional() }))
        .default({}),
    })
    .prefault({}),
  dns: z.strictObject({ servers: z.array(dnsServerSchema).max(8).default([]) }).prefault({}),
  redirects: z.enum(['follow', 'pass']).default(DEFAULTS.sip.redirects),
  unknownSources: z.enum(['reject', 'drop']).default(DEFAULTS.sip.unknownSources),
  refer: z.enum(['perform', 'pass']).default(DEFAULTS.sip.refer),
  messages: z.enum(['relay', 'refuse']).default(DEFAULTS.sip.messages),
  otherMedia: z.enum(['refuse', 'pass']).default(DEFAULTS.sip.otherMedia),
  srtp: liveSrtpSchema.prefault({}),
  limits: limitsSchema.prefault({}),
  srtpOnly: z.enum(['reject', 'pass-unanchored']).default(DEFAULTS.sip.srtpOnly),
  answerTimeoutMs: z.number().int().min(500).max(60_000).default(DEFAULTS.sip.answerTimeoutMs),
  sessionExpiresS: z.number().int().min(90).max(86_400).exactOptional(),
  minSessionExpiresS: z.number().int().min(90).max(86_400).default(DEFAULTS.sip.minSessionExpiresS),
  drainRetryAfterS: z.number().int().min(1).max(86_400).default(DEFAULTS.sip.drainRetryAfterS),
  maxCalls: z.number().int().min(1).max(1_000_000).default(DEFAULTS.sip.maxCalls),
  maxNewCallsPerSecond: z.number().int().min(1).max(100_000).exactOptional(),
  drainTimeoutMs: z.number().int().min(0).max(86_400_000).default(DEFAULTS.sip.drainTimeoutMs),
});

const mediaNetworkSchema = z.strictObject({
  bindHost: ipSchema,
  advertisedHost: ipSchema.exactOptional(),
});

const mediaSchema = z.strictObject({
  backend: z.enum(['auto', 'linux', 'dgram']).default(DEFAULTS.media.backend),
  workers: z.number().int().min(1).max(64).default(DEFAULTS.media.workers),
  ports: z
    .strictObject({
      min: z.number().int().min(1024).max(65535).default(DEFAULTS.media.portMin),
      max: z.number().int().min(1024).max(65535).default(DEFAULTS.media.portMax),
    })
    .prefault({}),
  portQuarantineMs: z.number().int().min(0).max(60_000).default(DEFAULTS.media.portQuarantineMs),
  dscp: z.number().int().min(0).max(63).default(DEFAULTS.media.dscp),
  mediaTimeoutS: z.number().int().min(0).max(86_400).default(DEFAULTS.media.mediaTimeoutS),
  ringSeconds: z.number().int().min(1).max(300).default(DEFAULTS.media.ringSeconds),
  anchor: z.enum(['always', 'when-recordable']).default(DEFAULTS.media.anchor),
  networks: z
    .record(idSchema, mediaNetworkSchema)
    .default(() => ({ default: { ...DEFAULTS.media.networks.default } })),
});

const trunkSchema = z.strictObject({
  sources: z.array(cidrSchema).min(1).max(1024),
  kind: networkKindSchema,
  trusted: z.boolean().default(DEFAULTS.trunk.trusted),
  network: idSchema.default(DEFAULTS.trunk.network),
  organisation: idSchema.exactOptional(),
  location: idSchema.exactOptional(),
});

const routeSchema = z.strictObject({
  match: z
    .strictObject({
      user: patternSchema.exactOptional(),
      domain: patternSchema.exactOptional(),
      fromTrunk: idSchema.exactOptional(),
    })
    .prefault({}),
  nextHops: z.array(nextHopSchema).min(1).max(16).exactOptional(),
  requestUri: z.literal(true).exactOptional(),
  kind: networkKindSchema,
  trusted: z.boolean().default(DEFAULTS.route.trusted),
  network: idSchema.default(DEFAULTS.route.network),
  organisation: idSchema.exactOptional(),
  location: idSchema.exactOptional(),
  srtp: z.enum(['never', 'when-caller-does', 'always']).default(DEFAULTS.route.srtp),
  credentials: z
    .strictObject({
      username: nonEmptySchema,
      password: secretSchema,
      realm: nonEmptySchema.exactOptional(),
    })
    .exactOptional(),
  answerTimeoutMs: z.number().int().min(500).max(60_000).exactOptional(),
});

export const configSchema = z.strictObject({
  sip: sipSchema.prefault({}),
  media: mediaSchema.prefault({}),
  trunks: z.record(idSchema, trunkSchema).default(() => ({})),
  routes: z
    .array(routeSchema)
    .max(10_000)
    .default(() => []),
  providers: z.record(idSchema, providerSchema).default(() => ({})),
  organisations: z.record(idSchema, organisationSchema).default(() => ({})),
  recording: z
    .strictObject({
      drainMs: z.number().int().min(0).max(60_000).default(DEFAULTS.recording.drainMs),
      fromUri: sipUriSchema.default(DEFAULTS.recording.fromUri),
      earlyMedia: z.boolean().default(DEFAULTS.recording.earlyMedia),
    })
    .prefault({}),
  featureCodes: featureCodesSchema.prefault({}),
  notices: noticesSchema.prefault({}),
  prompts: promptsSchema.prefault({}),
  voicemail: voicemailSchema.prefault({}),
  webhooks: z
    .array(webhookSchema)
    .max(16)
    .default(() => []),
  overlay: z.strictObject({ file: nonEmptySchema.exactOptional() }).prefault({}),
  ledger: z
    .strictObject({
      file: nonEmptySchema.default(DEFAULTS.ledger.file),
      checkpointIntervalS: z
        .number()
        .int()
        .min(1)
        .max(3600)
        .default(DEFAULTS.ledger.checkpointIntervalS),
      segmentMiB: z.number().int().min(0).max(10_240).default(DEFAULTS.ledger.segmentMiB),
      maxReportedLossPercent: z
        .number()
        .min(0)
        .max(100)
        .default(DEFAULTS.ledger.maxReportedLossPercent),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default(DEFAULTS.log.level),
      file: nonEmptySchema.exactOptional(),
    })
    .prefault({}),
  admin: z
    .strictObject({
      enabled: z.boolean().default(DEFAULTS.admin.enabled),
      host: ipSchema.default(DEFAULTS.admin.host),
      port: listenPortSchema.default(DEFAULTS.admin.port),
      tokens: z
        .array(apiTokenSchema)
        .max(100)
        .default(() => []),
    })
    .prefault({}),
});

/** Readonly all the way down; what loadConfig() freezes. */
export type DeepReadonly<T> = T extends (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;

/** The checked configuration with all defaults filled in. Deep frozen. */
export type GatewayConfig = DeepReadonly<z.output<typeof configSchema>>;
export type SipConfig = GatewayConfig['sip'];
export type ListenerConfig = SipConfig['listeners'][number];
export type MediaConfig = GatewayConfig['media'];
export type TrunkConfig = GatewayConfig['trunks'][string];
export type RouteConfig = GatewayConfig['routes'][number];
export type ProviderConfig = GatewayConfig['providers'][string];
export type OrganisationConfig = GatewayConfig['organisations'][string];
export type LocationConfig = OrganisationConfig['locations'][string];
export type UserConfig = OrganisationConfig['users'][string];
