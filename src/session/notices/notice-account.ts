import { type LegRole, LEG_ROLES } from '#core';

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
  /** `played`, `cut`, `not-receiving`, `codec`, `no-stream`, `no-prompt`, `given-up`; null: the leg was not to hear it. */
  readonly outcomes: Readonly<Record<LegRole, string | null>>;
}

/** What became of it on the legs that should have heard it. */
export function legsOf({ outcomes }: Pick<NoticeResult, 'outcomes'>): readonly {
  readonly role: LegRole;
  readonly outcome: string;
}[] {
  return LEG_ROLES.flatMap(role => {
    const outcome = outcomes[role];
    return outcome === null ? [] : [{ role, outcome }];
  });
}

/** Who has heard it, or at least a part of it. */
export function heardBy(notice: NoticeResult): readonly LegRole[] {
  return notice.startedAtMs === null
    ? []
    : legsOf(notice)
        .filter(({ outcome }) => outcome === 'played' || outcome === 'cut')
        .map(({ role }) => role);
}

export function ledgerNotice(notice: NoticeResult): LedgerNotice {
  const { kind, language, startedAtMs, endedAtMs } = notice;
  return {
    kind,
    language,
    startedAt: startedAtMs === null ? null : isoTime(startedAtMs),
    endedAt: endedAtMs === null ? null : isoTime(endedAtMs),
    heardBy: legsOf(notice),
  };
}

export function noticeView(notice: NoticeResult): NoticeView {
  const { kind, startedAtMs, endedAtMs } = notice;
  return { kind, startedAtMs, endedAtMs, heardBy: heardBy(notice) };
}
