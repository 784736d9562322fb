import { type DialogDirectory } from './dialog-directory';
import {
  ALLOWED_METHODS,
  fromForCallee,
  passedHeaders,
  passedOptionTags,
  toForCallee,
} from './header-policy';
import { type IncomingInvite } from './incoming-invite';
import { splitSipUri, unfold } from './name-addr';
import { type CallTarget, type NameAddr } from './ports';
import { askedPrivacy, type AskedPrivacy, withPrivacy } from './privacy';
import { formatReplaces, parseReplaces, type Replaces } from './replaces';
import { type RequestLike } from './srf-types';
import { localContactUri } from './transport-uri';

const NO_PRIVACY: AskedPrivacy = { isAnonymous: false, hidesHistory: false };

/** The headers of the INVITE to a target: the caller's by policy, and our own. */
export function calleeInviteHeaders(
  incoming: IncomingInvite,
  target: CallTarget,
  options: {
    maxForwards: number;
    calleeTrusted: boolean;
    callerTrusted: boolean;
    hasBody: boolean;
    directory: DialogDirectory;
  },
): Record<string, string> {
  const { request, facts } = incoming;
  const supported = passedOptionTags(request, 'supported');
  const required = passedOptionTags(request, 'require');
  const replaces = request.get('replaces');
  const privacy = options.calleeTrusted ? NO_PRIVACY : askedPrivacy(facts);
  const user = privacy.isAnonymous ? 'anonymous' : (splitSipUri(facts.from.uri)?.user ?? null);
  const headers = {
    ...passedHeaders(request, 'invite', options.calleeTrusted && options.callerTrusted),
    From: fromForCallee(facts.from),
    To: toForCallee(facts.to, target.requestUri),
    Contact: `<${localContactUri(user, target.nextHop ?? target.requestUri)}>`,
    'Max-Forwards': String(options.maxForwards),
    Allow: ALLOWED_METHODS,
    ...(supported === null ? {} : { Supported: supported }),
    ...(required === null ? {} : { Require: required }),
    ...(replaces === undefined ? {} : { Replaces: replacesFor(replaces, options.directory) }),
    ...(options.hasBody ? { 'Content-Type': 'application/sdp' } : {}),
  };
  return withPrivacy(headers, privacy);
}

/** The headers of the INVITE to a transfer target: in the name of the party that stays (RFC 5589 §6). */
export function transferInviteHeaders(options: {
  staying: NameAddr;
  referTo: NameAddr;
  target: CallTarget;
  refer: RequestLike;
  trusted: boolean;
  /** The dialog of the target that this one takes the place of (attended transfer, RFC 5589 §7). */
  replaces: Replaces | null;
  directory: DialogDirectory;
}): Record<string, string> {
  const { staying, referTo, target, refer, trusted, replaces, directory } = options;
  const { 'referred-by': referredBy } = passedHeaders(refer, 'inDialog', trusted);
  const user = splitSipUri(staying.uri)?.user ?? null;
  return {
    ...(referredBy === undefined ? {} : { 'Referred-By': referredBy }),
    ...(replaces === null
      ? {}
      : {
          Replaces: formatReplaces(directory.translate(replaces) ?? replaces),
          Require: 'replaces',
        }),
    From: fromForCallee(staying),
    To: toForCallee(referTo, target.requestUri),
    Contact: `<${localContactUri(user, target.nextHop ?? target.requestUri)}>`,
    'Max-Forwards': '70',
    Allow: ALLOWED_METHODS,
    'Content-Type': 'application/sdp',
  };
}

/** A dialog with us that is to be replaced (RFC 3891) is another one on the callee's side; any other is the callee's own. */
function replacesFor(value: string, directory: DialogDirectory): string {
  const named = parseReplaces(value);
  const translated = named === null ? null : directory.translate(named);
  return translated === null ? unfold(value).trim().slice(0, 1_024) : formatReplaces(translated);
}
