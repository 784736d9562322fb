import { fork } from 'node:child_process';
import { join } from 'node:path';

import { end, nextMessage } from '../peers/start-peer';
import { type TrafficOrder, type TrafficResult } from './plan';

/** Beyond what the traffic takes. */
const GRACE_MS = 20_000;

/** Runs one window of traffic in a fresh generator. */
export async function runTraffic(order: TrafficOrder): Promise<TrafficResult> {
  const child = fork(join(__dirname, 'generator.js'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  try {
    child.send(order);
    return (await nextMessage(child, order.warmUpMs + order.windowMs + GRACE_MS)) as TrafficResult;
  } finally {
    await end(child);
  }
}
