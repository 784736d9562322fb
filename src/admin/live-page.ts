import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

import { type FastifyInstance } from 'fastify';

const FILES = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/live.css': ['live.css', 'text/css; charset=utf-8'],
  '/live.js': ['live.js', 'text/javascript; charset=utf-8'],
  '/live-view.js': ['live-view.js', 'text/javascript; charset=utf-8'],
  '/live-stream.js': ['live-stream.js', 'text/javascript; charset=utf-8'],
} as const;

const HEADERS = {
  // Nothing from elsewhere, nothing inline, in nobody's frame.
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
} as const;

/** The live page: static files without any data, so that they need no token. Data comes from the API. */
export function addLivePage(server: FastifyInstance): void {
  const folder = publicFolder();
  for (const [url, [name, type]] of Object.entries(FILES)) {
    const content = readFileSync(path.join(folder, name));
    server.get(url, { schema: { hide: true } }, (_request, reply) =>
      reply.headers(HEADERS).type(type).send(content),
    );
  }
}

/** The files stand beside the sources; the compiled code runs from dist/. */
function publicFolder(): string {
  const below = path.join('src', 'admin', 'public');
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) {
    folder = path.dirname(folder);
  }
  return path.join(folder, below);
}
