import { type IdSource } from '#core';
import { type InviteFacts } from './ports';
import { newSessionUuid, readSessionUuid } from './session-id';
import { inviteFacts } from './identity';
import { tagOf, unfold } from './name-addr';
import { SipDialog, type DialogOwner } from './sip-dialog';
import { type MessageLike, type RequestLike, type ResponseLike } from './srf-types';
import { type OutgoingResponse, type UserAgent } from './user-agent';

/** More provisional responses than any real call has; a callee that floods is ignored beyond. */
const MAX_PROVISIONALS = 64;

/** The caller's INVITE, as the server side of its transaction (RFC 3261 §13.3). */
export class IncomingInvite {
  readonly request: RequestLike;
  readonly facts: InviteFacts;
  /** The caller's dialog: from our first response with a tag on. */
  dialog: SipDialog | null = null;
  readonly #response: ResponseLike;
  readonly #userAgent: UserAgent;
  #isFinal = false;
  #provisionals = 0;

  constructor(userAgent: UserAgent, ids: IdSource, request: RequestLike, response: ResponseLike) {
    this.#userAgent = userAgent;
    this.request = request;
    this.#response = response;
    const facts = inviteFacts(request);
    // RFC 7989 §7: a caller that has none gets one.
    const isKnown = readSessionUuid(facts.sessionId ?? undefined) !== null;
    this.facts = isKnown ? facts : { ...facts, sessionId: newSessionUuid(ids) };
  }

  /** Top Via's branch and sent-by: identifies the transaction, and its CANCEL (RFC 3261 §9.2). */
  get transactionKey(): string {
    return transactionKey(this.request);
  }

  /** A final response has been given, or the caller has cancelled. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** The caller has cancelled: the engine has sent the 487 itself. */
  cancelled(): void {
    this.#isFinal = true;
    this.dialog?.close();
  }

  progress(status: number, message: OutgoingResponse, owner: DialogOwner): void {
    if (this.#isFinal || this.#provisionals >= MAX_PROVISIONALS) {
      return;
    }
    this.#provisionals++;
    this.#userAgent.respond(this.#response, status, message, outcome => {
      if (outcome.sent !== null && !this.#isFinal) {
        this.#openDialog(outcome.sent, owner);
      }
    });
  }

  /**
   * Answers 200.
   * @param done called with null when it went out, else with what the engine said: then the caller has cancelled
   *   in the meantime
   */
  answer(
    message: OutgoingResponse,
    owner: DialogOwner,
    done: (dialog: SipDialog | null) => void,
  ): void {
    if (this.#isFinal) {
      done(null);
      return;
    }
    this.#isFinal = true;
    this.#userAgent.respond(this.#response, 200, message, outcome => {
      const dialog = outcome.sent === null ? null : this.#openDialog(outcome.sent, owner);
      if (outcome.sent === null || dialog === null) {
        this.dialog?.close();
        done(null);
        return;
      }
      dialog.confirm(contactOf(outcome.sent));
      dialog.learn(this.request);
      done(dialog);
    });
  }

  /** @returns whether this was the final response. */
  reject(status: number, message: OutgoingResponse): boolean {
    if (this.#isFinal) {
      return false;
    }
    this.#isFinal = true;
    this.#userAgent.respond(this.#response, status, message);
    this.dialog?.close();
    return true;
  }

  #openDialog(sent: MessageLike, owner: DialogOwner): SipDialog | null {
    const id = this.#response.stackDialogId;
    if (this.dialog === null && id !== undefined && id !== '') {
      this.dialog = new SipDialog({
        userAgent: this.#userAgent,
        id,
        sipCallId: this.facts.sipCallId,
        role: 'uas',
        contact: contactOf(sent),
        tags: { local: tagOf(sent.get('to')), remote: tagOf(this.request.get('from')) },
        socket: this.request.socket,
        owner,
      });
    }
    return this.dialog;
  }
}

/** Our Contact in a message that the engine has sent for us. */
export function contactOf(sent: MessageLike): string | null {
  const value = sent.get('contact');
  return value === undefined ? null : unfold(value);
}

/** What an INVITE and its CANCEL have in common: the top Via (RFC 3261 §9.1). */
export function transactionKey(message: MessageLike): string {
  const via = unfold(message.get('via') ?? '').split(',', 1)[0] ?? '';
  const branch = /;\s*branch\s*=\s*([^;,\s]+)/i.exec(via)?.[1] ?? '';
  const sentBy = /^\s*SIP\s*\/\s*2\.0\s*\/\s*\S+\s+([^\s;]+)/i.exec(via)?.[1] ?? '';
  return `${sentBy.toLowerCase()} ${branch}`;
}
