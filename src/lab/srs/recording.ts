import { type Clock, errorMessage } from '#core';
import { type SrsView } from '#metadata';
import {
  makeResponse,
  parseCSeq,
  parseNameAddr,
  type SipRequest,
  type SipResponse,
} from '#sip/engine';
import { Dialog, dialogOfRequest, newTag } from '../sip/dialog';
import { type DialogOwner, type IncomingRequest } from '../sip/sip-endpoint';
import { Waiters } from '../waiters';
import { ChangeRequests } from './change-requests';
import { type CountedDeviation, DeviationLog, type SrsDeviation } from './deviation';
import { type EvidenceStore } from './evidence-store';
import { IdleWatch } from './idle-watch';
import { MetadataIntake } from './metadata-intake';
import { misbehave } from './misbehave';
import { readRecordingBody, type RecordingBody } from './recording-body';
import { RecordingMedia } from './recording-media';
import { RecordingOffers } from './recording-offers';
import { type RecordingOptions } from './recording-options';
import { type StreamReport } from './recording-stream';
import { checkMetadataCame, checkSenderReports, recordingVerdict } from './recording-verdict';
import { SessionTimers } from './session-timers';
import {
  checkCSeq,
  checkInitialInvite,
  type SignallingDialect,
  signallingDialectOf,
} from './signalling-checks';
import { SrsRequests } from './srs-requests';
import { SrsResponses } from './srs-responses';

export type RecordingState = 'offered' | 'established' | 'ended';

/** One recording session at the reference SRS: its dialog, documents, streams and verdict. */
export class Recording implements DialogOwner {
  /** 1, 2, … in the order of arrival at this SRS. */
  readonly number: number;
  readonly callId: string;
  readonly from: string;
  readonly startedAtMs: number;
  readonly #options: RecordingOptions;
  readonly #clock: Clock;
  readonly #store: EvidenceStore;
  readonly #media: RecordingMedia;
  readonly #deviations = new DeviationLog();
  readonly #metadata: MetadataIntake;
  readonly #offers: RecordingOffers;
  readonly #waiters: Waiters;
  readonly #localTag = newTag();
  readonly #timers: SessionTimers;
  readonly #responses: SrsResponses;
  readonly #changes: ChangeRequests;
  readonly #requests: SrsRequests;
  readonly #idle: IdleWatch;
  #state: RecordingState = 'offered';
  #dialog: Dialog | null = null;
  #lastCSeq: number | null = null;
  #dialect: SignallingDialect = 'rfc7866';
  /** What the newest `verdict.json` says about the beginning of the WAV. */
  #toldStartWallMs: number | null = null;
  #endedAtMs: number | null = null;
  #endedBy: string | null = null;
  #ending: Promise<void> | null = null;

  constructor(options: RecordingOptions) {
    const { request, source } = options.incoming;
    this.#options = options;
    this.#clock = options.clock;
    this.#store = options.store;
    this.#metadata = new MetadataIntake(options.store, this.#deviations);
    this.number = options.number;
    this.callId = request.headers.get('call-id') ?? '';
    this.from = parseNameAddr(request.headers.get('from') ?? '')?.uri ?? '';
    this.startedAtMs = source.receivedAtMs;
    this.#waiters = new Waiters(this.#clock);
    this.#timers = new SessionTimers(this.#clock);
    this.#responses = new SrsResponses(
      options.endpoint.uri('srs', source.transport),
      this.#localTag,
    );
    this.#idle = new IdleWatch({
      clock: this.#clock,
      timers: this.#timers,
      idleTimeoutMs: options.idleTimeoutMs,
      ask: () => this.#requests.ping(),
      gone: () => this.end('orphan'),
    });
    this.#media = new RecordingMedia({
      host: options.host,
      clock: options.clock,
      directory: options.store.directory,
      maxFrames: options.maxFrames,
      ...(options.rtcpIntervalMs === undefined ? {} : { rtcpIntervalMs: options.rtcpIntervalMs }),
      onDeviation: deviation => this.#deviations.add(deviation),
      onPacket: isFirst => this.#onPacket(isFirst),
      ...(options.onRtp === undefined ? {} : { onRtp: options.onRtp }),
    });
    this.#offers = new RecordingOffers({
      media: this.#media,
      behaviour: options.behaviour,
      judge: findings => this.#judge(findings),
    });
    this.#changes = new ChangeRequests({
      behaviour: options.behaviour,
      media: this.#media,
      offers: this.#offers,
      responses: this.#responses,
      dialect: () => this.#dialect,
      judge: findings => this.#judge(findings),
      takeMetadata: body => this.#takeMetadata(body),
      isEstablished: () => this.#state === 'established',
    });
    this.#requests = new SrsRequests({
      dialog: () => (this.#state === 'established' ? this.#dialog : null),
      dialect: () => this.#dialect,
      metadata: this.#metadata,
      media: this.#media,
      offers: this.#offers,
      timers: this.#timers,
      judge: findings => this.#judge(findings),
    });
    this.#store.addSip(source.raw);
  }

  get state(): RecordingState {
    return this.#state;
  }

  get directory(): string {
    return this.#store.directory;
  }

  get wavPath(): string {
    return this.#media.wav.path;
  }

  /** Wall clock of frame 0 of the WAV, ms since the epoch; null before the first packet. */
  get startWallMs(): number | null {
    return this.#media.wav.startWallMs;
  }

  /** How the session ended: `src-bye`, `srs-bye`, `cancelled`, `refused`, `no-ack`, `orphan`, `closed`. */
  get endedBy(): string | null {
    return this.#endedBy;
  }

  /** Documents received so far. */
  get documents(): number {
    return this.#metadata.documents;
  }

  /** What the documents say all in all. */
  get view(): SrsView | null {
    return this.#metadata.view;
  }

  /** SRTP keys of both sides, for those who have to prove that they stand nowhere. */
  get srtpKeys(): readonly string[] {
    return this.#media.srtpKeys;
  }

  get streams(): readonly StreamReport[] {
    return this.#media.reports();
  }

  get deviations(): readonly CountedDeviation[] {
    return this.#deviations.list();
  }

  /** Waits until something is so; looked at after each packet and each message. */
  async until(isSo: () => boolean, deadlineMs = 10_000, what = 'a condition'): Promise<void> {
    await this.#waiters.until(isSo, deadlineMs, what);
  }

  /** Writes the recording with another time 0, e.g. the answer of the call (ms since the epoch). */
  exportWav(options: { path: string; zeroAtMs: number }): void {
    this.#media.wav.export(options.path, options.zeroAtMs);
  }

  /** What came and what is to be said of it; also in `verdict.json`. */
  verdict(): object {
    const { source } = this.#options.incoming;
    return recordingVerdict({
      callId: this.callId,
      from: this.from,
      source: `${source.transport} ${source.remoteHost}`,
      state: this.#state,
      startedAtMs: this.startedAtMs,
      endedAtMs: this.#endedAtMs,
      endedBy: this.#endedBy,
      wav: this.#media.wav,
      sipMessages: this.#store.sipMessages,
      evidenceDropped: this.#store.dropped,
      documents: this.#metadata.documents,
      view: this.#metadata.view,
      streams: this.streams,
      deviations: this.deviations,
    });
  }

  // -------------------------------------------------------------------------------------------------
  // What the SRS does on its own

  /** Ends the session. Never rejects. */
  async bye(endedBy = 'srs-bye'): Promise<void> {
    if (this.#dialog !== null && this.#state === 'established') {
      await this.#dialog.request('BYE').catch(() => null);
    }
    await this.end(endedBy);
  }

  /** Asks for a complete document (RFC 7866 §9.2). @returns the final response to the UPDATE. */
  requestSnapshot(reason: string | null = null): Promise<SipResponse> {
    return this.#requests.snapshot(reason);
  }

  /** Re-INVITEs with the present streams in another direction (RFC 7866 §7.2). */
  reoffer(direction: 'recvonly' | 'inactive'): Promise<SipResponse> {
    return this.#requests.reoffer(direction);
  }

  /** Claims this fraction as lost in receiver reports; null: the truth. */
  setReportedLoss(fraction: number | null): void {
    this.#media.setReportedLoss(fraction);
  }

  /** Reads neither RTP nor (on TCP) SIP any more. */
  stopReading(): void {
    this.#media.setDeaf();
    this.#options.connection.stopReading();
  }

  /** Breaks the TCP connection. */
  breakConnection(): void {
    this.#options.connection.break();
  }

  // -------------------------------------------------------------------------------------------------
  // For the SRS

  /** @internal Answers the INVITE. */
  async begin(): Promise<void> {
    const { incoming, behaviour } = this.#options;
    const { request, transaction } = incoming;
    transaction.respond(makeResponse(request, 100));
    incoming.onCancelled = () => {
      this.#responses.respond(incoming, 487);
      void this.end('cancelled');
    };
    this.#options.onEvent({ kind: 'offered' });
    const { body, findings } = readRecordingBody(request);
    this.#judge(findings);
    this.#dialect = signallingDialectOf(body.metadata?.bytes ?? null);
    this.#judge(checkInitialInvite(request, body.metadata !== null, this.#dialect));
    this.#lastCSeq = parseCSeq(request.headers.get('cseq'))?.number ?? null;
    const answer = await this.#offers.answer(body.sdp);
    this.#takeMetadata(body);
    if (behaviour.answerDelayMs !== undefined) {
      await new Promise<void>(resolve => this.#timers.later(behaviour.answerDelayMs ?? 0, resolve));
    }
    if (this.#state === 'ended') {
      return;
    }
    if (answer.status >= 300) {
      this.#responses.respond(incoming, answer.status, answer.reason);
      await this.end('refused');
      return;
    }
    this.#establish(incoming, answer.body);
  }

  /** @internal A message of the session came (the first one is taken by the constructor). */
  noteReceived(raw: Buffer): void {
    this.#store.addSip(raw);
    this.#idle.noteActivity();
  }

  /** @internal Ends the session without a BYE. Idempotent. */
  end(endedBy: string): Promise<void> {
    this.#ending ??= this.#end(endedBy);
    return this.#ending;
  }

  /** @internal */
  onRequest(incoming: IncomingRequest): void {
    this.#serve(incoming).catch((error: unknown) => {
      this.#options.logger.warn('a request could not be served', { cause: errorMessage(error) });
      this.#responses.respond(incoming, 500);
    });
  }

  /** @internal */
  onAck(request: SipRequest): void {
    this.#dialog?.ack(request);
  }

  /** @internal */
  onRepeatedResponse(response: SipResponse): void {
    this.#dialog?.repeatedResponse(response);
  }

  #establish(incoming: IncomingRequest, body: string): void {
    const { request, source } = incoming;
    let state;
    try {
      state = dialogOfRequest(request, this.#localTag, source.transport);
    } catch {
      this.#responses.respond(incoming, 400, 'Missing Contact');
      void this.end('refused');
      return;
    }
    const dialog = new Dialog(this.#options.endpoint, state, this.#responses.contact);
    this.#dialog = dialog;
    this.#options.endpoint.own(this.callId, this.#localTag, this);
    this.#state = 'established';
    void dialog
      .respondReliably(incoming, this.#responses.make(request, 200, body))
      .then(ack => this.#acknowledged(ack));
    this.#misbehave();
    this.#idle.watch();
    this.#options.onEvent({ kind: 'established' });
    this.#store.writeVerdict(this.verdict());
    this.#waiters.check();
  }

  async #acknowledged(ack: SipRequest | null): Promise<void> {
    if (ack !== null) {
      this.#media.acknowledged();
    } else if (this.#state !== 'ended') {
      await this.bye('no-ack');
    }
  }

  #misbehave(): void {
    const { behaviour, logger, connection } = this.#options;
    const actions = {
      stopReading: () => this.stopReading(),
      setReportedLoss: (fraction: number | null) => this.setReportedLoss(fraction),
      bye: () => this.bye(),
      requestSnapshot: (reason: string) => this.requestSnapshot(reason),
      breakConnection: () => this.breakConnection(),
      vanish: () => connection.vanish(),
      reoffer: (direction: 'recvonly') => this.reoffer(direction),
    };
    misbehave(behaviour, actions, this.#timers, logger);
  }

  async #serve(incoming: IncomingRequest): Promise<void> {
    const { request } = incoming;
    const cseq = parseCSeq(request.headers.get('cseq'))?.number ?? 0;
    this.#judge(checkCSeq(this.#lastCSeq, cseq));
    this.#lastCSeq = Math.max(cseq, this.#lastCSeq ?? 0);
    if (this.#dialog?.accept(request) !== true) {
      this.#responses.respond(incoming, 500);
    } else if (request.method === 'INVITE' || request.method === 'UPDATE') {
      if (await this.#changes.serve(incoming, this.#dialog)) {
        this.#options.onEvent({ kind: 'updated' });
      }
    } else if (request.method === 'BYE') {
      const { body, findings } = readRecordingBody(request);
      this.#judge(findings);
      this.#takeMetadata(body);
      this.#responses.respond(incoming, 200);
      await this.end('src-bye');
    } else {
      const isKnown = request.method === 'INFO' || request.method === 'OPTIONS';
      this.#responses.respond(incoming, isKnown ? 200 : 501);
    }
    this.#waiters.check();
  }

  #takeMetadata({ metadata, sdp }: RecordingBody): void {
    if (metadata !== null) {
      this.#metadata.take(metadata, sdp === null ? [] : this.#offers.labels);
      this.#options.onEvent({ kind: 'document', number: this.#metadata.documents });
      this.#waiters.check();
    }
  }

  #onPacket(isFirst: boolean): void {
    this.#idle.noteActivity();
    if (isFirst) {
      this.#options.onEvent({ kind: 'first-packet' });
    }
    if (this.startWallMs !== this.#toldStartWallMs) {
      // Whoever finds the WAV of a killed process must be able to tell what its time 0 is.
      this.#toldStartWallMs = this.startWallMs;
      this.#store.writeVerdict(this.verdict());
    }
    this.#waiters.check();
  }

  async #end(endedBy: string): Promise<void> {
    this.#state = 'ended';
    this.#endedBy = endedBy;
    this.#endedAtMs = this.#clock.wallNowMs();
    this.#timers.cancel();
    this.#dialog?.end();
    this.#options.endpoint.disown(this.callId, this.#localTag);
    if (this.#dialog !== null) {
      this.#judge(checkMetadataCame(this.#metadata.documents));
    }
    checkSenderReports(this.streams, this.#options.rtcpDueMs).forEach(deviation =>
      this.#deviations.add(deviation),
    );
    await this.#media.close();
    this.#store.writeVerdict(this.verdict());
    this.#options.onEvent({ kind: 'ended', by: endedBy });
    this.#waiters.check();
  }

  #judge(findings: readonly Omit<SrsDeviation, 'where'>[]): void {
    for (const finding of findings) {
      this.#deviations.add({ ...finding, where: this.#store.newestSip });
      this.#waiters.check();
    }
  }
}
