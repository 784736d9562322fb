import { MIXABLE_ENCODINGS } from '#media';
import { type CallPlan, type InviteFacts } from '#sip';

import { type CallDecision, type CallFacts, decideCall } from '../../policy';
import { type RouteSettings, type SessionSettings, type TrunkSettings } from '../settings';

/** Asks policy about a call that has arrived. */
export function decisionFor(
  invite: InviteFacts,
  trunk: TrunkSettings,
  route: RouteSettings,
  settings: SessionSettings,
): CallDecision {
  const facts: CallFacts = {
    identities: {
      requestUri: invite.requestUri,
      from: invite.from.uri,
      assertedIdentities: invite.assertedIdentities.map(({ uri }) => uri),
      remotePartyId: invite.remotePartyId?.uri ?? null,
    },
    diversions: invite.diversions,
    historyInfo: invite.historyInfo,
    trunk,
    route,
  };
  return decideCall(facts, settings);
}

/** How the call is set up, so that what was decided can be done. Pure. */
export function planFor(
  decision: CallDecision,
  trunk: TrunkSettings,
  route: RouteSettings,
  settings: SessionSettings,
): CallPlan {
  const { caller, callee } = decision.parties;
  const isComplianceDue = [caller, callee].some(
    ({ notices }) => notices?.compliance?.when === 'before-connect',
  );
  return {
    targets: route.targets,
    srtpOnly: settings.srtpOnly,
    srtp: {
      accept: settings.srtp?.accept ?? false,
      suites: settings.srtp?.suites ?? [],
      callee: route.srtp ?? 'when-caller-does',
    },
    redirects: settings.redirects ?? 'pass',
    refer: settings.refer ?? 'pass',
    otherMedia: settings.otherMedia ?? 'refuse',
    calleeTrusted: route.trusted,
    callerTrusted: trunk.trusted,
    ...(decision.anchor ? {} : { anchor: false }),
    ...(decision.stripCodecs ? { allowedEncodings: MIXABLE_ENCODINGS } : {}),
    ...(isComplianceDue ? { preConnect: { encodings: MIXABLE_ENCODINGS } } : {}),
  };
}
