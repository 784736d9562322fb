import { errorMessage, type LegRole, type Logger, LEG_ROLES } from '#core';
import { type MediaCall, type NoticeReport, type NoticeSound, type PlayingNotice } from '#media';

import {
  type DueNotice,
  type NoticeKind,
  type NoticePolicy,
  type PromptKind,
  type TonePolicy,
  type UserPolicy,
} from '../../policy';
import { type CallDeps } from '../deps';
import { legsOf, type NoticeResult } from './notice-account';
import { ReminderTone } from './reminder-tone';

export { type NoticeResult } from './notice-account';

/** In whose words prompts are spoken. */
export type NoticeVoice = Pick<UserPolicy, 'organisationId' | 'language' | 'customAudio'>;

export interface CallNoticesOptions {
  readonly media: MediaCall;
  readonly policy: NoticePolicy;
  readonly deps: Pick<CallDeps, 'clock' | 'ids' | 'metrics'>;
  readonly logger: Logger;
}

/** Plays the notices of one call into its live legs. What two recordings want at the same time is heard once. */
export class CallNotices {
  readonly #options: CallNoticesOptions;
  #playing: readonly { readonly key: string; readonly result: Promise<NoticeResult> }[] = [];
  #sounds: readonly PlayingNotice[] = [];
  /** Each gives up a notice that is being delayed. */
  #delays: readonly (() => void)[] = [];
  #complianceHeardBy: readonly LegRole[] = [];
  readonly #reminder: ReminderTone;
  #reminded: readonly { readonly who: object; told(result: NoticeResult): void }[] = [];
  #isOver = false;

  constructor(options: CallNoticesOptions) {
    this.#options = options;
    this.#reminder = new ReminderTone(options.deps.clock, () => this.#remind());
  }

  /** Who has heard the announcement of compliance, or is about to. */
  get complianceHeardBy(): readonly LegRole[] {
    return this.#complianceHeardBy;
  }

  /**
   * Plays a notice after those that wait already. Settles when it has ended; never rejects.
   * @param signal gives up a notice that is still being delayed
   */
  async play(due: DueNotice, voice: NoticeVoice, signal?: AbortSignal): Promise<NoticeResult> {
    const promptId = promptIdOf(due, voice);
    const key = `${promptId} ${due.toRoles.join()} ${due.delayMs}`;
    const same = this.#playing.find(each => each.key === key);
    if (same !== undefined) {
      return same.result;
    }
    const playing = { key, result: this.#play(due, promptId, voice, signal) };
    this.#playing = this.#playing.concat(playing);
    void playing.result.then(() => (this.#playing = without(this.#playing, playing)));
    return playing.result;
  }

  /** The reminder tone for a recording; null: not any more. */
  remind(who: object, intervalMs: number | null, told: (result: NoticeResult) => void): void {
    const others = this.#reminded.filter(each => each.who !== who);
    this.#reminded = intervalMs === null || this.#isOver ? others : others.concat({ who, told });
    this.#reminder.set(who, this.#isOver ? null : intervalMs);
  }

  /** The talk is over: nobody hears anything any more. Idempotent. */
  stop(): void {
    this.#isOver = true;
    this.#reminder.stop();
    this.#reminded = [];
    this.#sounds.forEach(sound => sound.stop());
    this.#delays.forEach(giveUp => giveUp());
  }

  #remind(): void {
    const tone: DueNotice = { kind: 'reminder', toRoles: LEG_ROLES, delayMs: 0 };
    const reminded = this.#reminded;
    void this.play(tone, { organisationId: '', language: '', customAudio: {} }).then(result =>
      reminded.forEach(each => each.told(result)),
    );
  }

  async #play(
    due: DueNotice,
    promptId: string,
    voice: NoticeVoice,
    signal: AbortSignal | undefined,
  ): Promise<NoticeResult> {
    const isTone = due.kind === 'beep' || due.kind === 'reminder';
    const result = (
      outcomes: NoticeResult['outcomes'],
      startedAtMs: number | null = null,
      endedAtMs: number | null = null,
    ): NoticeResult => {
      legsOf({ outcomes }).forEach(({ outcome }) =>
        this.#options.deps.metrics.notice(due.kind, outcome),
      );
      const language = isTone ? null : voice.language;
      return { kind: due.kind, language, startedAtMs, endedAtMs, outcomes };
    };
    const nobody = (outcome: string): NoticeResult =>
      result({
        caller: due.toRoles.includes('caller') ? outcome : null,
        callee: due.toRoles.includes('callee') ? outcome : null,
      });
    if (due.kind === 'compliance') {
      this.#complianceHeardBy = [...new Set([...this.#complianceHeardBy, ...due.toRoles])];
    }
    if (!(await this.#delayed(due.delayMs, signal)) || this.#isOver) {
      return nobody('given-up');
    }
    const report = await this.#sound(due, promptId);
    if (report === null) {
      return nobody('no-prompt');
    }
    const outcomeOf = (role: LegRole): string | null =>
      report.legs.find(({ legId }) => legId === role)?.outcome ?? null;
    const outcomes = { caller: outcomeOf('caller'), callee: outcomeOf('callee') };
    const unheard = legsOf({ outcomes }).filter(
      ({ outcome }) => outcome !== 'played' && outcome !== 'cut',
    );
    if (unheard.length > 0) {
      this.#options.logger.warn('a notice was not heard', { kind: due.kind, legs: unheard });
    }
    if (due.kind === 'compliance') {
      this.#complianceHeardBy = this.#complianceHeardBy.filter(
        role => !unheard.some(each => each.role === role),
      );
    }
    return result(outcomes, report.startedAtMs, report.endedAtMs);
  }

  /** null: the media has no such prompt. */
  async #sound(due: DueNotice, promptId: string): Promise<NoticeReport | null> {
    const { media, policy, deps, logger } = this.#options;
    let playing: PlayingNotice;
    try {
      playing = media.playNotice({
        noticeId: deps.ids.uuid(),
        legIds: due.toRoles,
        sound: soundOf(due.kind, promptId, policy),
        duckDb: policy.duckDb,
      });
    } catch (error) {
      logger.error('a notice cannot be played', {
        kind: due.kind,
        promptId,
        error: errorMessage(error),
      });
      return null;
    }
    this.#sounds = this.#sounds.concat(playing);
    const report = await playing.done;
    this.#sounds = without(this.#sounds, playing);
    return report;
  }

  /** @returns false when the notice was given up meanwhile. */
  #delayed(delayMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (delayMs === 0) {
      return Promise.resolve(true);
    }
    return new Promise(resolve => {
      const settle = (isDue: boolean) => (): void => {
        timer.cancel();
        this.#delays = without(this.#delays, giveUp);
        signal?.removeEventListener('abort', giveUp);
        resolve(isDue);
      };
      const giveUp = settle(false);
      const timer = this.#options.deps.clock.setTimer(delayMs, settle(true));
      this.#delays = this.#delays.concat(giveUp);
      signal?.addEventListener('abort', giveUp);
    });
  }
}

function without<T>(list: readonly T[], item: T): readonly T[] {
  return list.filter(each => each !== item);
}

function soundOf(kind: NoticeKind, promptId: string, policy: NoticePolicy): NoticeSound {
  switch (kind) {
    case 'beep':
      return tone(policy.beep);
    case 'reminder':
      return tone(policy.reminderTone);
    default:
      return { kind: 'prompt', promptId };
  }
}

function tone(policy: TonePolicy): NoticeSound {
  return { kind: 'tone', ...policy };
}

/** The organisation's own prompt, or the packaged one in the language of the user. */
function promptIdOf(
  { kind, prompt: packaged }: DueNotice,
  { organisationId, language, customAudio }: NoticeVoice,
): string {
  if (kind === 'beep' || kind === 'reminder') {
    return kind;
  }
  const prompt: PromptKind = kind;
  return customAudio[prompt] === undefined
    ? `${language}/${packaged ?? prompt}`
    : `custom:${organisationId}/${prompt}`;
}
