import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { type DrachtioServer } from '../command-line';
import { end } from '../peers/start-peer';
import { CALLEE_PORT, GATEWAY_HOST, RECORDED_USER, SIPP_HOST } from './sipp';

/** From dist/test/bench/sip. */
const MAIN = resolve(__dirname, '../../../src/main.js');
const EMBEDDED_LISTENER = { host: GATEWAY_HOST, port: 5060 };
const READY_MS = 30_000;

export interface Gateway {
  readonly pid: number;
  readonly address: string;
  readonly metricsUrl: string;
  close(): Promise<void>;
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
  const child = spawn(process.execPath, [MAIN, 'start', '--config', config], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const close = async (): Promise<void> => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  let output = '';
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  try {
    await new Promise<void>((ready, failed) => {
      const fail = (): void => failed(new Error(`the gateway does not start: ${output}${errors}`));
      const timer = setTimeout(fail, READY_MS);
      child.once('exit', fail);
      child.stdout.on('data', (chunk: Buffer) => {
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
  return {
    pid: child.pid ?? 0,
    address: drachtio?.sip ?? `${EMBEDDED_LISTENER.host}:${EMBEDDED_LISTENER.port}`,
    metricsUrl: `http://${GATEWAY_HOST}:${adminPort}/metrics`,
    close,
  };
}
