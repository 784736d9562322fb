import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, systemClock } from '#core';

import { type ReferenceSrs, readWav, scanTones, startReferenceSrs } from '../../src/lab';
import { freeUdpPort } from '../support/free-port';
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process';
import { describeWithSipp, startSipp } from '../support/sipp';
import { toneFile } from '../support/tone-file';

const CALLER_HZ = 500;
const CALLEE_HZ = 900;
const TALK_MS = 2000;

describeWithSipp('a recorded call between two SIPp instances', () => {
  let folder: string;
  let srs: ReferenceSrs;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'e2e-'));
    srs = await startReferenceSrs({
      host: '127.0.0.1',
      port: 0,
      transports: ['udp', 'tcp'],
      outDir: folder,
      clock: systemClock,
      logger: noopLogger,
    });
  });

  afterAll(async () => {
    await srs.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each(['udp', 'tcp'] as const)(
    'passes audio both ways over %s and reaches the recorder with each voice in its channel',
    async transport => {
      const calleePort = await freeUdpPort();
      const gateway = await startGatewayProcess(
        config(
          transport,
          calleePort,
          `sip:srs@127.0.0.1:${srsPort(srs, transport)};transport=${transport}`,
        ),
      );
      try {
        await placeCall(gateway, transport, calleePort);
        const callId = (await gateway.waitForLedger(1))[0]?.callId;
        expect(gateway.ledger()).toEqual([
          expect.objectContaining({ callId, verdict: 'recorded', verdictReasons: ['complete'] }),
        ]);
        const recording = srs.recordings.at(-1)!;
        await recording.until(() => recording.state === 'ended');
        expect(recording.deviations).toEqual([]);
        const { channels } = readWav(recording.wavPath);
        // The callee (2002) is the recorded party: label 1.
        expectOnly(channels[0]!, CALLEE_HZ, CALLER_HZ);
        expectOnly(channels[1]!, CALLER_HZ, CALLEE_HZ);
      } finally {
        expect(await gateway.stop()).toBe(0);
      }
    },
    60_000,
  );
});

function config(
  transport: 'udp' | 'tcp',
  calleePort: number,
  srsUri: string,
): object & Record<string, unknown> {
  return {
    sip: {
      listeners: [
        { transport: 'udp', host: '127.0.0.1', port: 0 },
        { transport: 'tcp', host: '127.0.0.1', port: 0 },
      ],
    },
    trunks: { sipp: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    routes: [
      {
        nextHops: [`sip:127.0.0.1:${calleePort};transport=${transport}`],
        kind: 'internal',
        trusted: true,
      },
    ],
    providers: { lab: { targets: [srsUri] } },
    organisations: {
      e2e: {
        provider: 'lab',
        users: { bob: { identities: ['2002'], recording: { mode: 'always' } } },
      },
    },
    admin: { enabled: false },
  };
}

async function placeCall(
  gateway: GatewayProcess,
  transport: 'udp' | 'tcp',
  calleePort: number,
): Promise<void> {
  const callee = startSipp({
    scenario: 'uas-tone',
    transport,
    localPort: calleePort,
    mediaPort: 16_000,
    files: { 'tone.ulaw': toneFile(CALLEE_HZ) },
  });
  const caller = startSipp({
    scenario: 'uac-tone',
    transport,
    localPort: await freeUdpPort(),
    mediaPort: 17_000,
    remote: `127.0.0.1:${gateway.port(transport)}`,
    service: '2002',
    pauseMs: TALK_MS,
    files: { 'tone.ulaw': toneFile(CALLER_HZ) },
  });
  expect(await caller.finished).toEqual({ code: 0, errors: '' });
  expect(await callee.finished).toEqual({ code: 0, errors: '' });
}

/** The right tone for most of the talk, and never the wrong one. */
function expectOnly(samples: Int16Array, rightHz: number, wrongHz: number): void {
  const windows = scanTones(samples, [rightHz, wrongHz], { thresholdDbfs: -25 });
  const right = windows.filter(({ hz, isAlone }) => hz === rightHz && isAlone);
  expect(windows.filter(({ present }) => present.includes(wrongHz))).toEqual([]);
  expect(right.length).toBeGreaterThan((TALK_MS / 100) * 0.8);
}

function srsPort(srs: ReferenceSrs, transport: 'udp' | 'tcp'): string {
  return /:(\d+)(;|$)/.exec(srs.uri(transport))?.[1] ?? '';
}
