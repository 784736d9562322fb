/*
 * The embedded SIP engine in a process of its own, reached like a drachtio-server: by address, port and secret. Runs the
 * compiled engine of dist/. Prints the variables that choose it for the application tests, then stays until it is killed.
 *
 *   node test/support/foreign-engine-main.mjs [--sip-port 5060] [--secret cymru]
 */

import process from 'node:process';
import { parseArgs } from 'node:util';
import { Engine } from '../../dist/sip/engine/engine.js';
import { noopLogger, randomIds, systemClock } from '../../dist/src/core/index.js';

const HOST = '127.0.0.1';

async function main() {
  const { values } = parseArgs({
    options: {
      'sip-port': { type: 'string', default: '5060' },
      secret: { type: 'string', default: 'cymru' },
    },
  });
  const sipPort = Number(values['sip-port']);
  const { port } = await Engine.start({
    listeners: ['udp', 'tcp'].map(transport => ({ transport, host: HOST, port: sipPort })),
    secret: values.secret,
    clock: systemClock,
    ids: randomIds,
    logger: noopLogger,
    // As in the tests on the embedded engine: a transaction gives up after 3.2 s.
    timers: { t1Ms: 50, t2Ms: 200, t4Ms: 100 },
  });
  process.stdout.write(
    `DRACHTIO_HOST=${HOST} DRACHTIO_PORT=${port} DRACHTIO_SECRET=${values.secret} DRACHTIO_SIP_PORT=${sipPort}\n`,
  );
}

main().catch(error => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
