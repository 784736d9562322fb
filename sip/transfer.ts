import { errorMessage, type Logger } from '#core';
import { type CallLeg } from './call-leg';
import { type CallMedia, type MediaReplacement } from './call-media';
import { type CalleeAnswer, CalleeHunt } from './callee-hunt';
import { type CallTarget } from './ports';
import { readSdpBody } from './sdp-body';
import { type DialogOwner } from './sip-dialog';
import { type CallTimeouts } from './timeouts';
import { type UserAgent } from './user-agent';

export interface TransferOptions {
  readonly userAgent: UserAgent;
  readonly timeouts: CallTimeouts;
  readonly logger: Logger;
  readonly media: CallMedia;
  /** Who has asked for it, and is to be replaced. */
  readonly referrer: CallLeg;
  /** CSeq number of the REFER. */
  readonly referNumber: string;
  /** Takes the requests of the new dialog. */
  readonly owner: DialogOwner;
  readonly targets: readonly CallTarget[];
  readonly redirects: 'follow' | 'pass';
  readonly headersFor: (target: CallTarget) => Readonly<Record<string, string>>;
  readonly events: {
    /** The new party has answered and its media is in force; its dialog is the caller's to take over. */
    replaced(answer: CalleeAnswer): void;
    /** Nobody answered; the referrer is still in the call, unless it has left. */
    failed(status: number): void;
  };
}

/**
 * A REFER that the gateway carries out (RFC 3515, RFC 5589 §6): rings the target with an offer in the name of the party
 * that stays, and tells the referrer how that goes. The referrer stays in the call until the target has answered.
 */
export class Transfer {
  readonly referrer: CallLeg;
  readonly #options: TransferOptions;
  readonly #replacement: MediaReplacement;
  readonly #hunt: CalleeHunt;
  #hasReferrerLeft = false;

  /** @throws SipError `REC_ERR_SIP_NOT_ANCHORABLE`: the media of the call does not pass through us */
  constructor(options: TransferOptions) {
    this.#options = options;
    this.referrer = options.referrer;
    this.#replacement = options.media.replace(options.referrer.role);
    const { offer } = this.#replacement;
    this.#hunt = new CalleeHunt({
      ...options,
      messageFor: target => ({ headers: options.headersFor(target), body: offer }),
      events: {
        trying: () => undefined,
        progressed: response => this.#notify(`${response.status} ${response.reason}`, false),
        answered: answer => this.#answered(answer),
        failed: failure => {
          this.#notify(`${failure.status} ${failure.response?.reason ?? 'Failed'}`, true);
          options.events.failed(failure.status);
        },
      },
    });
  }

  get hasReferrerLeft(): boolean {
    return this.#hasReferrerLeft;
  }

  /** After the 202. */
  start(): void {
    this.#notify('100 Trying', false);
    this.#hunt.start();
  }

  /** The referrer has hung up, as it may as soon as its REFER was accepted: the transfer goes on. */
  referrerLeft(): void {
    this.#hasReferrerLeft = true;
  }

  /** The call is over. No event comes any more. */
  cancel(reason: string | null): void {
    this.#hunt.cancel(reason);
  }

  #answered(answer: CalleeAnswer): void {
    const { logger, timeouts, events } = this.#options;
    answer.ack();
    try {
      this.#replacement.accept(readSdpBody(answer.response) ?? '');
    } catch (error) {
      logger.warn('the SDP of a transfer target could not be used', { error: errorMessage(error) });
      void answer.dialog.bye({}, timeouts.byeMs);
      this.#notify('488 Not Acceptable Here', true);
      events.failed(488);
      return;
    }
    this.#notify('200 OK', true);
    events.replaced(answer);
  }

  /** RFC 3515 §2.4.4, §2.4.5. */
  #notify(status: string, isFinal: boolean): void {
    if (this.#hasReferrerLeft) {
      return;
    }
    this.referrer.dialog.send(
      'NOTIFY',
      {
        headers: {
          Event: `refer;id=${this.#options.referNumber}`,
          'Subscription-State': isFinal ? 'terminated;reason=noresource' : 'active;expires=180',
          'Content-Type': 'message/sipfrag;version=2.0',
        },
        body: `SIP/2.0 ${status.replace(/[^ -~]/g, '?')}\r\n`,
      },
      { final: () => undefined, failed: () => undefined },
    );
  }
}
