import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const WORKER = Number(process.env['JEST_WORKER_ID'] ?? 1) % 8;
/** Below the ports that the system hands out by itself, and others for each test worker: nobody takes them meanwhile. */
let nextPort = 10_000 + WORKER * 700 + 2 * Math.floor(Math.random() * 100);

/** A port of the loopback interface that is free for UDP and TCP; another one each time. */
export async function freeUdpPort(): Promise<number> {
  for (let attempt = 0; attempt < 250; attempt += 1) {
    const port = nextPort;
    // The neighbour stays free too: baresip takes it for TLS without being asked.
    nextPort += 2;
    if ((await isFree(port)) && (await isFreeForTcp(port))) {
      return port;
    }
  }
  throw new Error('no port is free');
}

let nextMediaPort = 16_000 + WORKER * 400;

/** The first of four neighbouring UDP ports that were free a moment ago; another four each time. */
export async function freeMediaPort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = nextMediaPort;
    nextMediaPort = nextMediaPort >= 19_600 ? 16_000 : nextMediaPort + 4;
    const areFree = await Promise.all([0, 1, 2, 3].map(offset => isFree(first + offset)));
    if (areFree.every(Boolean)) {
      return first;
    }
  }
  throw new Error('no four neighbouring UDP ports are free between 16000 and 19600');
}

async function isFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    await new Promise<void>((bound, failed) => {
      socket.once('error', failed);
      socket.bind(port, '127.0.0.1', bound);
    });
    return true;
  } catch {
    return false;
  } finally {
    await new Promise<void>(closed => socket.close(closed));
  }
}

function isFreeForTcp(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
