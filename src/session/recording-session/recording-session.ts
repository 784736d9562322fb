import { errorMessage, isGatewayError, type PayloadFormat } from '#core';
import { type RecordingReport } from '#media';
import { type RecordingDialog, type SrsStreamAnswer } from '#sip';

import { type SrsLossCause } from '../../ledger';
import { type DesiredRecording } from '../../policy';
import { OutageLog } from '../srs/outage-log';
import { missedMs, newestReportAtMs, type Outage } from '../srs/outages';
import { type AcceptedInvitation, type InvitedSrs } from '../srs/srs-invitation';
import { SrsLiveness } from '../srs/srs-liveness';
import { SrsSearch } from '../srs/srs-search';
import { type SrsTarget } from '../srs/srs-target';
import { type RecordingFacts, type RecordingSessionOptions } from './recording-session-options';
import {
  nextRecordingSessionState,
  type RecordingSessionEvent,
  type RecordingSessionState,
} from './recording-session-state';
import { endSession } from './session-end';
import { inviteSrs } from './session-invite';
import { SessionStreams } from './session-streams';
import { SrsUpdates } from './srs-updates';

export { type Outage } from '../srs/outages';
export { type SrsAttempt } from '../srs/srs-invitation';
export { type RecordingFacts } from './recording-session-options';

/**
 * One recording: finds an SRS, keeps it informed, finds another when it is lost, and ends in an orderly way. It brings
 * the actual state to the desired one; the intent machine never knows of refusals and failures. The gate follows
 * the desire at once, whatever the signalling is doing, and nothing that it does can delay the live call.
 */
export class RecordingSession {
  readonly #options: RecordingSessionOptions;
  readonly #search: SrsSearch;
  readonly #outages: OutageLog;
  readonly #streams: SessionStreams;
  readonly #updates: SrsUpdates;
  #unreachableLabels: readonly string[] = [];
  #state: RecordingSessionState = 'idle';
  #desired: DesiredRecording = 'none';
  #target: SrsTarget | null = null;
  #dialog: RecordingDialog | null = null;
  #liveness: SrsLiveness | null = null;
  #startedAtMs: number | null = null;
  #invitedAtMs: number | null = null;
  #establishedAtMs: number | null = null;
  /** When the present SRS accepted. */
  #acceptedAtMs = 0;
  #stoppedAtMs: number | null = null;
  #isStopRequested = false;
  /** Resolves once, when nothing of the recording is open any more. Never rejects. */
  readonly finished: Promise<RecordingFacts>;
  readonly #finish: (facts: RecordingFacts) => void;

  constructor(options: RecordingSessionOptions) {
    this.#options = options;
    let finish: (facts: RecordingFacts) => void = () => undefined;
    this.finished = new Promise(resolve => {
      finish = resolve;
    });
    this.#finish = finish;
    this.#outages = new OutageLog(options.provider.failover);
    this.#streams = new SessionStreams(options, () => this.#tell({ streams: true }));
    this.#search = new SrsSearch(options, {
      invite: (target, signal) => this.#invite(target, signal),
      accepted: accepted => void this.#accept(accepted),
      exhausted: isFirstRound => this.#exhausted(isFirstRound),
      again: () => this.#transition('retry'),
    });
    this.#updates = new SrsUpdates({
      metadata: options.metadata,
      offers: () => this.#streams.offer(),
      dialog: () => (this.#state === 'established' && !this.#isStopRequested ? this.#dialog : null),
      began: () => this.#transition('changeBegan'),
      ended: () => this.#transition('changeEnded'),
      answered: streams => this.#streams.takeAnswer(streams),
      failed: error => this.#updateFailed(error),
    });
  }

  /** Resolves once: whether an SRS took the recording in the first round of invitations. Never rejects. */
  get firstOutcome(): Promise<boolean> {
    return this.#search.firstOutcome;
  }

  get state(): RecordingSessionState {
    return this.#state;
  }

  /**
   * Follows the intent. The gate moves first; signalling comes after. `paused` as the first desire establishes the session
   * ahead of the recording, its streams inactive (RFC 7866 §7.1.1).
   * @param formats per stream, in order; what the streams may carry.
   */
  setDesired(desired: DesiredRecording, formats: readonly (readonly PayloadFormat[])[]): void {
    if (this.#isStopRequested || desired === this.#desired) {
      return;
    }
    this.#desired = desired;
    if (desired === 'none') {
      this.stop();
      return;
    }
    this.#streams.follow(desired, formats);
    const { clock } = this.#options;
    if (this.#startedAtMs === null && desired === 'recording') {
      this.#startedAtMs = clock.wallNowMs();
    }
    if (this.#state === 'idle') {
      this.#invitedAtMs = clock.wallNowMs();
      this.#transition('start');
      this.#search.begin();
    } else {
      this.#tell(this.#streams.hasOtherOffer ? { streams: true } : { facts: true });
    }
  }

  /** Nothing is captured any more, and nothing fills the time: the session waits, inactive, for {@link stop}. */
  halt(formats: readonly (readonly PayloadFormat[])[]): void {
    this.#streams.halt();
    this.setDesired('paused', formats);
  }

  /** The parties agreed on other formats, another protection or other directions: the SRS is offered the same. */
  setFormats(formats: readonly (readonly PayloadFormat[])[]): void {
    this.#streams.setFormats(formats);
  }

  /** The metadata's facts changed: the SRS is told. */
  metadataChanged(): void {
    this.#tell({ facts: true });
  }

  /** The other party was blindly transferred; the metadata's facts have changed accordingly. */
  transferred(): void {
    this.#tell({ transfer: true });
  }

  /** ICMP says that nobody listens for a stream. */
  markUnreachable(label: string): void {
    if (!this.#unreachableLabels.includes(label)) {
      this.#unreachableLabels = this.#unreachableLabels.concat(label);
    }
    this.#liveness?.unreachable(label);
  }

  /**
   * Ends the recording: the gate shuts at once, what the rings hold is delivered within the drain time, then
   * the SRS dialog is closed. Idempotent.
   */
  stop(): void {
    if (this.#isStopRequested) {
      return;
    }
    this.#isStopRequested = true;
    this.#search.stop();
    this.#desired = 'none';
    this.#stoppedAtMs = this.#options.clock.wallNowMs();
    this.#streams.shut();
    this.#continueStop();
  }

  /** Nothing is captured for as long as this holds, whatever is desired. */
  withhold(isWithheld: boolean): void {
    if (!this.#isStopRequested) {
      this.#streams.withhold(isWithheld);
    }
  }

  /** Stops, and gives up an attempt that is under way instead of waiting for its answer. */
  abort(): void {
    this.stop();
    this.#search.abort();
  }

  facts(report: RecordingReport = this.#options.media.report()): RecordingFacts {
    const lost = this.#outages.present;
    return {
      state: this.#state,
      attempts: this.#search.attempts,
      startedAtMs: this.#startedAtMs,
      establishedAtMs: this.#establishedAtMs,
      stoppedAtMs: this.#stoppedAtMs,
      lostAtMs: lost?.noticedAtMs ?? null,
      lostReason: lost?.cause ?? null,
      outages: this.#outages.outages,
      ...this.#streams.facts,
      unreachableLabels: this.#unreachableLabels,
      report,
      replacedCharacters: this.#options.metadata.replacedCharacters,
    };
  }

  // -- finding an SRS --------------------------------------------------------------------------------

  #invite(target: SrsTarget, signal: AbortSignal): Promise<InvitedSrs> {
    // The document is made from the facts of this moment; later ones wait for the dialog.
    this.#updates.clear();
    const events = {
      isCurrent: (dialog: RecordingDialog) => this.#dialog === dialog,
      answerChanged: (streams: readonly SrsStreamAnswer[]) => this.#streams.takeAnswer(streams),
      snapshotRequested: (reason: string | null) => this.#sendSnapshot(reason),
      connectionLost: () => this.#liveness?.connectionLost(),
      ended: (cause: SrsLossCause, reason: string | null) => this.#lose(cause, reason),
    };
    return inviteSrs(target, this.#streams.offer(), this.#options, events, signal);
  }

  async #accept({ target, invited }: AcceptedInvitation): Promise<void> {
    const { dialog, early } = invited;
    const { clock, logger, provider, metrics, changed } = this.#options;
    const isRestored = this.#outages.present !== null;
    const { replayFromMs } = this.#outages;
    // Once more: while nobody took it, the ring may have lost its oldest packets.
    const replayedFromMs = replayFromMs === null ? null : await this.#streams.rewind(replayFromMs);
    this.#streams.takeAnswer(dialog.streams);
    this.#acceptedAtMs = clock.wallNowMs();
    this.#target = target;
    this.#unreachableLabels = [];
    this.#transition('accepted');
    if (this.#establishedAtMs === null) {
      this.#establishedAtMs = this.#acceptedAtMs;
      metrics.observeSrsSetup(
        provider.providerId,
        (this.#acceptedAtMs - (this.#invitedAtMs ?? this.#acceptedAtMs)) / 1000,
      );
    }
    const outage = this.#outages.restored(this.#acceptedAtMs, replayedFromMs);
    if (outage !== null) {
      this.#tellGap(outage);
      metrics.recordingRestored(provider.providerId);
    }
    this.#dialog = dialog;
    logger.info(isRestored ? 'recording restored' : 'recording session established', {
      provider: provider.providerId,
      srsUri: target.uri,
      srsCallId: dialog.sipCallId,
      refusedStreams: dialog.streams.filter(stream => stream === null).length,
    });
    changed?.(isRestored ? 'restored' : 'established');
    if (early.end !== null) {
      // The SRS hung up before its 200 was looked at.
      this.#lose(early.end.cause, early.end.reason);
    } else if (this.#isStopRequested) {
      this.#continueStop();
    } else {
      this.#watch(dialog);
      if (early.wantsSnapshot) {
        this.#sendSnapshot(null);
      } else {
        void this.#update();
      }
    }
  }

  /** What no SRS was sent is told to the one that has taken over. */
  #tellGap(outage: Outage): void {
    const gapMs = missedMs(outage);
    if (gapMs > 0) {
      const { deliveredUntilMs: startMs, cause } = outage;
      this.#options.metadata.recordingGap({ startMs, endMs: startMs + gapMs, reason: cause });
      this.#updates.add({ facts: true });
    }
  }

  #exhausted(isFirstRound: boolean): void {
    this.#transition('exhausted');
    if (isFirstRound) {
      this.#options.changed?.('exhausted');
    }
    if (this.#isStopRequested) {
      this.#continueStop();
    }
  }

  // -- losing it -------------------------------------------------------------------------------------

  #watch(dialog: RecordingDialog): void {
    const { clock, provider, media } = this.#options;
    this.#liveness = new SrsLiveness({
      dialog,
      rules: provider.failover,
      clock,
      isSending: () => this.#streams.isSending,
      lastReceiverReportAtMs: () => newestReportAtMs(media.report(), this.#acceptedAtMs),
      dead: finding => {
        // Should it live after all, it is told that the recording goes on elsewhere.
        void dialog.bye({ reason: 'SIP;cause=408;text="No sign of life"' });
        this.#lose(finding, null);
      },
    });
  }

  /** The SRS is gone. The live call does not notice; the next SRS gets everything that this one may have missed. */
  #lose(cause: SrsLossCause, reason: string | null): void {
    this.#dialog = null;
    this.#liveness?.stop();
    this.#liveness = null;
    if (this.#state === 'ending' || this.#isStopRequested) {
      this.#transition('dialogLost');
      if (this.#state === 'lost') {
        // Lost before the stop could begin to end it: there is nothing left to say to anybody.
        this.#continueStop();
      }
      return;
    }
    const { clock, logger, metrics, provider, health, media, changed } = this.#options;
    const noticedAtMs = clock.wallNowMs();
    const { replayFromMs, pauseMs } = this.#outages.lost({
      cause,
      noticedAtMs,
      sinceMs: this.#acceptedAtMs,
      report: media.report(),
    });
    this.#transition('dialogLost');
    metrics.srsFailure(provider.providerId, `lost-${cause}`);
    logger.error('recording lost in mid-call', { provider: provider.providerId, cause, reason });
    if (this.#target !== null) {
      health.failed(this.#target.uri);
    }
    changed?.('lost');
    void this.#streams.rewind(replayFromMs);
    this.#search.resumeAfter(pauseMs);
  }

  // -- telling it ------------------------------------------------------------------------------------

  /** RFC 7866 §9.2: the snapshot goes out immediately, with the SDP that defines its labels. */
  #sendSnapshot(reason: string | null): void {
    this.#options.logger.info('srs requested a snapshot', { reason });
    this.#tell({ snapshot: true });
  }

  #tell(what: Parameters<SrsUpdates['add']>[0]): void {
    this.#updates.add(what);
    void this.#update();
  }

  async #update(): Promise<void> {
    if ((await this.#updates.run()) && this.#isStopRequested) {
      this.#continueStop();
    }
  }

  #updateFailed(error: unknown): void {
    const { metrics, provider, logger } = this.#options;
    if (isGatewayError(error) && error.code === 'REC_ERR_SIP_TIMEOUT') {
      this.#giveUp();
    }
    metrics.srsFailure(provider.providerId, 'update-failed');
    logger.warn('recording session update failed', { error: errorMessage(error) });
  }

  /** The SRS does not answer any more: the recording goes on elsewhere. */
  #giveUp(): void {
    const dialog = this.#dialog;
    if (dialog !== null) {
      void dialog.bye({ reason: 'SIP;cause=408;text="No answer"' });
      this.#lose('re-invite-failed', 'no answer');
    }
  }

  // -- ending ----------------------------------------------------------------------------------------

  #continueStop(): void {
    const before = this.#state;
    this.#transition('stop');
    switch (this.#state) {
      case 'ending':
        if (before !== 'ending') {
          void this.#end();
        }
        break;
      case 'ended':
      case 'failed':
        this.#search.conclude();
        void this.#streams.close(0).then(report => this.#finish(this.facts(report)));
        break;
      default:
        // Inviting: the answer, or the end of all attempts, continues the stop.
        break;
    }
  }

  async #end(): Promise<void> {
    this.#liveness?.stop();
    const drainMs = this.#streams.canDeliver ? this.#options.drainMs : 0;
    const report = await endSession(
      () => this.#streams.close(drainMs),
      () => this.#dialog,
      this.#options,
    );
    this.#dialog = null;
    this.#transition('closed');
    this.#finish(this.facts(report));
  }

  #transition(event: RecordingSessionEvent): void {
    const from = this.#state;
    this.#state = nextRecordingSessionState(from, event);
    if (from !== this.#state) {
      this.#options.logger.debug('recording session state', { from, event, to: this.#state });
    }
  }
}
