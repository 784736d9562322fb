import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';

import { readWav, type ReferenceSrs, startReferenceSrs } from '../../src/lab';
import { describeWithBaresip, startBaresip } from '../support/baresip';
import { freeUdpPort } from '../support/free-port';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process';
import { expectOnlyTone } from '../support/sipp-bench';

const CALLER_HZ = 500;
const CALLEE_HZ = 900;
const TALK_MS = 2000;

describeWithBaresip('a recorded call between two baresip phones', () => {
  let folder: string;
  let srs: ReferenceSrs;
  let gateway: GatewayProcess;
  let calleePorts: { udp: number; tcp: number };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'baresip-'));
    srs = await startReferenceSrs({
      host: '127.0.0.1',
      port: 0,
      transports: ['tcp'],
      outDir: join(folder, 'srs'),
      clock: systemClock,
      logger: noopLogger,
    });
    calleePorts = { udp: await freeUdpPort(), tcp: await freeUdpPort() };
    gateway = await startGatewayProcess(config(srs.uri('tcp'), calleePorts));
  }, 60_000);

  afterAll(async () => {
    expect(await gateway.stop()).toBe(0);
    await srs.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(['udp', 'tcp'] as const)(
    'is heard by both phones and by the recorder, over %s',
    async transport => {
      const user = USERS[transport];
      const callee = await startBaresip({
        user,
        transport,
        sipPort: calleePorts[transport],
        toneHz: CALLEE_HZ,
        folder: join(folder, `callee-${transport}`),
        answersItself: true,
      });
      const caller = await startBaresip({
        user: '1001',
        transport,
        sipPort: await freeUdpPort(),
        toneHz: CALLER_HZ,
        folder: join(folder, `caller-${transport}`),
      });
      const lines = gateway.ledger().length;
      try {
        caller.command(
          'dial',
          `sip:${user}@127.0.0.1:${gateway.port(transport)};transport=${transport}`,
        );
        await caller.waitForOutput(/Call established/).catch((e:unknown)=>{throw new Error(String(e)+callee.output())});
        const recording = await srs.waitForRecording(({ number }) => number === lines + 1);
        await recording.until(() =>
          recording.streams.every(stream => stream.packets > TALK_MS / 20),
        );
        caller.command('hangup');
        await callee.waitForOutput(/session closed|terminated/i);
      } finally {
        await Promise.all([caller.quit(), callee.quit()]);
      }

      const line = (await gateway.waitForLedger(lines + 1)).at(-1)!;
      expect(line).toMatchObject({ verdict: 'recorded', verdictReasons: ['complete'] });
      const recording = srs.recordings.at(-1)!;
      await recording.until(() => recording.state === 'ended');
      expect(recording.deviations).toEqual([]);
      const { channels } = readWav(recording.wavPath);
      // The callee is the recorded party: label 1.
      expectOnlyTone(channels[0]!, CALLEE_HZ, CALLER_HZ, TALK_MS * 0.8);
      expectOnlyTone(channels[1]!, CALLER_HZ, CALLEE_HZ, TALK_MS * 0.8);
      expectOnlyTone(readWav(caller.heardWav()).channels[0]!, CALLEE_HZ, CALLER_HZ, TALK_MS / 2);
      expectOnlyTone(readWav(callee.heardWav()).channels[0]!, CALLER_HZ, CALLEE_HZ, TALK_MS / 2);
    },
    60_000,
  );
});

const USERS = { udp: '2002', tcp: '2003' } as const;

function config(
  srsUri: string,
  calleePorts: Readonly<Record<'udp' | 'tcp', number>>,
): Readonly<Record<string, unknown>> {
  return {
    sip: {
      listeners: [
        { transport: 'udp', host: '127.0.0.1', port: 0 },
        { transport: 'tcp', host: '127.0.0.1', port: 0 },
      ],
    },
    trunks: { phones: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    routes: (['udp', 'tcp'] as const).map(transport => ({
      match: { user: USERS[transport] },
      nextHops: [`sip:127.0.0.1:${calleePorts[transport]};transport=${transport}`],
      kind: 'internal',
      trusted: true,
    })),
    providers: { lab: { targets: [srsUri] } },
    organisations: {
      e2e: {
        provider: 'lab',
        users: { bob: { identities: Object.values(USERS), recording: { mode: 'always' } } },
      },
    },
    admin: { enabled: false },
  };
}
