import { toXml } from '#metadata';
import { HeaderList, type SipResponse } from '#sip/engine';
import { LabError } from '../errors';
import { type Dialog, sdpHeaders } from '../sip/dialog';
import { type SrsDeviation } from './deviation';
import { type MetadataIntake } from './metadata-intake';
import { type RecordingMedia } from './recording-media';
import { type RecordingOffers } from './recording-offers';
import { type SessionTimers } from './session-timers';
import { checkContact, type SignallingDialect } from './signalling-checks';

/** RFC 7866 §9.1 says "immediately"; this is what we grant. */
const SNAPSHOT_DUE_MS = 2000;

export interface SrsRequestsOptions {
  /** null: the session is not established. */
  readonly dialog: () => Dialog | null;
  readonly dialect: () => SignallingDialect;
  readonly metadata: MetadataIntake;
  readonly media: RecordingMedia;
  readonly offers: RecordingOffers;
  readonly timers: SessionTimers;
  readonly judge: (findings: readonly Omit<SrsDeviation, 'where'>[]) => void;
}

/** What the SRS asks of the SRC in one recording session, and how what comes of it is judged. */
export class SrsRequests {
  readonly #options: SrsRequestsOptions;

  constructor(options: SrsRequestsOptions) {
    this.#options = options;
  }

  /** Asks whether the SRC is still there. @throws LabError `REC_ERR_LAB_STATE` when not established. */
  async ping(): Promise<SipResponse> {
    return this.#dialog().request('OPTIONS');
  }

  /**
   * Asks for a complete document (RFC 7866 §9.2).
   * @returns the final response to the UPDATE.
   * @throws LabError `REC_ERR_LAB_STATE` when not established.
   */
  async snapshot(reason: string | null): Promise<SipResponse> {
    const { metadata, timers } = this.#options;
    const { xml } = toXml({ kind: 'snapshot-request', reason, language: null, extensions: [] });
    const before = metadata.completeDocuments;
    const response = await this.#dialog().request('UPDATE', {
      headers: HeaderList.of(
        ['Content-Type', metadata.mediaType],
        ['Content-Disposition', 'recording-session'],
      ),
      body: xml,
    });
    const refuted = (message: string): void =>
      this.#options.judge([{ name: 'snapshot-missing', clause: 'RFC 7866 §9.1', message }]);
    if (response.status >= 300) {
      refuted(`the snapshot request was answered ${response.status}`);
    } else {
      timers.later(SNAPSHOT_DUE_MS, () => {
        if (metadata.completeDocuments === before) {
          refuted(`no complete document came within ${SNAPSHOT_DUE_MS} ms of the request`);
        }
      });
    }
    return response;
  }

  /**
   * Re-INVITEs with the present streams in another direction (RFC 7866 §7.2).
   * @returns the final response.
   * @throws LabError `REC_ERR_LAB_STATE` when not established.
   */
  async reoffer(direction: 'recvonly' | 'inactive'): Promise<SipResponse> {
    const { media, offers, dialect, judge } = this.#options;
    const response = await this.#dialog().request('INVITE', {
      headers: sdpHeaders(),
      body: media.offer(direction),
    });
    judge(checkContact(response, dialect()));
    if (response.status < 300) {
      offers.take(response.body.toString('utf8'));
    }
    return response;
  }

  #dialog(): Dialog {
    const dialog = this.#options.dialog();
    if (dialog === null) {
      throw new LabError('REC_ERR_LAB_STATE', 'the recording session is not established');
    }
    return dialog;
  }
}
