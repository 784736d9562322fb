import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import { errorMessage } from '#core';
import { EngineError } from '../errors';
import { type KernelRoutes } from './kernel-routes';
import {
  type BoundListener,
  type OutboundRoute,
  type Resolve,
  type RouteResult,
  type Target,
} from './types';

/** A and AAAA look-up by the system's resolver. */
export const resolveBySystem: Resolve = (target, families) =>
  new Promise((resolve, reject) => {
    lookup(target.host, { all: true, verbatim: true }, (error, addresses) => {
      if (error !== null) {
        reject(error);
        return;
      }
      resolve(
        addresses
          .filter(({ family }) => families.includes(family === 6 ? 6 : 4))
          .map(({ address }) => ({ host: address, port: target.port })),
      );
    });
  });

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/**
 * Chooses address and listener for targets. A request leaves from the listener of its transport and
 * family; of several, from the one that is bound to the address that the kernel would use.
 */
export class Router {
  readonly #listeners: () => readonly BoundListener[];
  readonly #kernelRoutes: KernelRoutes;
  readonly #resolve: Resolve;

  constructor(
    listeners: () => readonly BoundListener[],
    kernelRoutes: KernelRoutes,
    resolve: Resolve,
  ) {
    this.#listeners = listeners;
    this.#kernelRoutes = kernelRoutes;
    this.#resolve = resolve;
  }

  /**
   * `onRoute` is called exactly once; before this function returns if nothing has to be asked, which is
   * so for an IP literal with a single suitable listener.
   */
  route(target: Target, onRoute: (result: RouteResult) => void): void {
    const known = this.#routeAtOnce(target);
    if (known !== null) {
      onRoute(known);
      return;
    }
    this.#routeByAsking(target).then(
      route => onRoute({ ok: true, route, alternatives: [] }),
      (error: unknown) => onRoute({ ok: false, error: asEngineError(target, error) }),
    );
  }

  #candidates(target: Target, family: 4 | 6 | null): readonly BoundListener[] {
    return this.#listeners().filter(
      listener =>
        listener.transport === target.transport && (family === null || listener.family === family),
    );
  }

  #routeAtOnce(target: Target): RouteResult | null {
    const family = isIP(target.host);
    const candidates = this.#candidates(target, family === 4 || family === 6 ? family : null);
    const [listener] = candidates;
    if (listener === undefined) {
      return { ok: false, error: noTransport(target) };
    }
    if (family === 0) {
      return null;
    }
    if (target.port < 1 || target.port > 65_535) {
      return { ok: false, error: asEngineError(target, new Error('no such port')) };
    }
    const local = this.#kernelRoutes.peek(target.host);
    const needsKernel =
      candidates.length > 1 || (isWildcard(listener.host) && listener.advertisedHost === null);
    return needsKernel && local === null
      ? null
      : { ok: true, route: makeRoute(target, target, candidates, local), alternatives: [] };
  }

  async #routeByAsking(target: Target): Promise<OutboundRoute> {
    let address: { readonly host: string; readonly port: number } | undefined = target;
    if (isIP(target.host) === 0) {
      const families = new Set(this.#candidates(target, null).map(({ family }) => family));
      [address] = await this.#resolve(target, [...families]);
      if (address === undefined) {
        throw new EngineError('REC_ERR_ENGINE_RESOLVE', `${target.host} has no usable address`);
      }
    }
    const candidates = this.#candidates(target, isIP(address.host) === 6 ? 6 : 4);
    const local = await this.#kernelRoutes.localAddressFor(address.host);
    return makeRoute(target, address, candidates, local);
  }
}

function makeRoute(
  target: Target,
  address: { readonly host: string; readonly port: number },
  candidates: readonly BoundListener[],
  local: string | null,
): OutboundRoute {
  const listener =
    candidates.find(({ host }) => host === local) ??
    candidates.find(({ host }) => isWildcard(host)) ??
    candidates[0];
  if (listener === undefined) {
    throw noTransport(target);
  }
  const boundHost = isWildcard(listener.host) ? (local ?? listener.host) : listener.host;
  return {
    transport: target.transport,
    listener,
    advertisedHost: listener.advertisedHost ?? boundHost,
    advertisedPort: listener.advertisedPort ?? listener.port,
    remoteHost: address.host,
    remotePort: address.port,
  };
}

function noTransport(target: Target): EngineError {
  return new EngineError(
    'REC_ERR_ENGINE_NO_TRANSPORT',
    `no ${target.transport} listener can reach ${target.host}`,
  );
}

function asEngineError(target: Target, error: unknown): EngineError {
  return error instanceof EngineError
    ? error
    : new EngineError(
        'REC_ERR_ENGINE_RESOLVE',
        `cannot resolve ${target.host}:${target.port}: ${errorMessage(error)}`,
        { cause: error },
      );
}
