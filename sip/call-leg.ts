import { type Clock, type LegRole } from '#core';
import { OfferQueue } from './offer-queue';
import { type SipDialog } from './sip-dialog';

/** One established dialog of a call: toward the caller (we are UAS) or the callee (we are UAC). */
export class CallLeg {
  readonly role: LegRole;
  readonly dialog: SipDialog;
  readonly offers: OfferQueue;
  /** Whether identity headers may go to this side (RFC 3325 §4). */
  readonly isTrusted: boolean;
  /** CSeq numbers of REFERs as relayed to this leg, with those that they came with; null: there was none. */
  referNumbers: Map<string, string> | null = null;
  #isEnded = false;
  #onAck: ((body: string) => void) | null = null;

  constructor(options: {
    role: LegRole;
    dialog: SipDialog;
    clock: Clock;
    random: () => number;
    isTrusted: boolean;
  }) {
    this.role = options.role;
    this.dialog = options.dialog;
    this.isTrusted = options.isTrusted;
    this.offers = new OfferQueue(options);
  }

  /** The call is over, or another peer has taken the place of this one. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** `run` gets the body of the ACK to the 2xx that was just sent. */
  whenAcknowledged(run: (body: string) => void): void {
    this.#onAck = run;
  }

  acknowledged(body: string): void {
    const run = this.#onAck;
    this.#onAck = null;
    run?.(body);
  }

  /** Ends the dialog; resolves when it is gone. Never rejects. */
  async end(headers: Readonly<Record<string, string>>, deadlineMs: number): Promise<void> {
    this.#isEnded = true;
    this.#onAck = null;
    this.offers.close();
    await this.dialog.bye({ headers }, deadlineMs);
  }
}
