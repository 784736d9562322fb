import { type LedgerRecord } from './record';
import { type RecorderRow } from './recorder-csv';
import { lostMs } from './report';

export interface ReconcileOptions {
  /** s; how far clocks, and what they call the start, may be apart. */
  readonly toleranceS: number;
}

/** A recording of the ledger, as little of it as names it. */
export interface LedgerSide {
  readonly recordingId: string;
  readonly callId: string;
  readonly provider: string;
  readonly party: string;
  readonly startedAt: string;
  readonly verdict: string;
}

export interface Reconciliation {
  /** Recordings that both know. */
  readonly matched: number;
  /** What the ledger says was delivered and the recorder does not have. */
  readonly missing: readonly LedgerSide[];
  /** What the recorder has and the ledger does not know. */
  readonly surplus: readonly RecorderRow[];
  /** What the recorder has although the ledger says that nothing was delivered (failed, discarded, not recorded). */
  readonly unexpected: readonly { readonly ledger: LedgerSide; readonly row: RecorderRow }[];
  /** What the recorder has, but shorter than was delivered, beyond the tolerance. */
  readonly shorter: readonly {
    readonly ledger: LedgerSide;
    readonly row: RecorderRow;
    readonly deliveredS: number;
  }[];
}

/**
 * Compares what was delivered with what a recorder has. An id decides where there is one; else the recorded party and
 * a start within the tolerance, the nearest one first. Every recording and every row counts once.
 */
export function reconcile(
  records: readonly LedgerRecord[],
  rows: readonly RecorderRow[],
  { toleranceS }: ReconcileOptions,
): Reconciliation {
  const open = new Set(records);
  const byId = indexById(records);
  const byParty = indexByParty(records);
  const pairs: { record: LedgerRecord; row: RecorderRow }[] = [];
  const pair = (row: RecorderRow, record: LedgerRecord | undefined): boolean => {
    if (record === undefined) {
      return false;
    }
    open.delete(record);
    pairs.push({ record, row });
    return true;
  };
  const withoutId = rows.filter(
    row =>
      !pair(
        row,
        candidates(byId, row.id).find(record => open.has(record)),
      ),
  );
  const surplus = withoutId.filter(row => !pair(row, nearest(byParty, row, open, toleranceS)));

  return {
    matched: pairs.length,
    missing: [...open].filter(wasDelivered).map(ledgerSide),
    surplus,
    unexpected: pairs
      .filter(({ record }) => !wasDelivered(record))
      .map(({ record, row }) => ({ ledger: ledgerSide(record), row })),
    shorter: pairs.flatMap(({ record, row }) => {
      const deliveredS = deliveredSeconds(record);
      return wasDelivered(record) &&
        row.durationS !== null &&
        row.durationS + toleranceS < deliveredS
        ? [{ ledger: ledgerSide(record), row, deliveredS }]
        : [];
    }),
  };
}

/** Whether a recorder must have something of it. */
export function wasDelivered({ verdict, kept, streams }: LedgerRecord): boolean {
  return (
    (verdict === 'recorded' || verdict === 'partial' || verdict === 'interrupted') &&
    kept !== false &&
    streams.some(({ packetsSent }) => packetsSent > 0)
  );
}

function deliveredSeconds(record: LedgerRecord): number {
  const allMs = Date.parse(record.endedAt) - Date.parse(record.startedAt);
  return Math.max(0, Math.round(allMs - lostMs(record)) / 1000);
}

/** Every id of a recording that a recorder may have kept. */
function indexById(records: readonly LedgerRecord[]): Map<string, LedgerRecord[]> {
  const index = new Map<string, LedgerRecord[]>();
  for (const record of records) {
    const srsCallIds = record.srsAttempts.flatMap(({ srsCallId }) => srsCallId ?? []);
    for (const id of new Set([
      record.recordingId,
      record.callId,
      record.sipCallId,
      ...srsCallIds,
    ])) {
      add(index, id, record);
    }
  }
  return index;
}

function indexByParty(records: readonly LedgerRecord[]): Map<string, LedgerRecord[]> {
  const index = new Map<string, LedgerRecord[]>();
  for (const record of records) {
    add(index, userPart(record.recordedParty.identity), record);
  }
  return index;
}

function add(index: Map<string, LedgerRecord[]>, key: string, record: LedgerRecord): void {
  const list = index.get(key);
  if (list === undefined) {
    index.set(key, [record]);
  } else {
    list.push(record);
  }
}

function candidates(
  index: ReadonlyMap<string, readonly LedgerRecord[]>,
  key: string | null,
): readonly LedgerRecord[] {
  return (key === null ? undefined : index.get(key)) ?? [];
}

function nearest(
  byParty: ReadonlyMap<string, readonly LedgerRecord[]>,
  { party, startedAtMs, provider }: RecorderRow,
  open: ReadonlySet<LedgerRecord>,
  toleranceS: number,
): LedgerRecord | undefined {
  if (party === null || startedAtMs === null) {
    return undefined;
  }
  const apartMs = (record: LedgerRecord): number =>
    Math.abs(Date.parse(record.startedAt) - startedAtMs);
  return candidates(byParty, userPart(party))
    .filter(record => open.has(record) && (provider === null || provider === record.provider))
    .filter(record => apartMs(record) <= toleranceS * 1000)
    .sort((a, b) => apartMs(a) - apartMs(b))[0];
}

/** `sip:+49 30-123@example.com;x` and `tel:+4930123` are the same party: `+4930123`. */
function userPart(identity: string): string {
  const user = identity
    .trim()
    .replace(/^(sips?|tel):/i, '')
    .replace(/[@;].*$/, '')
    .toLowerCase();
  return /^[+\d][\d\s().-]*$/.test(user) ? user.replaceAll(/[\s().-]/g, '') : user;
}

function ledgerSide(record: LedgerRecord): LedgerSide {
  const { recordingId, callId, provider, recordedParty, startedAt, verdict } = record;
  return { recordingId, callId, provider, party: recordedParty.identity, startedAt, verdict };
}
