import { type LegRole, otherRole, type Timer, LEG_ROLES } from '#core';
import { type DtmfPress } from '#media';
import {
  type IncomingCall,
  type InfoFacts,
  type InfoVerdict,
  readDtmfInfo,
  readRecordHeader,
  type RecordPreference,
} from '#sip';

import {
  type ControlAction,
  type FeatureCodes,
  type FeatureCodeOutcome,
  type FeatureCodeState,
  firstDigits,
  type IntentState,
  NO_DIGITS,
  pressKey,
} from '../../policy';
import { type CallLegs } from '../call/call-legs';
import { type CallRecordings } from '../recording/call-recordings';
import { type CallDeps } from '../deps';
import { RECORD_ACTIONS, verdictOf } from './control-verdict';

export interface CallControlsOptions {
  readonly call: IncomingCall;
  readonly legs: CallLegs;
  readonly recordings: CallRecordings;
  readonly codes: FeatureCodes;
  readonly deps: Pick<CallDeps, 'clock'>;
}

/** Where keys are seen: a phone may tell the same key in both ways. */
type KeySource = 'rtp' | 'info';

/**
 * The controls that the parties of one call send: INFO with `Record`, feature codes by RFC 4733 and by INFO, and
 * `a=recordpref`. Only the recorded party's own leg controls; with both parties recorded, each leg its own recording.
 */
export class CallControls {
  readonly #options: CallControlsOptions;
  readonly #keys: Partial<Record<`${LegRole} ${KeySource}`, FeatureCodeState>> = {};
  /** Keys that came by INFO and are held back until it is clear that they are no code. */
  readonly #held: Record<LegRole, InfoFacts[]> = { caller: [], callee: [] };
  readonly #timers: Record<LegRole, Timer | null> = { caller: null, callee: null };
  /** Preferences of parties whose call is not answered yet; null: none. */
  #early: Record<LegRole, RecordPreference | null> = { caller: null, callee: null };

  constructor(options: CallControlsOptions) {
    this.#options = options;
  }

  /** Whom keys of a leg may control changes as parties come and go. */
  holdKeys(): void {
    const { codes, legs, recordings } = this.#options;
    for (const role of LEG_ROLES) {
      const isHeld = !codes.relay && codes.codes.size > 0 && recordings.of(role) !== null;
      legs.holdDtmf(
        role,
        isHeld ? { digits: firstDigits(codes.codes), maxHoldMs: codes.maxHoldMs } : null,
      );
    }
  }

  infoReceived(role: LegRole, info: InfoFacts): InfoVerdict {
    const { recordings, deps } = this.#options;
    const record = readRecordHeader(info);
    if (record !== null) {
      const outcome = recordings.controlFrom(role, { action: RECORD_ACTIONS[record], via: 'info' });
      return outcome === null ? 'relay' : verdictOf(outcome);
    }
    const key = readDtmfInfo(info);
    if (key === null || !recordings.hasAny) {
      return 'relay';
    }
    const outcome = this.#press(role, 'info', key.digit, deps.clock.wallNowMs());
    return this.#options.codes.relay || recordings.of(role) === null
      ? 'relay'
      : this.#hold(role, info, outcome);
  }

  /** A key was pressed, by RFC 4733. */
  keyPressed(role: LegRole, press: DtmfPress): void {
    const { recordings, deps, legs } = this.#options;
    if (!recordings.hasAny) {
      return;
    }
    const outcome = this.#press(role, 'rtp', press.digit, deps.clock.wallNowMs());
    switch (outcome.kind) {
      case 'code':
        legs.releaseDtmf(role, 'drop');
        break;
      case 'not-a-code':
        legs.releaseDtmf(role, 'relay');
        break;
      case 'held':
        break;
    }
  }

  /**
   * RFC 7866 §7.2: `on` also means to go on when paused. A preference that is fulfilled already is none; one that is stated
   * while the call rings counts when it is answered.
   */
  recordPreference(role: LegRole, preference: RecordPreference): void {
    const { recordings } = this.#options;
    const intent = recordings.of(role)?.intent ?? null;
    if (intent?.phase === 'waiting') {
      this.#early[role] = preference;
      return;
    }
    const action = actionFor(preference, intent);
    if (action !== null) {
      recordings.controlFrom(role, { action, via: 'recordpref' });
    }
  }

  /** The recordings that begin with the answer have begun. */
  answered(): void {
    const early = this.#early;
    this.#early = { caller: null, callee: null };
    for (const role of LEG_ROLES) {
      if (early[role] !== null) {
        this.recordPreference(role, early[role]);
      }
    }
  }

  /** The call is over: what is held is forgotten. */
  stop(): void {
    for (const role of LEG_ROLES) {
      this.#timers[role]?.cancel();
      this.#held[role] = [];
    }
  }

  #press(role: LegRole, source: KeySource, digit: string, atMs: number): FeatureCodeOutcome {
    const { codes, recordings } = this.#options;
    const key = `${role} ${source}` as const;
    const step = pressKey(this.#keys[key] ?? NO_DIGITS, { digit, atMs }, codes.codes);
    this.#keys[key] = step.state;
    if (step.outcome.kind === 'code') {
      recordings.controlFrom(role, { action: step.outcome.action, via: 'dtmf' });
    }
    return step.outcome;
  }

  /** Keys wait for those that follow; a code goes nowhere, anything else goes on in its order. */
  #hold(role: LegRole, info: InfoFacts, outcome: FeatureCodeOutcome): InfoVerdict {
    const held = this.#held[role];
    switch (outcome.kind) {
      case 'code':
        this.#held[role] = [];
        this.#timers[role]?.cancel();
        return 'consumed';
      case 'not-a-code':
        if (held.length === 0) {
          return 'relay';
        }
        held.push(info);
        this.#release(role);
        return 'consumed';
      case 'held': {
        if (outcome.isFirst) {
          this.#release(role);
        }
        const { deps, codes } = this.#options;
        if (this.#held[role].length === 0) {
          this.#timers[role] = deps.clock.setTimer(codes.maxHoldMs, () => this.#release(role));
        }
        this.#held[role].push(info);
        return 'consumed';
      }
    }
  }

  /** The keys go on, each as it came. */
  #release(role: LegRole): void {
    this.#timers[role]?.cancel();
    const held = this.#held[role];
    this.#held[role] = [];
    for (const { contentType, body } of held) {
      this.#options.call.sendInfo(otherRole(role), { contentType, body, headers: {} });
    }
  }
}

/** null: there is nothing to do. */
function actionFor(preference: RecordPreference, intent: IntentState | null): ControlAction | null {
  switch (preference) {
    case 'on':
      if (intent?.phase === 'paused') {
        return 'resume';
      }
      return intent?.phase === 'on' && intent.keep === 'kept' ? null : 'start';
    case 'off':
      return intent?.phase === 'off' ? null : 'stop';
    case 'pause':
      return intent?.phase === 'paused' ? null : 'pause';
    case 'nopreference':
      return null;
  }
}
