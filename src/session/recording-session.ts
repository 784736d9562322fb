import {
  type Clock,
  errorMessage,
  isGatewayError,
  type Logger,
  type PayloadFormat,
  type SrtpSuite,
} from '#core';
import { type MediaRecording, type RecordingReport } from '#media';
import {
  type RecordingDialog,
  type RecordingStreamOffer,
  type SrsClient,
  type SrsStreamAnswer,
} from '#sip';

import { type DesiredRecording, type RecordingDecision } from '../policy';
import { type RecordingMetadata } from './recording-metadata';
import {
  nextRecordingSessionState,
  type RecordingSessionEvent,
  type RecordingSessionState,
} from './recording-session-state';
import { type Metrics } from '../observability';
import { type ProviderSettings } from './settings';

/** One attempt to reach an SRS. */
export interface SrsAttempt {
  readonly uri: string;
  /** `established`, or the code of the error that ended the attempt. */
  readonly result: string;
  /** SIP status of a refusal. */
  readonly status: number | null;
  readonly atMs: number;
  readonly tookMs: number;
  /** Call-ID of the dialog, which the SRS knows too. */
  readonly srsCallId?: string;
}

/** What happened to a recording, as it is told to the ledger. */
export interface RecordingFacts {
  readonly state: RecordingSessionState;
  readonly attempts: readonly SrsAttempt[];
  /** When the intent first said "on"; null when it never did. */
  readonly startedAtMs: number | null;
  readonly establishedAtMs: number | null;
  readonly stoppedAtMs: number | null;
  /** When the SRS went away in mid-recording; null when it did not. */
  readonly lostAtMs: number | null;
  readonly lostReason: string | null;
  readonly unreachableLabels: readonly string[];
  /** The newest answer of the SRS, one per stream. */
  readonly answers: readonly SrsStreamAnswer[];
  readonly report: RecordingReport;
  readonly replacedCharacters: number;
}

export interface RecordingSessionOptions {
  readonly decision: RecordingDecision;
  readonly provider: ProviderSettings;
  readonly srcUri: string;
  readonly drainMs: number;
  /** Suites that the streams are offered with now; empty or absent: plain RTP. */
  readonly srtpSuites?: () => readonly SrtpSuite[];
  readonly media: MediaRecording;
  readonly metadata: RecordingMetadata;
  readonly srsClient: SrsClient;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * One recording session: brings the actual state of one SRS dialog to the desired one. Its RTP gate follows
 * the desire at once, whatever the signalling is doing, and nothing that it does can delay the live call.
 */
export class RecordingSession {
  readonly #options: RecordingSessionOptions;
  readonly #abort = new AbortController();
  readonly #attempts: SrsAttempt[] = [];
  readonly #unreachable = new Set<string>();
  #state: RecordingSessionState = 'idle';
  #desired: DesiredRecording = 'none';
  #formats: readonly (readonly PayloadFormat[])[] = [];
  #offeredSuites = '';
  #dialog: RecordingDialog | null = null;
  #answers: readonly SrsStreamAnswer[] = [];
  #startedAtMs: number | null = null;
  #establishedAtMs: number | null = null;
  #stoppedAtMs: number | null = null;
  #lostAtMs: number | null = null;
  #lostReason: string | null = null;
  /** What has to be told to the SRS and was not yet. */
  #dirty = { streams: false, metadata: false };
  /** An update failed: partial documents would count from one that the SRS never got. */
  #needsComplete = false;
  #isUpdating = false;
  #isStopRequested = false;
  /** The report of media that was closed before the recording was stopped (SRS lost or never reached). */
  #releasedMedia: Promise<RecordingReport> | null = null;
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
  }

  get state(): RecordingSessionState {
    return this.#state;
  }

  /**
   * Follows the intent. The gate moves first; signalling comes after.
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
    this.#moveGate(desired === 'recording');
    if (this.#state === 'idle') {
      this.#startedAtMs = clock.wallNowMs();
      this.#transition('start');
      void this.#invite();
    } else {
      this.#dirty = { ...this.#dirty, streams: true };
      void this.#update();
    }
  }

  /** The parties agreed on other formats, or on another protection: the SRS is offered the same. */
  setFormats(formats: readonly (readonly PayloadFormat[])[]): void {
    const isSameProtection = (this.#options.srtpSuites?.() ?? []).join() === this.#offeredSuites;
    if (isSameProtection && JSON.stringify(formats) === JSON.stringify(this.#formats)) {
      return;
    }
    this.#formats = formats;
    this.#dirty = { ...this.#dirty, streams: true };
    void this.#update();
  }

  /** The metadata's facts changed: the SRS is told. */
  metadataChanged(): void {
    this.#dirty = { ...this.#dirty, metadata: true };
    void this.#update();
  }

  /** ICMP says that nobody listens for a stream. */
  markUnreachable(label: string): void {
    this.#unreachable.add(label);
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
    this.#desired = 'none';
    this.#stoppedAtMs = this.#options.clock.wallNowMs();
    this.#moveGate(false);
    this.#continueStop();
  }

  /** Stops, and gives up an attempt that is under way instead of waiting for its answer. */
  abort(): void {
    this.stop();
    this.#abort.abort();
  }

  facts(report: RecordingReport = this.#options.media.report()): RecordingFacts {
    return {
      state: this.#state,
      attempts: [...this.#attempts],
      startedAtMs: this.#startedAtMs,
      establishedAtMs: this.#establishedAtMs,
      stoppedAtMs: this.#stoppedAtMs,
      lostAtMs: this.#lostAtMs,
      lostReason: this.#lostReason,
      unreachableLabels: [...this.#unreachable],
      answers: this.#answers,
      report,
      replacedCharacters: this.#options.metadata.replacedCharacters,
    };
  }

  async #invite(): Promise<void> {
    const { provider, logger, metrics } = this.#options;
    for (const srsUri of provider.targets) {
      if (this.#abort.signal.aborted) {
        break;
      }
      if (await this.#inviteOne(srsUri)) {
        return;
      }
      this.#transition('refused');
    }
    logger.error('call that must be recorded is not', {
      provider: provider.providerId,
      attempts: this.#attempts.length,
    });
    metrics.srsFailure(provider.providerId, 'exhausted');
    this.#transition('exhausted');
    this.#releasedMedia = this.#closeMedia(0);
    if (this.#isStopRequested) {
      this.#continueStop();
    }
  }

  /** @returns whether the SRS accepted. */
  async #inviteOne(srsUri: string): Promise<boolean> {
    const { clock, provider, metrics, logger } = this.#options;
    const atMs = clock.wallNowMs();
    const begunMs = clock.monotonicMs();
    const attempt = (result: string, status: number | null, srsCallId?: string): void => {
      this.#attempts.push({
        uri: srsUri,
        result,
        status,
        atMs,
        tookMs: Math.round(clock.monotonicMs() - begunMs),
        ...(srsCallId === undefined ? {} : { srsCallId }),
      });
    };
    // The document is made from the facts of this moment; later ones wait for the dialog.
    this.#dirty = { streams: false, metadata: false };
    let dialog: RecordingDialog;
    try {
      dialog = await this.#options.srsClient.invite(
        {
          srsUri,
          from: { uri: this.#options.srcUri, displayName: null },
          profile: provider.profile,
          streams: this.#offers(),
          metadata: this.#options.metadata.complete(),
          answerTimeoutMs: provider.answerTimeoutMs,
        },
        {
          answerChanged: streams => {
            this.#takeAnswer(streams);
          },
          snapshotRequested: reason => this.#sendSnapshot(reason),
          ended: end => this.#lose(end.cause, end.reason),
        },
        this.#abort.signal,
      );
    } catch (error) {
      const code = isGatewayError(error) ? error.code : 'REC_ERR_INTERNAL';
      const status = isGatewayError(error) ? error.details['status'] : null;
      attempt(code, typeof status === 'number' ? status : null);
      metrics.srsFailure(provider.providerId, code);
      logger.warn('srs attempt failed', { srsUri, code, error: errorMessage(error) });
      return false;
    }
    if (!this.#takeAnswer(dialog.streams)) {
      const code = 'REC_ERR_SIP_SRS_BAD_ANSWER';
      attempt(code, null);
      metrics.srsFailure(provider.providerId, code);
      await dialog.bye({ reason: 'SDP not usable' });
      return false;
    }
    attempt('established', null, dialog.sipCallId);
    this.#accept(dialog);
    metrics.observeSrsSetup(
      provider.providerId,
      (clock.wallNowMs() - (this.#startedAtMs ?? atMs)) / 1000,
    );
    return true;
  }

  #accept(dialog: RecordingDialog): void {
    const { clock, logger, provider } = this.#options;
    this.#establishedAtMs = clock.wallNowMs();
    this.#transition('accepted');
    if (this.#lostAtMs !== null) {
      // The SRS hung up before its 200 was looked at: everything is released already.
      this.#transition('dialogLost');
      if (this.#isStopRequested) {
        this.#continueStop();
      }
      return;
    }
    this.#dialog = dialog;
    logger.info('recording session established', {
      provider: provider.providerId,
      srsCallId: dialog.sipCallId,
      refusedStreams: dialog.streams.filter(stream => stream === null).length,
    });
    if (this.#isStopRequested) {
      this.#continueStop();
    } else {
      void this.#update();
    }
  }

  /** @returns false when the SRS named addresses that no packet can be sent to; nothing is sent then. */
  #takeAnswer(streams: readonly SrsStreamAnswer[]): boolean {
    if (this.#releasedMedia !== null) {
      return true;
    }
    try {
      this.#options.media.setRemotes(streams);
      this.#answers = streams;
      return true;
    } catch (error) {
      this.#options.logger.error('answer of the srs not usable', { error: errorMessage(error) });
      this.#answers = streams.map(() => null);
      this.#options.media.setRemotes(this.#answers);
      return false;
    }
  }

  /** RFC 7866 §9.2: the snapshot goes out immediately, with the SDP that defines its labels. */
  #sendSnapshot(reason: string | null): void {
    this.#options.logger.info('srs requested a snapshot', { reason });
    this.#dirty = { streams: true, metadata: true };
    void this.#update();
  }

  /** Tells the SRS what changed, one change at a time; what changes meanwhile follows. */
  async #update(): Promise<void> {
    if (this.#isUpdating) {
      return;
    }
    this.#isUpdating = true;
    try {
      while (
        (this.#dirty.streams || this.#dirty.metadata) &&
        this.#state === 'established' &&
        !this.#isStopRequested &&
        this.#dialog !== null
      ) {
        const change = this.#takeChange();
        if (change === null) {
          continue;
        }
        this.#transition('changeBegan');
        try {
          const answer = await this.#dialog.update(change);
          if (change.streams !== undefined) {
            this.#takeAnswer(answer);
          }
        } catch (error) {
          // The SRS knows nothing of it: the next thing that it is told is everything.
          this.#needsComplete = true;
          this.#options.metrics.srsFailure(this.#options.provider.providerId, 'update-failed');
          this.#options.logger.warn('recording session update failed', {
            error: errorMessage(error),
          });
        }
        this.#transition('changeEnded');
      }
    } finally {
      this.#isUpdating = false;
    }
    if (this.#isStopRequested) {
      this.#continueStop();
    }
  }

  /**
   * A label means something only in a message that carries the SDP which defines it (RFC 7866 §9.1): new
   * stream properties go with a complete document, changed facts alone with a partial one.
   */
  #takeChange(): { streams?: readonly RecordingStreamOffer[]; metadata?: string } | null {
    const { metadata } = this.#options;
    const streams = this.#dirty.streams || this.#needsComplete;
    this.#dirty = { streams: false, metadata: false };
    if (streams) {
      this.#needsComplete = false;
      return { streams: this.#offers(), metadata: metadata.complete() };
    }
    const partial = metadata.partial();
    return partial === null ? null : { metadata: partial };
  }

  #offers(): readonly RecordingStreamOffer[] {
    const srtpSuites = this.#options.srtpSuites?.() ?? [];
    this.#offeredSuites = srtpSuites.join();
    return this.#options.media.streams.map((stream, index) => ({
      ...(srtpSuites.length === 0 ? {} : { srtpSuites }),
      label: stream.label,
      local: stream.local,
      formats: this.#formats[index] ?? [],
      direction: this.#desired === 'paused' ? 'inactive' : 'sendonly',
    }));
  }

  #lose(cause: 'bye' | 'lost', reason: string | null): void {
    if (this.#state === 'ending') {
      this.#dialog = null;
      return;
    }
    const { clock, logger, metrics, provider } = this.#options;
    this.#lostAtMs = clock.wallNowMs();
    this.#lostReason = cause;
    this.#dialog = null;
    this.#transition('dialogLost');
    metrics.srsFailure(provider.providerId, cause === 'bye' ? 'srs-bye' : 'srs-lost');
    logger.error('recording lost in mid-call', { provider: provider.providerId, cause, reason });
    this.#releasedMedia = this.#closeMedia(0);
  }

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
        void this.#releasedMedia.then(report => this.#finish(this.facts(report)));
        break;
      default:
        // Inviting: the answer, or the end of all attempts, continues the stop.
        break;
    }
  }

  async #end(): Promise<void> {
    const { metadata, provider, drainMs } = this.#options;
    const canDeliver = this.#answers.some(answer => answer?.receives === true);
    this.#releasedMedia = this.#closeMedia(canDeliver ? drainMs : 0);
    const report = await this.#releasedMedia;
    const document = provider.metadataInBye ? metadata.partial() : null;
    await this.#dialog?.bye(document === null ? {} : { metadata: document });
    this.#dialog = null;
    this.#transition('closed');
    this.#finish(this.facts(report));
  }

  #moveGate(isOpen: boolean): void {
    if (this.#releasedMedia !== null) {
      return;
    }
    this.#options.media.setGate(isOpen).catch((error: unknown) => {
      this.#options.logger.error('recording gate failed', { error: errorMessage(error) });
    });
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
