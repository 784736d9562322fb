import { HeaderList, parseNameAddr, parseNumber, type SipRequest, tagOf } from '../message';

/** Methods that are handed on; everything else is 501. */
export const ALLOWED_METHODS: readonly string[] = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'PRACK',
  'REFER',
  'NOTIFY',
  'MESSAGE',
  'SUBSCRIBE',
  'PUBLISH',
  'REGISTER',
];

/**
 * Option tags that the application may understand and therefore decides about itself; others in a
 * Require are refused here.
 */
export const DEFAULT_OPTION_TAGS: readonly string[] = [
  '100rel',
  'timer',
  'replaces',
  'siprec',
  'record-aware',
  'path',
  'histinfo',
  'privacy',
  'from-change',
  'norefersub',
  'resource-priority',
  'tdialog',
];

/** A refusal of a request before the application sees it. */
export interface Refusal {
  readonly status: number;
  readonly reason?: string;
  readonly headers: HeaderList;
}

function refusal(status: number, reason?: string, ...headers: [string, string][]): Refusal {
  return {
    status,
    ...(reason === undefined ? {} : { reason }),
    headers: HeaderList.of(...headers),
  };
}

/** The general checks of RFC 3261 §8.2.1 and §8.2.2 and what the protocol to the application needs. */
export function checkRequest(request: SipRequest, optionTags: ReadonlySet<string>): Refusal | null {
  const { headers, method } = request;
  if (!ALLOWED_METHODS.includes(method)) {
    // 405 is for methods that are known and not wanted (§8.2.1, RFC 4475 §3.1.1.2).
    return refusal(501, undefined, ['Allow', ALLOWED_METHODS.join(', ')]);
  }
  if (!/^(sips?|tel):/i.test(request.uri)) {
    return refusal(416);
  }
  // Both are parts of dialog ids, which travel between bars; the grammar has no bar in them anyway.
  const fromTag = tagOf(headers.get('from'));
  if (headers.get('call-id')?.includes('|') === true || fromTag?.includes('|') === true) {
    return refusal(400, 'Bad Dialog Identifiers');
  }
  const unsupported = headers.getList('require').filter(tag => !optionTags.has(tag.toLowerCase()));
  if (unsupported.length > 0) {
    return refusal(420, undefined, ['Unsupported', unsupported.join(', ')]);
  }
  if (method === 'INVITE') {
    if (fromTag === null) {
      return refusal(400, 'Missing From Tag');
    }
    if (parseNameAddr(headers.getList('contact')[0] ?? '') === null) {
      return refusal(400, 'Missing Contact');
    }
  }
  if (!headers.getList('contact').every(isContact)) {
    return refusal(400, 'Bad Contact');
  }
  const hops = headers.get('max-forwards');
  const isOutOfDialog = tagOf(headers.get('to')) === null;
  // An OPTIONS that may go no further is answered by whoever it has reached (§11, §16.3).
  if (isOutOfDialog && method !== 'OPTIONS' && hops !== null && parseNumber(hops, 255) === 0) {
    return refusal(483);
  }
  return null;
}

/** §20.10: a URI with a question mark must stand in brackets (RFC 4475 §3.1.2.13). */
function isContact(text: string): boolean {
  const contact = parseNameAddr(text);
  return text === '*' || (contact !== null && (text.includes('<') || !contact.uri.includes('?')));
}

/** Methods that make sense in a dialog only: without one they get 481. */
export const DIALOG_METHODS: ReadonlySet<string> = new Set(['BYE', 'UPDATE', 'PRACK']);

/** With a To tag that we do not know these get 481; others are as good as new (RFC 3261 §12.2.2). */
export const DIALOG_BOUND_METHODS: ReadonlySet<string> = new Set([
  ...DIALOG_METHODS,
  'INVITE',
  'INFO',
]);
