import { ownString, type SipTransport } from '#core';
import { parseNameAddr, parseNameAddrs, splitList, unfold } from './name-addr';
import { type InviteFacts, type NameAddr } from './ports';
import { type MessageLike, type RequestLike } from './srf-types';

const NOBODY: NameAddr = { uri: 'sip:unknown@invalid', displayName: null, params: {} };

/**
 * Everything about an INVITE that policy may want to know; nothing in it is trusted. Kept as long as the call, and nothing else of
 * the INVITE with it. Never throws.
 */
export function inviteFacts(request: RequestLike): InviteFacts {
  const header = (name: string): string | undefined => {
    const value = request.get(name);
    return value === undefined ? undefined : ownString(value);
  };
  const sessionId = header('session-id');
  return {
    sipCallId: header('call-id') ?? '',
    source: {
      transport: transportOf(request.protocol),
      host: request.source_address ?? '',
      port: request.source_port ?? 0,
    },
    requestUri: ownString(request.uri),
    from: parseNameAddr(header('from') ?? '') ?? NOBODY,
    to: parseNameAddr(header('to') ?? '') ?? NOBODY,
    assertedIdentities: parseNameAddrs(header('p-asserted-identity')),
    remotePartyId: parseNameAddrs(header('remote-party-id'))[0] ?? null,
    diversions: parseNameAddrs(header('diversion')),
    historyInfo: parseNameAddrs(header('history-info')),
    privacy: tokens(header('privacy'), ';'),
    isRecordAware: supports(request, 'record-aware'),
    sessionId: sessionId === undefined ? null : unfold(sessionId).slice(0, 512),
    hasOffer: (request.body ?? '') !== '',
  };
}

/** P-Asserted-Identity of a message (RFC 3325 §9.1). */
export function assertedIdentities(message: MessageLike): readonly NameAddr[] {
  return parseNameAddrs(message.get('p-asserted-identity'));
}

/** Whether an option tag stands in Supported (RFC 3261 §20.37). */
export function supports(message: MessageLike, tag: string): boolean {
  return optionTags(message, 'supported').includes(tag);
}

/** The option tags of Supported, Require or Proxy-Require, in lower case. */
export function optionTags(message: MessageLike, header: string): readonly string[] {
  return tokens(message.get(header), ',');
}

/** Methods of the Allow header, or null without one (then nothing is known). */
export function allowedMethods(message: MessageLike): ReadonlySet<string> | null {
  const value = message.get('allow');
  return value === undefined ? null : new Set(splitList(value).map(each => each.toUpperCase()));
}

function tokens(value: string | undefined, separator: string): readonly string[] {
  return unfold(value ?? '')
    .split(separator, 64)
    .map(each => each.trim().toLowerCase())
    .filter(each => each !== '');
}

function transportOf(protocol: string | undefined): SipTransport {
  return protocol === 'tcp' || protocol === 'tls' ? protocol : 'udp';
}
