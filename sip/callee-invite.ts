import {
  ALLOWED_METHODS,
  fromForCallee,
  passedHeaders,
  passedOptionTags,
  toForCallee,
} from './header-policy';
import { type IncomingInvite } from './incoming-invite';
import { splitSipUri } from './name-addr';
import { type CallTarget } from './ports';
import { localContactUri } from './transport-uri';

/** The headers of the INVITE to a target: the caller's by policy, and our own. */
export function calleeInviteHeaders(
  incoming: IncomingInvite,
  target: CallTarget,
  options: { maxForwards: number; calleeTrusted: boolean; hasBody: boolean },
): Record<string, string> {
  const { request, facts } = incoming;
  const supported = passedOptionTags(request, 'supported');
  const required = passedOptionTags(request, 'require');
  const user = splitSipUri(facts.from.uri)?.user ?? null;
  return {
    ...passedHeaders(request, 'invite', options.calleeTrusted),
    From: fromForCallee(facts.from),
    To: toForCallee(facts.to, target.requestUri),
    Contact: `<${localContactUri(user, target.nextHop ?? target.requestUri)}>`,
    'Max-Forwards': String(options.maxForwards),
    Allow: ALLOWED_METHODS,
    ...(supported === null ? {} : { Supported: supported }),
    ...(required === null ? {} : { Require: required }),
    ...(options.hasBody ? { 'Content-Type': 'application/sdp' } : {}),
  };
}
