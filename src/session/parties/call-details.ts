import { type LegRole } from '#core';
import { type InviteFacts } from '#sip';
import { type CallDetails, type MetadataId, metadataIdToBytes, metadataIdToUuid } from '#metadata';
import { type PartyDescription } from './party-description';

/** A counter of Diversion beyond this is not believed. */
const MAX_REDIRECTIONS = 99;

/** What is known of a call beyond its two parties. All optional. */
export interface CallCircumstances {
  /** What the caller dialled, when the recorded party called. */
  readonly dialedDigits?: string | null;
  /** From Diversion or History-Info. */
  readonly redirections?: CallDetails['redirections'];
  readonly acd?: CallDetails['acd'];
}

/**
 * The call as the recorded party's telephone system would describe it. The tracking id and the number of the call
 * half are made from the session id, which all recordings of one call share.
 */
export function callDetails(
  sessionId: MetadataId,
  recordedRole: LegRole,
  parties: Readonly<Record<LegRole, PartyDescription>>,
  circumstances: CallCircumstances = {},
): CallDetails {
  const isOutbound = recordedRole === 'caller';
  const half = Buffer.from(metadataIdToBytes(sessionId)).readUInt32BE(0);
  return {
    trackingId: metadataIdToUuid(sessionId),
    callId: `callhalf-${half}:${isOutbound ? 0 : 1}`,
    direction: isOutbound ? 'outbound' : 'inbound',
    callingPartyNumber: numberOf(parties.caller.aor),
    calledPartyNumber: numberOf(parties.callee.aor),
    dialedDigits: isOutbound ? (circumstances.dialedDigits ?? numberOf(parties.callee.aor)) : null,
    redirections: isOutbound ? null : (circumstances.redirections ?? null),
    redirectedCall: null,
    acd: circumstances.acd ?? null,
  };
}

/**
 * What the INVITE tells: the digits dialled, and over whom the call came (Diversion, most recent first; RFC 5806 §7).
 * @param isTrusted whether identity headers of the sender are believed. Pure.
 */
export function circumstancesOf(
  { requestUri, diversions }: Pick<InviteFacts, 'requestUri' | 'diversions'>,
  isTrusted: boolean,
): CallCircumstances {
  const dialedDigits = numberOf(requestUri);
  const [last] = isTrusted ? diversions : [];
  if (last === undefined) {
    return { dialedDigits };
  }
  const original = diversions.at(-1) ?? last;
  const times = ({ params }: (typeof diversions)[number]): number => {
    const count = Number(params['counter'] ?? 1);
    return Number.isInteger(count) && count >= 1 && count <= MAX_REDIRECTIONS ? count : 1;
  };
  return {
    dialedDigits,
    redirections: {
      lastRedirectNumber: numberOf(last.uri),
      originalCalledNumber: numberOf(original.uri),
      count: Math.min(
        MAX_REDIRECTIONS,
        diversions.reduce((sum, each) => sum + times(each), 0),
      ),
    },
  };
}

/** The telephone number in a SIP or tel URI, `+` and digits; the user part when it is none; null for nobody. */
export function numberOf(aor: string): string | null {
  const user = /^(?:sips?:([^@;?]+)@|tel:([^;?]+))/i.exec(aor);
  const text = user?.[1] ?? user?.[2] ?? '';
  if (text === '' || /@?anonymous\.invalid/i.test(aor) || text.toLowerCase() === 'anonymous') {
    return null;
  }
  const digits = text.replace(/[-.()]/g, '');
  return /^\+?\d+$/.test(digits) ? digits : text;
}
