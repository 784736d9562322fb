import { assertNever } from '#core';
import { type CallEnd } from '#sip';

import { type LedgerControl } from '../../ledger';
import {
  type Control,
  type ControlOutcome,
  type DesiredRecording,
  type DueNotice,
  failureAction,
  failureGraceMs,
  initialIntent,
  type IntentEvent,
  type IntentState,
  isCompulsory,
  type MomentCause,
  type NoticePlan,
  possibleActions,
  type RecordingDecision,
  type RecordingMoment,
  reduceIntent,
  type VoicemailDetection,
} from '../../policy';
import { type CallContext } from '../call/call-context';
import { type CallNotices } from '../notices/call-notices';
import { PartyNotices } from '../notices/party-notices';
import { type EventSubject, type RecordingEventKind, type RecordingView } from '../live-view';
import { type ParticipantsChange } from '../parties/call-participants';
import { type PartyChange } from '../parties/parties-of-call';
import { isoTime } from './ledger-record';
import { FailureWatch } from './failure-watch';
import { Recording, type RecordingEnd } from './recording';

export interface RecordedPartyOptions {
  readonly context: CallContext;
  readonly decision: RecordingDecision;
  readonly plan: NoticePlan;
  readonly notices: CallNotices;
  /** The intent, or whether it is fulfilled, has changed. */
  readonly changed: () => void;
}

/** A control, and how it came. */
export interface ReceivedControl extends Control {
  /** `info`, `recordpref`, `dtmf` or `api`. */
  readonly via: string;
}

/** Recordings of one party in one call; more starts are refused. */
const MAX_RECORDINGS = 100;

/**
 * One recorded party of a call: runs its intent machine and carries the commands out: the recordings, what the SRS is told,
 * what the parties hear, what whoever listens is told.
 */
export class RecordedParty {
  readonly decision: RecordingDecision;
  readonly #options: RecordedPartyOptions;
  readonly #context: CallContext;
  #recordings: readonly Recording[] = [];
  /** Accounts of recordings that ended while the call went on. */
  readonly #concluded: {
    readonly recording: Recording;
    readonly verdict: Promise<string | null>;
  }[] = [];
  readonly #notices: PartyNotices;
  #current: Recording | null = null;
  /** Of the current recording. */
  #failures: FailureWatch | null = null;
  #intent: IntentState;
  #voicemail: VoicemailDetection | null;

  constructor(options: RecordedPartyOptions, voicemail: VoicemailDetection | null) {
    this.#options = options;
    this.#context = options.context;
    this.decision = options.decision;
    this.#voicemail = voicemail;
    this.#intent = initialIntent(options.decision.mode);
    const { notices, plan, decision, context } = options;
    this.#notices = new PartyNotices({
      notices,
      plan,
      user: decision.user,
      role: decision.role,
      clock: context.deps.clock,
      heard: (notice, language, roles) =>
        this.#emit('notice.played', { notice, language, heardBy: roles.join() }),
    });
  }

  get intent(): IntentState {
    return this.#intent;
  }

  /** The state of the session of the recording in progress; null: none. */
  get sessionState(): Recording['sessionState'] {
    return this.#current?.sessionState ?? null;
  }

  /** Something is being recorded, or has been. */
  get hasBegun(): boolean {
    return this.#recordings.some(({ begunAtMs }) => begunAtMs !== null);
  }

  owns(recordingId: string): boolean {
    return this.#recordings.some(recording => recording.recordingId === recordingId);
  }

  /** Opens the media of a recording that begins with the answer ahead of it, the gate shut. Never rejects. */
  async prepare(): Promise<void> {
    if (this.decision.mode !== 'on-demand' && this.#current === null) {
      await this.#newRecording().open();
    }
  }

  /** Whether the session must stand before anybody is rung. */
  get isCompulsory(): boolean {
    return isCompulsory(this.decision.user, this.decision.mode);
  }

  /** Establishes the session of a recording that begins with the answer ahead of it. @returns whether there is one. */
  establish(): Promise<boolean> {
    return this.#current?.establish() ?? Promise.resolve(false);
  }

  get announcesBeforeConnect(): boolean {
    return this.#notices.announcesBeforeConnect;
  }

  /** A notice that is no consequence of the intent. Settles when it has ended and was told. */
  play(due: DueNotice): Promise<void> {
    return this.#notices.play(due, () => this.#current);
  }

  /** The call is answered, or its early media is to be recorded. @param voicemail who answered is a mailbox */
  answered(atMs: number, voicemail: VoicemailDetection | null): void {
    this.#voicemail ??= voicemail;
    const isBarred = this.#voicemail !== null && !this.decision.user.recordVoicemail;
    this.#apply({ kind: isBarred ? 'answered-by-voicemail' : 'answered' }, atMs, 'voicemail');
  }

  control({ via, ...control }: ReceivedControl, atMs: number): ControlOutcome {
    const isTooMany = control.action === 'start' && this.#recordings.length >= MAX_RECORDINGS;
    const outcome: ControlOutcome = isTooMany
      ? 'refused-limit'
      : this.#apply({ kind: 'control', control }, atMs, `stopped by ${control.origin}`);
    const { action, origin } = control;
    const told: LedgerControl = { at: isoTime(atMs), action, by: origin, via, outcome };
    (this.#current ?? this.#recordings.at(-1))?.controlled(told);
    const kind = outcome.startsWith('refused') ? 'control.refused' : 'control.done';
    this.#emit(kind, { action, by: origin, via, outcome });
    return outcome;
  }

  /** Formats or directions of the legs have changed. */
  streamsChanged(atMs: number): void {
    this.#begun().forEach(recording => recording.streamsChanged(atMs));
  }

  /** Who the recorded party talks to is somebody else now. */
  otherPartyReplaced(how: PartyChange, atMs: number): void {
    this.#begun().forEach(recording => recording.replaceOtherParty(how, atMs));
    this.#apply({ kind: 'other-party-replaced' }, atMs, '');
    this.#begun().forEach(recording => recording.metadataChanged());
  }

  /** Who else is on the other side was told by a switch. */
  participantsChanged({ role, present, joined, left }: ParticipantsChange, atMs: number): void {
    this.#begun().forEach(recording => recording.participantsChanged(atMs));
    if (joined.length > 0 || left.length > 0) {
      this.#emit('call.participants-changed', {
        by: 'api',
        leg: role,
        // No address holds a blank.
        participants: present.join(' '),
        joined: joined.join(' '),
        left: left.join(' '),
      });
    }
  }

  /** The recorded party is not in the call any more. */
  left(atMs: number): void {
    this.#apply({ kind: 'recorded-party-left' }, atMs, 'party-left');
    this.#dropPrepared(atMs);
  }

  /** The talk is over: the gate shuts now. */
  stop(atMs: number): void {
    this.#begun().forEach(({ metadata }) => metadata.end(atMs, null));
    this.#apply({ kind: 'call-ended' }, atMs, 'call-ended');
    this.#dropPrepared(atMs);
  }

  fail(reason: string): void {
    this.#recordings.forEach(recording => recording.fail(reason));
  }

  markUnreachable(recordingId: string, label: string): void {
    this.#recordings
      .find(recording => recording.recordingId === recordingId)
      ?.markUnreachable(label);
  }

  remark(text: string): void {
    this.#recordings.forEach(recording => recording.remark(text));
  }

  /** Waits until every recording is closed and in the ledger. @returns their verdicts. Never rejects. */
  async conclude(end: CallEnd, endedAtMs: number, isAnchored: boolean): Promise<readonly string[]> {
    const open = this.#recordings
      .filter(recording => !this.#concluded.some(each => each.recording === recording))
      .map(recording => recording.conclude(this.#end(end, endedAtMs, isAnchored)));
    const verdicts = await Promise.all([...this.#concluded.map(({ verdict }) => verdict), ...open]);
    return verdicts.filter(verdict => verdict !== null);
  }

  view(): RecordingView {
    const { user, role, mode, providerId } = this.decision;
    const shown = this.#current ?? this.#recordings.at(-1);
    return {
      recordingId: shown?.recordingId ?? null,
      userId: user.userId,
      organisationId: user.organisationId,
      providerId,
      role,
      mode,
      ...this.#intent,
      session: shown?.sessionState ?? null,
      startedAtMs: shown?.begunAtMs ?? null,
      actions: user.apiControl ? possibleActions(this.#intent, mode) : [],
      notices: this.#notices.views,
    };
  }

  /** What the machine says is told first, so that it is in the document that goes with the new state. */
  #apply(event: IntentEvent, atMs: number, endCause: string): ControlOutcome {
    const step = reduceIntent(this.#intent, event, this.decision.mode);
    const before = this.#intent;
    this.#intent = step.state;
    let outcome: ControlOutcome = 'unchanged';
    for (const command of step.commands) {
      switch (command.kind) {
        case 'desire':
          this.#desire(command.recording, step.commands.find(isTell), event, atMs, endCause);
          break;
        case 'tell':
          this.#announce(command.what, event, command.by);
          break;
        case 'keep':
          this.#describe(this.#current);
          this.#failures?.happened('kept');
          this.#current?.metadata.recordingEvent({ kind: 'start', atMs, by: 'user' });
          this.#current?.metadataChanged();
          break;
        case 'discard':
          this.#describe(this.#current);
          break;
        case 'answer-control':
          outcome = command.outcome;
          break;
        default:
          assertNever(command);
      }
    }
    if (before !== step.state) {
      this.#notices.remind(this.#intent, () => this.#current);
      this.#options.changed();
    }
    return outcome;
  }

  #desire(
    desired: DesiredRecording,
    moment: TellCommand | undefined,
    event: IntentEvent,
    atMs: number,
    endCause: string,
  ): void {
    const isNew = this.#current === null;
    const recording = this.#current ?? (desired === 'none' ? null : this.#newRecording());
    if (recording === null) {
      return;
    }
    if (recording.begunAtMs === null) {
      recording.begin(atMs);
      this.#describe(recording);
      this.#notices.begun(recording);
    }
    if (moment !== undefined) {
      recording.metadata.recordingEvent({ kind: EVENTS[moment.what], atMs, by: moment.by });
    }
    if (desired === 'none') {
      this.#finish(recording, event, atMs, endCause);
    } else {
      recording.setDesired(desired, atMs);
    }
    if (isNew) {
      // It knows what is desired: nothing that is said while its ports are being opened is lost.
      void recording.open();
    }
  }

  /**
   * Nothing is captured from now on. Where the stop is announced the session stays, inactive, until the SRS has been told
   * that it was; at the end of the call it does not.
   */
  #finish(recording: Recording, event: IntentEvent, atMs: number, endCause: string): void {
    this.#failures?.happened('stopped');
    this.#notices.giveUpWaiting();
    const isOver = event.kind === 'call-ended';
    if (!isOver) {
      this.#current = null;
      recording.metadata.stopped(atMs);
    }
    const announced = this.#notices.announceStop(this.#intent.keep, event, recording);
    if (announced === null) {
      recording.stop(atMs);
    } else {
      recording.halt(atMs);
      void announced.then(() => recording.stop(atMs));
    }
    if (!isOver) {
      const end: CallEnd = {
        by: event.kind === 'recorded-party-left' ? this.decision.role : 'gateway',
        status: 200,
        answered: true,
        cause: endCause,
        reason: null,
      };
      const verdict = recording.conclude(this.#end(end, atMs, true));
      this.#concluded.push({ recording, verdict });
    }
  }

  /** Events for whoever listens, and notices for the parties; the stop has been announced already. */
  #announce(what: RecordingMoment, event: IntentEvent, by: MomentCause): void {
    const recording = this.#current ?? this.#recordings.at(-1) ?? null;
    this.#emit(`recording.${what === 'kept' ? 'started' : what}` as RecordingEventKind, {
      by,
      keep: this.#intent.keep,
    });
    if (what !== 'stopped') {
      this.#notices.announce(what, this.#intent.keep, event, recording);
    }
  }

  #describe(recording: Recording | null): void {
    const { mode, user } = this.decision;
    const retention = mode === 'on-demand-keep' ? this.#intent.keep : null;
    recording?.metadata.setRecordingProperties({ mode, retention, ...user.platform });
  }

  #newRecording(): Recording {
    const recording: Recording = new Recording(this.#context, this.decision, trouble =>
      watch.happened(trouble),
    );
    const watch = this.#watch(recording);
    this.#recordings = this.#recordings.concat(recording);
    this.#current = recording;
    this.#failures = watch;
    return recording;
  }

  #watch(recording: Recording): FailureWatch {
    const { deps, call } = this.#context;
    const { user, mode, providerId } = this.decision;
    const provider = deps.settings.findProvider(providerId);
    return new FailureWatch({
      action: failureAction(user, mode),
      graceMs: failureGraceMs(
        provider?.targets.length ?? 0,
        provider?.failover.maxResponseWaitMs ?? 0,
      ),
      clock: deps.clock,
      keep: () => this.#intent.keep,
      announce: due => this.#notices.play(due, () => recording),
      withhold: isWithheld => recording.withhold(isWithheld),
      endCall: () => void call.hangUp({ status: 503, text: 'Call cannot be recorded' }),
      remark: text => recording.remark(text),
    });
  }

  /** What was opened for a recording that never began. */
  #dropPrepared(atMs: number): void {
    if (this.#current?.begunAtMs === null) {
      this.#failures?.happened('stopped');
    }
    this.#recordings
      .filter(({ begunAtMs }) => begunAtMs === null)
      .forEach(recording => recording.stop(atMs));
  }

  /** Only these have anything to tell an SRS. */
  #begun(): readonly Recording[] {
    return this.#current === null || this.#current.begunAtMs === null ? [] : [this.#current];
  }

  #end(end: CallEnd, endedAtMs: number, isAnchored: boolean): RecordingEnd {
    const { mode } = this.decision;
    return {
      end,
      endedAtMs,
      isAnchored,
      voicemail: this.#voicemail === null ? null : { detectedBy: this.#voicemail.by },
      kept: mode === 'on-demand-keep' ? this.#intent.keep === 'kept' : null,
    };
  }

  #emit(kind: RecordingEventKind, facts: Parameters<CallContext['emit']>[2]): void {
    this.#context.emit(kind, this.#subject(), facts);
  }

  #subject(): EventSubject {
    const { user, providerId } = this.decision;
    const recording = this.#current ?? this.#recordings.at(-1);
    return {
      recordingId: recording?.recordingId ?? null,
      userId: user.userId,
      organisationId: user.organisationId,
      providerId,
    };
  }
}

type TellCommand = Extract<
  ReturnType<typeof reduceIntent>['commands'][number],
  { readonly kind: 'tell' }
>;

function isTell(
  command: ReturnType<typeof reduceIntent>['commands'][number],
): command is TellCommand {
  return command.kind === 'tell';
}

/** What the moments are called in the metadata. */
const EVENTS = {
  started: 'start',
  kept: 'start',
  paused: 'pause',
  resumed: 'resume',
  stopped: 'stop',
} as const;
