import { type GatewayConfig, NO_PROVIDER } from './schema';

/**
 * What is allowed but probably not meant, in full sentences. For the log at start and `config check`.
 */
export function configWarnings(config: GatewayConfig): readonly string[] {
  return [
    ...warnAboutCalls(config),
    ...warnAboutTls(config),
    ...warnAboutRouteOrder(config),
    ...warnAboutRecording(config),
    ...warnAboutRing(config),
  ];
}

function warnAboutCalls(config: GatewayConfig): string[] {
  const warnings: string[] = [];
  if (Object.keys(config.trunks).length === 0) {
    warnings.push('No trunk is configured: every call is refused with 403.');
  }
  if (config.routes.length === 0) {
    warnings.push('No route is configured: every call is refused with 404.');
  }
  if (config.sip.engine === 'drachtio') {
    warnings.push('With engine: drachtio the drachtio-server listens; sip.listeners is not used.');
  }
  config.routes.forEach((route, i) => {
    if (route.requestUri === true && route.match.domain === undefined) {
      warnings.push(
        `routes[${i}] follows any Request-URI: callers choose where the gateway sends calls. ` +
          'Limit it by match.domain.',
      );
    }
  });
  return warnings;
}

function warnAboutTls({ sip }: GatewayConfig): string[] {
  const peers = Object.entries(sip.tls.peers).map(([peer, tls]) => ({
    path: `sip.tls.peers.${peer}`,
    tls,
  }));
  return [{ path: 'sip.tls', tls: sip.tls }, ...peers]
    .filter(({ tls }) => !tls.verify)
    .map(
      ({ path }) =>
        `${path}.verify is false: whoever answers is taken for the peer, and can read and change what is sent.`,
    );
}

function warnAboutRouteOrder(config: GatewayConfig): string[] {
  const catchAll = config.routes.findIndex(
    ({ match }) =>
      [match.user, match.domain].every(p => p === undefined || p === '*') &&
      match.fromTrunk === undefined,
  );
  return catchAll >= 0 && catchAll < config.routes.length - 1
    ? [`routes[${catchAll}] matches every call: the routes after it are never used.`]
    : [];
}

function warnAboutRecording(config: GatewayConfig): string[] {
  const organisations = Object.entries(config.organisations);
  const recorded = organisations.some(
    ([, { provider, users }]) =>
      provider !== NO_PROVIDER &&
      Object.values(users).some(user => user.recording.mode !== 'never'),
  );
  const unrecordable = organisations
    .filter(
      ([, { provider, users }]) =>
        provider === NO_PROVIDER &&
        Object.values(users).some(user => user.recording.mode !== 'never'),
    )
    .map(
      ([name]) =>
        `organisations.${name} has provider: ${NO_PROVIDER}: its users' recording modes have no effect.`,
    );
  return recorded ? unrecordable : [...unrecordable, 'No user is recorded.'];
}

function warnAboutRing(config: GatewayConfig): string[] {
  return Object.entries(config.providers).flatMap(([name, { answerTimeoutMs, targets }]) => {
    const longestWaitS = (answerTimeoutMs * targets.length) / 1000;
    return longestWaitS > config.media.ringSeconds
      ? [
          `providers.${name} may take ${longestWaitS} s until its last target answers, but ` +
            `media.ringSeconds keeps only ${config.media.ringSeconds} s: the beginning of a call may be lost.`,
        ]
      : [];
  });
}
