import { isIP } from 'node:net';
import { type ConnectionOptions, type TlsOptions } from 'node:tls';
import { checkSipIdentity } from './tls-identity';
import {
  type ClientTls,
  type ClientTlsOptions,
  type RouteTls,
  type ServerTls,
  type Target,
  type TlsVersion,
} from './types';

const MIN_VERSION: TlsVersion = 'TLSv1.2';

/** What Node.js is to be told for a listener. A bad client certificate is found by its user, see below. */
export function serverOptions(tls: ServerTls, handshakeTimeoutMs: number): TlsOptions {
  const requestClientCert = tls.requestClientCert ?? 'never';
  return {
    cert: tls.cert,
    key: tls.key,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    minVersion: tls.minVersion ?? MIN_VERSION,
    requestCert: requestClientCert !== 'never',
    // With `request` a client without a certificate is welcome, so the connection is looked at afterwards.
    rejectUnauthorized: requestClientCert === 'require',
    handshakeTimeout: handshakeTimeoutMs,
  };
}

/** What Node.js is to be told for a connection to `serverName`. */
export function clientOptions(tls: ClientTls, serverName: string): ConnectionOptions {
  const name = tls.serverName ?? serverName;
  return {
    // SNI has no addresses in it (RFC 6066 §3).
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    minVersion: tls.minVersion ?? MIN_VERSION,
    rejectUnauthorized: tls.verify ?? true,
    checkServerIdentity: (_host, certificate) =>
      checkSipIdentity(name, certificate, { allowWildcards: tls.allowWildcards ?? false }) ??
      undefined,
  };
}

/** What TLS needs for a target, before its name is looked up. */
export function routeTls(target: Target, options: ClientTlsOptions): RouteTls {
  const host = target.host.toLowerCase();
  const keys = [`${host.includes(':') ? `[${host}]` : host}:${target.port}`, host];
  const peers = options.peers ?? {};
  const known = Object.keys(peers);
  const peer = keys
    .map(key => known.find(each => each.toLowerCase() === key))
    .find(key => key !== undefined);
  return { serverName: host, peer: peer ?? null };
}

/** The settings for a way. */
export function clientTlsOf(tls: RouteTls, options: ClientTlsOptions): ClientTls {
  return tls.peer === null ? options : (options.peers?.[tls.peer] ?? options);
}
