import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { noopLogger, randomIds, systemClock } from '#core';

import { type ReferenceSrs, scanTones, startReferenceSrs } from '../../src/lab';
import { type LedgerLine } from '../../src/ledger';
import { freeMediaPort, freeUdpPort } from './free-port';
import { type GatewayProcess, startGatewayProcess } from './gateway-process';
import { type SippRun, startSipp } from './sipp';
import { type SippScript } from './sipp-scenario';
import { toneFile } from './tone-file';
import { waitUntil } from './wait-until';

export const CALLER_HZ = 500;
export const CALLEE_HZ = 900;
/** Users that nobody records, whose calls go to the first and then to the second next hop. */
export const FAILOVER_USER = '7000';
/** The user whom the reference SRS records. */
export const RECORDED_USER = '2002';
/** Another one, who may pause and resume. */
export const PAUSING_USER = '2003';
/** What the first and second next hop of {@link FAILOVER_USER} know the gateway by. */
export const GATEWAY_USERNAME = 'gateway';
const SCENARIO_TIMEOUT_S = 12;

export interface Play {
  readonly caller: SippScript;
  /** The callee and `[second_target]`, or the next hops of {@link FAILOVER_USER}, in order. */
  readonly callee?: SippScript | readonly SippScript[];
  /** SIPp in the place of the recorder: the user dialled is then recorded there. */
  readonly srs?: SippScript;
  /** Default: {@link RECORDED_USER}. */
  readonly user?: string;
  readonly transport?: 'udp' | 'tcp';
}

/** One gateway process, the reference SRS, and room for SIPp instances around them. */
export interface SippBench {
  readonly gateway: GatewayProcess;
  readonly srs: ReferenceSrs;
  /** Runs the scenarios and fails unless every side saw what it expects. @returns the caller's Call-ID */
  play(play: Play): Promise<string>;
  /** The ledger's line about the call, as soon as there is one. */
  ledgerLine(callId: string): Promise<LedgerLine>;
  close(): Promise<void>;
}

export interface SippBenchOptions {
  /** How many tests will use SIPp as the recorder. */
  readonly sippRecorders?: number;
  /** More of the configuration's section `sip`. */
  readonly sip?: Readonly<Record<string, unknown>>;
}

/** Starts the gateway by its CLI, and the reference SRS. */
export async function openSippBench(options: SippBenchOptions = {}): Promise<SippBench> {
  const folder = mkdtempSync(join(tmpdir(), 'sipp-bench-'));
  const srs = await startReferenceSrs({
    host: '127.0.0.1',
    port: 0,
    transports: ['tcp'],
    outDir: folder,
    clock: systemClock,
    logger: noopLogger,
  });
  const hopPorts = [await freeUdpPort(), await freeUdpPort()];
  const recorderPorts = await Promise.all(
    Array.from({ length: options.sippRecorders ?? 0 }, () => freeUdpPort()),
  );
  const gateway = await startGatewayProcess(
    config(srs.uri('tcp'), hopPorts, recorderPorts, options.sip),
  );
  let recordersUsed = 0;

  return {
    gateway,
    srs,
    async play({ caller, callee = [], srs: recorder, user, transport = 'udp' }) {
      const runs: SippRun[] = [];
      let dialled = user ?? RECORDED_USER;
      if (recorder !== undefined) {
        dialled = String(FIRST_RECORDER_USER + recordersUsed);
        const localPort = recorderPorts[recordersUsed++]!;
        runs.push(await startCallee(recorder, localPort, 'tcp'));
      }
      const callees = 'xml' in callee ? [callee] : callee;
      const ports =
        dialled === FAILOVER_USER ? hopPorts : [await freeUdpPort(), await freeUdpPort()];
      const secondTarget = { second_target: `127.0.0.1:${ports[1]!};transport=${transport}` };
      for (const [index, each] of callees.entries()) {
        runs.push(await startCallee(each, ports[index]!, transport, secondTarget));
      }
      const callId = randomIds.uuid();
      runs.push(
        startSipp({
          scenario: caller,
          transport,
          localPort: await freeUdpPort(),
          mediaPort: await freeMediaPort(),
          remote: `127.0.0.1:${gateway.port(transport)}`,
          service: dialled,
          callId,
          keys: {
            remote_target: `127.0.0.1:${ports[0]!};transport=${transport}`,
            ...secondTarget,
          },
          files: { 'tone.ulaw': toneFile(CALLER_HZ) },
          timeoutS: SCENARIO_TIMEOUT_S,
        }),
      );
      await succeed(runs);
      return callId;
    },
    async ledgerLine(callId) {
      const find = (): LedgerLine | undefined =>
        gateway.ledger().find(line => line.sipCallId === callId);
      await waitUntil(() => find() !== undefined, `the ledger line of ${callId}`, 10_000);
      return find()!;
    },
    async close() {
      // It drains: a call that were still open would keep it from ending.
      const code = await gateway.stop('SIGTERM');
      await srs.close();
      rmSync(folder, { recursive: true, force: true });
      if (code !== 0) {
        throw new Error(`the gateway ended with ${code}`);
      }
    },
  };
}

/** Waits for all; the first that fails ends the others, who would wait in vain. */
async function succeed(runs: readonly SippRun[]): Promise<void> {
  const failures: string[] = [];
  await Promise.all(
    runs.map(async run => {
      const { code, errors } = await run.finished;
      if (code !== 0) {
        failures.push(`SIPp: ${code}\n${errors}`);
        runs.forEach(each => each.stop());
      }
    }),
  );
  if (failures.length > 0) {
    throw new Error(failures.join('\n'));
  }
}

/** SIPp that receives a call, resolved when its port is open. */
async function startCallee(
  scenario: SippScript,
  localPort: number,
  transport: 'udp' | 'tcp',
  keys: Readonly<Record<string, string>> = {},
): Promise<SippRun> {
  const run = startSipp({
    scenario,
    keys,
    transport,
    localPort,
    mediaPort: await freeMediaPort(),
    files: { 'tone.ulaw': toneFile(CALLEE_HZ) },
    timeoutS: SCENARIO_TIMEOUT_S,
  });
  await waitUntil(() => isPortOpen(localPort, transport), `SIPp listens on ${localPort}`);
  return run;
}

/** Whether somebody listens, without a knock that SIPp would take for a message (Linux). */
function isPortOpen(port: number, transport: 'udp' | 'tcp'): boolean {
  const table = `/proc/net/${transport}`;
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  // Elsewhere the gateway's retransmissions have to bridge the gap.
  return !existsSync(table) || readFileSync(table, 'utf8').includes(local);
}

const FIRST_RECORDER_USER = 3000;

function config(
  srsUri: string,
  hopPorts: readonly number[],
  recorderPorts: readonly number[],
  sip: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const always = (user: string, mode = 'always'): object => ({
    identities: [user],
    recording: { mode },
  });
  const recorders = recorderPorts.map((port, index) => ({
    id: `sipp${index}`,
    user: String(FIRST_RECORDER_USER + index),
    uri: `sip:127.0.0.1:${port};transport=tcp`,
  }));
  return {
    sip: {
      listeners: [
        { transport: 'udp', host: '127.0.0.1', port: 0 },
        { transport: 'tcp', host: '127.0.0.1', port: 0 },
      ],
      ...sip,
    },
    trunks: { sipp: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
    routes: [
      {
        match: { user: FAILOVER_USER },
        nextHops: hopPorts.map(port => `sip:127.0.0.1:${port};transport=udp`),
        kind: 'internal',
        trusted: true,
        credentials: { username: GATEWAY_USERNAME, password: 'secret', realm: 'next hop' },
      },
      { requestUri: true, kind: 'internal', trusted: true },
    ],
    providers: {
      lab: { targets: [srsUri], failover: { optionsIntervalMs: 0 } },
      ...Object.fromEntries(
        recorders.map(({ id, uri }) => [
          id,
          {
            targets: [uri],
            answerTimeoutMs: 3000,
            // A scenario of SIPp knows each message that is due: no OPTIONS in between.
            failover: { optionsIntervalMs: 0 },
          },
        ]),
      ),
    },
    organisations: {
      e2e: {
        provider: 'lab',
        users: {
          bob: always(RECORDED_USER),
          carol: always(PAUSING_USER, 'always-with-pause-resume'),
        },
      },
      ...Object.fromEntries(
        recorders.map(({ id, user }) => [id, { provider: id, users: { [id]: always(user) } }]),
      ),
    },
    admin: { enabled: false },
  };
}

/** The right tone for at least `minMs`, and never the wrong one. */
export function expectOnlyTone(
  samples: Int16Array,
  rightHz: number,
  wrongHz: number,
  minMs: number,
): void {
  const windows = scanTones(samples, [rightHz, wrongHz], { thresholdDbfs: -25 });
  const right = windows.filter(({ hz, isAlone }) => hz === rightHz && isAlone);
  expect(windows.filter(({ present }) => present.includes(wrongHz))).toEqual([]);
  expect(right.length * 100).toBeGreaterThanOrEqual(minMs);
}

/** A UDP port of the test's own, for a SIPp recorder that cannot count RTP. */
export interface RtpSink {
  readonly port: number;
  readonly packets: number;
  close(): void;
}

export async function openRtpSink(): Promise<RtpSink> {
  const socket = createSocket('udp4');
  let packets = 0;
  socket.on('message', datagram => {
    // RTCP shares the port (RFC 5761): packet types 200 to 204.
    const type = datagram[1] ?? 0;
    packets += type >= 200 && type <= 204 ? 0 : 1;
  });
  await new Promise<void>(bound => socket.bind(0, '127.0.0.1', bound));
  return {
    port: socket.address().port,
    get packets() {
      return packets;
    },
    close: () => void socket.close(),
  };
}
