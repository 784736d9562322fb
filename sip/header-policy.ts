import { optionTags } from './identity';
import { formatNameAddr, splitSipUri, unfold } from './name-addr';
import { type NameAddr } from './ports';
import { type MessageLike } from './srf-types';

/** `copy`: passes. `trusted`: passes toward a trusted peer only (RFC 3325 §4). `strip`: stays here. */
export type HeaderAction = 'copy' | 'trusted' | 'strip';

/** Which message of a call a header stands in. */
export type HeaderContext = 'invite' | 'response' | 'inDialog';

export type HeaderRule = Readonly<Record<HeaderContext, HeaderAction>>;

const COPY: HeaderRule = { invite: 'copy', response: 'copy', inDialog: 'copy' };
const TRUSTED: HeaderRule = { invite: 'trusted', response: 'trusted', inDialog: 'trusted' };
const STRIP: HeaderRule = { invite: 'strip', response: 'strip', inDialog: 'strip' };
const INVITE_ONLY: HeaderRule = { ...STRIP, invite: 'copy' };
const RESPONSE_ONLY: HeaderRule = { ...STRIP, response: 'copy' };
const IN_DIALOG_ONLY: HeaderRule = { ...STRIP, inDialog: 'copy' };

/**
 * Which headers pass between the legs. Names in lower case. What is not listed is stripped, except `X-…`, which
 * passes: private headers belong to the operator's own network.
 *
 * Never passed, because each leg is a dialog of its own: Via, Route, Record-Route, Path, Contact (but
 * in a 3xx), Call-ID, CSeq, Content-Length. Rewritten: From, To, Max-Forwards, Supported, Content-Type, and what
 * names a dialog: Replaces of an INVITE and within Refer-To.
 */
export const HEADER_POLICY: Readonly<Record<string, HeaderRule>> = {
  // Who is calling, and what happened on the way.
  'p-asserted-identity': TRUSTED,
  'remote-party-id': TRUSTED,
  'p-preferred-identity': STRIP,
  identity: TRUSTED,
  'p-charging-vector': TRUSTED,
  'p-early-media': TRUSTED,
  privacy: COPY,
  diversion: COPY,
  'history-info': COPY,
  'user-to-user': COPY,
  'referred-by': COPY,
  // Presentation.
  'alert-info': COPY,
  'call-info': COPY,
  'error-info': RESPONSE_ONLY,
  subject: COPY,
  priority: COPY,
  organization: COPY,
  'accept-language': INVITE_ONLY,
  'in-reply-to': INVITE_ONLY,
  'reply-to': COPY,
  date: COPY,
  // How to treat the call.
  'accept-contact': INVITE_ONLY,
  'reject-contact': INVITE_ONLY,
  'request-disposition': INVITE_ONLY,
  'answer-mode': INVITE_ONLY,
  'priv-answer-mode': INVITE_ONLY,
  'resource-priority': COPY,
  geolocation: COPY,
  'geolocation-routing': COPY,
  // Results.
  reason: COPY,
  warning: RESPONSE_ONLY,
  'retry-after': RESPONSE_ONLY,
  'accept-encoding': RESPONSE_ONLY,
  unsupported: RESPONSE_ONLY,
  // Digest credentials are end to end through us.
  'www-authenticate': RESPONSE_ONLY,
  'proxy-authenticate': RESPONSE_ONLY,
  'authentication-info': RESPONSE_ONLY,
  authorization: INVITE_ONLY,
  'proxy-authorization': INVITE_ONLY,
  // Requests within the dialog.
  event: IN_DIALOG_ONLY,
  'subscription-state': IN_DIALOG_ONLY,
  'refer-to': IN_DIALOG_ONLY,
  'refer-sub': COPY,
  'info-package': IN_DIALOG_ONLY,
  'recv-info': COPY,
  record: IN_DIALOG_ONLY,
  'content-disposition': IN_DIALOG_ONLY,
  // Would name a dialog of one leg to the other.
  replaces: STRIP,
  join: STRIP,
  'target-dialog': STRIP,
  // Written anew for each leg, see session-id.ts.
  'session-id': STRIP,
  // Each leg has its own.
  allow: STRIP,
  accept: STRIP,
  supported: STRIP,
  require: STRIP,
  'proxy-require': STRIP,
  'session-expires': STRIP,
  'min-se': STRIP,
  'user-agent': STRIP,
  server: STRIP,
};

/** Extensions that work through a B2BUA without its help, so that a peer may ask the other side for them. */
export const PASSED_OPTION_TAGS: ReadonlySet<string> = new Set([
  'histinfo',
  'privacy',
  'answermode',
  'norefersub',
  'resource-priority',
  'uui',
  // a=record of either side passes, or ours takes its place.
  'record-aware',
  // A dialog that is named is translated, see replaces.ts.
  'replaces',
]);

/** Methods that the gateway understands within and outside dialogs. */
export const ALLOWED_METHODS =
  'INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, MESSAGE, NOTIFY, REFER';

const MAX_HEADERS = 64;
const MAX_VALUE_CHARS = 8_192;

/** The headers of a message that pass to the other leg, each on one line. */
export function passedHeaders(
  message: MessageLike,
  context: HeaderContext,
  towardTrusted: boolean,
): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers).slice(0, 256)) {
    const action = actionFor(name, context);
    const text = typeof value === 'string' ? unfold(value).trim() : '';
    if (
      (action === 'copy' || (action === 'trusted' && towardTrusted)) &&
      text !== '' &&
      text.length <= MAX_VALUE_CHARS &&
      Object.keys(passed).length < MAX_HEADERS
    ) {
      passed[name] = text;
    }
  }
  return passed;
}

/** What the policy says about one header. */
export function actionFor(name: string, context: HeaderContext): HeaderAction {
  const lower = name.toLowerCase();
  const rule = Object.hasOwn(HEADER_POLICY, lower) ? HEADER_POLICY[lower] : undefined;
  return rule?.[context] ?? (/^x-[\w.!%*+`'~-]+$/.test(lower) ? 'copy' : 'strip');
}

/** Option tags of a message that the other side may see, as a header value; null when none is left. */
export function passedOptionTags(
  message: MessageLike,
  header: 'supported' | 'require',
): string | null {
  const tags = optionTags(message, header).filter(tag => PASSED_OPTION_TAGS.has(tag));
  return tags.length === 0 ? null : tags.join(', ');
}

/** Option tags that the sender requires and we cannot honour (RFC 3261 §8.2.2.3). */
export function unsupportedOptionTags(message: MessageLike): readonly string[] {
  return optionTags(message, 'require').filter(tag => !PASSED_OPTION_TAGS.has(tag));
}

/** RFC 3261 §16.6 step 3. null: this request may not go any further (483). */
export function nextMaxForwards(message: MessageLike): number | null {
  const text = message.get('max-forwards')?.trim();
  if (text === undefined || !/^\d{1,3}$/.test(text)) {
    return 70;
  }
  const value = Number(text);
  return value === 0 ? null : Math.min(value, 255) - 1;
}

/**
 * The From of the callee leg: name and user of the caller, our host. The engine puts its own address for `localhost`.
 * An anonymous From keeps its host, which is what makes it anonymous (RFC 3323 §4.1).
 */
export function fromForCallee(from: NameAddr): string {
  const parts = splitSipUri(from.uri);
  if (parts === null || /(^|\.)invalid$/i.test(parts.hostPort)) {
    return formatNameAddr(from);
  }
  const user = parts.user === null ? '' : `${parts.user}@`;
  return formatNameAddr({ ...from, uri: `${parts.scheme}:${user}localhost` });
}

/** The To of the callee leg: name and user that the caller dialled, host of the target. */
export function toForCallee(to: NameAddr, targetUri: string): string {
  const dialled = splitSipUri(to.uri);
  const target = splitSipUri(targetUri);
  if (dialled === null || target === null) {
    return formatNameAddr({ ...to, uri: dialled === null ? targetUri : to.uri });
  }
  const user = dialled.user ?? target.user;
  const uri = `${target.scheme}:${user === null ? '' : `${user}@`}${target.hostPort}`;
  return formatNameAddr({ ...to, uri });
}
