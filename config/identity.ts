import { parseSipUri, type SipUriParts } from './sip-uri';

/**
 * Identities and how they are compared. Three kinds, each with one canonical spelling:
 *
 * - number `tel:+15550100`: a global number (RFC 3966 §5.1.4). From `tel:+1-555-0100`, `+1 (555) 0100` or
 *   any SIP URI whose user is such a number, whatever its host: E.164 numbers are worldwide;
 * - extension `ext:1001`: digits without `+`, also `*` and `#`, from `1001`, `tel:1001;phone-context=…` or
 *   the user of a SIP URI, whatever its host;
 * - address of record `sip:alice@example.com`: user as is (case matters, RFC 3261 §19.1.4) with
 *   percent-escapes resolved; host in lower case. `sips:`, port, parameters, headers and password are ignored.
 */
export type IdentityKey = string;

const VISUAL_SEPARATORS = /[-.() ]/g;
const NUMBER = /^\+\d{3,15}$/;
const EXTENSION = /^[\d*#]{1,32}$/;
const MAX_IDENTITY_LENGTH = 512;

/**
 * The canonical key of an identity as an operator writes it: a SIP, SIPS or tel URI, `user@host`, a number or
 * an extension. A SIP URI whose user is a global number is that number. null: none of these.
 */
export function parseIdentity(text: string): IdentityKey | null {
  const trimmed = text.trim();
  if (trimmed.length > MAX_IDENTITY_LENGTH) {
    return null;
  }
  if (/^tel:/i.test(trimmed)) {
    return phoneKey(trimmed.slice(4));
  }
  if (/^sips?:/i.test(trimmed) || trimmed.includes('@')) {
    const uri = parseSipUri(/^sips?:/i.test(trimmed) ? trimmed : `sip:${trimmed}`);
    const user = uri?.user ?? '';
    return uri === null || user === '' ? null : (numberKey(user) ?? aorKey(uri, user));
  }
  return phoneKey(trimmed);
}

/**
 * The keys under which an identity from the wire may be known, most specific first: the address of record,
 * then the number or extension that its user part spells. Empty when it is no usable identity; never throws.
 */
export function identityKeys(uriText: string): readonly IdentityKey[] {
  const exact = parseIdentity(uriText);
  if (exact === null) {
    return [];
  }
  if (!exact.startsWith('sip:')) {
    return [exact];
  }
  const user = exact.slice(4, exact.lastIndexOf('@'));
  const phone = phoneKey(user);
  return phone === null ? [exact] : [exact, phone];
}

function aorKey(uri: SipUriParts, user: string): IdentityKey {
  return `sip:${decodeUser(user)}@${uri.host}`;
}

function numberKey(user: string): IdentityKey | null {
  const key = phoneKey(decodeUser(user));
  return key?.startsWith('tel:') === true ? key : null;
}

function phoneKey(text: string): IdentityKey | null {
  // Parameters of a telephone-subscriber (RFC 3966 §3) such as `;ext=` or `;phone-context=` do not count.
  const digits = (text.split(';')[0] ?? '').replace(VISUAL_SEPARATORS, '');
  return NUMBER.test(digits) ? `tel:${digits}` : EXTENSION.test(digits) ? `ext:${digits}` : null;
}

function decodeUser(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    // Escapes that are no UTF-8 are compared as they are.
    return user;
  }
}
