import { createHash, timingSafeEqual } from 'node:crypto';
import { isIPv4 } from 'node:net';

import { GatewayError } from '#core';
import { type FastifyInstance, type FastifyRequest } from 'fastify';

/** What a client may do; `control` includes `read`, and `admin` includes both. */
export type Scope = 'read' | 'control' | 'admin';

/** A client of the API: its token, or the SHA-256 (hex) of it. */
export interface ApiToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly token?: string | undefined;
  readonly sha256?: string | undefined;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a client needs for this route; absent: nothing. */
    readonly scope?: Scope;
  }
  interface FastifyRequest {
    /** Name of the token that a request came with; null: none was needed. */
    clientName: string | null;
  }
}

const IMPLIED: Readonly<Record<Scope, readonly Scope[]>> = {
  read: ['read', 'control', 'admin'],
  control: ['control', 'admin'],
  admin: ['admin'],
};

/** Whether only this machine can reach an address. */
export function isLoopback(host: string): boolean {
  return host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/**
 * Nobody but this machine reaches the API without a token.
 * @throws GatewayError `REC_ERR_ADMIN_TOKENS`.
 */
export function assertProtected(host: string, tokens: readonly ApiToken[]): void {
  if (tokens.length === 0 && !isLoopback(host)) {
    throw new GatewayError(
      'REC_ERR_ADMIN_TOKENS',
      `the admin server listens on ${host}, which others can reach: admin.tokens must name at least one token`,
      { details: { host } },
    );
  }
}

/**
 * Guards every route that names a scope. Without any token only this machine's own programs are let in.
 * @param host where the server listens
 * @param tokens those in force now; asked at every request
 */
export function guardRoutes(
  server: FastifyInstance,
  host: string,
  tokens: () => readonly ApiToken[],
): void {
  const digests = new DigestCache();
  server.decorateRequest('clientName', null);
  server.addHook('onRequest', async (request, reply) => {
    const { scope } = request.routeOptions.config;
    if (scope === undefined) {
      return;
    }
    const known = digests.of(tokens());
    if (known.length === 0) {
      if (!isLoopback(host) || !isOwnProgram(request)) {
        await reply.code(403).send({ error: 'only this machine may ask without a token' });
      }
      return;
    }
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const client = given === undefined ? null : find(known, digestOf(given));
    if (client === null) {
      await reply
        .code(401)
        .header('www-authenticate', 'Bearer realm="siprec-gateway"')
        .send({ error: 'a bearer token is needed' });
      return;
    }
    if (!client.scopes.some(each => IMPLIED[scope].includes(each))) {
      await reply.code(403).send({ error: `this token does not have the scope ${scope}` });
      return;
    }
    request.clientName = client.name;
  });
}

interface KnownClient {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly digest: Buffer;
}

/** Only digests are compared, and they are made once for each list of tokens. */
class DigestCache {
  #tokens: readonly ApiToken[] = [];
  #known: readonly KnownClient[] = [];

  of(tokens: readonly ApiToken[]): readonly KnownClient[] {
    if (tokens !== this.#tokens) {
      this.#tokens = tokens;
      this.#known = tokens.map(({ name, scopes, token, sha256 }) => ({
        name,
        scopes,
        digest: token === undefined ? Buffer.from(sha256 ?? '', 'hex') : digestOf(token),
      }));
    }
    return this.#known;
  }
}

/** All are compared, whichever matches, in constant time each. */
function find(known: readonly KnownClient[], digest: Buffer): KnownClient | null {
  let found: KnownClient | null = null;
  for (const client of known) {
    if (client.digest.length === digest.length && timingSafeEqual(client.digest, digest)) {
      found = client;
    }
  }
  return found;
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

/**
 * A page of another site that this machine's browser shows is not: it has an Origin that is not ours, or has made its
 * own name point to us (DNS rebinding).
 */
function isOwnProgram({ headers }: FastifyRequest): boolean {
  const host = headers.host ?? '';
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const { origin } = headers;
  return (
    (name === 'localhost' || isLoopback(name)) &&
    (origin === undefined || origin === `http://${host}`)
  );
}
