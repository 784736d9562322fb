import {
  type InviteFailure,
  type InviteMessage,
  OutgoingInvite,
  isRetriable,
} from './outgoing-invite';
import { type CallTarget } from './ports';
import { Redirection } from './redirection';
import { type DialogOwner, type SipDialog } from './sip-dialog';
import { type ResponseLike } from './srf-types';
import { type CallTimeouts } from './timeouts';
import { type UserAgent } from './user-agent';

export interface CalleeAnswer {
  readonly target: CallTarget;
  readonly response: ResponseLike;
  readonly dialog: SipDialog;
  /** Must be called once, with our answer when the 200 carried the offer. */
  ack(body?: string): void;
}

export interface CalleeHuntOptions {
  readonly userAgent: UserAgent;
  readonly timeouts: CallTimeouts;
  readonly targets: readonly CallTarget[];
  readonly redirects: 'follow' | 'pass';
  readonly owner: DialogOwner;
  readonly messageFor: (target: CallTarget) => InviteMessage;
  readonly events: {
    trying(target: CallTarget): void;
    progressed(response: ResponseLike): void;
    answered(answer: CalleeAnswer): void;
    /** The last target's failure, or 404 without any target. */
    failed(failure: InviteFailure): void;
  };
}

/** Rings the targets in turn until one answers, refuses for good, or none is left. */
export class CalleeHunt {
  readonly #options: CalleeHuntOptions;
  readonly #waiting: CallTarget[];
  readonly #redirection: Redirection | null;
  #attempt: OutgoingInvite | null = null;
  #isOver = false;

  constructor(options: CalleeHuntOptions) {
    this.#options = options;
    this.#waiting = [...options.targets];
    this.#redirection = options.redirects === 'follow' ? new Redirection(options.targets) : null;
  }

  start(): void {
    this.#tryNext({ status: 404, response: null, cause: 'unreachable' });
  }

  /** No event comes any more. Idempotent. */
  cancel(reason: string | null): void {
    this.#isOver = true;
    this.#attempt?.cancel(reason);
    this.#attempt = null;
  }

  #tryNext(lastFailure: InviteFailure): void {
    const { events, userAgent, timeouts, owner, messageFor } = this.#options;
    const target = this.#waiting.shift();
    if (target === undefined) {
      this.#isOver = true;
      events.failed(lastFailure);
      return;
    }
    events.trying(target);
    this.#attempt = new OutgoingInvite({
      userAgent,
      timeouts,
      target,
      owner,
      message: messageFor(target),
      document: 'the INVITE to the callee',
      events: {
        progressed: response => events.progressed(response),
        answered: answer => {
          this.#isOver = true;
          this.#attempt = null;
          events.answered({ ...answer, target });
        },
        failed: failure => {
          this.#attempt = null;
          if (this.#isOver) {
            return;
          }
          const followed = this.#redirection?.targetsOf(failure, target) ?? [];
          this.#waiting.unshift(...followed);
          if (followed.length > 0 || isRetriable(failure)) {
            this.#tryNext(failure);
          } else {
            this.#isOver = true;
            events.failed(failure);
          }
        },
      },
    });
  }
}
