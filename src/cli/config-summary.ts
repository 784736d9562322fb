import { type GatewayConfig } from '#config';

/** What was understood of a configuration, in the order in which a call meets it. */
export interface ConfigSummary {
  /** `udp 127.0.0.1:5060`, or the drachtio-server. */
  readonly engine: string;
  readonly listeners: readonly string[];
  readonly media: { readonly backend: string; readonly ports: string; readonly networks: number };
  /** Name, sources, kind and trust of each. */
  readonly trunks: readonly string[];
  readonly routes: readonly string[];
  readonly providers: readonly string[];
  readonly users: { readonly total: number; readonly recorded: number };
  readonly admin: string | null;
}

/** Reduces a configuration to what an operator wants to see again. */
export function summariseConfig(config: GatewayConfig): ConfigSummary {
  const { sip, media, admin } = config;
  const users = Object.values(config.organisations).flatMap(({ users: all }) => Object.values(all));
  const isEmbedded = sip.engine === 'embedded';
  return {
    engine: isEmbedded
      ? 'embedded'
      : `drachtio-server at ${authority(sip.drachtio?.host ?? '', sip.drachtio?.port ?? 0)}`,
    listeners: isEmbedded ? sip.listeners.map(listenerText) : [],
    media: {
      backend: media.backend,
      ports: `${media.ports.min}-${media.ports.max}`,
      networks: Object.keys(media.networks).length,
    },
    trunks: Object.entries(config.trunks).map(
      ([name, { sources, kind, trusted }]) =>
        `${name}: ${sources.join(', ')} (${kind}, ${trusted ? 'trusted' : 'not trusted'})`,
    ),
    routes: config.routes.map(routeText),
    providers: Object.entries(config.providers).map(
      ([name, { targets }]) => `${name}: ${targets.map(({ uri }) => uri).join(', ')}`,
    ),
    users: {
      total: users.length,
      recorded: users.filter(user => user.recording.mode !== 'never').length,
    },
    admin: admin.enabled ? `http://${authority(admin.host, admin.port)}` : null,
  };
}

/** The summary as lines for a terminal. */
export function summaryLines(summary: ConfigSummary): readonly string[] {
  return [
    `SIP        ${[summary.engine, ...summary.listeners].join(', ')}`,
    `media      backend ${summary.media.backend}, UDP ports ${summary.media.ports}`,
    ...labelled('trunk', summary.trunks),
    ...labelled('route', summary.routes),
    ...labelled('recorder', summary.providers),
    `users      ${summary.users.total}, of which ${summary.users.recorded} recorded`,
    `admin      ${summary.admin ?? 'off'}`,
  ];
}

/** More than this many of a kind are counted rather than listed. */
const MAX_LISTED = 20;

function labelled(label: string, entries: readonly string[]): string[] {
  const lines = entries.slice(0, MAX_LISTED).map(entry => `${label.padEnd(10)} ${entry}`);
  const more = entries.length - lines.length;
  return more > 0 ? [...lines, `${label.padEnd(10)} and ${more} more`] : lines;
}

function listenerText(listener: GatewayConfig['sip']['listeners'][number]): string {
  const { transport, host, port, advertisedHost, advertisedPort } = listener;
  const bound = `${transport} ${authority(host, port)}`;
  return advertisedHost === undefined && advertisedPort === undefined
    ? bound
    : `${bound} as ${authority(advertisedHost ?? host, advertisedPort ?? port)}`;
}

function routeText(route: GatewayConfig['routes'][number]): string {
  const { user, domain, fromTrunk } = route.match;
  const conditions = [
    ...(user === undefined ? [] : [`user ${user}`]),
    ...(domain === undefined ? [] : [`domain ${domain}`]),
    ...(fromTrunk === undefined ? [] : [`from ${fromTrunk}`]),
  ];
  const where = route.nextHops?.join(', then ') ?? 'the Request-URI';
  return `${conditions.join(', ') || 'any'} -> ${where} (${route.kind})`;
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
