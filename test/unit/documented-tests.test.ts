import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const SOURCES = readdirSync(join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.ts'))
  .map(name => readFileSync(join(ROOT, 'test', name), 'utf8'))
  .join('\n');

test('every block that runs on the embedded engine only is named by engine-differences.md', () => {
  const documented = readFileSync(join(ROOT, 'docs', 'engine-differences.md'), 'utf8');
  const blocks = [
    ...SOURCES.matchAll(/\b(?:it|describe)OnEmbedded(?:\.each\([^)]*\))?\(\s*'((?:[^'\\]|\\.)*)'/g),
  ].map(([, name = '']) => name);
  expect(blocks.length).toBeGreaterThan(3);
  // Nothing leaves out a block by another way.
  expect(SOURCES.match(/(?:it|test|describe)\.skip/g)).toBeNull();
  expect(blocks.filter(name => !documented.includes(`\`${name}\``))).toEqual([]);
});

// Their last column names tests, or files.
test.each(['rfc-compliance.md', 'engine-differences.md', 'teardown.md', 'limits.md'])(
  'every test that %s names exists',
  file => {
    const named = readFileSync(join(ROOT, 'docs', file), 'utf8')
      .split('\n')
      .flatMap(line => /\| `([^|]+)` +\|$/.exec(line)?.[1]?.split('`; `') ?? []);
    expect(named.length).toBeGreaterThan(10);
    const exists = (name: string): boolean =>
      /^\w+\/.*\.ts$/.test(name) ? existsSync(join(ROOT, name)) : SOURCES.includes(name);
    expect(named.filter(name => !exists(name))).toEqual([]);
  },
);
