import { type InviteFacts } from './ports';

/** RFC 3323 §4.1: who does not want to be known. */
const ANONYMOUS_FROM = '"Anonymous" <sip:anonymous@anonymous.invalid>';
/** What tells about the user besides From (RFC 3323 §5.1, §5.3), in lower case. */
const TELLING_HEADERS: ReadonlySet<string> = new Set([
  'call-info',
  'diversion',
  'history-info',
  'in-reply-to',
  'organization',
  'referred-by',
  'reply-to',
  'subject',
]);

export interface AskedPrivacy {
  /** `user` or `header`: the caller is to be anonymous. */
  readonly isAnonymous: boolean;
  /** `history` (RFC 7044 §10.1): where the call has been is nobody's business. */
  readonly hidesHistory: boolean;
}

/** What a caller asks for in Privacy (RFC 3323 §4.2); `none` overrules everything. */
export function askedPrivacy({ privacy }: Pick<InviteFacts, 'privacy'>): AskedPrivacy {
  const asks = (value: string): boolean => privacy.includes(value) && !privacy.includes('none');
  const isAnonymous = asks('user') || asks('header');
  return { isAnonymous, hidesHistory: isAnonymous || asks('history') };
}

/**
 * The headers of an INVITE that leaves the trust domain (RFC 3323 §5, RFC 3325 §5): we are the last who can give the caller
 * the privacy that it asks for. Identity headers have been taken out by policy before.
 */
export function withPrivacy(
  headers: Readonly<Record<string, string>>,
  { isAnonymous, hidesHistory }: AskedPrivacy,
): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => {
    const lower = name.toLowerCase();
    return (
      !(isAnonymous && TELLING_HEADERS.has(lower)) && !(hidesHistory && lower === 'history-info')
    );
  });
  return {
    ...Object.fromEntries(kept),
    ...(isAnonymous ? { From: ANONYMOUS_FROM } : {}),
  };
}
