import { type Clock, type LegRole } from '#core';

import {
  type DueNotice,
  type IntentEvent,
  type IntentState,
  type NoticePlan,
  noticesFor,
  type RecordingMoment,
  reminderIntervalMs,
  type UserPolicy,
} from '../../policy';
import { type NoticeView } from '../live-view';
import { type Recording } from '../recording/recording';
import { type CallNotices, type NoticeResult } from './call-notices';
import { heardBy, noticeView } from './notice-account';

/** Notices of one party that are shown. */
const MAX_SHOWN_NOTICES = 50;
/** How long the recording session stays for its stop announcement, ms. */
const MAX_STOP_ANNOUNCEMENT_MS = 15_000;

/** The recording that a notice is about; null: there is none. */
type NoticedRecording = Pick<
  Recording,
  'begunAtMs' | 'noticed' | 'metadata' | 'metadataChanged'
> | null;

export interface PartyNoticesOptions {
  readonly notices: Pick<CallNotices, 'play' | 'remind' | 'complianceHeardBy'>;
  readonly plan: NoticePlan;
  readonly user: UserPolicy;
  readonly role: LegRole;
  readonly clock: Clock;
  /** A notice was heard. */
  readonly heard: (kind: string, language: string | null, roles: readonly LegRole[]) => void;
}

/**
 * What the parties of a call hear of one recorded party's being recorded; and whoever has to know of it is told: the SRS, the
 * ledger, listeners, who looks at the call.
 */
export class PartyNotices {
  readonly #options: PartyNoticesOptions;
  /** Heard before the recording that they belong to has begun. */
  readonly #early: NoticeResult[] = [];
  readonly #shown: NoticeResult[] = [];
  /** Gives up notices that wait when the recording that they are for stops. */
  #waiting: AbortController | null = null;

  constructor(options: PartyNoticesOptions) {
    this.#options = options;
  }

  /** The newest last. */
  get views(): readonly NoticeView[] {
    return this.#shown.map(noticeView);
  }

  get announcesBeforeConnect(): boolean {
    return this.#options.plan.compliance?.when === 'before-connect';
  }

  /** Settles when it has ended and was told. @param recording of the moment at which it has ended. Never rejects. */
  async play(due: DueNotice, recording: () => NoticedRecording): Promise<void> {
    const { notices, user } = this.#options;
    const result = await notices.play(due, user);
    this.#noticed(recording(), result);
  }

  /** What was heard ahead of the recording belongs to it. */
  begun(recording: NonNullable<NoticedRecording>): void {
    this.#early.splice(0).forEach(result => this.#tell(recording, result));
  }

  /** The reminder tone follows the intent. */
  remind(intent: IntentState, recording: () => NoticedRecording): void {
    const { notices, plan } = this.#options;
    notices.remind(this, reminderIntervalMs(intent, plan), result =>
      this.#noticed(recording(), result),
    );
  }

  /** Announces a moment; a stop is announced by {@link announceStop}. */
  announce(
    what: Exclude<RecordingMoment, 'stopped'>,
    keep: IntentState['keep'],
    event: IntentEvent,
    recording: NoticedRecording,
  ): void {
    const { notices, user } = this.#options;
    for (const due of this.#due(what, keep, event)) {
      const { signal } = (this.#waiting ??= new AbortController());
      void notices.play(due, user, signal).then(result => this.#noticed(recording, result));
    }
  }

  /** Notices that still wait are given up. */
  giveUpWaiting(): void {
    // With a reason of its own: the default one is an error with a stack, which every call would pay for.
    this.#waiting?.abort('the recording has stopped');
    this.#waiting = null;
  }

  /** null: it is not announced. Settles when the announcement has ended and is in the metadata, or takes too long. */
  announceStop(
    keep: IntentState['keep'],
    event: IntentEvent,
    recording: NoticedRecording,
  ): Promise<void> | null {
    const due = this.#due('stopped', keep, event);
    if (due.length === 0) {
      return null;
    }
    return new Promise(resolve => {
      const timer = this.#options.clock.setTimer(MAX_STOP_ANNOUNCEMENT_MS, resolve);
      const played = due.map(notice => this.play(notice, () => recording));
      void Promise.all(played).then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #due(what: RecordingMoment, keep: IntentState['keep'], event: IntentEvent): readonly DueNotice[] {
    const { plan, notices, role } = this.#options;
    return noticesFor(what, keep, plan, role, {
      complianceHeardBy: notices.complianceHeardBy,
      callEnded: event.kind === 'call-ended',
      recordedPartyLeft: event.kind === 'recorded-party-left',
    });
  }

  /** A notice has ended: the SRS is told (of reminder tones with whatever it is told next), the ledger, the listeners. */
  #noticed(recording: NoticedRecording, result: NoticeResult): void {
    const toRoles = heardBy(result);
    this.#shown.push(result);
    if (this.#shown.length > MAX_SHOWN_NOTICES) {
      this.#shown.shift();
    }
    if (recording?.begunAtMs === null) {
      this.#early.push(result);
    } else if (recording !== null) {
      this.#tell(recording, result);
    }
    if (toRoles.length > 0) {
      this.#options.heard(result.kind, result.language, toRoles);
    }
  }

  #tell(recording: NonNullable<NoticedRecording>, result: NoticeResult): void {
    const { kind, language, startedAtMs, endedAtMs } = result;
    const toRoles = heardBy(result);
    recording.noticed(result);
    if (startedAtMs !== null && endedAtMs !== null && toRoles.length > 0) {
      recording.metadata.noticePlayed({ kind, language, startedAtMs, endedAtMs, toRoles });
      if (kind !== 'reminder') {
        recording.metadataChanged();
      }
    }
  }
}
