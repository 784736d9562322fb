import { type Clock, errorMessage, type Logger } from '#core';
import { HeaderList, makeResponse, type SipRequest, type SipResponse } from '#sip/engine';
import { type PcmSource } from '../audio/pcm';
import { LabError } from '../errors';
import { Dialog, type DialogState, sdpHeaders } from '../sip/dialog';
import { parseSdp, type Sdp } from '../sip/sdp';
import { type DialogOwner, type IncomingRequest, type SipEndpoint } from '../sip/sip-endpoint';
import { Waiters } from '../waiters';
import { type CallMedia, type CapturedPacket, type MediaStatistics } from './call-media';
import { type HoldForm, PhoneOffers, type PhoneWish } from './phone-offers';

export type PhoneCallState = 'calling' | 'ringing' | 'answered' | 'ended';

export interface CallEnding {
  readonly by: 'us' | 'peer';
  /** Final status of an unanswered call; 200 after an answer. */
  readonly status: number;
  /** Reason phrase, or the Reason header of the BYE or CANCEL. */
  readonly reason: string;
}

/** Instants of a call on the wall clock, ms since the epoch; null: has not happened. */
export interface CallTimes {
  readonly startedAtMs: number;
  readonly ringingAtMs: number | null;
  readonly answeredAtMs: number | null;
  readonly endedAtMs: number | null;
}

/** How a test may answer requests inside a call itself. null: the phone does what phones do. */
export type RequestHook = (
  request: SipRequest,
) => { status: number; headers?: HeaderList; body?: string } | null;

export interface PhoneCallOptions {
  readonly endpoint: SipEndpoint;
  readonly media: CallMedia;
  readonly direction: 'out' | 'in';
  readonly callId: string;
  readonly localTag: string;
  readonly contact: string;
  /** IP literal for our SDP. */
  readonly mediaHost: string;
  readonly logger: Logger;
  readonly onEnded: () => void;
}

const DEFAULT_DEADLINE_MS = 10_000;
const MAX_KEPT_REQUESTS = 200;

/** One call of a softphone, from the first INVITE to the end. Made by `Softphone`. */
export class PhoneCall implements DialogOwner {
  readonly callId: string;
  readonly direction: 'out' | 'in';
  /** INFO, OPTIONS and so on that the peer sent inside the call, oldest first; bounded. */
  readonly requests: SipRequest[] = [];
  /** Statuses of the provisional responses of an outgoing call, in order; bounded. */
  readonly provisionals: number[] = [];
  /** Answers the peer's in-dialog requests, if it wants to. */
  hook: RequestHook | null = null;
  readonly #options: PhoneCallOptions;
  readonly #clock: Clock;
  readonly #media: CallMedia;
  readonly #offers: PhoneOffers;
  readonly #waiters: Waiters;
  #state: PhoneCallState = 'calling';
  #times: CallTimes;
  #ending: CallEnding | null = null;
  #dialog: Dialog | null = null;
  #isOffering = false;
  #sentDigits = '';
  #hangUp: (() => Promise<void>) | null = null;
  #closing: Promise<void> | null = null;
  #finalResponse: SipResponse | null = null;

  constructor(options: PhoneCallOptions) {
    this.#options = options;
    this.callId = options.callId;
    this.direction = options.direction;
    this.#clock = options.endpoint.clock;
    this.#media = options.media;
    this.#offers = new PhoneOffers(options.media, options.mediaHost);
    this.#waiters = new Waiters(this.#clock);
    this.#times = {
      startedAtMs: this.#clock.wallNowMs(),
      ringingAtMs: null,
      answeredAtMs: null,
      endedAtMs: null,
    };
    options.endpoint.own(options.callId, options.localTag, this);
  }

  get state(): PhoneCallState {
    return this.#state;
  }

  get times(): CallTimes {
    return this.#times;
  }

  /**
   * What this dialog is called in the Replaces of somebody who calls its other end (RFC 3891 §6.1).
   * @throws LabError when there is no answered call.
   */
  get replaces(): string {
    const { callId, localTag, remoteTag } = this.#established().state;
    return `${callId};to-tag=${remoteTag};from-tag=${localTag}`;
  }

  /** null while the call lasts. */
  get ending(): CallEnding | null {
    return this.#ending;
  }

  /** The response that decided an outgoing call. */
  get finalResponse(): SipResponse | null {
    return this.#finalResponse;
  }

  /** The peer's newest SDP. */
  get remoteSdp(): Sdp | null {
    return this.#offers.remote;
  }

  /** DTMF digits that came as telephone-events. */
  get digits(): string {
    return this.#media.digits;
  }

  /** DTMF digits that were sent as telephone-events. */
  get sentDigits(): string {
    return this.#sentDigits;
  }

  /** SRTP keys of both sides, for those who have to prove that they stand nowhere. */
  get srtpKeys(): readonly string[] {
    return this.#media.security.secrets;
  }

  get sentPackets(): readonly CapturedPacket[] {
    return this.#media.sentPackets;
  }

  get receivedPackets(): readonly CapturedPacket[] {
    return this.#media.receivedPackets;
  }

  /** SRTP suite in force; null: plain RTP. */
  get cryptoSuite(): string | null {
    return this.#media.security.suite;
  }

  statistics(): MediaStatistics {
    return this.#media.statistics();
  }

  /**
   * What was heard (mono PCM16, 8 kHz) from `fromWallMs` on; default: from the answer on. Early media lies
   * before the answer.
   */
  heard(fromWallMs: number | null = this.#times.answeredAtMs): Int16Array {
    return this.#media.heard.samples(fromWallMs ?? this.#times.startedAtMs);
  }

  /**
   * Waits for a state. @throws LabError `REC_ERR_LAB_REFUSED` (details.status) when the call ends before,
   * `REC_ERR_LAB_TIMEOUT` after the deadline.
   */
  async waitFor(
    state: 'ringing' | 'answered' | 'ended',
    deadlineMs = DEFAULT_DEADLINE_MS,
  ): Promise<void> {
    await this.#waiters.until(() => this.#isAt(state), deadlineMs, `the call is ${state}`);
  }

  /** Waits until something is so; looked at after each packet and each change. */
  async until(
    isSo: () => boolean,
    deadlineMs = DEFAULT_DEADLINE_MS,
    what = 'a condition',
  ): Promise<void> {
    await this.#waiters.until(isSo, deadlineMs, what);
  }

  /** Plays something else from its beginning. */
  play(source: PcmSource): void {
    this.#media.sender.setSource(source);
  }

  /** Muted, the phone sends no packets at all. */
  setMuted(isMuted: boolean): void {
    this.#media.setMuted(isMuted);
  }

  /** Goes on with another SSRC. */
  changeSsrc(): void {
    this.#media.sender.changeSsrc();
  }

  /** Sends digits as telephone-events (RFC 4733). @throws LabError when the peer takes none. */
  sendDtmf(digits: string, durationMs = 100): void {
    if (!this.#media.sender.sendDigits(digits, durationMs)) {
      throw new LabError('REC_ERR_LAB_STATE', `"${digits}" cannot be sent as telephone-events`);
    }
    this.#sentDigits += digits;
  }

  /** An in-dialog INFO. @returns the final response. */
  sendInfo(options: {
    headers?: Readonly<Record<string, string>>;
    contentType?: string;
    body?: string;
  }): Promise<SipResponse> {
    const headers = HeaderList.of(...Object.entries(options.headers ?? {}));
    if (options.contentType !== undefined) {
      headers.set('Content-Type', options.contentType);
    }
    return this.request('INFO', { headers, body: options.body ?? '' });
  }

  /** Any other request inside the dialog. @throws LabError when there is no answered call. */
  request(
    method: string,
    options: { headers?: HeaderList; body?: string } = {},
  ): Promise<SipResponse> {
    return this.#established().request(method, options);
  }

  /** Puts the peer on hold. A refusal changes nothing. @returns the final response. */
  hold(form: HoldForm = 'sendonly'): Promise<SipResponse> {
    return this.#change({
      direction: form === 'inactive' ? 'inactive' : 'sendonly',
      holdForm: form,
    });
  }

  /** Ends the hold. */
  resume(): Promise<SipResponse> {
    return this.#change({ direction: 'sendrecv', holdForm: null });
  }

  /**
   * A re-INVITE. @param sdp our own offer by default; text of the test's making; null: without an offer, the
   * answer goes into the ACK.
   * @returns the final response; a refusal changes nothing.
   */
  async reinvite(sdp?: string | null): Promise<SipResponse> {
    const dialog = this.#established();
    const body = sdp === undefined ? this.#offers.offer() : (sdp ?? '');
    this.#isOffering = true;
    try {
      const response = await dialog.request('INVITE', {
        headers: body === '' ? new HeaderList() : sdpHeaders(),
        body,
        ackBody: final => (sdp === null ? this.#answerTo(final) : ''),
      });
      if (response.status < 300 && sdp !== null) {
        this.#takeAnswer(parseSdp(response.body.toString('utf8')));
      }
      return response;
    } finally {
      this.#isOffering = false;
    }
  }

  /** CANCEL, a refusal or BYE, whichever fits. Resolves when the call has ended. Never rejects. */
  async hangUp(): Promise<void> {
    try {
      await this.#hangUp?.();
    } catch (error) {
      this.#options.logger.debug('hanging up failed', { cause: errorMessage(error) });
    }
    await this.end({ by: 'us', status: this.#times.answeredAtMs === null ? 487 : 200, reason: '' });
  }

  // -------------------------------------------------------------------------------------------------
  // For Softphone, which makes the first exchange

  /** @internal How hangUp() acts at this stage. */
  set hangUpAction(action: () => Promise<void>) {
    this.#hangUp = action;
  }

  /** @internal Our offer as the call now stands. */
  offer(): string {
    return this.#offers.offer();
  }

  /** @internal A provisional response of an outgoing call. */
  progressed(response: SipResponse): void {
    if (this.provisionals.length < MAX_KEPT_REQUESTS) {
      this.provisionals.push(response.status);
    }
    if (response.status > 100 && this.#state === 'calling') {
      this.rang();
    }
    if (response.body.length > 0 && this.#state !== 'answered') {
      this.#tolerate(() => this.#takeAnswer(parseSdp(response.body.toString('utf8'))));
    }
  }

  /** @internal It rings. */
  rang(): void {
    this.#state = 'ringing';
    this.#times = { ...this.#times, ringingAtMs: this.#clock.wallNowMs() };
    this.#waiters.check();
  }

  /** @internal The peer's answer to our offer, or offer to be answered. @throws LabError for bad SDP. */
  takeRemote(sdp: string): void {
    this.#takeAnswer(parseSdp(sdp));
  }

  /** @internal Our answer to an offer. @throws LabError for bad SDP or without a common format. */
  answerTo(offer: string): string {
    return this.#offers.answer(parseSdp(offer));
  }

  /** @internal The call stands; media flows from now on. */
  answered(state: DialogState, finalResponse: SipResponse | null): Dialog {
    const dialog = new Dialog(this.#options.endpoint, state, this.#options.contact);
    this.#dialog = dialog;
    this.#finalResponse = finalResponse;
    this.#state = 'answered';
    this.#times = { ...this.#times, answeredAtMs: this.#clock.wallNowMs() };
    this.hangUpAction = async () => {
      await dialog.request('BYE');
    };
    this.#media.start();
    this.#waiters.check();
    return dialog;
  }

  /** @internal Plays before the answer. */
  startEarlyMedia(): void {
    this.#media.start();
  }

  /** @internal A final refusal of an outgoing call. */
  refused(response: SipResponse): Promise<void> {
    this.#finalResponse = response;
    return this.end({ by: 'peer', status: response.status, reason: response.reason });
  }

  /** @internal A datagram arrived. */
  noteActivity(): void {
    this.#waiters.check();
  }

  /** @internal Ends the call without telling the peer. Idempotent. */
  end(ending: CallEnding): Promise<void> {
    this.#closing ??= this.#end(ending);
    return this.#closing;
  }

  async #end(ending: CallEnding): Promise<void> {
    this.#state = 'ended';
    this.#ending = ending;
    this.#times = { ...this.#times, endedAtMs: this.#clock.wallNowMs() };
    this.#dialog?.end();
    this.#options.endpoint.disown(this.callId, this.#options.localTag);
    await this.#media.close();
    this.#options.onEnded();
    this.#waiters.check();
  }

  // -------------------------------------------------------------------------------------------------
  // DialogOwner

  /** @internal */
  onRequest(incoming: IncomingRequest): void {
    const { request, transaction } = incoming;
    if (request.method === 'INVITE') {
      transaction.respond(makeResponse(request, 100));
    }
    if (this.#dialog === null) {
      transaction.respond(makeResponse(request, 481));
    } else if (!this.#dialog.accept(request)) {
      transaction.respond(makeResponse(request, 500));
    } else {
      this.#serve(incoming, this.#dialog);
    }
  }

  /** @internal */
  onAck(request: SipRequest): void {
    this.#dialog?.ack(request);
  }

  /** @internal */
  onRepeatedResponse(response: SipResponse): void {
    this.#dialog?.repeatedResponse(response);
  }

  #serve(incoming: IncomingRequest, dialog: Dialog): void {
    const { request, transaction } = incoming;
    if (this.requests.length < MAX_KEPT_REQUESTS) {
      this.requests.push(request);
    }
    const hooked = this.hook?.(request) ?? null;
    if (hooked !== null) {
      const { status, ...rest } = hooked;
      transaction.respond(makeResponse(request, status, rest));
    } else if (request.method === 'BYE') {
      transaction.respond(makeResponse(request, 200));
      void this.end({ by: 'peer', status: 200, reason: request.headers.get('reason') ?? '' });
    } else if (request.method === 'INVITE' || request.method === 'UPDATE') {
      this.#serveOffer(incoming, dialog);
    } else {
      const isKnown = ['INFO', 'OPTIONS', 'MESSAGE', 'NOTIFY'].includes(request.method);
      transaction.respond(makeResponse(request, isKnown ? 200 : 501));
    }
    this.#waiters.check();
  }

  #serveOffer(incoming: IncomingRequest, dialog: Dialog): void {
    const { request, transaction } = incoming;
    if (this.#isOffering || dialog.awaitsAck) {
      // RFC 3261 §14.2: our own offer is out, or the last exchange is not over.
      transaction.respond(makeResponse(request, 491));
      return;
    }
    const offer = request.body.toString('utf8');
    let body = '';
    try {
      if (offer !== '') {
        body = this.#offers.answer(parseSdp(offer));
      } else if (request.method === 'INVITE') {
        body = this.#offers.offer();
      }
    } catch (error) {
      transaction.respond(makeResponse(request, 488, { reason: 'Not Acceptable Here' }));
      this.#options.logger.debug('an offer was refused', { cause: errorMessage(error) });
      return;
    }
    const headers = body === '' ? new HeaderList() : sdpHeaders();
    headers.append('Contact', this.#options.contact);
    const response = makeResponse(request, 200, { headers, body });
    if (request.method === 'UPDATE') {
      transaction.respond(response);
      return;
    }
    void dialog.respondReliably(incoming, response).then(ack => {
      if (ack !== null && offer === '') {
        this.#tolerate(() => this.#takeAnswer(parseSdp(ack.body.toString('utf8'))));
      }
    });
  }

  #isAt(state: 'ringing' | 'answered' | 'ended'): boolean {
    if (state === 'ended') {
      return this.#closing !== null && this.#ending !== null;
    }
    if (this.#ending !== null && this.#times.answeredAtMs === null) {
      throw new LabError(
        'REC_ERR_LAB_REFUSED',
        `the call ended with ${this.#ending.status} ${this.#ending.reason}`,
        { details: { ...this.#ending } },
      );
    }
    return state === 'ringing'
      ? this.#times.ringingAtMs !== null || this.#times.answeredAtMs !== null
      : this.#times.answeredAtMs !== null;
  }

  /** The answer to the offer in a 2xx to our offerless INVITE, for the ACK. */
  #answerTo(final: SipResponse): string {
    let answer = '';
    this.#tolerate(() => (answer = this.#offers.answer(parseSdp(final.body.toString('utf8')))));
    return answer;
  }

  /** A bad body in a place where it cannot be refused is only noted. */
  #tolerate(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#options.logger.warn('unusable SDP', { cause: errorMessage(error) });
    }
  }

  #takeAnswer(answer: Sdp): void {
    this.#offers.take(answer);
    this.#waiters.check();
  }

  async #change(wish: PhoneWish): Promise<SipResponse> {
    const before = this.#offers.wish;
    this.#offers.wish = wish;
    const response = await this.reinvite();
    if (response.status >= 300) {
      this.#offers.wish = before;
    }
    return response;
  }

  #established(): Dialog {
    if (this.#dialog === null || this.#state !== 'answered') {
      throw new LabError('REC_ERR_LAB_STATE', `the call is ${this.#state}`);
    }
    return this.#dialog;
  }
}
