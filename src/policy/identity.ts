import { type LegRole } from '#core';

/** Where a party's identity was taken from. */
export type IdentitySource =
  | 'P-Asserted-Identity'
  | 'Remote-Party-ID'
  | 'From'
  | 'Request-URI'
  | 'P-Asserted-Identity of the 200'
  /** Whose mailbox it is that the call was redirected to (RFC 5806, RFC 7044). */
  | 'Diversion'
  | 'History-Info';

/** One claim of who a party is. */
export interface IdentityClaim {
  /** SIP or tel URI. */
  readonly uri: string;
  readonly source: IdentitySource;
}

/** The identities that an INVITE offers, as URIs in the order of the message. */
export interface ClaimedIdentities {
  readonly requestUri: string;
  readonly from: string;
  readonly assertedIdentities: readonly string[];
  readonly remotePartyId: string | null;
}

/**
 * Whose call it is, most trustworthy claim first.
 *
 * A trusted peer vouches for the caller by P-Asserted-Identity (RFC 3325), then Remote-Party-ID, then From.
 * An untrusted peer cannot name the caller at all: nothing that it claims decides for or against a
 * recording. The callee is whom the Request-URI names, whoever asks.
 */
export function identityClaims(
  role: LegRole,
  identities: ClaimedIdentities,
  isTrusted: boolean,
): readonly IdentityClaim[] {
  if (role === 'callee') {
    return [{ uri: identities.requestUri, source: 'Request-URI' }];
  }
  if (!isTrusted) {
    return [];
  }
  return [
    ...identities.assertedIdentities.map(uri => ({ uri, source: 'P-Asserted-Identity' as const })),
    ...(identities.remotePartyId === null
      ? []
      : [{ uri: identities.remotePartyId, source: 'Remote-Party-ID' as const }]),
    { uri: identities.from, source: 'From' as const },
  ];
}
