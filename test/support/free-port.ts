import { createSocket } from 'node:dgram';

/** A UDP port of the loopback interface that was free a moment ago. */
export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>(bound => socket.bind(0, '127.0.0.1', bound));
  const { port } = socket.address();
  await new Promise<void>(closed => socket.close(closed));
  return port;
}
