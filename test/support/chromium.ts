import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { type BrowserContext, chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const START_DEADLINE_MS = 60_000;

/** A real browser without a window, with a profile that goes with it. */
export interface Browser {
  readonly page: Page;
  /** What pages have logged as errors, uncaught ones included. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

export const CHROMIUM_INSTALL_HINT =
  'Chromium is missing: install it with `apt-get install chromium` (Debian)';

/**
 * `describe` for suites that need a browser. Without it the suite fails under CI and is skipped elsewhere, and in both
 * cases it says what to install.
 */
export function describeWithChromium(name: string, body: () => void): void {
  if (existsSync(EXECUTABLE)) {
    describe(name, body);
  } else if (process.env['CI'] === undefined) {
    process.stderr.write(`${CHROMIUM_INSTALL_HINT}; skipped: ${name}\n`);
    describe.skip(name, body);
  } else {
    describe(name, () => {
      test('Chromium is installed', () => {
        throw new Error(CHROMIUM_INSTALL_HINT);
      });
    });
  }
}

export async function openChromium(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    args: ARGUMENTS,
    timeout: START_DEADLINE_MS,
  });
  const errors: string[] = [];
  context.on('weberror', error => errors.push(error.error().message));
  const page = context.pages()[0] ?? (await context.newPage());
  page.on('console', message => {
    if (message.type() === 'error') {
      errors.push(message.text());
    }
  });
  page.setDefaultTimeout(20_000);
  return {
    page,
    errors,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
