import { type IdSource, ownString } from '#core';
import { SipError } from './errors';
import { type InviteFacts } from './ports';
import { newSessionUuid, readSessionUuid } from './session-id';
import { inviteFacts } from './identity';
import { tagOf, unfold } from './name-addr';
import { SipDialog, type DialogOwner } from './sip-dialog';
import { type MessageLike, type RequestLike, type ResponseLike } from './srf-types';
import { type OutgoingResponse, type UserAgent } from './user-agent';

/** More provisional responses than any real call has; a callee that floods is ignored beyond. */
const MAX_PROVISIONALS = 64;

interface InviteMessages {
  readonly request: RequestLike;
  readonly response: ResponseLike;
}

/** The caller's INVITE, as the server side of its transaction (RFC 3261 §13.3). */
export class IncomingInvite {
  readonly facts: InviteFacts;
  /** Top Via's branch and sent-by: identifies the transaction, and its CANCEL (RFC 3261 §9.2). */
  readonly transactionKey: string;
  /** The caller's dialog: from our first response with a tag on. */
  dialog: SipDialog | null = null;
  /** null: a final response is with the engine. The call may go on for hours, and its INVITE is not kept as long. */
  #messages: InviteMessages | null;
  readonly #userAgent: UserAgent;
  #isFinal = false;
  #provisionals = 0;

  constructor(userAgent: UserAgent, ids: IdSource, request: RequestLike, response: ResponseLike) {
    this.#userAgent = userAgent;
    this.#messages = { request, response };
    this.transactionKey = ownString(transactionKey(request));
    const facts = inviteFacts(request);
    // RFC 7989 §7: a caller that has none gets one.
    const isKnown = readSessionUuid(facts.sessionId ?? undefined) !== null;
    this.facts = isKnown ? facts : { ...facts, sessionId: newSessionUuid(ids) };
  }

  /** As it came. @throws SipError `REC_ERR_SIP_DIALOG_GONE` after the final response */
  get request(): RequestLike {
    return this.#opened().request;
  }

  /** A final response has been given, or the caller has cancelled. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** The caller has cancelled: the engine has sent the 487 itself. */
  cancelled(): void {
    this.#isFinal = true;
    this.#messages = null;
    this.dialog?.close();
  }

  progress(status: number, message: OutgoingResponse, owner: DialogOwner): void {
    if (this.#isFinal || this.#provisionals >= MAX_PROVISIONALS) {
      return;
    }
    this.#provisionals++;
    const messages = this.#opened();
    this.#userAgent.respond(messages.response, status, message, outcome => {
      if (outcome.sent !== null && !this.#isFinal) {
        this.#openDialog(outcome.sent, owner, messages);
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
    const messages = this.#end();
    this.#userAgent.respond(messages.response, 200, message, outcome => {
      const dialog = outcome.sent === null ? null : this.#openDialog(outcome.sent, owner, messages);
      if (outcome.sent === null || dialog === null) {
        this.dialog?.close();
        done(null);
        return;
      }
      dialog.confirm(contactOf(outcome.sent));
      dialog.learn(messages.request);
      done(dialog);
    });
  }

  /** @returns whether this was the final response. */
  reject(status: number, message: OutgoingResponse): boolean {
    if (this.#isFinal) {
      return false;
    }
    this.#userAgent.respond(this.#end().response, status, message);
    this.dialog?.close();
    return true;
  }

  #opened(): InviteMessages {
    if (this.#messages === null) {
      throw new SipError('REC_ERR_SIP_DIALOG_GONE', 'the INVITE has had its final response');
    }
    return this.#messages;
  }

  /** The final response is being given. */
  #end(): InviteMessages {
    const messages = this.#opened();
    this.#isFinal = true;
    this.#messages = null;
    return messages;
  }

  #openDialog(
    sent: MessageLike,
    owner: DialogOwner,
    { request, response }: InviteMessages,
  ): SipDialog | null {
    const id = response.stackDialogId;
    if (this.dialog === null && id !== undefined && id !== '') {
      this.dialog = new SipDialog({
        userAgent: this.#userAgent,
        id,
        sipCallId: this.facts.sipCallId,
        role: 'uas',
        contact: contactOf(sent),
        tags: { local: tagOf(sent.get('to')), remote: tagOf(request.get('from')) },
        socket: request.socket,
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
