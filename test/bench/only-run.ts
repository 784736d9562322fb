import { once } from 'node:events';
import { createServer } from 'node:net';

/** Beside the addresses that the benchmarks use. */
const CLAIM = { host: '127.77.0.254', port: 4777 };

/**
 * Makes this the only run of benchmarks on the machine until the process ends, however it does: two would use the same
 * addresses, and each would measure the other's load.
 * @returns ends it earlier.
 * @throws Error when another run is on.
 */
export async function becomeOnlyRun({ host, port } = CLAIM): Promise<() => Promise<void>> {
  const server = createServer(socket => socket.destroy());
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') {
      throw error;
    }
    throw new Error('Another benchmark is running on this machine: wait until it has ended.', {
      cause: error,
    });
  }
  server.unref();
  return () => new Promise(resolve => server.close(() => resolve()));
}
