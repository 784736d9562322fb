import { isIP } from 'node:net';
import { errorMessage } from '#core';
import { EngineError } from '../errors';
import { type AddressHealth } from './address-health';
import { type KernelRoutes } from './kernel-routes';
import {
  type BoundListener,
  type EngineTransport,
  type OutboundRoute,
  type Resolve,
  type ResolvedAddress,
  type RouteResult,
  type RouteTls,
  type Target,
} from './types';

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
  readonly #health: AddressHealth;
  readonly #tlsOf: (target: Target) => RouteTls;

  constructor(options: {
    listeners: () => readonly BoundListener[];
    kernelRoutes: KernelRoutes;
    resolve: Resolve;
    health: AddressHealth;
    tlsOf: (target: Target) => RouteTls;
  }) {
    this.#listeners = options.listeners;
    this.#kernelRoutes = options.kernelRoutes;
    this.#resolve = options.resolve;
    this.#health = options.health;
    this.#tlsOf = options.tlsOf;
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
      ([route, ...alternatives]) =>
        onRoute(
          route === undefined
            ? { ok: false, error: noAddress(target) }
            : { ok: true, route, alternatives },
        ),
      (error: unknown) => onRoute({ ok: false, error: asEngineError(target, error) }),
    );
  }

  #candidates(transport: EngineTransport, family: 4 | 6 | null): readonly BoundListener[] {
    return this.#listeners().filter(
      listener =>
        listener.transport === transport && (family === null || listener.family === family),
    );
  }

  #routeAtOnce(target: Target): RouteResult | null {
    const family = isIP(target.host);
    const candidates = this.#candidates(
      target.transport,
      family === 4 || family === 6 ? family : null,
    );
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
      : { ok: true, route: this.#makeRoute(target, target, candidates, local), alternatives: [] };
  }

  async #routeByAsking(target: Target): Promise<readonly OutboundRoute[]> {
    const addresses =
      isIP(target.host) === 0
        ? await this.#resolve(
            target,
            (transport, family) => this.#candidates(transport, family).length > 0,
          )
        : [target];
    return Promise.all(
      this.#health.order(addresses).map(async address => {
        const candidates = this.#candidates(address.transport, isIP(address.host) === 6 ? 6 : 4);
        const local = await this.#kernelRoutes.localAddressFor(address.host);
        return this.#makeRoute(target, address, candidates, local);
      }),
    );
  }

  #makeRoute(
    target: Target,
    address: ResolvedAddress,
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
      transport: address.transport,
      listener,
      advertisedHost: listener.advertisedHost ?? boundHost,
      advertisedPort: listener.advertisedPort ?? listener.port,
      remoteHost: address.host,
      remotePort: address.port,
      tls: address.transport === 'tls' ? this.#tlsOf(target) : null,
    };
  }
}

function noAddress(target: Target): EngineError {
  return new EngineError('REC_ERR_ENGINE_RESOLVE', `${target.host} has no usable address`);
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
