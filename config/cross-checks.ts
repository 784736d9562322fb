import { type SlicedWork } from '#core';
import { checkAccess, checkCalls } from './call-checks';
import { checkPlace, checkReference, problem } from './check-support';
import { DEFAULTS } from './defaults';
import { ipFamily, isUnspecifiedIp, networkKey, parseIpNetwork } from './ip-address';
import { type PlacedMessage } from './issue-text';
import { formatPath } from './key-path';
import { checkIdentities, checkOrganisations } from './people-checks';
import { checkProviders, checkTlsFiles } from './provider-checks';
import { parseSipUri } from './sip-uri';
import { TreeView } from './tree-view';

/** One recorded call takes four RTP/RTCP pairs: two legs and two recording streams. */
const MIN_MEDIA_PORTS = 8;

/**
 * What values mean to one another. Works on the unchecked tree, so that these problems are reported together
 * with those of the schema; values that the schema refuses are passed over here.
 */
export function* crossCheck(root: unknown): SlicedWork<readonly PlacedMessage[]> {
  const config = new TreeView(root);
  const listeners = listenersOf(config);
  return [
    ...checkEngine(config),
    ...checkListeners(config, listeners),
    ...checkTls(config, listeners),
    ...checkLimits(config),
    ...checkMediaPorts(config, listeners),
    ...checkMediaNetworks(config),
    ...checkTrunks(config),
    ...checkRoutes(config),
    ...checkTransports(config, listeners),
    ...checkProviders(config, networkNames(config)),
    ...(yield* checkOrganisations(config)),
    ...(yield* checkIdentities(config)),
    ...checkCalls(config),
    ...checkAccess(config),
  ];
}

function listenersOf(config: TreeView): TreeView[] {
  const listeners = config.get('sip').get('listeners');
  return new TreeView(
    listeners.exists ? listeners.value : DEFAULTS.sip.listeners,
    listeners.path,
  ).items();
}

function networkNames(config: TreeView): string[] {
  const networks = config.get('media').get('networks');
  return networks.exists
    ? networks.entries().map(([name]) => name)
    : Object.keys(DEFAULTS.media.networks);
}

function checkEngine(config: TreeView): PlacedMessage[] {
  const sip = config.get('sip');
  if (sip.get('engine').text() !== 'drachtio') {
    return [];
  }
  const problems: PlacedMessage[] = [];
  if (!sip.get('drachtio').exists) {
    const message = 'is required with engine: drachtio: host and secret of the drachtio-server';
    problems.push(problem(sip.get('drachtio'), message));
  }
  if (sip.get('unknownSources').text() === 'drop') {
    const message =
      'cannot be drop with engine: drachtio: a drachtio-server answers before the gateway is asked';
    problems.push(problem(sip.get('unknownSources'), message));
  }
  return problems;
}

/** Bound and advertised address of a listener or network. */
function checkAddresses(bound: TreeView, advertised: TreeView): PlacedMessage[] {
  const boundHost = bound.text() ?? '';
  const advertisedHost = advertised.text();
  if (advertisedHost === null) {
    return isUnspecifiedIp(boundHost) && !advertised.exists
      ? [
          problem(
            advertised,
            `is required with ${boundHost}: the address that others can reach us at`,
          ),
        ]
      : [];
  }
  if (isUnspecifiedIp(advertisedHost)) {
    return [
      problem(advertised, `must be an address that others can send to, not ${advertisedHost}`),
    ];
  }
  const families = [ipFamily(boundHost), ipFamily(advertisedHost)];
  return families[0] !== families[1] && !families.includes(null)
    ? [
        problem(
          advertised,
          `must be an IPv${String(families[0])} address, as ${formatPath(bound.path)} is`,
        ),
      ]
    : [];
}

function checkListeners(config: TreeView, listeners: readonly TreeView[]): PlacedMessage[] {
  const problems: PlacedMessage[] = [];
  const seen = new Map<string, TreeView>();
  for (const listener of listeners) {
    problems.push(...checkAddresses(listener.get('host'), listener.get('advertisedHost')));
    const port = listener.get('port').number() ?? 0;
    // TLS listens on TCP.
    const protocol = listener.get('transport').text() === 'udp' ? 'udp' : 'tcp';
    const key = `${protocol} ${listener.get('host').text() ?? ''} ${port}`;
    const earlier = seen.get(key);
    if (earlier !== undefined && port !== 0) {
      problems.push(problem(listener, `listens where ${formatPath(earlier.path)} does already`));
    }
    seen.set(key, listener);
  }
  return [...problems, ...checkAdminPort(config, seen)];
}

/** Bounds that only make sense in this order. */
function checkLimits(config: TreeView): PlacedMessage[] {
  const limits = config.get('sip').get('limits');
  const value = (key: keyof typeof DEFAULTS.sip.limits): number =>
    limits.get(key).exists ? (limits.get(key).number() ?? NaN) : DEFAULTS.sip.limits[key];
  return (
    [
      ['headerLineBytes', 'messageBytes'],
      ['connectionsPerSource', 'connections'],
      ['shedTransactions', 'transactions'],
      ['appBusyBytes', 'appPauseBytes'],
      ['appPauseBytes', 'appBufferBytes'],
    ] as const
  )
    .filter(([lower, upper]) => value(lower) > value(upper))
    .map(([lower, upper]) =>
      problem(limits.get(lower), `must not be above sip.limits.${upper} (${value(upper)})`),
    );
}

/** A TLS listener has a certificate, and every PEM file that is named can be used. */
function checkTls(config: TreeView, listeners: readonly TreeView[]): PlacedMessage[] {
  const problems: PlacedMessage[] = [];
  for (const listener of listeners) {
    const isTls = listener.get('transport').text() === 'tls';
    const tls = listener.get('tls');
    if (isTls !== tls.exists) {
      const message = isTls
        ? 'is required with transport: tls: cert and key, paths of PEM files'
        : 'is for transport: tls only';
      problems.push(problem(tls, message));
    }
    problems.push(...checkTlsFiles(tls));
    const requested = tls.get('requestClientCert').text() ?? 'never';
    if (requested !== 'never' && !tls.get('ca').exists) {
      const message = `is required with requestClientCert: ${requested}: who signs the certificates of clients`;
      problems.push(problem(tls.get('ca'), message));
    }
  }
  const tls = config.get('sip').get('tls');
  const peers = tls
    .get('peers')
    .entries()
    .map(([, peer]) => peer);
  return [...problems, ...[tls, ...peers].flatMap(checkTlsFiles)];
}

function checkAdminPort(config: TreeView, seen: ReadonlyMap<string, TreeView>): PlacedMessage[] {
  const admin = config.get('admin');
  const host = admin.get('host').text() ?? DEFAULTS.admin.host;
  const port = admin.get('port').number() ?? DEFAULTS.admin.port;
  const listener = seen.get(`tcp ${host} ${port}`);
  return admin.get('enabled').value !== false && port !== 0 && listener !== undefined
    ? [problem(admin.get('port'), `is the port of ${formatPath(listener.path)}; choose another`)]
    : [];
}

function checkMediaPorts(config: TreeView, listeners: readonly TreeView[]): PlacedMessage[] {
  const ports = config.get('media').get('ports');
  const min = ports.get('min').exists ? ports.get('min').number() : DEFAULTS.media.portMin;
  const max = ports.get('max').exists ? ports.get('max').number() : DEFAULTS.media.portMax;
  if (min === null || max === null || Math.min(min, max) < 1024 || Math.max(min, max) > 65535) {
    return [];
  }
  const problems: PlacedMessage[] = [];
  if (min % 2 !== 0) {
    problems.push(
      problem(
        ports.get('min'),
        `must be even: RTP takes the even port of each pair (RFC 3550 §11); use ${min + 1}`,
      ),
    );
  }
  if (max % 2 === 0) {
    problems.push(
      problem(
        ports.get('max'),
        `must be odd: RTCP takes the odd port of each pair (RFC 3550 §11); use ${max - 1}`,
      ),
    );
  }
  if (max - min + 1 < MIN_MEDIA_PORTS) {
    const message = `must hold at least ${MIN_MEDIA_PORTS} ports (one recorded call) from min to max, not ${max - min + 1}`;
    problems.push(problem(ports, message));
  }
  for (const listener of listeners) {
    const port = listener.get('port').number();
    if (listener.get('transport').text() === 'udp' && port !== null && port >= min && port <= max) {
      problems.push(
        problem(
          listener.get('port'),
          `lies within media.ports (${min} to ${max}); choose a port outside`,
        ),
      );
    }
  }
  return problems;
}

function checkMediaNetworks(config: TreeView): PlacedMessage[] {
  const networks = config.get('media').get('networks');
  const problems = networks
    .entries()
    .flatMap(([, network]) =>
      checkAddresses(network.get('bindHost'), network.get('advertisedHost')),
    );
  return networks.exists && networks.entries().length === 0
    ? [...problems, problem(networks, 'must hold at least one network')]
    : problems;
}

function checkTrunks(config: TreeView): PlacedMessage[] {
  const problems: PlacedMessage[] = [];
  const owners = new Map<string, string>();
  for (const [name, trunk] of config.get('trunks').entries()) {
    problems.push(
      ...checkReference(
        trunk.get('network'),
        networkNames(config),
        'network',
        DEFAULTS.trunk.network,
      ),
    );
    problems.push(...checkPlace(trunk, config));
    for (const source of trunk.get('sources').items()) {
      const network = parseIpNetwork(source.text() ?? '');
      if (typeof network === 'string') {
        continue;
      }
      const owner = owners.get(networkKey(network));
      if (owner !== undefined) {
        const whose = owner === name ? 'is listed twice' : `belongs to trunk ${owner} already`;
        problems.push(problem(source, whose));
      }
      owners.set(networkKey(network), name);
    }
  }
  return problems;
}

function checkRoutes(config: TreeView): PlacedMessage[] {
  const trunks = config
    .get('trunks')
    .entries()
    .map(([name]) => name);
  return config
    .get('routes')
    .items()
    .flatMap(route => {
      const ways = [route.get('nextHops'), route.get('requestUri')].filter(way => way.exists);
      return [
        ...(ways.length === 1
          ? []
          : [problem(route, 'must have exactly one of nextHops and requestUri: true')]),
        ...checkPlace(route, config),
        ...checkReference(route.get('match').get('fromTrunk'), trunks, 'trunk'),
        ...checkReference(
          route.get('network'),
          networkNames(config),
          'network',
          DEFAULTS.route.network,
        ),
      ];
    });
}

/** The embedded engine sends from its listeners: a transport without one cannot be used. */
function checkTransports(config: TreeView, listeners: readonly TreeView[]): PlacedMessage[] {
  if (config.get('sip').get('engine').text() === 'drachtio' || listeners.length === 0) {
    return [];
  }
  const available = new Set(listeners.map(listener => listener.get('transport').text()));
  const nextHops = config
    .get('routes')
    .items()
    .flatMap(route => route.get('nextHops').items());
  const targets = config
    .get('providers')
    .entries()
    .flatMap(([, provider]) =>
      provider
        .get('targets')
        .items()
        .map(target => target.get('uri')),
    );
  const check = (view: TreeView, fallback: string): PlacedMessage[] => {
    const uri = parseSipUri(view.text() ?? '');
    const said = uri?.params['transport']?.toLowerCase() ?? fallback;
    const transport = uri?.scheme === 'sips' ? 'tls' : said;
    const isChecked = uri !== null && ['udp', 'tcp', 'tls'].includes(transport);
    return isChecked && !available.has(transport)
      ? [
          problem(
            view,
            `is reached over ${transport}, but sip.listeners has no ${transport} listener to send from`,
          ),
        ]
      : [];
  };
  return [
    ...nextHops.flatMap(view => check(view, 'udp')),
    ...targets.flatMap(view => check(view, 'tcp')),
  ];
}
