import { errorMessage, isGatewayError, type PayloadFormat, type Timer, withDeadline } from '#core';
import { type RecordingReport } from '#media';
import {
  type RecordingDialog,
  type RecordingStreamOffer,
  SipError,
  type SrsStreamAnswer,
} from '#sip';

import { type SrsLossCause } from '../../ledger';
import { type DesiredRecording } from '../../policy';
import { deliveredUntilMs, missedMs, newestReportAtMs, type Outage } from '../srs/outages';
import { pauseBeforeRound } from '../srs/retry-pause';
import {
  type AcceptedInvitation,
  type EarlyEvents,
  type InvitedSrs,
  type SrsAttempt,
  SrsInvitation,
} from '../srs/srs-invitation';
import { SrsLiveness } from '../srs/srs-liveness';
import { type SrsTarget } from '../srs/srs-target';
import { RecordingGate } from './recording-gate';
import { type RecordingFacts, type RecordingSessionOptions } from './recording-session-options';
import {
  nextRecordingSessionState,
  type RecordingSessionEvent,
  type RecordingSessionState,
} from './recording-session-state';
import { SrsUpdates } from './srs-updates';

export { type Outage } from '../srs/outages';
export { type SrsAttempt } from '../srs/srs-invitation';
export { type RecordingFacts } from './recording-session-options';

/** An SRS that keeps a recording shorter than this is not asked again at once, ms. */
const STABLE_AFTER_MS = 5_000;
/** How long the answer to the last UPDATE is waited for, ms. */
const LAST_FACTS_DEADLINE_MS = 2_000;
/** Attempts and outages that are remembered for the ledger: the first and the newest of each. */
const MAX_REMEMBERED = 64;

/**
 * One recording: finds an SRS, keeps it informed, finds another when it is lost, and ends in an orderly way. It brings
 * the actual state to the desired one; the intent machine never knows of refusals and failures. The gate follows
 * the desire at once, whatever the signalling is doing, and nothing that it does can delay the live call.
 */
export class RecordingSession {
  readonly #options: RecordingSessionOptions;
  readonly #attempts: SrsAttempt[] = [];
  readonly #outages: Outage[] = [];
  readonly #unreachable = new Set<string>();
  #state: RecordingSessionState = 'idle';
  #desired: DesiredRecording = 'none';
  #formats: readonly (readonly PayloadFormat[])[] = [];
  /** What was offered last, as text. */
  #offered = '';
  #invitation: SrsInvitation | null = null;
  #target: SrsTarget | null = null;
  #dialog: RecordingDialog | null = null;
  #liveness: SrsLiveness | null = null;
  #answers: readonly SrsStreamAnswer[] = [];
  #startedAtMs: number | null = null;
  #invitedAtMs: number | null = null;
  #establishedAtMs: number | null = null;
  readonly #gate: RecordingGate;
  /** When the present SRS accepted. */
  #acceptedAtMs = 0;
  #stoppedAtMs: number | null = null;
  /** From where the next SRS is sent audio again, wall clock; null: nothing was delivered yet. */
  #replayFromMs: number | null = null;
  readonly #updates: SrsUpdates;
  #isStopRequested = false;
  #retry: Timer | null = null;
  #rounds = 0;
  /** Losses in a row soon after an answer. */
  #quickLosses = 0;
  /** The report of media that is closed or closing. */
  #releasedMedia: Promise<RecordingReport> | null = null;
  /** Resolves once, when nothing of the recording is open any more. Never rejects. */
  readonly finished: Promise<RecordingFacts>;
  readonly #finish: (facts: RecordingFacts) => void;
  /** Resolves once: whether an SRS took the recording in the first round of invitations. Never rejects. */
  readonly firstOutcome: Promise<boolean>;
  readonly #settleFirst: (isEstablished: boolean) => void;

  constructor(options: RecordingSessionOptions) {
    this.#options = options;
    const { media, clock, logger, provider } = options;
    this.#gate = new RecordingGate({ media, clock, logger, pause: provider.pause ?? 'inactive' });
    let finish: (facts: RecordingFacts) => void = () => undefined;
    this.finished = new Promise(resolve => {
      finish = resolve;
    });
    this.#finish = finish;
    let settle: (isEstablished: boolean) => void = () => undefined;
    this.firstOutcome = new Promise(resolve => {
      settle = resolve;
    });
    this.#settleFirst = settle;
    this.#updates = new SrsUpdates({
      metadata: options.metadata,
      offers: () => this.#offers(),
      dialog: () => (this.#state === 'established' && !this.#isStopRequested ? this.#dialog : null),
      began: () => this.#transition('changeBegan'),
      ended: () => this.#transition('changeEnded'),
      answered: streams => this.#takeAnswer(streams),
      failed: error => this.#updateFailed(error),
    });
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
    this.#formats = formats;
    const { clock } = this.#options;
    if (desired === 'none') {
      this.stop();
      return;
    }
    this.#gate.follow(this.#desired, this.#formats, this.#answers);
    if (this.#startedAtMs === null && desired === 'recording') {
      this.#startedAtMs = clock.wallNowMs();
    }
    if (this.#state === 'idle') {
      this.#invitedAtMs = clock.wallNowMs();
      this.#transition('start');
      void this.#invite();
    } else {
      this.#tell(this.#isOtherOffer() ? { streams: true } : { facts: true });
    }
  }

  /** Nothing is captured any more, and nothing fills the time: the session waits, inactive, for {@link stop}. */
  halt(formats: readonly (readonly PayloadFormat[])[]): void {
    this.#gate.halt();
    this.setDesired('paused', formats);
    this.#followPause();
  }

  /** The parties agreed on other formats, another protection or other directions: the SRS is offered the same. */
  setFormats(formats: readonly (readonly PayloadFormat[])[]): void {
    this.#formats = formats;
    this.#followPause();
    if (this.#isOtherOffer()) {
      this.#tell({ streams: true });
    }
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
    this.#unreachable.add(label);
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
    this.#retry?.cancel();
    this.#desired = 'none';
    this.#stoppedAtMs = this.#options.clock.wallNowMs();
    this.#gate.shut();
    this.#continueStop();
  }

  /** Nothing is captured for as long as this holds, whatever is desired. */
  withhold(isWithheld: boolean): void {
    if (!this.#isStopRequested) {
      this.#gate.withhold(isWithheld);
    }
  }

  /** Stops, and gives up an attempt that is under way instead of waiting for its answer. */
  abort(): void {
    this.stop();
    this.#invitation?.abort();
  }

  facts(report: RecordingReport = this.#options.media.report()): RecordingFacts {
    const last = this.#outages.at(-1);
    const lost = last?.restoredAtMs === null ? last : null;
    return {
      state: this.#state,
      attempts: [...this.#attempts],
      startedAtMs: this.#startedAtMs,
      establishedAtMs: this.#establishedAtMs,
      stoppedAtMs: this.#stoppedAtMs,
      lostAtMs: lost?.noticedAtMs ?? null,
      lostReason: lost?.cause ?? null,
      outages: [...this.#outages],
      withheld: this.#gate.withheld,
      pauses: this.#gate.pauses,
      unreachableLabels: [...this.#unreachable],
      answers: this.#answers,
      report,
      replacedCharacters: this.#options.metadata.replacedCharacters,
    };
  }

  // -- finding an SRS --------------------------------------------------------------------------------

  async #invite(): Promise<void> {
    const { provider, health, clock, logger } = this.#options;
    this.#rounds++;
    this.#invitation = new SrsInvitation({
      targets: health.order(provider.targets),
      maxResponseWaitMs: provider.failover.maxResponseWaitMs,
      invite: (target, signal) => this.#inviteOne(target, signal),
      attempted: attempt => this.#attempted(attempt),
      clock,
      logger,
    });
    const accepted = await this.#invitation.outcome;
    this.#invitation = null;
    if (accepted === null) {
      this.#exhausted();
    } else {
      await this.#accept(accepted);
    }
  }

  #attempted(attempt: SrsAttempt): void {
    const { provider, health, metrics } = this.#options;
    remember(this.#attempts, attempt);
    if (attempt.result === 'established') {
      health.succeeded(attempt.uri);
    } else if (attempt.result !== 'REC_ERR_SIP_ABORTED') {
      health.failed(attempt.uri);
      metrics.srsFailure(provider.providerId, attempt.result);
    }
  }

  async #inviteOne(target: SrsTarget, signal: AbortSignal): Promise<InvitedSrs> {
    const { provider, srcUri, metadata, srsClient, media } = this.#options;
    // The document is made from the facts of this moment; later ones wait for the dialog.
    this.#updates.clear();
    const early: EarlyEvents = { end: null, wantsSnapshot: false };
    let invited: InvitedSrs | null = null;
    const isCurrent = (): boolean => this.#dialog !== null && this.#dialog === invited?.dialog;
    const dialog = await srsClient.invite(
      {
        srsUri: target.uri,
        from: { uri: srcUri, displayName: null },
        profile: provider.profile,
        streams: this.#offers(),
        metadata: metadata.complete(),
        answerTimeoutMs: provider.answerTimeoutMs,
        ...(provider.sessionExpiresS === undefined
          ? {}
          : { sessionExpiresS: provider.sessionExpiresS }),
      },
      {
        answerChanged: streams => {
          if (isCurrent()) {
            this.#takeAnswer(streams);
          }
        },
        snapshotRequested: reason => {
          if (isCurrent()) {
            this.#sendSnapshot(reason);
          } else {
            early.wantsSnapshot = true;
          }
        },
        connectionLost: () => {
          if (isCurrent()) {
            this.#liveness?.connectionLost();
          }
        },
        ended: end => {
          if (isCurrent()) {
            this.#lose(end.cause, end.reason);
          } else {
            early.end = end;
          }
        },
      },
      signal,
    );
    try {
      media.checkRemotes(dialog.streams);
    } catch (error) {
      await dialog.bye({ reason: 'SIP;cause=488;text="SDP not usable"' });
      throw new SipError('REC_ERR_SIP_SRS_BAD_ANSWER', errorMessage(error), { cause: error });
    }
    invited = { dialog, early };
    return invited;
  }

  async #accept({ target, invited }: AcceptedInvitation): Promise<void> {
    const { dialog, early } = invited;
    const { clock, logger, provider, metrics, changed } = this.#options;
    const outage = this.#outages.at(-1);
    const isRestored = outage?.restoredAtMs === null;
    let replayedFromMs: number | null = null;
    if (this.#replayFromMs !== null) {
      // Once more: while nobody took it, the ring may have lost its oldest packets.
      replayedFromMs = await this.#rewind(this.#replayFromMs);
    }
    this.#takeAnswer(dialog.streams);
    this.#acceptedAtMs = clock.wallNowMs();
    this.#target = target;
    this.#rounds = 0;
    this.#unreachable.clear();
    this.#transition('accepted');
    if (this.#establishedAtMs === null) {
      this.#establishedAtMs = this.#acceptedAtMs;
      metrics.observeSrsSetup(
        provider.providerId,
        (this.#acceptedAtMs - (this.#invitedAtMs ?? this.#acceptedAtMs)) / 1000,
      );
    }
    if (isRestored) {
      const restored = { ...outage, restoredAtMs: this.#acceptedAtMs, replayedFromMs };
      this.#outages.splice(-1, 1, restored);
      this.#tellGap(restored);
      metrics.recordingRestored(provider.providerId);
    }
    this.#dialog = dialog;
    logger.info(isRestored ? 'recording restored' : 'recording session established', {
      provider: provider.providerId,
      srsUri: target.uri,
      srsCallId: dialog.sipCallId,
      refusedStreams: dialog.streams.filter(stream => stream === null).length,
    });
    this.#settleFirst(true);
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

  /** Nobody takes the recording for now. What is said stays in the rings as long as they reach. */
  #exhausted(): void {
    const { provider, logger, metrics, changed } = this.#options;
    this.#transition('exhausted');
    if (this.#rounds === 1) {
      logger.error('call that must be recorded is not', {
        provider: provider.providerId,
        attempts: this.#attempts.length,
      });
      metrics.srsFailure(provider.providerId, 'exhausted');
      this.#settleFirst(false);
      changed?.('exhausted');
    }
    if (this.#isStopRequested) {
      this.#continueStop();
      return;
    }
    this.#retryAfter(pauseBeforeRound(this.#rounds));
  }

  #retryAfter(pauseMs: number): void {
    const retry = (): void => {
      this.#transition('retry');
      void this.#invite();
    };
    if (pauseMs === 0) {
      retry();
    } else {
      this.#retry = this.#options.clock.setTimer(pauseMs, retry);
    }
  }

  // -- losing it -------------------------------------------------------------------------------------

  #watch(dialog: RecordingDialog): void {
    const { clock, provider, media } = this.#options;
    this.#liveness = new SrsLiveness({
      dialog,
      rules: provider.failover,
      clock,
      isSending: () => this.#desired === 'recording' || this.#gate.fillsPause,
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
    const deliveredMs = deliveredUntilMs({
      cause,
      noticedAtMs,
      sinceMs: this.#acceptedAtMs,
      report: media.report(),
      failover: provider.failover,
    });
    // A second SRS lost before it had caught up has not got what the first one missed.
    this.#replayFromMs = deliveredMs - provider.failover.overlapMs;
    remember(this.#outages, {
      noticedAtMs,
      cause,
      deliveredUntilMs: deliveredMs,
      restoredAtMs: null,
      replayedFromMs: null,
    });
    this.#transition('dialogLost');
    metrics.srsFailure(provider.providerId, `lost-${cause}`);
    logger.error('recording lost in mid-call', { provider: provider.providerId, cause, reason });
    if (this.#target !== null) {
      health.failed(this.#target.uri);
    }
    changed?.('lost');
    void this.#rewind(this.#replayFromMs);
    const isQuick = noticedAtMs - this.#acceptedAtMs < STABLE_AFTER_MS;
    this.#quickLosses = isQuick ? this.#quickLosses + 1 : 0;
    // Whoever takes and drops it again and again shall not keep us busy.
    this.#retryAfter(pauseBeforeRound(this.#quickLosses - 1));
  }

  /** @returns wall clock of the oldest packet that waits; null when none does. */
  #rewind(fromMs: number): Promise<number | null> {
    return this.#options.media.rewind(fromMs).catch((error: unknown) => {
      this.#options.logger.error('rewinding a recording failed', { error: errorMessage(error) });
      return null;
    });
  }

  /** @returns false when the SRS named addresses that no packet can be sent to; nothing is sent then. */
  #takeAnswer(streams: readonly SrsStreamAnswer[]): boolean {
    if (this.#releasedMedia !== null) {
      return true;
    }
    try {
      this.#options.media.setRemotes(streams);
      this.#answers = streams;
      this.#followPause();
      return true;
    } catch (error) {
      this.#options.logger.error('answer of the srs not usable', { error: errorMessage(error) });
      this.#answers = streams.map(() => null);
      this.#options.media.setRemotes(this.#answers);
      return false;
    }
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

  #offers(): readonly RecordingStreamOffer[] {
    const offers = this.#offersNow();
    this.#offered = JSON.stringify(offers);
    return offers;
  }

  #offersNow(): readonly RecordingStreamOffer[] {
    const { media, srtpSuites, isHeld } = this.#options;
    const suites = srtpSuites?.() ?? [];
    return media.streams.map((stream, index) => ({
      ...(suites.length === 0 ? {} : { srtpSuites: suites }),
      label: stream.label,
      local: stream.local,
      formats: this.#formats[index] ?? [],
      direction: isHeld?.(index) === true ? 'inactive' : this.#gate.direction,
    }));
  }

  /** A pause that is filled does not show in SDP, only in the metadata. */
  #isOtherOffer(): boolean {
    return JSON.stringify(this.#offersNow()) !== this.#offered;
  }

  /** What a pause can be filled with has changed: by formats, by an answer, or because there is nothing left to pause. */
  #followPause(): void {
    if (this.#desired === 'paused' && !this.#isStopRequested) {
      this.#gate.follow(this.#desired, this.#formats, this.#answers);
      if (this.#isOtherOffer()) {
        this.#tell({ streams: true });
      }
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
        this.#releasedMedia ??= this.#closeMedia(0);
        this.#settleFirst(false);
        void this.#releasedMedia.then(report => this.#finish(this.facts(report)));
        break;
      default:
        // Inviting: the answer, or the end of all attempts, continues the stop.
        break;
    }
  }

  async #end(): Promise<void> {
    const { metadata, provider, drainMs } = this.#options;
    this.#liveness?.stop();
    const isTold = provider.metadataInBye ? Promise.resolve() : this.#tellLastFacts();
    const canDeliver = this.#answers.some(answer => answer?.receives === true);
    this.#releasedMedia = this.#closeMedia(canDeliver ? drainMs : 0);
    const report = await this.#releasedMedia;
    await isTold;
    const document = provider.metadataInBye ? metadata.partial() : null;
    await this.#dialog?.bye(document === null ? {} : { metadata: document });
    this.#dialog = null;
    this.#transition('closed');
    this.#finish(this.facts(report));
  }

  /** While the media drains. A recorder that does not answer is not waited for long. Never rejects. */
  async #tellLastFacts(): Promise<void> {
    const { metadata, clock, logger } = this.#options;
    const xml = metadata.flow.lastFacts === 'untold' ? null : metadata.partial();
    if (xml === null || this.#dialog === null) {
      return;
    }
    const late = (): Error => new Error('no answer in time');
    const told = this.#dialog.update({ metadata: xml });
    await withDeadline(clock, told, LAST_FACTS_DEADLINE_MS, late).catch((error: unknown) =>
      logger.warn('the end of a recording was not told', { error: errorMessage(error) }),
    );
  }

  #closeMedia(drainMs: number): Promise<RecordingReport> {
    const { media } = this.#options;
    return media.close({ drainMs }).catch(() => media.report());
  }

  #transition(event: RecordingSessionEvent): void {
    const from = this.#state;
    this.#state = nextRecordingSessionState(from, event);
    if (from !== this.#state) {
      this.#options.logger.debug('recording session state', { from, event, to: this.#state });
    }
  }
}

/** The oldest of the newer half makes room. */
function remember<T>(list: T[], entry: T): void {
  if (list.length >= MAX_REMEMBERED) {
    list.splice(MAX_REMEMBERED / 2, 1);
  }
  list.push(entry);
}
