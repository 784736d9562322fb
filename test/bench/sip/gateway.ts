import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { type DrachtioServer } from '../command-line';
import { type HeapReading, type ProbeOrder, type ProbeReply } from '../memory/reading';
import { end, nextMessage } from '../peers/start-peer';
import { CALLEE_PORT, GATEWAY_HOST, RECORDED_USER, SIPP_HOST } from './sipp';

/** From dist/test/bench/sip. */
const MAIN = resolve(__dirname, '../../../src/main.js');
const PROBE = join(__dirname, '../memory/probe.js');
const EMBEDDED_LISTENER = { host: GATEWAY_HOST, port: 5060 };
const READY_MS = 30_000;

export interface Gateway {
  readonly pid: number;
  readonly address: string;
  readonly metricsUrl: string;
  close(): Promise<void>;
}

/** A gateway whose garbage can be collected from outside. */
export interface ProbedGateway extends Gateway {
  /** Collects all garbage of all threads. @returns what each holds then. @throws when a thread does not answer. */
  collect(order?: ProbeOrder): Promise<readonly HeapReading[]>;
}

const ADMIN_PORT = 8080;

/**
 * The product as an operator runs it, recording calls to {@link RECORDED_USER} and no others.
 *
 * @param drachtio a drachtio-server instead of the embedded engine; its secret is in `DRACHTIO_SECRET`.
 */
export async function startGateway(
  srsUri: string,
  drachtio: DrachtioServer | null = null,
): Promise<Gateway> {
  return (await launch(srsUri, drachtio, [], ['ignore', 'pipe', 'pipe'])).gateway;
}

/** {@link startGateway} with the probe of its memory loaded; the program itself is the same. */
export async function startProbedGateway(srsUri: string): Promise<ProbedGateway> {
  const { gateway, child } = await launch(
    srsUri,
    null,
    ['--require', PROBE],
    ['ignore', 'pipe', 'pipe', 'ipc'],
  );
  return {
    ...gateway,
    collect: async (order = {}) => {
      child.send(order);
      const reply = (await nextMessage(child)) as ProbeReply;
      if ('error' in reply) {
        throw new Error(`the gateway's memory cannot be read: ${reply.error}`);
      }
      return reply.heaps;
    },
  };
}

async function launch(
  srsUri: string,
  drachtio: DrachtioServer | null,
  nodeOptions: readonly string[],
  stdio: ('ignore' | 'pipe' | 'ipc')[],
): Promise<{ gateway: Gateway; child: ChildProcess }> {
  const adminPort = drachtio === null ? ADMIN_PORT : ADMIN_PORT + 1;
  const folder = mkdtempSync(join(tmpdir(), 'bench-gateway-'));
  const config = join(folder, 'gateway.yaml');
  writeFileSync(
    config,
    JSON.stringify({
      sip:
        drachtio === null
          ? { listeners: ['udp', 'tcp'].map(transport => ({ transport, ...EMBEDDED_LISTENER })) }
          : {
              engine: 'drachtio',
              drachtio: { host: drachtio.host, port: drachtio.port, secret: '${DRACHTIO_SECRET}' },
            },
      media: { networks: { default: { bindHost: GATEWAY_HOST } } },
      trunks: { sipp: { sources: ['127.0.0.0/8'], kind: 'internal', trusted: true } },
      routes: [{ nextHops: [`sip:${SIPP_HOST}:${CALLEE_PORT}`], kind: 'internal', trusted: true }],
      providers: { bench: { targets: [srsUri] } },
      organisations: {
        bench: {
          provider: 'bench',
          users: { bob: { identities: [RECORDED_USER], recording: { mode: 'always' } } },
        },
      },
      admin: { host: GATEWAY_HOST, port: adminPort },
      ledger: { file: join(folder, 'ledger.jsonl') },
      log: { level: 'warn' },
    }),
  );
  const child = spawn(process.execPath, [...nodeOptions, MAIN, 'start', '--config', config], {
    cwd: folder,
    stdio,
  });
  const close = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  let output = '';
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  try {
    await new Promise<void>((ready, failed) => {
      const fail = (): void => failed(new Error(`the gateway does not start: ${output}${errors}`));
      const timer = setTimeout(fail, READY_MS);
      child.once('exit', fail);
      child.stdout?.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-4000);
        if (/\n {2}metrics .*\n/.test(output)) {
          clearTimeout(timer);
          child.off('exit', fail);
          ready();
        }
      });
    });
  } catch (error) {
    await close();
    throw error;
  }
  const gateway = {
    pid: child.pid ?? 0,
    address: drachtio?.sip ?? `${EMBEDDED_LISTENER.host}:${EMBEDDED_LISTENER.port}`,
    metricsUrl: `http://${GATEWAY_HOST}:${adminPort}/metrics`,
    close,
  };
  return { gateway, child };
}
