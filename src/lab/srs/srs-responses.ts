import { HeaderList, makeResponse, type SipRequest, type SipResponse } from '#sip/engine';
import { sdpHeaders } from '../sip/dialog';
import { type IncomingRequest } from '../sip/sip-endpoint';

const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE';
const ACCEPT = 'application/sdp, application/rs-metadata, application/rs-metadata+xml';

/** The responses of an SRS in one recording session: with its tag, its contact (RFC 7866 §6.1.2), and what it takes. */
export class SrsResponses {
  readonly contact: string;
  readonly #toTag: string;

  /** @param uri where this SRS takes requests of the session. */
  constructor(uri: string, toTag: string) {
    this.contact = `<${uri}>;+sip.srs`;
    this.#toTag = toTag;
  }

  /** @param body SDP; '': none. @param reason '': the usual phrase. */
  make(request: SipRequest, status: number, body = '', reason = ''): SipResponse {
    const headers = body === '' ? new HeaderList() : sdpHeaders();
    headers.append('Contact', this.contact);
    headers.append('Allow', ALLOW);
    headers.append('Accept', ACCEPT);
    return makeResponse(request, status, {
      toTag: this.#toTag,
      headers,
      body,
      ...(reason === '' ? {} : { reason }),
    });
  }

  /** Answers at once, without a body. */
  respond({ request, transaction }: IncomingRequest, status: number, reason = ''): void {
    transaction.respond(this.make(request, status, '', reason));
  }
}
