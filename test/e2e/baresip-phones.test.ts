import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';

import { readWav, type ReferenceSrs, startReferenceSrs } from '../../src/lab';
import {
  type BaresipOptions,
  type BaresipPhone,
  describeWithBaresip,
  startBaresip,
} from '../support/baresip';
import { freeUdpPort } from '../support/free-port';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process';
import { expectOnlyTone } from '../support/sipp-bench';

const CALLER_HZ = 500;
const CALLEE_HZ = 900;
const TALK_MS = 2000;
const TALK_PACKETS = TALK_MS / 20;

describeWithBaresip('a recorded call between two baresip phones', () => {
  let folder: string;
  let srs: ReferenceSrs;
  let gateway: GatewayProcess;
  const phones: BaresipPhone[] = [];
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

  afterEach(async () => {
    await Promise.all(phones.splice(0).map(phone => phone.quit()));
  });

  async function start(options: Omit<BaresipOptions, 'folder'>): Promise<BaresipPhone> {
    const phone = await startBaresip({ ...options, folder: mkdtempSync(join(folder, 'phone-')) });
    phones.push(phone);
    return phone;
  }

  test.each(['udp', 'tcp'] as const)(
    'is heard by both phones and by the recorder, through a hold, over %s',
    async transport => {
      const user = USERS[transport];
      const callee = await start({
        user,
        transport,
        sipPort: calleePorts[transport],
        toneHz: CALLEE_HZ,
        answersItself: true,
      });
      const caller = await start({
        user: '1001',
        transport,
        sipPort: await freeUdpPort(),
        toneHz: CALLER_HZ,
      });
      const lines = gateway.ledger().length;

      caller.command(
        'dial',
        `sip:${user}@127.0.0.1:${gateway.port(transport)};transport=${transport}`,
      );
      await caller.waitForOutput(/Call established/);
      const recording = await srs.waitForRecording(({ number }) => number === lines + 1);
      const recorded = (count: number): Promise<void> =>
        recording.until(() => {
          const { streams } = recording;
          return streams.length === 2 && streams.every(({ packets }) => packets >= count);
        });
      await recorded(TALK_PACKETS / 2);
      caller.command('hold');
      await callee.waitForOutput(descriptions(2));
      caller.command('resume');
      await callee.waitForOutput(descriptions(3));
      await recorded(TALK_PACKETS);
      caller.command('hangup');
      await callee.waitForOutput(/session closed|terminated/i);
      await Promise.all([caller.quit(), callee.quit()]);

      const line = (await gateway.waitForLedger(lines + 1)).at(-1)!;
      expect(line).toMatchObject({ verdict: 'recorded', verdictReasons: ['complete'] });
      await recording.until(() => recording.state === 'ended');
      expect(recording.deviations).toEqual([]);
      const { channels } = readWav(recording.wavPath);
      // The callee is the recorded party: label 1.
      expectOnlyTone(channels[0]!, CALLEE_HZ, CALLER_HZ, TALK_MS * 0.8);
      expectOnlyTone(channels[1]!, CALLER_HZ, CALLEE_HZ, TALK_MS * 0.8);
      // A dump is named after its second: a later one of the same second takes its place.
      expectOnlyTone(heardBy(caller), CALLEE_HZ, CALLER_HZ, TALK_MS / 4);
      expectOnlyTone(heardBy(callee), CALLER_HZ, CALLEE_HZ, TALK_MS / 4);
    },
    60_000,
  );
});

/** A phone prints this for each description that it has agreed on: the call, the hold, the end of the hold. */
function descriptions(count: number): RegExp {
  return new RegExp(`(stream: update 'audio'[^]*){${count}}`);
}

function heardBy(phone: BaresipPhone): Int16Array {
  return Int16Array.from(
    phone.heardWavs().flatMap(path => Array.from(readWav(path).channels[0] ?? [])),
  );
}

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
