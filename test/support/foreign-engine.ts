import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { freeUdpPort } from './free-port';

const HOST = '127.0.0.1';
const START_DEADLINE_MS = 30_000;

/** An engine that the gateway did not start: it can be killed, and comes back at the same address. */
export interface ForeignEngine {
  /** The variables by which the application tests choose it (CONTRIBUTING.md). */
  readonly env: Readonly<Record<string, string>>;
  kill(): Promise<void>;
  /** After {@link kill}. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts test/support/foreign-engine-main.mjs. The address is ours, because an engine has another port each time. */
export async function startForeignEngine(secret: string): Promise<ForeignEngine> {
  const sipPort = await freeUdpPort();
  let child = await spawnEngine(sipPort, secret);
  const open = new Set<Socket>();
  const way = createServer(outer => {
    const inner = connect(child.port, HOST);
    for (const [socket, other] of [
      [outer, inner],
      [inner, outer],
    ] as const) {
      open.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  way.listen(0, HOST);
  await once(way, 'listening');
  const kill = async (): Promise<void> => {
    if (child.process.exitCode === null && child.process.signalCode === null) {
      const exited = once(child.process, 'exit');
      child.process.kill('SIGKILL');
      await exited;
    }
  };
  return {
    env: {
      DRACHTIO_HOST: HOST,
      DRACHTIO_PORT: String((way.address() as AddressInfo).port),
      DRACHTIO_SECRET: secret,
      DRACHTIO_SIP_PORT: String(sipPort),
    },
    kill,
    async restart() {
      child = await spawnEngine(sipPort, secret);
    },
    async close() {
      await kill();
      open.forEach(socket => socket.destroy());
      way.close();
      await once(way, 'close');
    },
  };
}

async function spawnEngine(
  sipPort: number,
  secret: string,
): Promise<{ process: ChildProcess; port: number }> {
  const script = join(__dirname, 'foreign-engine-main.mjs');
  const child = spawn(process.execPath, [
    script,
    ...['--sip-port', String(sipPort), '--secret', secret],
  ]);
  let output = '';
  const port = new Promise<number>((resolve, reject) => {
    const fail = (): void => reject(new Error(`the engine has not started\n${output}`));
    const timer = setTimeout(fail, START_DEADLINE_MS);
    child.once('exit', fail);
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        const found = /DRACHTIO_PORT=(\d+) .*\n/.exec(output)?.[1];
        if (found !== undefined) {
          clearTimeout(timer);
          child.off('exit', fail);
          resolve(Number(found));
        }
      });
    }
  });
  return { process: child, port: await port };
}
