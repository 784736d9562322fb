import { type LegRole } from '#core';
import { type CallEnd } from '#sip';

import { type ControlOutcome, type VoicemailDetection } from '../../policy';
import { type CallContext } from '../call/call-context';
import { CallIndications } from '../notices/call-indications';
import { CallNotices } from '../notices/call-notices';
import { type CallControl, type ControlRequest, type RecordingView } from '../live-view';
import { type PartyChange } from '../parties/parties-of-call';
import { type PlannedRecording } from '../parties/party-decisions';
import { RecordedParty } from './recorded-party';

/** All recorded parties of one call. */
export class CallRecordings {
  readonly notices: CallNotices;
  readonly #context: CallContext;
  #parties: readonly RecordedParty[] = [];
  readonly #indications: CallIndications;
  #isStopped = false;
  #changed: () => void = () => undefined;

  constructor(context: CallContext) {
    const { call, media, deps, logger } = context;
    this.#context = context;
    this.#indications = new CallIndications(call, state => deps.metrics.indication(state));
    this.notices = new CallNotices({
      media,
      policy: deps.settings.callPolicy.notices,
      deps,
      logger,
    });
  }

  /** Called when who is recorded, or how, has changed. */
  onChange(listener: () => void): void {
    this.#changed = listener;
  }

  get count(): number {
    return this.#parties.length;
  }

  /** Who is recorded on that leg, or may be, and has not left. */
  of(role: LegRole): RecordedParty | null {
    return (
      this.#parties.find(
        ({ decision, intent }) => decision.role === role && intent.phase !== 'ended',
      ) ?? null
    );
  }

  /** Whether a control may be meant for anybody. */
  get hasAny(): boolean {
    return (
      !this.#context.barred.isEmpty || this.#parties.some(({ intent }) => intent.phase !== 'ended')
    );
  }

  /** Prepares a recorded party ahead of the answer, its gate shut. Never rejects. */
  async plan(planned: PlannedRecording, voicemail: VoicemailDetection | null): Promise<void> {
    await this.#add(planned, voicemail).prepare();
  }

  /** Establishes every session that must stand before anybody is rung. @returns whether all do. Never rejects. */
  async establishCompulsory(): Promise<boolean> {
    const compulsory = this.#parties.filter(party => party.isCompulsory);
    const established = await Promise.all(compulsory.map(party => party.establish()));
    return established.every(Boolean);
  }

  get hasCompulsory(): boolean {
    return this.#parties.some(party => party.isCompulsory);
  }

  /** The call is answered: recordings that shall begin now begin now. Synchronous. */
  answered(atMs: number, voicemail: VoicemailDetection | null): void {
    this.#parties.forEach(party => party.answered(atMs, voicemail));
  }

  /** Somebody who is recorded has come into an answered call: a recording that begins with the answer begins now. */
  beginLate(planned: PlannedRecording): void {
    const { shared } = this.#context.parties;
    const { role } = planned.decision;
    const participantId = shared.participantIds[role];
    const party = this.#add(planned, null);
    void party.prepare().then(() => {
      const atMs = this.#context.deps.clock.wallNowMs();
      // While the ports were being opened the call may have ended, or the party may have gone again.
      if (this.#isStopped || shared.participantIds[role] !== participantId) {
        party.left(atMs);
      } else {
        party.answered(atMs, null);
      }
    });
  }

  /** The announcement of compliance to one leg, before anybody else is there. Settles when it has ended. */
  async playCompliance(role: LegRole): Promise<void> {
    const due = { kind: 'compliance', toRoles: [role], delayMs: 0 } as const;
    const announcing = this.#parties.filter(party => party.announcesBeforeConnect);
    await Promise.all(announcing.map(party => party.play(due)));
  }

  /** Formats or directions of the legs have changed. */
  streamsChanged(atMs: number): void {
    this.#parties.forEach(party => party.streamsChanged(atMs));
  }

  /** A recorded party's recording ends with it; one of the other party goes on with a new participant. */
  partyReplaced(role: LegRole, how: PartyChange, atMs: number): void {
    for (const party of this.#parties) {
      if (party.decision.role === role) {
        party.left(atMs);
      } else {
        party.otherPartyReplaced(how, atMs);
      }
    }
  }

  /** Parties that are recorded, or may be, and have not left; of one user, or of all. */
  recordedParties(userId: string | null): readonly RecordedParty[] {
    return this.#parties.filter(
      ({ decision, intent }) =>
        intent.phase !== 'ended' && (userId === null || decision.user.userId === userId),
    );
  }

  /** What became of a control by the peer of a leg; null: nobody of the call is recorded. */
  controlFrom(role: LegRole, control: Omit<CallControl, 'origin'>): ControlOutcome | null {
    const own = this.of(role);
    const refused = own === null ? this.#context.barred.controlFrom(role, control) : null;
    if (refused !== null) {
      return refused;
    }
    const party = own ?? this.of(role === 'caller' ? 'callee' : 'caller');
    const origin = own === null ? 'other-party' : 'recorded-party';
    return party === null ? null : this.#control(party, { ...control, origin });
  }

  /** An authorised client's control; the answers, one per recorded party that it is for. */
  control(request: ControlRequest): readonly ControlOutcome[] {
    const { action, recordingId, userId } = request;
    const control = { action, origin: 'api', via: 'api' } as const;
    const isMeant = (id: string): boolean => userId === undefined || id === userId;
    return [
      ...this.#parties
        .filter(party => recordingId === undefined || party.owns(recordingId))
        .filter(({ decision }) => isMeant(decision.user.userId))
        .map(party => this.#control(party, control)),
      ...this.#context.barred.control(request),
    ];
  }

  views(): readonly RecordingView[] {
    return this.#parties.map(party => party.view());
  }

  /** Something inside the gateway keeps the recordings from being made. */
  fail(reason: string): void {
    this.#parties.forEach(party => party.fail(reason));
  }

  markUnreachable(recordingId: string, label: string): void {
    this.#parties.forEach(party => party.markUnreachable(recordingId, label));
  }

  /** For the ledger records of the recordings that have been prepared or begun. */
  remark(text: string): void {
    this.#parties.forEach(party => party.remark(text));
  }

  /** The talk is over: the gates shut now, and nobody hears anything any more. */
  stop(atMs: number): void {
    this.#isStopped = true;
    this.notices.stop();
    this.#parties.forEach(party => party.stop(atMs));
  }

  /** Waits until every recording is closed and in the ledger. @returns their verdicts. Never rejects. */
  async conclude(end: CallEnd, endedAtMs: number, isAnchored: boolean): Promise<readonly string[]> {
    const verdicts = await Promise.all(
      this.#parties.map(party => party.conclude(end, endedAtMs, isAnchored)),
    );
    return verdicts.flat();
  }

  #add({ decision, plan }: PlannedRecording, voicemail: VoicemailDetection | null): RecordedParty {
    const party = new RecordedParty(
      {
        context: this.#context,
        decision,
        plan,
        notices: this.notices,
        changed: () => this.#indicate(),
      },
      voicemail,
    );
    this.#parties = this.#parties.concat(party);
    this.#indicate();
    return party;
  }

  #control(party: RecordedParty, { action, origin, via }: CallControl): ControlOutcome {
    const { deps, logger } = this.#context;
    const { user } = party.decision;
    const outcome =
      origin === 'api' && !user.apiControl
        ? 'refused-api'
        : party.control(
            { controlId: deps.ids.uuid(), action, origin, via },
            deps.clock.wallNowMs(),
          );
    deps.metrics.control(action, via, outcome);
    logger.info('recording control', { user: user.userId, action, by: origin, via, outcome });
    return outcome;
  }

  /** What is over says nothing any more: the dialogs are being ended. */
  #indicate(): void {
    if (!this.#isStopped) {
      this.#changed();
      this.#indications.update(
        this.#parties.map(({ intent, decision, sessionState }) => ({
          intent,
          beginsWithAnswer: decision.mode !== 'on-demand',
          session: sessionState,
        })),
      );
    }
  }
}
