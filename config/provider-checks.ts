import { type SrtpSuite } from '#core';
import { checkReference, problem } from './check-support';
import { DEFAULTS } from './defaults';
import { type PlacedMessage } from './issue-text';
import { NO_PROVIDER } from './names';
import { type TreeView } from './tree-view';
import { tlsFileProblems } from './tls-files';

/** Provider names that mean something else where a provider is named. */
const RESERVED_PROVIDERS: readonly string[] = [NO_PROVIDER, 'inherit'];

/** What stands in `{}` in values of extraHeaders and is filled in for each recording. */
export const HEADER_PLACEHOLDERS = [
  'callId',
  'recordingId',
  'userId',
  'organisationId',
  'serviceProvider',
  'externalGroup',
  'externalIdentifier',
] as const;

/** @param networks names of the media networks. */
export function checkProviders(config: TreeView, networks: readonly string[]): PlacedMessage[] {
  const ring = config.get('media').get('ringSeconds');
  const ringS = ring.exists ? ring.number() : DEFAULTS.media.ringSeconds;
  return config
    .get('providers')
    .entries()
    .flatMap(([name, provider]) => [
      ...(RESERVED_PROVIDERS.includes(name)
        ? [problem(provider, `must not be called "${name}", which has a meaning of its own`)]
        : []),
      ...checkReference(provider.get('network'), networks, 'network', DEFAULTS.provider.network),
      ...checkRing(provider, ringS),
      ...checkLabels(provider.get('media').get('labels')),
      ...checkSrtp(provider.get('media').get('srtp')),
      ...checkPlaceholders(provider),
      ...checkTlsFiles(provider.get('tls')),
    ]);
}

/** What is to be sent again after a lost SRS must still be in the ring when the loss is seen. */
function checkRing(provider: TreeView, ringS: number | null): PlacedMessage[] {
  const failover = provider.get('failover');
  const value = (
    key: 'optionsIntervalMs' | 'optionsDeadlineMs' | 'rtcpSilenceMs' | 'overlapMs',
  ): number => failover.get(key).number() ?? DEFAULTS.provider[key];
  const byOptionsMs =
    value('optionsIntervalMs') === 0 ? 0 : value('optionsIntervalMs') + value('optionsDeadlineMs');
  // A lost connection is looked into also by whoever does not ask at intervals.
  const slowestMs = Math.max(byOptionsMs, value('optionsDeadlineMs'), value('rtcpSilenceMs'));
  const neededMs = slowestMs + value('overlapMs');
  return ringS === null || neededMs <= ringS * 1000
    ? []
    : [
        problem(
          failover,
          `needs ${neededMs / 1000} s of audio (${slowestMs / 1000} s until a lost recorder is noticed and ` +
            `${value('overlapMs') / 1000} s of overlap), but media.ringSeconds keeps ${ringS} s`,
        ),
      ];
}

/** With keys as long as any call's there is nothing less protected to allow. */
function checkLabels(labels: TreeView): PlacedMessage[] {
  const { recordedPartyLabel, otherPartiesLabel } = DEFAULTS.provider;
  const recorded = labels.get('recordedParty').text() ?? recordedPartyLabel;
  const others = labels.get('otherParties').text() ?? otherPartiesLabel;
  return recorded === others
    ? [problem(labels, 'must tell the two streams apart: recordedParty and otherParties are equal')]
    : [];
}

function checkSrtp(srtp: TreeView): PlacedMessage[] {
  const policy = srtp.get('policy').text() ?? DEFAULTS.provider.srtpPolicy;
  const suites = srtp.get('suites');
  const names: readonly (string | null)[] = suites.exists
    ? suites.items().map(item => item.text())
    : DEFAULTS.provider.srtpSuites;
  const hasEffect = policy === 'never' || names.some(name => name !== LONGEST_KEYS);
  return srtp.get('allowLessProtected').value === true && !hasEffect
    ? [
        problem(
          srtp.get('allowLessProtected'),
          `has no effect: with policy: ${policy} and no suite but ${LONGEST_KEYS} no recording is less protected than its call`,
        ),
      ]
    : [];
}

/** The suite whose keys are longer than those of all others. */
const LONGEST_KEYS: SrtpSuite = 'AEAD_AES_256_GCM';

function checkPlaceholders(provider: TreeView): PlacedMessage[] {
  return provider
    .get('signalling')
    .get('extraHeaders')
    .entries()
    .flatMap(([, header]) => {
      const known: readonly string[] = HEADER_PLACEHOLDERS;
      const unknown = Array.from((header.text() ?? '').matchAll(/\{([A-Za-z]\w*)\}/g))
        .map(match => match[1] ?? '')
        .find(name => !known.includes(name));
      return unknown === undefined
        ? []
        : [problem(header, `has the placeholder {${unknown}}; known are ${known.join(', ')}`)];
    });
}

/** Every PEM file that is named can be used. */
export function checkTlsFiles(tls: TreeView): PlacedMessage[] {
  const files: { cert?: string; key?: string; ca?: string } = {};
  for (const key of ['cert', 'key', 'ca'] as const) {
    const path = tls.get(key).text();
    if (path !== null && path.trim() !== '') {
      files[key] = path;
    }
  }
  return tlsFileProblems(files).map(({ key, message }) => problem(tls.get(key), message));
}
