import { ownString } from '#core';
import {
  addOption,
  answerSessionExpires,
  formatSessionExpires,
  hasOption,
  readMinSe,
  readSessionExpires,
  type SessionExpires,
  SessionTimer,
  SMALLEST_INTERVAL_S,
} from '../dialog';
import { HeaderList, type SipRequest, type SipResponse } from '../message';
import { type Refusal } from './checks';
import { type AgentContext } from './context';
import { keepLocalSdp, type Leg } from './leg';
import { type LegEndings } from './leg-endings';

/** Methods that refresh a session (RFC 4028 §7.4). */
const REFRESHES: ReadonlySet<string> = new Set(['INVITE', 'UPDATE']);

/** How often one request is sent again because its interval was too small. */
export const MAX_INTERVAL_RETRIES = 2;

/** Negotiates session timers for the applications (RFC 4028) and watches over their intervals. */
export class SessionTimers {
  readonly #context: AgentContext;
  readonly #endings: LegEndings;
  readonly #refresh: (leg: Leg) => void;

  /** @param refresh sends the refresh of a leg whose time has come */
  constructor(context: AgentContext, endings: LegEndings, refresh: (leg: Leg) => void) {
    this.#context = context;
    this.#endings = endings;
    this.#refresh = refresh;
  }

  /** Too small an interval is 422 for peers that understand it (§9). */
  check(request: SipRequest): Refusal | null {
    if (!REFRESHES.has(request.method)) {
      return null;
    }
    const asked = readSessionExpires(request.headers);
    if (asked === 'bad') {
      return { status: 400, reason: 'Bad Session-Expires', headers: new HeaderList() };
    }
    const { minSessionExpiresS } = this.#context;
    const isTooSmall = asked !== null && asked.intervalS < minSessionExpiresS;
    return isTooSmall && hasOption(request.headers, 'supported', 'timer')
      ? { status: 422, headers: HeaderList.of(['Min-SE', String(minSessionExpiresS)]) }
      : null;
  }

  /** Puts the outcome of the negotiation into the headers of our 2xx. */
  completeAnswer(request: SipRequest, headers: HeaderList): void {
    if (!REFRESHES.has(request.method)) {
      return;
    }
    const asked = readable(readSessionExpires(request.headers));
    const given = readable(readSessionExpires(headers));
    const peerSupports = hasOption(request.headers, 'supported', 'timer');
    headers.remove('Session-Expires');
    const answer = answerSessionExpires(asked, given, peerSupports);
    if (answer === null || answer.intervalS < this.#context.minSessionExpiresS) {
      return;
    }
    addOption(headers, 'Supported', 'timer');
    // §9: the peer must process the header to know that it refreshes.
    if (peerSupports) {
      addOption(headers, 'Require', 'timer');
    }
    headers.append('Session-Expires', formatSessionExpires(answer));
  }

  /** Our 2xx to an INVITE or UPDATE of the peer is out. */
  onAnswered(leg: Leg, request: SipRequest, response: SipResponse): void {
    this.noteOwn(leg, response);
    this.notePeer(leg, request);
    const agreed = readable(readSessionExpires(response.headers));
    this.#apply(leg, agreed, agreed?.refresher === 'uas');
  }

  /** Completes a request of ours: what we support and, in a session that expires, its interval (§7.1, §7.4). */
  completeRequest(leg: Leg, request: SipRequest): void {
    const { method, headers } = request;
    if (!REFRESHES.has(method)) {
      return;
    }
    addOption(headers, 'Supported', 'timer');
    if (headers.has('session-expires')) {
      return;
    }
    const running = leg.sessionTimer?.interval ?? null;
    const { sessionExpiresS } = this.#context;
    if (running !== null) {
      const { intervalS, weRefresh } = running;
      const refresher = weRefresh ? 'uac' : 'uas';
      headers.append('Session-Expires', formatSessionExpires({ intervalS, refresher }));
    } else if (sessionExpiresS !== null && method === 'INVITE' && leg.state === 'early') {
      headers.append('Session-Expires', String(sessionExpiresS));
    } else {
      return;
    }
    const smallest = this.#context.minSessionExpiresS;
    if (smallest > SMALLEST_INTERVAL_S && !headers.has('min-se')) {
      headers.append('Min-SE', String(smallest));
    }
  }

  /** A 2xx to our INVITE or UPDATE (§7.2). Without Session-Expires in it the session does not expire. */
  onAccepted(leg: Leg, request: SipRequest, response: SipResponse): void {
    this.noteOwn(leg, request);
    this.notePeer(leg, response);
    const agreed = readable(readSessionExpires(response.headers));
    this.#apply(leg, agreed, agreed?.refresher !== 'uas');
  }

  /**
   * What a 422 wants instead (§7.3). The interval grows to its Min-SE, and Min-SE is repeated.
   * @returns null: it makes no sense to ask again
   */
  afterTooSmall(request: SipRequest, response: SipResponse): SipRequest | null {
    const asked = readable(readSessionExpires(request.headers));
    const demanded = readMinSe(response.headers);
    if (asked === null || demanded === null || demanded <= asked.intervalS) {
      return null;
    }
    const headers = request.headers.clone();
    headers.set('Session-Expires', formatSessionExpires({ ...asked, intervalS: demanded }));
    headers.set('Min-SE', String(demanded));
    return { ...request, headers };
  }

  /** Remembers our session description and Contact for refreshes. */
  noteOwn(leg: Leg, message: SipRequest | SipResponse): void {
    keepLocalSdp(leg, message);
    const contact = message.headers.get('contact');
    leg.localContact = contact === null ? leg.localContact : ownString(contact);
  }

  /** Remembers whether the peer takes UPDATE. */
  notePeer(leg: Leg, message: SipRequest | SipResponse): void {
    if (message.headers.has('allow')) {
      leg.allowsUpdate = message.headers.getList('allow').includes('UPDATE');
    }
  }

  #apply(leg: Leg, agreed: SessionExpires | null, weRefresh: boolean): void {
    if (leg.state !== 'confirmed') {
      return;
    }
    if (agreed === null) {
      leg.sessionTimer?.stop();
      return;
    }
    leg.sessionTimer ??= new SessionTimer({
      clock: this.#context.clock,
      onRefresh: () => this.#refresh(leg),
      onExpired: () => this.#endings.byeByEngine(leg, 'Session timer expired'),
    });
    // A peer's 2xx with an interval below the smallest allowed one would make us refresh without pause.
    const intervalS = Math.max(agreed.intervalS, this.#context.minSessionExpiresS);
    leg.sessionTimer.start({ intervalS, weRefresh });
  }
}

function readable(value: SessionExpires | null | 'bad'): SessionExpires | null {
  return value === 'bad' ? null : value;
}
