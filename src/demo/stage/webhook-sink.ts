import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo } from 'node:net';

import { HOST } from './places';

/** Takes the gateway's webhooks and keeps them in a file, one JSON object a line. */
export interface WebhookSink {
  readonly url: string;
  close(): Promise<void>;
}

/** Far above what an event has. */
const MAX_BODY_BYTES = 256 * 1024;

export async function openWebhookSink(file: string): Promise<WebhookSink> {
  const server = createServer((request, response) => {
    void bodyOf(request).then(body => {
      if (body === null) {
        response.writeHead(413).end();
        return;
      }
      appendFileSync(file, `${body.replaceAll('\n', ' ')}\n`);
      response.writeHead(204).end();
    });
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** null: too long, or broken off. */
async function bodyOf(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request) {
      bytes += (part as Buffer).length;
      if (bytes > MAX_BODY_BYTES) {
        return null;
      }
      parts.push(part as Buffer);
    }
  } catch {
    return null;
  }
  return Buffer.concat(parts).toString('utf8');
}
