import { randomInt } from 'node:crypto';
import { Acceptance, hasOption } from '../dialog';
import { parseCSeq, parseNumber, type SipRequest, type SipResponse } from '../message';
import { type AgentContext } from './context';
import { type Leg, type PendingRequest, type ReliableProvisional } from './leg';
import { sessionDescription } from './session-body';

/** Responses of an application that may wait for a PRACK. */
const MAX_WAITING = 20;

/** RAck: the RSeq, and the CSeq of the INVITE (RFC 3262 §7.2). */
export interface Acknowledged {
  readonly rseq: number;
  readonly sequence: number;
}

export function parseRack(value: string | null): Acknowledged | null {
  const [rseq = '', sequence = '', method = ''] = (value ?? '').trim().split(/\s+/);
  const parsed = {
    rseq: parseNumber(rseq, 0xffff_ffff),
    sequence: parseNumber(sequence, 0xffff_ffff),
  };
  return method !== 'INVITE' || parsed.rseq === null || parsed.sequence === null
    ? null
    : { rseq: parsed.rseq, sequence: parsed.sequence };
}

/** How a provisional response goes out. `refuse`: the caller does not understand reliable ones. */
export type Reliability = 'plain' | 'asked-by-app' | 'demanded-by-peer' | 'refuse';

/** Whether a response to `invite` is to be sent reliably (RFC 3262 §3). */
export function reliabilityOf(invite: SipRequest, message: SipResponse): Reliability {
  if (invite.method !== 'INVITE' || message.status <= 100 || message.status >= 200) {
    return 'plain';
  }
  const isDemanded = hasOption(invite.headers, 'require', '100rel');
  if (hasOption(message.headers, 'require', '100rel')) {
    return isDemanded || hasOption(invite.headers, 'supported', '100rel')
      ? 'asked-by-app'
      : 'refuse';
  }
  return isDemanded ? 'demanded-by-peer' : 'plain';
}

/** Server side of reliable provisional responses: repeated until their PRACK is there (RFC 3262 §3). */
export class ReliableProvisionals {
  readonly #context: AgentContext;
  readonly #onUnacknowledged: (pending: PendingRequest, leg: Leg) => void;

  /** @param onUnacknowledged no PRACK came in 64*T1 */
  constructor(
    context: AgentContext,
    onUnacknowledged: (pending: PendingRequest, leg: Leg) => void,
  ) {
    this.#context = context;
    this.#onUnacknowledged = onUnacknowledged;
  }

  /**
   * One reliable response at a time, and no 2xx before the PRACK of one with a session description.
   * @returns `now`, or `later` (then `send` runs after the PRACK), or `full`
   */
  admit(leg: Leg, status: number, isReliable: boolean, send: () => void): 'now' | 'later' | 'full' {
    const waiting = leg.reliable;
    const mustWait =
      waiting !== null &&
      (status < 200 ? isReliable : status < 300 && (waiting.hasSdp || leg.afterPrack.length > 0));
    if (!mustWait) {
      return 'now';
    }
    if (leg.afterPrack.length >= MAX_WAITING) {
      return 'full';
    }
    leg.afterPrack.push(send);
    return 'later';
  }

  /** The RSeq of the next response: any to begin with, then one more each (§3). */
  nextRseq(leg: Leg): number {
    leg.rseq = leg.rseq === null ? randomInt(1, 0x7fff_0000) : leg.rseq + 1;
    return leg.rseq;
  }

  onSent(pending: PendingRequest, leg: Leg, response: SipResponse, isOwn: boolean): void {
    const { clock, transactions } = this.#context;
    leg.reliable = {
      rseq: leg.rseq ?? 0,
      sequence: parseCSeq(pending.transaction.request.headers.get('cseq'))?.number ?? 0,
      hasSdp: sessionDescription(response.headers, response.body) !== null,
      isOwn,
      acceptance: new Acceptance({
        clock,
        timers: transactions.timers,
        limitMs: Number.POSITIVE_INFINITY,
        resend: () => pending.transaction.respond(response),
        onTimeout: () => this.#onUnacknowledged(pending, leg),
      }),
    };
  }

  /** Takes a PRACK. @returns what it acknowledges; null: nothing that waits for it (§3: 481) */
  acknowledge(leg: Leg, prack: SipRequest): ReliableProvisional | null {
    const acknowledged = parseRack(prack.headers.get('rack'));
    const waiting = leg.reliable;
    if (
      waiting === null ||
      acknowledged?.rseq !== waiting.rseq ||
      acknowledged.sequence !== waiting.sequence
    ) {
      return null;
    }
    waiting.acceptance.stop();
    leg.reliable = null;
    return waiting;
  }
}
