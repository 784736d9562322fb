import { isDeepStrictEqual } from 'node:util';
import { type ConfigProblem, type GatewayConfig } from '#config';

/** What is read once, at start: sections, and the keys of them that count at once all the same. */
const AT_START: readonly {
  readonly section: 'sip' | 'media' | 'ledger' | 'log' | 'admin';
  readonly live: readonly string[];
}[] = [
  {
    section: 'sip',
    live: [
      'srtpOnly',
      'srtp',
      'redirects',
      'refer',
      'otherMedia',
      'messages',
      'answerTimeoutMs',
      'unknownSources',
    ],
  },
  { section: 'media', live: ['anchor'] },
  { section: 'ledger', live: ['maxReportedLossPercent'] },
  { section: 'log', live: [] },
  { section: 'admin', live: ['tokens'] },
];

/** Keys in which a configuration differs from the one that the gateway was started with, and that count at the next start. */
export function needsRestart(started: GatewayConfig, now: GatewayConfig): readonly string[] {
  return AT_START.flatMap(({ section, live }) => {
    const before: Readonly<Record<string, unknown>> = started[section];
    const after: Readonly<Record<string, unknown>> = now[section];
    return [...new Set([...Object.keys(before), ...Object.keys(after)])]
      .filter(key => !live.includes(key) && !isDeepStrictEqual(before[key], after[key]))
      .map(key => `${section}.${key}`);
  });
}

/** Media networks that calls would be sent to and that do not exist before a restart. */
export function unusableNetworks(
  started: GatewayConfig,
  now: GatewayConfig,
  file: string,
): readonly ConfigProblem[] {
  const used = [
    ...Object.entries(now.trunks).map(([name, { network }]) => [`trunks.${name}`, network]),
    ...now.routes.map(({ network }, i) => [`routes[${i}]`, network]),
    ...Object.entries(now.providers).map(([name, { network }]) => [`providers.${name}`, network]),
  ] as const;
  return used.flatMap(([place = '', network = '']) =>
    Object.hasOwn(started.media.networks, network)
      ? []
      : [
          {
            source: file,
            line: null,
            path: `${place}.network`,
            message: `names the network "${network}", which exists only after a restart`,
          },
        ],
  );
}
