import { errorMessage, type IdSource, type Logger } from '#core';
import { SipError } from '../errors';
import { type Answered, OfferQueue } from '../offer-queue';
import {
  type ProbeResult,
  type RecordingDialog,
  type RecordingDialogEnd,
  type RecordingDialogEvents,
  type RecordingStreamOffer,
  type SignallingProfile,
  type SipPeer,
  type SrsStreamAnswer,
} from '../ports';
import { reasonFrom, reasonHeaders } from '../reason';
import { buildRecordingAnswer, readRecordingStreams } from '../sdp/recording-answer';
import { type CryptoLine } from '../sdp/crypto';
import { buildRecordingSdp } from '../sdp/recording-offer';
import { type SdpOrigin } from '../sdp/sdp-origin';
import { parseSdp } from '../sdp/session-description';
import { readSdpBody, refusalFor } from '../sdp-body';
import { type DialogOwner, type SipDialog } from '../sip-dialog';
import { type RequestLike, type ResponseLike } from '../srf-types';
import { type UserAgent } from '../user-agent';
import { recordingBody } from './recording-body';
import { RECORDING_ACCEPT, RECORDING_ALLOW } from './signalling-profile';
import { readSnapshotRequest } from './snapshot-request';
import { type RecordingStreamKeys } from './stream-keys';

export interface SrsDialogOptions {
  readonly userAgent: UserAgent;
  readonly ids: IdSource;
  readonly random: () => number;
  readonly logger: Logger;
  readonly profile: SignallingProfile;
  readonly origin: SdpOrigin;
  readonly keys: RecordingStreamKeys;
  readonly streams: readonly RecordingStreamOffer[];
  readonly events: RecordingDialogEvents;
  readonly byeTimeoutMs: number;
  /** The dialog is over, by whichever side; called once. */
  readonly over: (dialog: SrsDialog) => void;
}

/** An established recording session (RFC 7866 §6.1): our offers go through one queue, the SRS's are answered here. */
export class SrsDialog implements RecordingDialog, DialogOwner {
  readonly #options: SrsDialogOptions;
  #dialog: SipDialog | null = null;
  #queue: OfferQueue | null = null;
  /** What we want, as the SRS has accepted it last. */
  #offered: readonly RecordingStreamOffer[];
  #answered: readonly SrsStreamAnswer[] = [];
  #isEnded = false;
  #peer: SipPeer | null = null;
  #onAck: ((body: string) => void) | null = null;

  constructor(options: SrsDialogOptions) {
    this.#options = options;
    this.#offered = options.streams;
  }

  get sipCallId(): string {
    return this.#dialog?.sipCallId ?? '';
  }

  get streams(): readonly SrsStreamAnswer[] {
    return this.#answered;
  }

  get peer(): SipPeer | null {
    return this.#peer;
  }

  /** The SRS has accepted our INVITE with this answer, in this response. */
  open(dialog: SipDialog, answered: readonly SrsStreamAnswer[], response: ResponseLike): void {
    this.#dialog = dialog;
    this.#peer = peerOf(response);
    this.#answered = answered;
    this.#queue = new OfferQueue({
      dialog,
      clock: this.#options.userAgent.clock,
      random: this.#options.random,
    });
  }

  async update(change: {
    readonly streams?: readonly RecordingStreamOffer[];
    readonly metadata?: string;
  }): Promise<readonly SrsStreamAnswer[]> {
    const { dialog, queue } = this.#opened();
    // RFC 3311 §4: UPDATE only for a peer that allows it; a re-INVITE with the same SDP carries metadata as well.
    const isUpdate = change.streams === undefined && dialog.peerAllowsUpdate !== false;
    let wanted = this.#offered;
    const { outcome } = queue.offer({
      method: isUpdate ? 'UPDATE' : 'INVITE',
      message: () => {
        wanted = change.streams ?? this.#offered;
        return this.#message({
          ...(isUpdate ? {} : { sdp: this.#offerSdp(wanted) }),
          ...(change.metadata === undefined ? {} : { metadata: change.metadata }),
        });
      },
      expectsSdp: !isUpdate,
      retryOn491: true,
      document: isUpdate ? 'the metadata UPDATE' : 'the recording re-INVITE',
    });
    const result = await outcome;
    if (result.kind === 'refused') {
      const { status, reason } = result.response;
      if (status === 481 || status === 408) {
        // RFC 3261 §12.2.1.2: the SRS does not know this dialog any more, or is gone. The engine forgets it with the BYE.
        void dialog.bye({}, this.#options.byeTimeoutMs);
        this.#end('re-invite-failed', `SIP;cause=${status}`);
      }
      throw new SipError('REC_ERR_SIP_SRS_REFUSED', `the SRS refused a change: ${status}`, {
        details: { status, reason },
      });
    }
    if (!isUpdate) {
      this.#accept(wanted, result);
    }
    return this.#answered;
  }

  probe(deadlineMs: number): Promise<ProbeResult> {
    const dialog = this.#dialog;
    if (dialog === null || this.#isEnded) {
      return Promise.resolve('dialog-unknown');
    }
    return new Promise(resolve => {
      dialog.send(
        'OPTIONS',
        { headers: { Accept: RECORDING_ACCEPT }, finalDeadlineMs: deadlineMs },
        {
          final: response => {
            this.#peer = peerOf(response) ?? this.#peer;
            resolve(probeResult(response));
          },
          failed: () => resolve('silent'),
        },
      );
    });
  }

  async bye(options: { readonly metadata?: string; readonly reason?: string } = {}): Promise<void> {
    if (this.#isEnded) {
      return;
    }
    this.#close();
    const content =
      options.metadata === undefined ? null : this.#message({ metadata: options.metadata });
    await this.#dialog?.bye(
      {
        headers: {
          ...content?.headers,
          ...reasonHeaders(options.reason ?? null),
          ...this.#requireHeader(),
        },
        ...(content === null ? {} : { body: content.body }),
      },
      this.#options.byeTimeoutMs,
    );
  }

  /** Told by the engine: a connection with the SRS is gone. */
  connectionLost(): void {
    if (!this.#isEnded) {
      this.#tell('connectionLost', () => this.#options.events.connectionLost());
    }
  }

  // -- what the SRS does -----------------------------------------------------------------------------

  offerReceived(request: RequestLike, response: ResponseLike): void {
    const snapshot = readSnapshotRequest(request);
    if (snapshot !== null) {
      // RFC 7866 §9.2: the request is answered, the snapshot follows in a request of ours.
      this.#respond(response, 200);
      this.#tell('snapshotRequested', () =>
        this.#options.events.snapshotRequested(snapshot.reason),
      );
      return;
    }
    const { queue } = this.#opened();
    const refusal = queue.admitPeerOffer();
    if (refusal !== null) {
      this.#respond(response, refusal.status, refusal.headers);
      return;
    }
    try {
      const sdp = readSdpBody(request);
      if (sdp !== null) {
        this.#answerOffer(request, response, sdp);
      } else if (request.method === 'INVITE') {
        this.#offerInAnswer(response);
      } else {
        this.#respond(response, 200);
        queue.peerOfferDone();
      }
    } catch (error) {
      const { status, headers } = refusalFor(error);
      this.#respond(response, status === 502 ? 488 : status, headers);
      queue.peerOfferDone();
    }
  }

  requestReceived(request: RequestLike, response: ResponseLike): void {
    if (request.method === 'OPTIONS' || request.method === 'INFO') {
      this.#respond(response, 200);
    } else {
      this.#respond(response, 501);
    }
  }

  byeReceived(bye: { readonly request: RequestLike; readonly byEngine: boolean }): void {
    this.#end(bye.byEngine ? 'session-expired' : 'bye', reasonFrom(bye.request));
  }

  ackReceived(body: string): void {
    const run = this.#onAck;
    this.#onAck = null;
    run?.(body);
  }

  engineLost(): void {
    this.#end('engine-lost', null);
  }

  // --------------------------------------------------------------------------------------------------

  #answerOffer(request: RequestLike, response: ResponseLike, sdp: string): void {
    const { queue } = this.#opened();
    const description = parseSdp(sdp);
    const { origin, keys } = this.#options;
    const lines: (readonly CryptoLine[])[] = [];
    const answers = readRecordingStreams(description, this.#offered, (index, stream, media) => {
      const answer = keys.answer(index, stream, media);
      lines[index] = answer === null ? [] : [answer.line];
      return answer?.crypto;
    });
    const body = buildRecordingAnswer(
      description,
      this.#offered,
      answers,
      origin,
      index => lines[index] ?? [],
    );
    if (request.method === 'INVITE') {
      this.#onAck = () => queue.peerOfferDone();
    }
    this.#respond(response, 200, { 'Content-Type': 'application/sdp' }, body);
    if (request.method !== 'INVITE') {
      queue.peerOfferDone();
    }
    this.#changed(answers);
  }

  #offerSdp(streams: readonly RecordingStreamOffer[]): string {
    return buildRecordingSdp(streams, this.#options.origin, this.#options.keys);
  }

  /** What the SRS says in answer to our offer. */
  #read(sdp: string, offered: readonly RecordingStreamOffer[]): readonly SrsStreamAnswer[] {
    return readRecordingStreams(parseSdp(sdp), offered, (index, stream, media) =>
      this.#options.keys.agreed(index, stream, media),
    );
  }

  /** An offerless re-INVITE: our offer goes in the 200, the SRS answers in its ACK (RFC 3261 §14.2). */
  #offerInAnswer(response: ResponseLike): void {
    const { queue } = this.#opened();
    const body = this.#offerSdp(this.#offered);
    this.#onAck = answer => {
      queue.peerOfferDone();
      try {
        const answers = this.#read(answer, this.#offered);
        this.#changed(answers);
      } catch (error) {
        this.#unusable(error);
      }
    };
    this.#respond(response, 200, { 'Content-Type': 'application/sdp' }, body);
  }

  #accept(offered: readonly RecordingStreamOffer[], result: Answered): void {
    try {
      this.#answered = this.#read(result.sdp ?? '', offered);
      this.#offered = offered;
    } catch (error) {
      this.#unusable(error);
      throw new SipError('REC_ERR_SIP_SRS_BAD_ANSWER', errorMessage(error), { cause: error });
    }
  }

  /** Both sides now believe different things (RFC 3261 §14.1): only ending it is safe. */
  #unusable(error: unknown): void {
    this.#options.logger.warn('an answer of the SRS could not be used', {
      error: errorMessage(error),
    });
    void this.#dialog?.bye(
      { headers: reasonHeaders('SIP;cause=488;text="SDP answer not usable"') },
      this.#options.byeTimeoutMs,
    );
    this.#end('re-invite-failed', 'SDP answer not usable');
  }

  #changed(answers: readonly SrsStreamAnswer[]): void {
    this.#answered = answers;
    this.#tell('answerChanged', () => this.#options.events.answerChanged(answers));
  }

  #close(): void {
    this.#isEnded = true;
    this.#queue?.close();
    this.#options.over(this);
  }

  #end(cause: RecordingDialogEnd, reason: string | null): void {
    if (!this.#isEnded) {
      this.#close();
      this.#tell('ended', () => this.#options.events.ended({ cause, reason }));
    }
  }

  #message(content: { sdp?: string; metadata?: string }): {
    headers: Record<string, string>;
    body: string;
  } {
    const { headers, body } = recordingBody(content, this.#options.profile, this.#options.ids);
    return {
      headers: {
        ...headers,
        ...this.#requireHeader(),
        Accept: RECORDING_ACCEPT,
        Allow: RECORDING_ALLOW,
      },
      body,
    };
  }

  #requireHeader(): Record<string, string> {
    return this.#options.profile.requireSiprec ? { Require: 'siprec' } : {};
  }

  #respond(
    response: ResponseLike,
    status: number,
    headers: Readonly<Record<string, string>> = {},
    body?: string,
  ): void {
    const contact = this.#dialog?.contact ?? null;
    this.#options.userAgent.respond(response, status, {
      headers: {
        ...headers,
        ...(status < 300 ? { Allow: RECORDING_ALLOW, Accept: RECORDING_ACCEPT } : {}),
        ...(contact === null || status >= 300 ? {} : { Contact: contact }),
      },
      ...(body === undefined ? {} : { body }),
    });
  }

  #opened(): { dialog: SipDialog; queue: OfferQueue } {
    if (this.#dialog === null || this.#queue === null || this.#isEnded) {
      throw new SipError('REC_ERR_SIP_DIALOG_GONE', 'the recording session has ended');
    }
    return { dialog: this.#dialog, queue: this.#queue };
  }

  #tell(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.logger.error('the owner of a recording session failed', {
        what,
        error: errorMessage(error),
      });
    }
  }
}

/** RFC 3261 §8.1.3.1: the engine says 503 itself when the transport fails, and 408 when nobody answers. */
function probeResult(response: ResponseLike): ProbeResult {
  if (isFromPeer(response)) {
    // RFC 3261 §12.2.1.2: 481 says that the dialog is gone, whatever else is well.
    return response.status === 481 ? 'dialog-unknown' : 'alive';
  }
  return response.status === 503 ? 'unreachable' : 'silent';
}

function peerOf({
  source_address: host,
  source_port: port,
  protocol,
}: ResponseLike): SipPeer | null {
  const transport = TRANSPORTS.find(each => each === protocol?.toLowerCase());
  return host === undefined || host === '' || port === undefined || transport === undefined
    ? null
    : { transport, host, port };
}

const TRANSPORTS = ['udp', 'tcp', 'tls'] as const;

/** An SRS has answered, and not the engine in its place. */
export function isFromPeer(response: ResponseLike): boolean {
  return response.source_address !== undefined && response.source_address !== '';
}
