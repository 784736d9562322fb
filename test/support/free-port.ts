import { createSocket } from 'node:dgram';

/** A UDP port of the loopback interface that was free a moment ago. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>(bound => socket.bind(0, '127.0.0.1', bound));
  const { port } = socket.address();
  await new Promise<void>(closed => socket.close(closed));
  return port;
}

let nextMediaPort = 16_000 + (Number(process.env['JEST_WORKER_ID'] ?? 1) % 8) * 400;

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
