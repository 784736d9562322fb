import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { configWarnings, parseConfig } from '../../../config';
import { ENVIRONMENT, ENVIRONMENT_PREFIX } from '../../../config/environment';
import { allKeys } from '../../../config/schema-walk';
import { TestCa } from '../../support/test-ca';

const DOCUMENTS = ['configuration.md', 'configuration-people.md', 'configuration-providers.md'];

/** First cell (a key in backticks) → last cell of every table row of the documents. */
const ROWS = new Map(
  DOCUMENTS.map(name => readFileSync(path.resolve(__dirname, '../../../docs', name), 'utf8'))
    .join('\n')
    .split('\n')
    .map(line => /^\| `([^`]+)` .*\| ([^|]+?) +\|$/.exec(line))
    .flatMap(match => (match === null ? [] : [[match[1] ?? '', match[2] ?? ''] as const])),
);
const documented = [...ROWS].filter(([key]) => !key.startsWith(ENVIRONMENT_PREFIX));

const ca = new TestCa();
const own = ca.issue([]);

afterAll(() => ca.close());

/** A configuration with one of everything, each with its required keys only. */
const MINIMAL = parseConfig(
  `
sip:
  drachtio: { host: d, secret: s }
  listeners: [{ transport: tls, host: 127.0.0.1, port: 0, tls: { cert: '${own.certPath}', key: '${own.keyPath}' } }]
  tls: { peers: { x: {} } }
media: { networks: { default: { bindHost: 127.0.0.1 } } }
trunks: { x: { sources: [127.0.0.1], kind: pstn } }
routes: [{ requestUri: true, kind: pstn }]
prompts: { freeswitch: { host: f, secret: s, prompts: { en: {} } } }
admin: { tokens: [{ name: t, scopes: [read], token: 'token-of-16-chars' }] }
webhooks: [{ url: 'https://a', secret: 'secret-of-16-chars' }]
providers: { dubber: { profile: custom, targets: ['sips:a'] } }
organisations: { x: { locations: { x: {} }, users: { x: { identities: ['1'] } } } }
`,
  'minimal',
);

/** The value that MINIMAL has at a documented key. */
function valueAt(key: string): unknown {
  return key.split(/\.|(?=\[\])/).reduce<unknown>((value, part) => {
    if (typeof value !== 'object' || value === null) {
      return undefined;
    }
    const isFirst = part === '[]' || part === '<name>';
    return isFirst ? Object.values(value)[0] : (value as Record<string, unknown>)[part];
  }, MINIMAL);
}

describe('docs/configuration.md', () => {
  test('describes exactly the keys of the schema', () => {
    expect(documented.map(([key]) => key).sort()).toEqual(
      // docs/limits.md has those.
      [...allKeys()].filter(key => !key.startsWith('sip.limits.')),
    );
  });

  test.each(
    documented.filter(
      ([, fallback]) => fallback.startsWith('`') && fallback !== '`sip.answerTimeoutMs`',
    ),
  )('tells the default of %s: %s', (key, fallback) => {
    expect(`\`${String(valueAt(key))}\``).toBe(fallback);
  });

  test.each(documented.filter(([, fallback]) => fallback === 'required'))('%s is required', key => {
    expect(valueAt(key)).toBeDefined();
  });

  test('lists exactly the environment variables, each with its key', () => {
    const rows = [...ROWS].filter(([name]) => name.startsWith(ENVIRONMENT_PREFIX));
    const expected = Object.entries(ENVIRONMENT).map(([name, { path: key }]) => [
      ENVIRONMENT_PREFIX + name,
      `\`${key.join('.')}\`${key.includes('*') ? ' (every listener)' : ''}`,
    ]);
    expect(rows).toEqual(expected);
  });
});

describe('README.md', () => {
  const text = readFileSync(path.resolve(__dirname, '../../../README.md'), 'utf8');
  const examples = Array.from(text.matchAll(/^```yaml\n(.*?)^```$/gms), match => match[1] ?? '');

  test('has configuration examples, and each is accepted without warnings', () => {
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(configWarnings(parseConfig(example, 'README.md'))).toEqual([]);
    }
  });
});
