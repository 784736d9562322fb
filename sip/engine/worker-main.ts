import { parentPort, workerData } from 'node:worker_threads';
import {
  errorMessage,
  isGatewayError,
  type LogFields,
  type Logger,
  randomIds,
  systemClock,
} from '#core';
import { Engine } from './engine';
import { type FromWorker, type ToWorker, type WorkerOptions } from './worker-protocol';

/** Entry of the engine's thread. Everything it says goes to the main thread as a message. */

function post(message: FromWorker): void {
  parentPort?.postMessage(message);
}

/** Writes to the main thread's logger. */
function makeLogger(bound: LogFields): Logger {
  const write =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, fields?: LogFields): void =>
      post({ type: 'log', level, message, fields: { ...bound, ...fields } });
  return {
    // One message per SIP message would cost more than it tells.
    debug: () => undefined,
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: fields => makeLogger({ ...bound, ...fields }),
  };
}

async function main(): Promise<void> {
  const options = workerData as WorkerOptions;
  const { engine, port, listeners } = await Engine.start({
    listeners: options.listeners,
    secret: options.secret,
    clock: systemClock,
    ids: randomIds,
    logger: makeLogger({}),
    timers: options.timers,
    limits: options.limits,
    onConnectionLost: peer => post({ type: 'connection-lost', peer }),
    ...(options.userAgent === null ? {} : { userAgent: options.userAgent }),
    ...(options.optionTags === null ? {} : { optionTags: options.optionTags }),
    ...(options.minSessionExpiresS === null
      ? {}
      : { minSessionExpiresS: options.minSessionExpiresS }),
    ...(options.tls === null ? {} : { tls: options.tls }),
    knownSources: options.knownSources,
    ...(options.dnsServers === null ? {} : { dnsServers: options.dnsServers }),
    ...(options.sessionExpiresS === null ? {} : { sessionExpiresS: options.sessionExpiresS }),
  });
  parentPort?.on('message', (message: ToWorker) => {
    if (message.type === 'counters') {
      post({ type: 'counters', id: message.id, counters: engine.counters() });
      return;
    }
    if (message.type === 'known-sources') {
      engine.setKnownSources(message.sources);
      return;
    }
    void engine.close().then(() => {
      post({ type: 'closed' });
      parentPort?.close();
    });
  });
  post({
    type: 'started',
    port,
    listeners: listeners.map(({ transport, host, port: bound }) => ({
      transport,
      host,
      port: bound,
    })),
  });
}

main().catch((error: unknown) => {
  const known = isGatewayError(error) ? error : null;
  post({
    type: 'start-failed',
    code: known?.code ?? 'REC_ERR_ENGINE_WORKER',
    message: errorMessage(error),
    details: known?.details ?? {},
  });
});
