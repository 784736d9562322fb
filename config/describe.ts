import { stringify } from 'yaml';
import { type GatewayConfig } from './schema';

/** Stands in for every secret. */
export const MASK = '********';

const SECRET_HEADER = /auth|cookie|key|pass|secret|token/i;

/**
 * The configuration for people: YAML with secrets masked and users counted rather than listed (they may be
 * many, and their numbers are personal).
 */
export function describeConfig(config: GatewayConfig): string {
  return stringify(maskedConfig(config), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The same as plain data, for a log field. */
export function maskedConfig(config: GatewayConfig): Readonly<Record<string, unknown>> {
  const { drachtio } = config.sip;
  return {
    ...config,
    sip: {
      ...config.sip,
      ...(drachtio === undefined ? {} : { drachtio: { ...drachtio, secret: MASK } }),
    },
    providers: mapValues(config.providers, provider => ({
      ...provider,
      signalling: {
        ...provider.signalling,
        extraHeaders: Object.fromEntries(
          Object.entries(provider.signalling.extraHeaders).map(([name, value]) => [
            name,
            SECRET_HEADER.test(name) ? MASK : value,
          ]),
        ),
      },
    })),
    ...(config.prompts.freeswitch === undefined
      ? {}
      : {
          prompts: {
            ...config.prompts,
            freeswitch: { ...config.prompts.freeswitch, secret: MASK },
          },
        }),
    webhooks: config.webhooks.map(webhook => ({ ...webhook, secret: MASK })),
    admin: {
      ...config.admin,
      tokens: config.admin.tokens.map(({ name, scopes }) => ({ name, scopes, token: MASK })),
    },
    organisations: mapValues(config.organisations, organisation => ({
      ...organisation,
      users: countUsers(organisation.users),
    })),
  };
}

function countUsers(users: GatewayConfig['organisations'][string]['users']): object {
  const counts: Record<string, number> = {};
  for (const { recording } of Object.values(users)) {
    counts[recording.mode] = (counts[recording.mode] ?? 0) + 1;
  }
  return { total: Object.keys(users).length, ...counts };
}

function mapValues<T>(record: Readonly<Record<string, T>>, map: (value: T) => unknown): object {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
