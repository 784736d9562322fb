import { type LegRole } from '#core';

import { type LedgerNotice } from '../../ledger';
import { type NoticeKind } from '../../policy';
import { isoTime } from '../recording/ledger-record';
import { type NoticeView } from '../live-view';

/** What became of a notice. */
export interface NoticeResult {
  readonly kind: NoticeKind;
  /** null: a tone. */
  readonly language: string | null;
  /** Wall clock, ms; null: nobody heard any of it. */
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Per leg that should have heard it: `played`, `cut`, `not-receiving`, `codec`, `no-stream`, `no-prompt`, `given-up`. */
  readonly legs: readonly { readonly role: LegRole; readonly outcome: string }[];
}

/** Who has heard it, or at least a part of it. */
export function heardBy({ startedAtMs, legs }: NoticeResult): readonly LegRole[] {
  return startedAtMs === null
    ? []
    : legs
        .filter(({ outcome }) => outcome === 'played' || outcome === 'cut')
        .map(({ role }) => role);
}

export function ledgerNotice(notice: NoticeResult): LedgerNotice {
  const { kind, language, startedAtMs, endedAtMs, legs } = notice;
  return {
    kind,
    language,
    startedAt: startedAtMs === null ? null : isoTime(startedAtMs),
    endedAt: endedAtMs === null ? null : isoTime(endedAtMs),
    heardBy: legs,
  };
}

export function noticeView(notice: NoticeResult): NoticeView {
  const { kind, startedAtMs, endedAtMs } = notice;
  return { kind, startedAtMs, endedAtMs, heardBy: heardBy(notice) };
}
