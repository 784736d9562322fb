import { type RecordingId } from '#core';
import { type IncomingCall } from '#sip';

import {
  type LedgerControl,
  type LedgerInterval,
  type LedgerParticipants,
  type LedgerRecord,
} from '../../ledger';
import { type RecordingDecision } from '../../policy';
import { type NoticeResult } from '../notices/call-notices';
import { ledgerNotice } from '../notices/notice-account';
import { isoTime, ledgerRecord, type LedgerRecordFacts } from './ledger-record';

/** Notices and controls of one recording that the ledger tells: the newest. */
const MAX_TOLD = 200;
/** Lists of participants, likewise; each may be long. */
const MAX_TOLD_LISTS = 50;

/** What stands from the beginning of a recording on. */
export interface AccountOptions {
  readonly call: IncomingCall;
  readonly recordingId: RecordingId;
  readonly decision: RecordingDecision;
  readonly maxReportedLossRatio: number;
}

/** What happened to one recording, gathered for its record in the ledger. */
export class RecordingAccount {
  readonly #options: AccountOptions;
  #intervals: readonly LedgerInterval[] = [];
  readonly #notices: NoticeResult[] = [];
  readonly #controls: LedgerControl[] = [];
  readonly #participants: LedgerParticipants[] = [];
  #remarks: readonly string[] = [];
  #failure: string | null = null;

  constructor(options: AccountOptions) {
    this.#options = options;
  }

  /** Why there is no session although there should be one, or what else went wrong inside the gateway. */
  get failure(): string | null {
    return this.#failure;
  }

  /** @returns whether it is the first failure, which is the one that counts. */
  fail(reason: string): boolean {
    if (this.#failure !== null) {
      return false;
    }
    this.#failure = reason;
    return true;
  }

  /** From now on this is desired; null: nothing more. */
  markInterval(desired: 'recording' | 'paused' | null, atMs: number): void {
    const at = isoTime(atMs);
    const last = this.#intervals.at(-1);
    if (last?.endAt === null) {
      this.#intervals = this.#intervals.with(-1, { ...last, endAt: at });
    }
    if (desired !== null) {
      this.#intervals = this.#intervals.concat({ startAt: at, endAt: null, state: desired });
    }
  }

  noticed(notice: NoticeResult): void {
    remember(this.#notices, notice);
  }

  controlled(control: LedgerControl): void {
    remember(this.#controls, control);
  }

  /** A switch has told who is on the other side from now on; addresses. The same list again is nothing new. */
  participants(present: readonly string[], atMs: number): void {
    if (this.#participants.at(-1)?.present.join(' ') !== present.join(' ')) {
      remember(this.#participants, { at: isoTime(atMs), present }, MAX_TOLD_LISTS);
    }
  }

  /** @returns whether it is new. */
  remark(text: string): boolean {
    const isNew = !this.#remarks.includes(text);
    this.#remarks = isNew ? this.#remarks.concat(text) : this.#remarks;
    return isNew;
  }

  /** What the ledger says of it, with what is known at this moment. */
  record(
    facts: Pick<
      LedgerRecordFacts,
      'facts' | 'end' | 'answeredAtMs' | 'endedAtMs' | 'isAnchored' | 'voicemail' | 'kept'
    >,
  ): LedgerRecord {
    return ledgerRecord({
      ...facts,
      ...this.#options,
      failure: this.#failure,
      notices: this.#notices.map(ledgerNotice),
      controls: this.#controls,
      participants: this.#participants,
      intervals: this.#intervals,
      remarks: this.#remarks,
    });
  }
}

function remember<T>(list: T[], entry: T, most = MAX_TOLD): void {
  if (list.length >= most) {
    list.shift();
  }
  list.push(entry);
}
