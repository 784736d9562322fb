import { errorMessage } from '#core';
import {
  type RecordingDialog,
  type RecordingDialogEnd,
  type RecordingDialogEvents,
  type RecordingStreamOffer,
  SipError,
  type SrsStreamAnswer,
} from '#sip';

import { type SrsLossCause } from '../../ledger';
import { type EarlyEvents, type InvitedSrs } from '../srs/srs-invitation';
import { type SrsTarget } from '../srs/srs-target';
import { type RecordingSessionOptions } from './recording-session-options';

/** What the SRS that has the recording may say of itself. */
export interface SessionInviteEvents {
  /** Whether that dialog is the one that has the recording: the others have lost the race, or have not won it yet. */
  isCurrent(dialog: RecordingDialog): boolean;
  answerChanged(streams: readonly SrsStreamAnswer[]): void;
  snapshotRequested(reason: string | null): void;
  connectionLost(): void;
  ended(cause: SrsLossCause, reason: string | null): void;
}

/** Passes on what the SRS that has the recording says, and keeps what one says that does not have it yet. */
class InvitedSrsEvents implements RecordingDialogEvents {
  readonly early: EarlyEvents = { end: null, wantsSnapshot: false };
  /** null: it has not accepted, or its answer is still being looked at. */
  dialog: RecordingDialog | null = null;
  readonly #events: SessionInviteEvents;

  constructor(events: SessionInviteEvents) {
    this.#events = events;
  }

  answerChanged(answers: readonly SrsStreamAnswer[]): void {
    if (this.#isCurrent) {
      this.#events.answerChanged(answers);
    }
  }

  snapshotRequested(reason: string | null): void {
    if (this.#isCurrent) {
      this.#events.snapshotRequested(reason);
    } else {
      this.early.wantsSnapshot = true;
    }
  }

  connectionLost(): void {
    if (this.#isCurrent) {
      this.#events.connectionLost();
    }
  }

  ended(end: { readonly cause: RecordingDialogEnd; readonly reason: string | null }): void {
    if (this.#isCurrent) {
      this.#events.ended(end.cause, end.reason);
    } else {
      this.early.end = end;
    }
  }

  get #isCurrent(): boolean {
    return this.dialog !== null && this.#events.isCurrent(this.dialog);
  }
}

/**
 * Invites one SRS to take a recording, with a document of the facts of this moment.
 * @throws SipError when it refuses or the signal aborts; `REC_ERR_SIP_SRS_BAD_ANSWER` when no packet can be sent to the
 * addresses of its answer.
 */
export async function inviteSrs(
  target: SrsTarget,
  streams: readonly RecordingStreamOffer[],
  options: Pick<
    RecordingSessionOptions,
    'provider' | 'srcUri' | 'metadata' | 'srsClient' | 'media'
  >,
  events: SessionInviteEvents,
  signal: AbortSignal,
): Promise<InvitedSrs> {
  const { provider, srcUri, metadata, srsClient, media } = options;
  const { profile, answerTimeoutMs, sessionExpiresS } = provider;
  const own = new InvitedSrsEvents(events);
  const dialog = await srsClient.invite(
    {
      srsUri: target.uri,
      from: { uri: srcUri, displayName: null },
      profile,
      streams,
      metadata: metadata.complete(),
      answerTimeoutMs,
      ...(sessionExpiresS === undefined ? {} : { sessionExpiresS }),
    },
    own,
    signal,
  );
  try {
    media.checkRemotes(dialog.streams);
  } catch (error) {
    await dialog.bye({ reason: 'SIP;cause=488;text="SDP not usable"' });
    throw new SipError('REC_ERR_SIP_SRS_BAD_ANSWER', errorMessage(error), { cause: error });
  }
  own.dialog = dialog;
  return { dialog, early: own.early };
}
