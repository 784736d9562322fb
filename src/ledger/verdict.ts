import {
  type LedgerStream,
  type SrsAttemptRecord,
  type Verdict,
  type VerdictReason,
} from './record';

/** All that decides a verdict. */
export interface VerdictFacts {
  /** Whether policy or the provider's terms forbid a recording that somebody asked for. */
  readonly forbiddenBy: 'policy' | 'terms' | null;
  /** Whether the media of the call passed through the gateway. */
  readonly isAnchored: boolean;
  readonly attempts: readonly Pick<SrsAttemptRecord, 'result' | 'status'>[];
  /** The SRS, or the connection to it, went away before the recording was ended. */
  readonly srsLost: boolean;
  /** What gave that away; null: not lost, or not known. */
  readonly srsLossCause?: string | null;
  /** The media plane lost the call. */
  readonly mediaLost: boolean;
  /** The gateway stopped without ending the recording. */
  readonly interrupted: boolean;
  /** An error of the gateway that kept the recording from being made; null when there was none. */
  readonly internalError: string | null;
  /** Empty when there was never any media to record. */
  readonly streams: readonly StreamFacts[];
  /** Share of the packets of a stream (0–1) that the SRS may report lost before a recording is partial. */
  readonly maxReportedLossRatio: number;
  /** Times that were not delivered although the recording went on, in words. */
  readonly gaps: readonly string[];
}

export interface StreamFacts extends Pick<
  LedgerStream,
  | 'label'
  | 'packetsCaptured'
  | 'packetsSent'
  | 'packetsOverflowed'
  | 'packetsUnaccepted'
  | 'packetsPending'
  | 'packetsOfSilence'
> {
  /** The SRS took the stream (its port was not 0). Without meaning when no SRS answered. */
  readonly isAccepted: boolean;
  /** The SRS's port was reported closed. */
  readonly isUnreachable: boolean;
  /** By the SRS's last receiver report; 0 without one. */
  readonly packetsLostTowardSrs: number;
}

export interface VerdictDecision {
  readonly verdict: Verdict;
  /** Never empty; the most important first. */
  readonly reasons: readonly VerdictReason[];
  /** The reasons in words. */
  readonly text: string;
}

/** `SrsAttemptRecord.result` of the attempt that succeeded. */
export const ESTABLISHED = 'established';

/** `internalError` of a recording that was not made, or not finished, because it could not be protected like its call. */
export const SECURITY = 'security';

type Finding = readonly [reason: VerdictReason, text: string];

/**
 * What a recording is worth. Pure. A call that policy never wanted to record has no verdict and no record:
 * that is decided before this is asked.
 */
export function decideVerdict(facts: VerdictFacts): VerdictDecision {
  if (facts.forbiddenBy !== null) {
    return verdict('not-recorded', [
      facts.forbiddenBy === 'policy'
        ? ['policy', 'policy forbids the recording']
        : ['terms', "the provider's terms of service are not accepted"],
    ]);
  }
  const troubles = [...sessionTroubles(facts), ...streamTroubles(facts)];
  const captured = sum(facts.streams.map(stream => stream.packetsCaptured));
  const sent = sum(facts.streams.map(stream => stream.packetsSent));
  const reportedLoss = facts.streams.flatMap(lossTowardSrs);
  const isTooLossy = facts.streams.some(stream => lossRatio(stream) > facts.maxReportedLossRatio);

  if (facts.interrupted) {
    const stopped: Finding = ['gateway-stopped', 'the gateway stopped before the recording ended'];
    return verdict('interrupted', [stopped, ...troubles]);
  }
  if (troubles.length > 0) {
    const isDelivered = wasEstablished(facts) && sent > 0;
    const isSomething = isDelivered || isOnlyShortened(facts, captured);
    return verdict(isSomething ? 'partial' : 'failed', [...troubles, ...reportedLoss]);
  }
  if (captured === 0) {
    return verdict('recorded', [['no-media', 'the call was silent: there was nothing to record']]);
  }
  if (isTooLossy) {
    return verdict('partial', reportedLoss);
  }
  const complete: Finding = ['complete', `all ${captured} packets that were captured were sent`];
  return verdict('recorded', [complete, ...reportedLoss]);
}

/** Nothing was delivered because nothing was said while the SRS was there, and only for a part of the call. */
function isOnlyShortened(facts: VerdictFacts, captured: number): boolean {
  return (
    wasEstablished(facts) &&
    captured === 0 &&
    facts.isAnchored &&
    !facts.mediaLost &&
    facts.internalError === null &&
    facts.streams.some(stream => stream.isAccepted)
  );
}

function sessionTroubles(facts: VerdictFacts): Finding[] {
  return [
    ...finding(
      facts.internalError === SECURITY,
      'security',
      'the recording would have been less protected than the call',
    ),
    ...finding(
      facts.internalError !== null && facts.internalError !== SECURITY,
      'internal-error',
      `the gateway failed: ${facts.internalError ?? ''}`,
    ),
    ...finding(
      !facts.isAnchored,
      'media-not-anchored',
      'the media did not pass through the gateway',
    ),
    ...finding(facts.mediaLost, 'media-lost', 'the media plane lost the call'),
    ...(wasEstablished(facts) ? [] : [noSrs(facts)]),
    ...finding(
      wasEstablished(facts) && facts.srsLost,
      'srs-lost',
      `the SRS went away before the recording ended${
        facts.srsLossCause ? ` (${facts.srsLossCause})` : ''
      }`,
    ),
    ...(wasEstablished(facts) ? facts.gaps.map((text): Finding => ['gap', text]) : []),
  ];
}

function noSrs({ attempts }: VerdictFacts): Finding {
  const last = attempts.at(-1);
  if (last === undefined) {
    return ['srs-not-tried', 'no SRS was asked'];
  }
  const count = attempts.length === 1 ? '1 attempt' : `${attempts.length} attempts`;
  return last.status === null
    ? ['srs-silent', `no SRS answered (${count}, the last one: ${last.result})`]
    : ['srs-refused', `no SRS took the recording (${count}, the last answer: ${last.status})`];
}

/** Without an SRS, what waits in the rings says nothing new. */
function streamTroubles(facts: VerdictFacts): Finding[] {
  if (!wasEstablished(facts)) {
    return [];
  }
  return facts.streams.length === 0
    ? [['stream-refused', 'no stream was open']]
    : facts.streams.flatMap(troublesOf);
}

function troublesOf(stream: StreamFacts): Finding[] {
  const { label, packetsOverflowed, packetsUnaccepted, packetsPending } = stream;
  const known = stream.packetsSent + packetsOverflowed + packetsUnaccepted + packetsPending;
  const unaccounted = stream.packetsCaptured + (stream.packetsOfSilence ?? 0) - known;
  return [
    ...finding(!stream.isAccepted, 'stream-refused', `the SRS did not take stream ${label}`),
    ...finding(
      stream.isUnreachable,
      'stream-unreachable',
      `the SRS's port for stream ${label} was closed`,
    ),
    ...packets(label, packetsOverflowed, 'overflow', 'overwritten before being sent'),
    ...packets(label, packetsUnaccepted, 'unaccepted-format', 'of a format that was not taken'),
    ...packets(label, packetsPending, 'pending-at-end', 'still waiting at the end'),
    ...packets(label, unaccounted, 'unaccounted', 'of unknown fate'),
  ];
}

function lossTowardSrs({ label, packetsLostTowardSrs }: StreamFacts): Finding[] {
  return packets(label, packetsLostTowardSrs, 'loss-reported', 'reported lost by the SRS');
}

function lossRatio({ packetsLostTowardSrs, packetsSent }: StreamFacts): number {
  return packetsLostTowardSrs > 0 ? packetsLostTowardSrs / Math.max(1, packetsSent) : 0;
}

function packets(label: string, count: number, reason: VerdictReason, what: string): Finding[] {
  const noun = count === 1 ? 'packet' : 'packets';
  return finding(count > 0, reason, `${count} ${noun} of stream ${label} ${what}`);
}

function finding(isSo: boolean, reason: VerdictReason, text: string): Finding[] {
  return isSo ? [[reason, text]] : [];
}

function verdict(value: Verdict, findings: readonly Finding[]): VerdictDecision {
  return {
    verdict: value,
    reasons: [...new Set(findings.map(([reason]) => reason))],
    text: findings.map(([, text]) => text).join('; '),
  };
}

function wasEstablished({ attempts }: VerdictFacts): boolean {
  return attempts.some(({ result }) => result === ESTABLISHED);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
