import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';

import {
  answerAfter,
  createSoftphone,
  type PhoneCall,
  type Softphone,
  startReferenceSrs,
  tone,
} from '../../src/lab';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process';

const HOST = '127.0.0.1';

interface Scene {
  readonly gateway: GatewayProcess;
  readonly caller: Softphone;
  readonly callee: Softphone;
  readonly uri: string;
  readonly call: PhoneCall;
}

/** A gateway process with one call in progress. */
async function withCall(
  run: (scene: Scene) => Promise<void>,
  sections: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const phone = (name: string): Promise<Softphone> =>
    createSoftphone({
      name,
      host: HOST,
      transport: 'udp',
      audio: tone({ hz: 440 }),
      clock: systemClock,
      logger: noopLogger,
    });
  const [caller, callee] = await Promise.all([phone('alice'), phone('bob')]);
  callee.onIncoming(answerAfter(0));
  const gateway = await startGatewayProcess({
    sip: {
      listeners: ['udp', 'tcp'].map(transport => ({ transport, host: HOST, port: 0 })),
      drainRetryAfterS: 7,
    },
    trunks: { phones: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    ...sections,
    routes: [{ nextHops: [callee.uri.replace('bob@', '')], kind: 'internal' }],
    admin: { port: 0 },
  });
  try {
    const uri = `sip:bob@${HOST}:${gateway.port('udp')}`;
    const call = await caller.call(uri);
    await call.waitFor('answered');
    await run({ gateway, caller, callee, uri, call });
  } finally {
    await gateway.stop('SIGKILL');
    await Promise.all([caller.close(), callee.close()]);
  }
}

async function readiness({ adminUrl }: GatewayProcess): Promise<unknown> {
  const response = await fetch(`${adminUrl ?? ''}/readyz`);
  return [response.status, await response.json()];
}

describe('signals', () => {
  test('SIGTERM refuses new calls with 503 and Retry-After, leaves the call alone, and ends with it', async () => {
    await withCall(async ({ gateway, caller, uri, call }) => {
      expect(await readiness(gateway)).toEqual([200, { status: 'ready', reasons: [] }]);
      const stopped = gateway.stop('SIGTERM');
      const refused = await untilRefused(caller, uri);
      expect(refused.finalResponse?.status).toBe(503);
      expect(refused.finalResponse?.headers.get('retry-after')).toBe('7');
      expect(await readiness(gateway)).toEqual([
        503,
        { status: 'not-ready', reasons: ['draining'] },
      ]);
      expect(call.state).toBe('answered');
      await call.hangUp();
      expect(await stopped).toBe(0);
    });
  }, 60_000);

  test('SIGTERM ends the calls that outlive sip.drainTimeoutMs with BYE on both sides', async () => {
    const listeners = [{ transport: 'udp', host: HOST, port: 0 }];
    await withCall(
      async ({ gateway, callee, call }) => {
        const [incoming] = callee.calls;
        expect(await gateway.stop('SIGTERM')).toBe(0);
        await call.waitFor('ended');
        await incoming!.waitFor('ended');
        const reason = expect.stringContaining('cause=503') as string;
        expect([call.ending, incoming!.ending]).toMatchObject([
          { by: 'peer', reason },
          { by: 'peer', reason },
        ]);
      },
      { sip: { listeners, drainTimeoutMs: 300 } },
    );
  }, 60_000);

  test('SIGINT ends the call in an orderly way on both sides', async () => {
    await withCall(async ({ gateway, callee, call }) => {
      const [incoming] = callee.calls;
      expect(await gateway.stop('SIGINT')).toBe(0);
      await call.waitFor('ended');
      await incoming!.waitFor('ended');
      expect([call.ending?.by, incoming!.ending?.by]).toEqual(['peer', 'peer']);
    });
  }, 60_000);
});

describe('SIGHUP', () => {
  const sections = (srsUri: string, mode: string): Readonly<Record<string, unknown>> => ({
    providers: { lab: { targets: [srsUri] } },
    organisations: {
      test: {
        provider: 'lab',
        users: {
          alice: {
            identities: ['sip:alice@127.0.0.1'],
            recording: { mode, reminderTone: { enabled: false } },
          },
        },
      },
    },
  });

  test('new settings count for new calls, a call in progress keeps those that it began with, and a bad file changes nothing and says why', async () => {
    const outDir = mkdtempSync(join(tmpdir(), 'srs-'));
    const srs = await startReferenceSrs({
      clock: systemClock,
      logger: noopLogger,
      host: HOST,
      port: 0,
      transports: ['tcp'],
      outDir,
    });
    try {
      await withCall(
        async ({ gateway, caller, uri, call }) => {
          await srs.waitForRecording(({ state }) => state === 'established');
          const pause = (of: PhoneCall): Promise<number> =>
            of.sendInfo({ headers: { Record: 'pause' } }).then(({ status }) => status);

          gateway.reload(sections(srs.uri('tcp'), 'always'));
          await gateway.waitForLog(/"configuration read again".*"version":2/);
          const second = await caller.call(uri);
          await second.waitFor('answered');
          await srs.waitForRecording(
            ({ number, state }) => number === 2 && state === 'established',
          );
          // `always` allows no pause; the mode that the first call began with does.
          expect([await pause(second), await pause(call)]).toEqual([403, 200]);

          gateway.reload('organisations: { test: { provider: lob } }\n');
          const refusal = await gateway.waitForLog(/"configuration not changed"/);
          expect(refusal).toMatch(/gateway\.yaml:1: organisations\.test\.provider/);
          const third = await caller.call(uri);
          await third.waitFor('answered');
          await srs.waitForRecording(
            ({ number, state }) => number === 3 && state === 'established',
          );
          for (const each of [third, second, call]) {
            await each.hangUp();
          }
          const lines = await gateway.waitForLedger(3);
          expect(lines.map(({ policy, verdict }) => `${policy.mode} ${verdict}`).sort()).toEqual([
            'always recorded',
            'always recorded',
            'always-with-pause-resume recorded',
          ]);
        },
        sections(srs.uri('tcp'), 'always-with-pause-resume'),
      );
    } finally {
      await srs.close();
      rmSync(outDir, { recursive: true, force: true });
    }
  }, 120_000);
});

/** The signal and the call travel on different ways: the call is tried until the drain has begun. */
async function untilRefused(caller: Softphone, uri: string): Promise<PhoneCall> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const call = await caller.call(uri);
    const isAnswered = await call.waitFor('answered').then(
      () => true,
      () => false,
    );
    if (!isAnswered) {
      return call;
    }
    await call.hangUp();
  }
  throw new Error('the gateway does not drain');
}
