import { errorMessage, type IdSource, type Logger } from '#core';
import { SipError } from '../errors';
import { formatNameAddr, splitSipUri } from '../name-addr';
import { type InviteFailure, OutgoingInvite } from '../outgoing-invite';
import {
  type RecordingDialog,
  type RecordingDialogEvents,
  type RecordingInvite,
  type SipPeer,
  type SrsClient,
} from '../ports';
import { parseRecordingAnswer } from '../sdp/recording-answer';
import { buildRecordingSdp } from '../sdp/recording-offer';
import { SdpOrigin } from '../sdp/sdp-origin';
import { readSdpBody } from '../sdp-body';
import { type SipDialog } from '../sip-dialog';
import { type ResponseLike } from '../srf-types';
import { localContactUri } from '../transport-uri';
import { type UserAgent } from '../user-agent';
import { recordingBody } from './recording-body';
import { RECORDING_ACCEPT, RECORDING_ALLOW } from './signalling-profile';
import { RecordingStreamKeys } from './stream-keys';
import { isFromPeer, SrsDialog } from './srs-dialog';

export interface SrsClientOptions {
  readonly userAgent: UserAgent;
  readonly ids: IdSource;
  readonly logger: Logger;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number;
  /** For the answer to a BYE, ms. Default 5000. */
  readonly byeTimeoutMs?: number;
}

/** The session recording client: invites an SRS (RFC 7866 §6.1). One INVITE per call, no retries of its own. */
export class SipSrsClient implements SrsClient {
  readonly #options: SrsClientOptions;
  readonly #open = new Set<SrsDialog>();

  /** One for all dialogs: it keeps nothing of how they came into being. */
  readonly #over = (dialog: SrsDialog): void => {
    this.#open.delete(dialog);
  };

  constructor(options: SrsClientOptions) {
    this.#options = options;
  }

  async invite(
    invite: RecordingInvite,
    events: RecordingDialogEvents,
    signal: AbortSignal,
  ): Promise<RecordingDialog> {
    // The turn that begins a recording is mostly the one that answers the call: the caller's 200 goes first.
    await Promise.resolve();
    return this.#invite(invite, events, signal);
  }

  #invite(
    invite: RecordingInvite,
    events: RecordingDialogEvents,
    signal: AbortSignal,
  ): Promise<RecordingDialog> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(aborted());
        return;
      }
      const { userAgent, ids, logger, random = Math.random, byeTimeoutMs = 5_000 } = this.#options;
      const origin = new SdpOrigin(ids);
      const keys = new RecordingStreamKeys();
      const session = new SrsDialog({
        keys,
        userAgent,
        ids,
        logger,
        random,
        byeTimeoutMs,
        events,
        origin,
        profile: invite.profile,
        streams: invite.streams,
        over: this.#over,
      });
      const settle = (): void => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
      };
      const giveUp = (error: SipError): void => {
        settle();
        // A 200 that comes all the same is acknowledged and ended with BYE.
        outgoing.cancel();
        reject(error);
      };
      const onAbort = (): void => giveUp(aborted());
      const timer = userAgent.clock.setTimer(invite.answerTimeoutMs, () =>
        giveUp(timedOut(invite.answerTimeoutMs)),
      );
      signal.addEventListener('abort', onAbort);
      const outgoing = new OutgoingInvite({
        userAgent,
        // The deadline above is for everything; these two only have to be longer.
        timeouts: { ringMs: 2 * invite.answerTimeoutMs, byeMs: byeTimeoutMs },
        target: {
          requestUri: invite.srsUri,
          nextHop: null,
          answerTimeoutMs: 2 * invite.answerTimeoutMs,
        },
        message: this.#message(invite, origin, keys),
        document: 'the recording INVITE',
        owner: session,
        events: {
          progressed: () => undefined,
          answered: answer => {
            settle();
            answer.ack();
            try {
              resolve(this.#answered(session, invite, keys, answer));
            } catch (error) {
              reject(error instanceof SipError ? error : aborted());
            }
          },
          failed: failure => {
            settle();
            reject(errorFor(failure, invite.answerTimeoutMs));
          },
        },
      });
    });
  }

  /** A connection is gone: tells the recordings whose SRS was reached by it. */
  connectionLost({ transport, host, port }: SipPeer): void {
    for (const dialog of [...this.#open]) {
      const { peer } = dialog;
      if (peer?.transport === transport && peer.host === host && peer.port === port) {
        dialog.connectionLost();
      }
    }
  }

  ping(srsUri: string, deadlineMs: number): Promise<boolean> {
    return new Promise(resolve => {
      this.#options.userAgent.send(
        {
          method: 'OPTIONS',
          uri: srsUri,
          headers: {
            To: `<${srsUri}>`,
            From: '<sip:siprec-gateway@localhost>',
            Contact: `<${localContactUri('siprec-gateway', srsUri)}>`,
            Accept: RECORDING_ACCEPT,
            'Max-Forwards': '70',
          },
          finalDeadlineMs: deadlineMs,
          document: 'the OPTIONS to the SRS',
        },
        {
          final: response => resolve(isFromPeer(response)),
          failed: () => resolve(false),
        },
      );
    });
  }

  #message(
    invite: RecordingInvite,
    origin: SdpOrigin,
    keys: RecordingStreamKeys,
  ): { headers: Record<string, string>; body: string } {
    const { profile } = invite;
    const sdp = buildRecordingSdp(invite.streams, origin, keys);
    const content = recordingBody({ sdp, metadata: invite.metadata }, profile, this.#options.ids);
    return {
      headers: {
        ...profile.extraHeaders,
        From: formatNameAddr(invite.from),
        Contact: `<${localContactUri(splitSipUri(invite.from.uri)?.user ?? null, invite.srsUri)}>;${profile.contactTag}`,
        ...(profile.requireSiprec ? { Require: 'siprec' } : {}),
        Accept: RECORDING_ACCEPT,
        Allow: RECORDING_ALLOW,
        ...(invite.sessionExpiresS === undefined
          ? {}
          : { 'Session-Expires': String(invite.sessionExpiresS) }),
        ...content.headers,
      },
      body: content.body,
    };
  }

  /** @throws SipError `REC_ERR_SIP_SRS_BAD_ANSWER` */
  #answered(
    session: SrsDialog,
    invite: RecordingInvite,
    keys: RecordingStreamKeys,
    { dialog, response }: { readonly dialog: SipDialog; readonly response: ResponseLike },
  ): RecordingDialog {
    try {
      const streams = parseRecordingAnswer(
        readSdpBody(response) ?? '',
        invite.streams,
        (index, stream, media) => keys.agreed(index, stream, media),
      );
      session.open(dialog, streams, response);
      this.#open.add(session);
      return session;
    } catch (error) {
      const reason = 'SIP;cause=488;text="SDP answer not usable"';
      void dialog.bye({ headers: { Reason: reason } }, this.#options.byeTimeoutMs ?? 5_000);
      throw new SipError(
        'REC_ERR_SIP_SRS_BAD_ANSWER',
        `the SRS's answer cannot be used: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  }
}

function errorFor(failure: InviteFailure, answerTimeoutMs: number): SipError {
  if (failure.cause === 'refused') {
    const { status } = failure;
    const reason = failure.response?.reason ?? '';
    return new SipError('REC_ERR_SIP_SRS_REFUSED', `the SRS refused: ${status} ${reason}`.trim(), {
      details: { status, reason },
    });
  }
  if (failure.cause === 'timeout') {
    return timedOut(answerTimeoutMs);
  }
  if (failure.error?.code === 'REC_ERR_SIP_BODY_TOO_LARGE') {
    return failure.error;
  }
  return new SipError('REC_ERR_SIP_SRS_UNREACHABLE', 'the SRS cannot be reached', {
    cause: failure.error,
  });
}

function timedOut(answerTimeoutMs: number): SipError {
  return new SipError('REC_ERR_SIP_SRS_TIMEOUT', 'the SRS gave no final answer in time', {
    details: { answerTimeoutMs },
  });
}

function aborted(): SipError {
  return new SipError('REC_ERR_SIP_ABORTED', 'the invitation was given up');
}
