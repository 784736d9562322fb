import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Collects all garbage of this thread. A reference that is only weak is empty afterwards; it must have been made in an
 * earlier turn of the event loop, which is why this is asynchronous.
 */
export async function collectGarbage(): Promise<void> {
  await new Promise(resolve => setImmediate(resolve));
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}
