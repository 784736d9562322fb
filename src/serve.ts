import {
  ConfigError,
  formatProblem,
  type GatewayConfig,
  type LoadedConfig,
  maskedConfig,
} from '#config';
import { errorMessage, type Logger, randomIds, systemClock } from '#core';

import { type Gateway, startGateway } from './app';
import { createLogger, createMetrics } from './observability';
import { SettingsStore } from './settings-store';

/** Signals of the operating system; `process`, or an emitter in tests. */
export interface ServeSignals {
  on(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', listener: () => void): unknown;
}

/**
 * Runs the gateway until a signal ends it. SIGTERM drains (bounded by `sip.drainTimeoutMs`), SIGINT ends the
 * calls at once, a second signal waits for nothing. SIGHUP reads the configuration again.
 * @param loaded what `config` was made from; absent: it cannot be read again.
 * @returns the exit code: 0 after a signal, 1 after the failure of a vital part.
 * @throws GatewayError when the gateway cannot start.
 */
export async function serve(
  config: GatewayConfig,
  signals: ServeSignals,
  print: (line: string) => void,
  loaded?: LoadedConfig,
): Promise<number> {
  const log = createLogger(config.log);
  log.logger.info('configuration', { config: maskedConfig(config) });
  const settings = new SettingsStore(loaded ?? config, {
    clock: systemClock,
    logger: log.logger,
  });
  const onHup = (): void => void reload(settings, log.logger);
  signals.on('SIGHUP', onHup);
  try {
    const gateway = await startGateway(config, {
      settings,
      clock: systemClock,
      ids: randomIds,
      logger: log.logger,
      metrics: createMetrics(),
    });
    readyLines(config, gateway).forEach(print);
    const code = await untilStopped(config, gateway, signals);
    await gateway.close();
    return code;
  } finally {
    signals.off('SIGHUP', onHup);
    await log.close();
  }
}

/** All or nothing: a file that cannot be used leaves the settings as they are. */
async function reload(settings: SettingsStore, logger: Logger): Promise<void> {
  try {
    const { needsRestart, warnings } = await settings.reload();
    logger.info('configuration read again', { version: settings.current.version });
    warnings.forEach(warning => logger.warn('configuration', { warning }));
    if (needsRestart.length > 0) {
      logger.warn('a restart is needed for some of the configuration', { keys: needsRestart });
    }
  } catch (error) {
    const problems =
      error instanceof ConfigError ? error.problems.slice(0, 20).map(formatProblem) : [];
    logger.error('configuration not changed', {
      error: errorMessage(error).split('\n')[0],
      problems,
    });
  }
}

function untilStopped(
  config: GatewayConfig,
  gateway: Gateway,
  signals: ServeSignals,
): Promise<number> {
  return new Promise<number>(resolve => {
    let isStopping = false;
    const stop = (code: number): void => {
      signals.off('SIGTERM', onTerm);
      signals.off('SIGINT', onInt);
      resolve(code);
    };
    const onTerm = (): void => {
      if (isStopping) {
        stop(0);
        return;
      }
      isStopping = true;
      const timer = systemClock.setTimer(config.sip.drainTimeoutMs, () => stop(0));
      void gateway.drain().then(() => {
        timer.cancel();
        stop(0);
      });
    };
    const onInt = (): void => stop(0);
    signals.on('SIGTERM', onTerm);
    signals.on('SIGINT', onInt);
    gateway.onFailure(() => stop(1));
  });
}

/** What a person needs to know to send the first call. */
function readyLines(config: GatewayConfig, gateway: Gateway): readonly string[] {
  const srs = Object.entries(config.providers).flatMap(([provider, { targets }]) =>
    targets.map(({ uri }) => `  recorder   ${uri} (provider ${provider})`),
  );
  const routes = config.routes.map(
    route =>
      `  calls go   ${route.nextHops?.join(', then ') ?? 'where the Request-URI says'} (${route.kind})`,
  );
  const listeners =
    gateway.listeners.length === 0
      ? [`  SIP        on the drachtio-server at ${config.sip.drachtio?.host ?? ''}`]
      : gateway.listeners.map(
          ({ transport, host, port }) => `  SIP        ${transport} ${host}:${port}`,
        );
  const { capacity } = gateway;
  return [
    'siprec-gateway is ready',
    ...listeners,
    ...routes,
    ...srs,
    `  media      ${gateway.backend}, room for ${capacity.recordedCalls} recorded calls (limited by ${capacity.limitedBy})`,
    ...(gateway.admin === null
      ? []
      : [`  metrics    http://${gateway.admin.host}:${gateway.admin.port}/metrics`]),
  ];
}
