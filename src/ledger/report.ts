import { type LedgerRecord, type Verdict } from './record';

export const VERDICTS = [
  'recorded',
  'partial',
  'not-recorded',
  'failed',
  'interrupted',
] as const satisfies readonly Verdict[];

/** Sums over some recordings. */
export interface ReportRow {
  readonly recordings: number;
  readonly byVerdict: Readonly<Record<Verdict, number>>;
  /** s; from start to end of every recording that policy demanded and allowed. */
  readonly demandedS: number;
  /** s; of these, what certainly was not recorded (the gaps). */
  readonly lostS: number;
  /** s; what was sent once more after a recorder was lost. */
  readonly replayedS: number;
  /** Packets that were captured and not delivered, or that recorders report lost. */
  readonly packetsLost: number;
}

export interface LedgerReport {
  readonly total: ReportRow;
  readonly byProvider: Readonly<Record<string, ReportRow>>;
}

/** Adds recordings up, by provider and verdict. */
export class ReportBuilder {
  readonly #total = new RowBuilder();
  readonly #byProvider = new Map<string, RowBuilder>();

  add(record: LedgerRecord): void {
    this.#total.add(record);
    let row = this.#byProvider.get(record.provider);
    if (row === undefined) {
      row = new RowBuilder();
      this.#byProvider.set(record.provider, row);
    }
    row.add(record);
  }

  report(): LedgerReport {
    const rows = [...this.#byProvider].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      total: this.#total.row(),
      byProvider: Object.fromEntries(rows.map(([provider, row]) => [provider, row.row()])),
    };
  }
}

class RowBuilder {
  #recordings = 0;
  readonly #byVerdict: Record<Verdict, number> = {
    recorded: 0,
    partial: 0,
    'not-recorded': 0,
    failed: 0,
    interrupted: 0,
  };
  #demandedMs = 0;
  #lostMs = 0;
  #replayedMs = 0;
  #packetsLost = 0;

  add(record: LedgerRecord): void {
    this.#recordings += 1;
    this.#byVerdict[record.verdict] += 1;
    if (record.verdict !== 'not-recorded') {
      this.#demandedMs += demandedMs(record);
    }
    this.#lostMs += lostMs(record);
    this.#replayedMs += record.replayedS * 1000;
    this.#packetsLost += packetsLost(record);
  }

  row(): ReportRow {
    return {
      recordings: this.#recordings,
      byVerdict: { ...this.#byVerdict },
      demandedS: seconds(this.#demandedMs),
      lostS: seconds(this.#lostMs),
      replayedS: seconds(this.#replayedMs),
      packetsLost: this.#packetsLost,
    };
  }
}

/** From start to end, ms. */
function demandedMs({ startedAt, endedAt }: LedgerRecord): number {
  return Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) || 0;
}

/** The time of a recording's gaps, ms; what two gaps have in common counts once. */
export function lostMs({ gaps, startedAt, endedAt }: LedgerRecord): number {
  const [startMs, endMs] = [Date.parse(startedAt), Date.parse(endedAt)];
  const spans = gaps
    .map(gap => ({
      fromMs: Math.max(startMs, Date.parse(gap.startAt)),
      toMs: Math.min(endMs, gap.endAt === null ? endMs : Date.parse(gap.endAt)),
    }))
    .sort((a, b) => a.fromMs - b.fromMs);
  let lost = 0;
  let reachedMs = startMs;
  for (const { fromMs, toMs } of spans) {
    lost += Math.max(0, toMs - Math.max(fromMs, reachedMs)) || 0;
    reachedMs = Math.max(reachedMs, toMs);
  }
  return lost;
}

function packetsLost({ streams }: LedgerRecord): number {
  return streams.reduce(
    (sum, stream) =>
      sum +
      Math.max(0, stream.packetsCaptured + (stream.packetsOfSilence ?? 0) - stream.packetsSent) +
      Math.max(0, stream.lossBySrsReports?.packetsLost ?? 0),
    0,
  );
}

function seconds(ms: number): number {
  return Math.round(ms) / 1000;
}
