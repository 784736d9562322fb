import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LedgerLine } from '../../ledger';
import { check, checkEqual, type ScenarioCheck } from '../scenario';
import { type Evidence, type SessionEvidence } from '../stage/evidence';
import { type DemoParty } from '../stage/places';
import { type Stage } from '../stage/stage';
import { seconds, type Span, spanText } from './ear';

/* What stands in messages, documents, packets and the ledger. Times are of the call, ms. */

/** Metadata may be this far from what the phones saw, ms. */
const TIME_TOLERANCE_MS = 250;

/** The session follows the RFCs (or the dialect that it speaks), as the recorder judged it. */
export function conforms(
  session: SessionEvidence,
  options: { except?: readonly string[] } = {},
): ScenarioCheck {
  const found = session.deviations.filter(({ name }) => !options.except?.includes(name));
  return check(
    `${session.srs}: signalling and metadata`,
    session.documents.length > 0 && found.length === 0,
    'no deviation from what the recorder knows of the protocol',
    found.length === 0
      ? `${session.messages.length} messages, ${session.documents.length} documents, none`
      : found.map(({ clause, message, where }) => `${where}: ${clause}: ${message}`).join('; '),
  );
}

/** The ledger says of the n-th recording what became of it. */
export function verdictIs(
  { ledger }: Evidence,
  verdict: LedgerLine['verdict'],
  reasons: readonly string[] | null = null,
  index = 0,
): ScenarioCheck {
  const line = ledger[index];
  const found = line === undefined ? null : `${line.verdict} (${line.verdictReasons.join(', ')})`;
  const isRight =
    line?.verdict === verdict &&
    (reasons === null || reasons.every(each => line.verdictReasons.some(it => it === each)));
  return check(
    `ledger: recording ${index + 1}`,
    isRight,
    reasons === null ? verdict : `${verdict} (${reasons.join(', ')})`,
    found ?? 'no such record',
  );
}

export function recordingsAre(evidence: Evidence, count: number): ScenarioCheck {
  return checkEqual('recordings in the ledger', count, evidence.ledger.length);
}

/** Who is on which channel, by the metadata. */
export function speakerIs(
  session: SessionEvidence,
  label: string,
  party: DemoParty,
): ScenarioCheck {
  const stream = session.streams.find(each => each.label === label);
  const found = (stream?.parties ?? []).map(({ aor }) => aor);
  return check(
    `${session.srs}: label ${label} by the metadata`,
    found.length === 1 && found.some(aor => aor.includes(party.name)),
    party.name,
    found.join(', ') || 'nobody',
  );
}

/** Nothing that was said or pressed in the span reached the recorder, not even late. */
export function nothingFrom(
  what: string,
  session: SessionEvidence,
  [fromMs, untilMs]: Span,
): ScenarioCheck {
  const within = session.packets.filter(
    ({ spokenAtMs, arrivedAtMs }) =>
      (spokenAtMs >= fromMs && spokenAtMs < untilMs) ||
      (arrivedAtMs >= fromMs && arrivedAtMs < untilMs),
  );
  const audible = within.filter(({ isAudible }) => isAudible).length;
  const events = within.filter(({ kind }) => kind === 'event').length;
  return check(
    `${session.srs}: no live packet ${what}`,
    session.packets.length > 0 && audible + events === 0,
    `no audio and no DTMF from ${spanText([[fromMs, untilMs]])}`,
    `${audible} packets of audio, ${events} of DTMF, of ${session.packets.length} in all`,
  );
}

/** The metadata tells of events, in order, each at its time (null: any; 0: when the call was answered). */
export function tellsEvents(
  stage: Stage,
  session: SessionEvidence,
  expected: readonly (readonly [kind: string, atMs: number | null])[],
): ScenarioCheck {
  const told = typeof session.told === 'string' ? [] : session.told.events;
  const found = told.map(({ kind, at }) => [kind, Date.parse(at) - stage.zeroMs] as const);
  const isRight =
    found.length === expected.length &&
    expected.every(([kind, atMs], index) => {
      const [foundKind, foundAtMs] = found[index] ?? ['', Infinity];
      return (
        kind === foundKind &&
        (atMs === null ||
          (foundAtMs >= (atMs === 0 ? stage.firstAnswerMs : atMs) - TIME_TOLERANCE_MS &&
            foundAtMs <= atMs + TIME_TOLERANCE_MS))
      );
    });
  const text = (events: readonly (readonly [string, number | null])[]): string =>
    events.map(([kind, atMs]) => (atMs === null ? kind : `${kind} ${seconds(atMs)}`)).join(', ');
  return check(
    `${session.srs}: the metadata tells start, stop, pause and resume`,
    isRight,
    text(expected) || 'nothing',
    (typeof session.told === 'string' ? session.told : text(found)) || 'nothing',
  );
}

/** The metadata tells of a notice at its time (null: any; a number: of its beginning) to so many parties. */
export function tellsNotice(
  stage: Stage,
  session: SessionEvidence,
  kind: string,
  at: number | Span | null,
  parties: number,
): ScenarioCheck {
  const [fromMs, untilMs] = typeof at === 'number' ? [at, null] : (at ?? [null, null]);
  const isNear = (atMs: number, expectedMs: number | null): boolean =>
    expectedMs === null || Math.abs(atMs - expectedMs) <= TIME_TOLERANCE_MS;
  const told = typeof session.told === 'string' ? [] : session.told.announcements;
  const found = told
    .filter(notice => notice.kind === kind)
    .map(({ startedAt, endedAt, to }) => ({
      startMs: Date.parse(startedAt) - stage.zeroMs,
      endMs: Date.parse(endedAt) - stage.zeroMs,
      to,
    }));
  const isRight = found.some(
    ({ startMs, endMs, to }) =>
      to.length === parties && endMs > startMs && isNear(startMs, fromMs) && isNear(endMs, untilMs),
  );
  const when =
    fromMs === null
      ? ''
      : untilMs === null
        ? ` at ${seconds(fromMs)}`
        : ` from ${spanText([[fromMs, untilMs]])}`;
  return check(
    `${session.srs}: the metadata tells of the ${kind} notice`,
    isRight,
    `${kind}${when} to ${parties} parties`,
    found
      .map(({ startMs, endMs, to }) => `${spanText([[startMs, endMs]])} to ${to.length} parties`)
      .join('; ') || `none of ${told.map(notice => notice.kind).join(', ') || 'no notice'}`,
  );
}

/** What recorders in this process got so far, and what the gateway copied for any. */
export interface RecorderCounts {
  readonly messages: number;
  readonly packets: number;
  readonly sessions: number;
}

export async function recorderCounts({ recorders, metrics }: Stage): Promise<RecorderCounts> {
  const text = await metrics.registry.metrics();
  const forked = /^siprec_gateway_rtp_packets_forked_total (\d+)/m.exec(text)?.[1] ?? '0';
  const here = recorders.flatMap(({ inProcess }) => (inProcess === null ? [] : [inProcess]));
  return {
    messages: here.reduce((sum, srs) => sum + srs.messagesReceived, 0),
    packets: Number(forked),
    sessions: here.reduce((sum, srs) => sum + srs.recordings.length, 0),
  };
}

/** No recorder got any message, and the gateway copied no packet. */
export function untouched(when: string, counts: RecorderCounts): readonly ScenarioCheck[] {
  return [
    checkEqual(`SIP messages to any recorder${when}`, 0, counts.messages),
    checkEqual(`RTP packets copied for any recorder${when}`, 0, counts.packets),
    checkEqual(`recording sessions${when}`, 0, counts.sessions),
  ];
}

export function nothingLeftOpen({ leftOpen }: Evidence): ScenarioCheck {
  const open = Object.entries(leftOpen).filter(([, count]) => count !== 0);
  return check(
    'nothing left open in the gateway',
    open.length === 0,
    `no ${Object.keys(leftOpen).join(', ')}`,
    open.length === 0 ? 'nothing' : open.map(([what, count]) => `${count} ${what}`).join(', '),
  );
}

/** No file of the evidence holds any of the secrets. */
export function hidden(what: string, outDir: string, secrets: readonly string[]): ScenarioCheck {
  const holding = filesBelow(outDir).filter(file => {
    const bytes = readFileSync(file);
    return secrets.some(secret => bytes.includes(secret));
  });
  return check(
    `${what} in no log, ledger or evidence`,
    secrets.length > 0 && holding.length === 0,
    `none of ${secrets.length} in any file`,
    holding.length === 0 ? 'none' : holding.join(', '),
  );
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && !entry.name.endsWith('.wav'))
    .map(entry => join(entry.parentPath, entry.name));
}
