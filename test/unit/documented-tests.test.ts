import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const SOURCES = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts'))
  .map(name => readFileSync(join(ROOT, 'test', name), 'utf8'))
  .join('\n');

// Their last column names tests.
test.each(['rfc-compliance.md', 'engine-differences.md'])(
  'every test that %s names exists',
  file => {
    const named = readFileSync(join(ROOT, 'docs', file), 'utf8')
      .split('\n')
      .flatMap(line => /\| `([^|]+)` +\|$/.exec(line)?.[1] ?? []);
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter(name => !SOURCES.includes(name))).toEqual([]);
  },
);
