import { type ConfigOverlay } from '../scenario';
import { addressOf, ALICE, HOST, type PhoneSpec, type Places } from './places';

/** The configuration of a stage, as an operator would write it: alice is recorded, everybody is reached by name. */
export function stageConfig(
  phones: readonly PhoneSpec[],
  places: Places,
  overlay: ConfigOverlay,
): string {
  const base = {
    sip: {
      listeners: [
        { transport: 'udp', host: HOST, port: 0 },
        { transport: 'tcp', host: HOST, port: 0 },
      ],
    },
    media: { networks: { default: { bindHost: HOST } } },
    trunks: { phones: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    routes: phones.map(({ party, kind = 'internal' }) => ({
      match: { user: party.name },
      nextHops: [places.nextHops[party.name]],
      kind,
      trusted: true,
    })),
    providers: {
      lab: { targets: places.srsUris.map((uri, priority) => ({ uri, priority })) },
    },
    organisations: {
      demo: {
        provider: 'lab',
        users: {
          alice: { identities: [addressOf(ALICE)], recording: { mode: 'always' } },
        },
      },
    },
    ledger: { file: `${places.outDir}/ledger.jsonl` },
    admin: {
      host: HOST,
      port: 0,
      tokens: [{ name: 'demo', scopes: ['read', 'control'], token: places.credentials.apiToken }],
    },
    webhooks: [{ url: places.credentials.webhookUrl, secret: places.credentials.webhookSecret }],
  };
  // YAML takes JSON.
  return JSON.stringify(merged(base, overlay));
}

/** Settings of a user of the stage's organisation. */
export function recordedUsers(
  users: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): ConfigOverlay {
  const entries = Object.entries(users).map(([name, recording]) => [
    name,
    { identities: [`sip:${name}@${HOST}`], recording },
  ]);
  return { organisations: { demo: { users: Object.fromEntries(entries) as object } } };
}

/** `over` laid over `base`: objects are merged key by key, everything else is replaced. Pure. */
export function merged(base: unknown, over: unknown): unknown {
  if (!isObject(base) || !isObject(over)) {
    return over === undefined ? base : over;
  }
  const keys = [...new Set([...Object.keys(base), ...Object.keys(over)])];
  return Object.fromEntries(keys.map(key => [key, merged(base[key], over[key])]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
