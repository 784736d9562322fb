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
    organisations: mapValues(config.organisations, organisation => ({
      ...organisation,
      users: countUsers(organisation.users),
    })),
  };
}

function countUsers(users: GatewayConfig['organisations'][string]['users']): object {
  const modes = Object.values(users).map(user => user.recording.mode);
  return {
    total: modes.length,
    always: modes.filter(mode => mode === 'always').length,
    never: modes.filter(mode => mode === 'never').length,
  };
}

function mapValues<T>(record: Readonly<Record<string, T>>, map: (value: T) => unknown): object {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
