import { noopLogger, systemClock } from '#core';

import { type AdminServer, startAdminServer } from '../../src/admin';
import { createMetrics } from '../../src/observability';
import { type CallView } from '../../src/session';
import { EventFeed } from '../../src/webhooks';
import { type Browser, describeWithChromium, openChromium } from '../support/chromium';
import { waitUntil } from '../support/wait-until';
import { callView, type FakeOperations, fakeOperations } from '../unit/admin/fake-operations';

const TOKEN = 'the-token-of-a-person-0123';

describeWithChromium('the live page in a real browser', () => {
  let browser: Browser;
  let server: AdminServer;
  let operations: FakeOperations;
  let feed: EventFeed;

  beforeAll(async () => {
    browser = await openChromium();
  }, 90_000);
  afterAll(() => browser.close());

  beforeEach(async () => {
    operations = fakeOperations();
    operations.views = [];
    feed = new EventFeed({ uuid: () => 'run' }, () => undefined);
    server = await startAdminServer({
      host: '127.0.0.1',
      port: 0,
      registry: createMetrics({ processMetrics: false }).registry,
      health: () => ({ ready: true, reasons: [] }),
      logger: noopLogger,
      tokens: () => [{ name: 'person', scopes: ['control'], token: TOKEN }],
      operations,
      feed,
      clock: systemClock,
      version: '1.2.3',
    });
  });
  afterEach(() => server.close());

  /** Chromium itself logs every answer that is no success. */
  function errors(): readonly string[] {
    return browser.errors.filter(error => !error.startsWith('Failed to load resource'));
  }

  async function open(): Promise<void> {
    await browser.page.goto(`http://127.0.0.1:${server.port}/`);
    await browser.page.getByLabel('Token').fill(TOKEN);
    await browser.page.getByRole('button', { name: 'Show calls' }).click();
    await browser.page.getByRole('heading', { name: 'Calls now' }).waitFor();
  }

  function levels(caller: number | null, callee: number | null): CallView['parties'] {
    const { parties } = callView('c1');
    return {
      caller: { ...parties.caller, levelDbfs: caller },
      callee: { ...parties.callee, levelDbfs: callee },
    };
  }

  test('shows a call as it comes, its levels, and the controls that its mode allows', async () => {
    const { page } = browser;
    await open();
    await page.getByText('No calls at the moment.').waitFor();
    await page.getByText('lab').waitFor();

    operations.views = [callView('c1', { parties: levels(-18, null) })];
    feed.publish('call.answered', 0, { callId: 'c1' });
    const card = page.locator('[data-call="c1"]');
    await card.getByText('Alice (sip:alice@example.com) → tel:+4930123456').waitFor();
    await card.getByText('recording', { exact: true }).waitFor();
    await card.getByText('always-with-pause-resume · lab').waitFor();
    await card.getByText('Notices played: start').waitFor();
    await page.getByText('1 call now').waitFor();
    expect(await card.getByRole('button').allTextContents()).toEqual(['Pause', 'Resume']);
    expect(await card.locator('.elapsed').textContent()).toMatch(/^\d+:\d\d/);

    const meter = (role: string): Promise<number> =>
      card
        .locator(`meter[data-role="${role}"]`)
        .evaluate(each => (each as { value?: number }).value ?? NaN);
    await waitUntil(async () => (await meter('caller')) === -18, 'the level of the caller', 20_000);
    expect(await meter('callee')).toBe(-60);
    expect(operations.asked).toEqual([{ callId: 'c1', on: true }]);

    operations.views = [];
    feed.publish('call.ended', 0, { callId: 'c1' });
    await page.getByText('No calls at the moment.').waitFor();
    await waitUntil(() => operations.asked.length === 2, 'nobody watches any more', 20_000);
    expect(operations.asked[1]).toEqual({ callId: 'c1', on: false });
    expect(errors()).toEqual([]);
  }, 90_000);

  test('a button controls the recording and keeps the focus; a refusal is told', async () => {
    const { page } = browser;
    operations.views = [callView('c1')];
    await open();
    const pause = page.getByRole('button', { name: 'Pause the recording of alice' });
    await pause.focus();
    await page.keyboard.press('Enter');
    await waitUntil(
      () => operations.asked.some(each => 'action' in (each as object)),
      'the control',
      20_000,
    );
    expect(operations.asked).toContainEqual({
      callId: 'c1',
      action: 'pause',
      recordingId: 'rec-c1',
    });
    const [recording] = callView('c1').recordings;
    operations.views = [callView('c1', { recordings: [{ ...recording!, phase: 'paused' }] })];
    feed.publish('recording.paused', 0, { callId: 'c1' });
    await page.getByText('paused', { exact: true }).waitFor();
    expect(await page.evaluate('document.activeElement.dataset.action')).toBe('pause');

    operations.outcome = 'refused-not-recording';
    await page.getByRole('button', { name: 'Resume the recording of alice' }).click();
    await page.getByRole('alert').getByText('refused-not-recording').waitFor();
    expect(errors()).toEqual([]);
  }, 90_000);

  test('names from callers are text, and nothing else', async () => {
    const { page } = browser;
    const { parties } = callView('c1');
    const displayName = '<img src=x onerror="document.title=1">';
    operations.views = [
      callView('c1', { parties: { ...parties, caller: { ...parties.caller, displayName } } }),
    ];
    await open();
    await page.getByText(displayName).waitFor();
    expect(await page.title()).toBe('siprec-gateway: live');
  }, 90_000);

  test('asks for a token, says that one is wrong, and forgets it', async () => {
    const { page } = browser;
    await page.goto(`http://127.0.0.1:${server.port}/`);
    await page.getByLabel('Token').fill('a-wrong-token-0123456789');
    await page.getByRole('button', { name: 'Show calls' }).click();
    await page.getByRole('alert').getByText('does not accept this token').waitFor();
    await page.getByLabel('Token').fill(TOKEN);
    await page.keyboard.press('Enter');
    await page.getByText('No calls at the moment.').waitFor();
    expect(page.url()).not.toContain(TOKEN);
    await page.getByRole('button', { name: 'Forget token' }).click();
    await page.getByLabel('Token').waitFor();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  }, 90_000);
});
