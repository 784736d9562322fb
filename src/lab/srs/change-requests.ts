import { makeResponse } from '#sip/engine';
import { type Dialog } from '../sip/dialog';
import { type IncomingRequest } from '../sip/sip-endpoint';
import { type SrsBehaviour } from './behaviour';
import { type SrsDeviation } from './deviation';
import { readRecordingBody, type RecordingBody } from './recording-body';
import { type RecordingMedia } from './recording-media';
import { type OfferAnswer, type RecordingOffers } from './recording-offers';
import { checkContact, type SignallingDialect } from './signalling-checks';
import { type SrsResponses } from './srs-responses';

export interface ChangeRequestsOptions {
  readonly behaviour: SrsBehaviour;
  readonly media: RecordingMedia;
  readonly offers: RecordingOffers;
  readonly responses: SrsResponses;
  readonly dialect: () => SignallingDialect;
  readonly judge: (findings: readonly Omit<SrsDeviation, 'where'>[]) => void;
  readonly takeMetadata: (body: RecordingBody) => void;
  readonly isEstablished: () => boolean;
}

/** Serves what changes a recording session: the re-INVITEs and UPDATEs of its SRC. */
export class ChangeRequests {
  readonly #options: ChangeRequestsOptions;

  constructor(options: ChangeRequestsOptions) {
    this.#options = options;
  }

  /** @returns whether the change was taken; else it was refused. */
  async serve(incoming: IncomingRequest, dialog: Dialog): Promise<boolean> {
    const { behaviour, offers, responses, dialect, judge, takeMetadata } = this.#options;
    const { request, transaction } = incoming;
    if (request.method === 'INVITE') {
      transaction.respond(makeResponse(request, 100));
      if (behaviour.glare === true) {
        responses.respond(incoming, 491);
        return false;
      }
    }
    judge(checkContact(request, dialect()));
    const { body, findings } = readRecordingBody(request);
    judge(findings);
    const refusal = request.method === 'INVITE' ? offers.refusalOfReinvite(body.sdp) : null;
    if (refusal !== null) {
      responses.respond(incoming, refusal);
      return false;
    }
    const answer = await this.#answer(request.method, body.sdp);
    takeMetadata(body);
    if (answer.status >= 300) {
      responses.respond(incoming, answer.status, answer.reason);
      return false;
    }
    this.#accept(incoming, dialog, answer.body, body.sdp !== null);
    return true;
  }

  /** Without an offer an UPDATE is about metadata alone; an INVITE asks for ours (RFC 3261 §14.2). */
  async #answer(method: string, sdp: string | null): Promise<OfferAnswer> {
    const { media, offers } = this.#options;
    return sdp === null
      ? { status: 200, reason: '', body: method === 'UPDATE' ? '' : media.offer() }
      : offers.answer(sdp);
  }

  /** @param isAnswer the body answers an offer; else that of an INVITE is an offer, which the ACK answers. */
  #accept(incoming: IncomingRequest, dialog: Dialog, body: string, isAnswer: boolean): void {
    const { media, offers, responses, isEstablished, judge } = this.#options;
    const { request, transaction } = incoming;
    const response = responses.make(request, 200, body);
    if (request.method === 'UPDATE') {
      transaction.respond(response);
      if (isAnswer) {
        media.acknowledged();
      }
      return;
    }
    void dialog.respondReliably(incoming, response).then(ack => {
      if (ack !== null && isAnswer) {
        media.acknowledged();
      } else if (ack !== null) {
        offers.take(ack.body.toString('utf8'));
      } else if (isEstablished()) {
        judge([
          {
            name: 'ack-missing',
            clause: 'RFC 3261 §13.2.2.4',
            message: 'a 200 to a re-INVITE was not acknowledged',
          },
        ]);
      }
    });
  }
}
