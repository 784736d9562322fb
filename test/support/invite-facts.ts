import { type InviteFacts, type NameAddr } from '#sip';

export function nameAddr(uri: string): NameAddr {
  return { uri, displayName: null, params: {} };
}

/** What is known of alice's INVITE for this URI, with nothing special about it. */
export function inviteFor(requestUri: string): InviteFacts {
  return {
    sipCallId: 'sip-1',
    source: { transport: 'udp', host: '192.0.2.7', port: 5060 },
    requestUri,
    from: nameAddr('sip:alice@example.com'),
    to: nameAddr(requestUri),
    assertedIdentities: [],
    remotePartyId: null,
    diversions: [],
    historyInfo: [],
    privacy: [],
    isRecordAware: false,
    sessionId: null,
    hasOffer: true,
  };
}
