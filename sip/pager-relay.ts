import { randomBytes } from 'node:crypto';
import { type IdSource } from '#core';
import { DigestClient, type DigestRequest } from './digest';
import {
  fromForCallee,
  nextMaxForwards,
  passedHeaders,
  passedOptionTags,
  toForCallee,
  unsupportedOptionTags,
} from './header-policy';
import { inviteFacts } from './identity';
import { unfold } from './name-addr';
import { sameCallAgain } from './outgoing-invite';
import { type CallTarget, type InviteFacts, type PagerMessage, type PagerPlan } from './ports';
import { askedPrivacy, withPrivacy } from './privacy';
import { newSessionUuid, readSessionUuid } from './session-id';
import { type RequestLike, type ResponseLike } from './srf-types';
import { type OutgoingResponse, type UserAgent } from './user-agent';

export interface PagerRelayOptions {
  readonly userAgent: UserAgent;
  readonly ids: IdSource;
  readonly request: RequestLike;
  readonly response: ResponseLike;
  /** The sender has its final response. */
  readonly closed: () => void;
}

/** What describes the body; the body passes as it is. */
const CONTENT_HEADERS = [
  'content-type',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];
const MAX_BODY_CHARS = 65_536;

/**
 * A MESSAGE outside of a dialog (RFC 3428, pager mode) on its way through us: a transaction on either side, no dialog and no
 * Contact. The targets are tried in turn; the final status goes back to the sender.
 */
export class PagerRelay implements PagerMessage {
  readonly facts: InviteFacts;
  readonly #options: PagerRelayOptions;
  #waiting: CallTarget[] = [];
  #plan: PagerPlan | null = null;
  #isDone = false;

  constructor(options: PagerRelayOptions) {
    this.#options = options;
    this.facts = inviteFacts(options.request);
  }

  refuse(status: number, message: OutgoingResponse = {}): void {
    if (this.#plan === null) {
      this.#respond(status, message);
    }
  }

  relay(plan: PagerPlan): void {
    if (this.#plan !== null || this.#isDone) {
      return;
    }
    const { request } = this.#options;
    this.#plan = plan;
    const unsupported = unsupportedOptionTags(request);
    if (unsupported.length > 0) {
      this.#respond(420, { headers: { Unsupported: unsupported.join(', ') } });
    } else if (nextMaxForwards(request) === null) {
      this.#respond(483);
    } else if ((request.body ?? '').length > MAX_BODY_CHARS) {
      this.#respond(413);
    } else {
      this.#waiting = [...plan.targets];
      this.#tryNext(plan, () => this.#respond(404));
    }
  }

  /** @param fail answers the sender when no target is left */
  #tryNext(plan: PagerPlan, fail: () => void): void {
    const target = this.#waiting.shift();
    if (target === undefined) {
      fail();
      return;
    }
    const { credentials } = target;
    const digest =
      credentials === undefined
        ? null
        : new DigestClient(credentials, () => randomBytes(8).toString('hex')).newRequest();
    this.#send(target, plan, digest, {});
  }

  #send(
    target: CallTarget,
    plan: PagerPlan,
    digest: DigestRequest | null,
    authorizations: Readonly<Record<string, string>>,
  ): void {
    const { userAgent, request } = this.#options;
    const body = request.body ?? '';
    let uri = target.requestUri;
    let sentBefore: RequestLike | null = null;
    userAgent.send(
      {
        method: 'MESSAGE',
        uri,
        nextHop: target.nextHop,
        headers: { ...this.#headers(target, plan, digest !== null), ...authorizations },
        ...(body === '' ? {} : { body }),
        finalDeadlineMs: target.answerTimeoutMs,
        document: 'the MESSAGE',
      },
      {
        sent: sent => {
          ({ uri } = sent);
          sentBefore = sent;
        },
        final: response => {
          const answer = digest?.answer(response, { method: 'MESSAGE', uri }) ?? null;
          if (answer !== null) {
            this.#send(target, plan, digest, {
              ...authorizations,
              ...answer,
              ...sameCallAgain(sentBefore),
            });
          } else if (isWorthAnother(response.status)) {
            this.#tryNext(plan, () => this.#passBack(response, plan));
          } else {
            this.#passBack(response, plan);
          }
        },
        failed: error => {
          const status = error.code === 'REC_ERR_SIP_TIMEOUT' ? 504 : 503;
          this.#tryNext(plan, () => this.#respond(status));
        },
      },
    );
  }

  #headers(target: CallTarget, plan: PagerPlan, hasDigest: boolean): Record<string, string> {
    const { request, ids } = this.#options;
    const { facts } = this;
    const supported = passedOptionTags(request, 'supported');
    const required = passedOptionTags(request, 'require');
    const passed = passedHeaders(request, 'invite', plan.senderTrusted && plan.receiverTrusted);
    if (hasDigest) {
      // Where we answer challenges ourselves, what the sender has for somebody else must not get in the way.
      delete passed['authorization'];
      delete passed['proxy-authorization'];
    }
    const content = CONTENT_HEADERS.flatMap(name => {
      const value = request.get(name);
      return value === undefined ? [] : [[name, unfold(value).trim().slice(0, 1_024)]];
    });
    const uuid = readSessionUuid(facts.sessionId ?? undefined) ?? newSessionUuid(ids);
    const headers: Record<string, string> = {
      ...passed,
      ...(Object.fromEntries(content) as Record<string, string>),
      'session-id': `${uuid};remote=${'0'.repeat(32)}`,
      From: fromForCallee(facts.from),
      To: toForCallee(facts.to, target.requestUri),
      'Max-Forwards': String(nextMaxForwards(request) ?? 0),
      ...(supported === null ? {} : { Supported: supported }),
      ...(required === null ? {} : { Require: required }),
    };
    return plan.receiverTrusted ? headers : withPrivacy(headers, askedPrivacy(facts));
  }

  #passBack(response: ResponseLike, plan: PagerPlan): void {
    const trusted = plan.senderTrusted && plan.receiverTrusted;
    const contact = response.get('contact');
    const sessionId = response.get('session-id');
    // RFC 4320 §4.2: nobody gets a 408 to anything but an INVITE.
    const status = response.status === 408 ? 504 : response.status;
    this.#respond(status, {
      ...(status === response.status ? { reason: response.reason } : {}),
      headers: {
        ...passedHeaders(response, 'response', trusted),
        ...(sessionId === undefined ? {} : { 'session-id': unfold(sessionId) }),
        ...(contact !== undefined && status >= 300 && status < 400
          ? { Contact: unfold(contact) }
          : {}),
      },
    });
  }

  #respond(status: number, message: OutgoingResponse = {}): void {
    if (!this.#isDone) {
      this.#isDone = true;
      this.#options.userAgent.respond(this.#options.response, status, message);
      this.#options.closed();
    }
  }
}

/** Whether the next target may have better luck; a 6xx is the word of the user everywhere (RFC 3261 §21.6). */
function isWorthAnother(status: number): boolean {
  return status === 408 || (status >= 500 && status < 600);
}
