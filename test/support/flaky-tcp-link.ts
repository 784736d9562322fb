import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP path to `port` on loopback that can be cut: both ends see a reset (RST), as after a crash of a router. */
export interface FlakyTcpLink {
  /** Where peers connect to. */
  readonly port: number;
  /** Resets every connection that is open now; new ones work. @returns how many */
  cut(): number;
  close(): Promise<void>;
}

export async function openFlakyTcpLink(port: number): Promise<FlakyTcpLink> {
  const open = new Set<Socket>();
  const server: Server = createServer(outer => {
    const inner = connect(port, '127.0.0.1');
    const pair = [outer, inner] as const;
    const drop = (): void => pair.forEach(socket => socket.destroy());
    for (const socket of pair) {
      open.add(socket);
      socket.on('error', drop);
      socket.on('close', () => {
        open.delete(socket);
        drop();
      });
    }
    outer.pipe(inner).pipe(outer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      const count = open.size / 2;
      open.forEach(socket => socket.resetAndDestroy());
      return count;
    },
    async close() {
      open.forEach(socket => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}
