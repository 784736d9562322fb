import { type GatewayConfig, identityKeys } from '#config';
import { type LegRole, LEG_ROLES } from '#core';

import {
  type CallDecision,
  decideCall,
  needsMixing,
  type NotRecordedReason,
  type PartyDecision,
} from './policy';
import { sessionSettings, trunkSettings } from './session-settings';

export interface CallQuestion {
  /** As an operator writes them: SIP or tel URIs, numbers, extensions. */
  readonly caller: string;
  readonly callee: string;
  /** null: the only trunk. */
  readonly trunkId: string | null;
}

/** What would happen to a call, step by step. */
export interface CallExplanation {
  /** null: the call is refused. */
  readonly decision: CallDecision | null;
  readonly steps: readonly ExplainedStep[];
}

export interface ExplainedStep {
  readonly about: string;
  readonly text: string;
}

/**
 * Says what the settings decide about a call and why. The decision is the very one that calls get.
 * @returns null when there is no such trunk, or several and none is named.
 */
export function explainCall(config: GatewayConfig, question: CallQuestion): CallExplanation | null {
  const names = Object.keys(config.trunks);
  const trunkId = question.trunkId ?? (names.length === 1 ? (names[0] ?? '') : '');
  const trunkConfig = Object.hasOwn(config.trunks, trunkId) ? config.trunks[trunkId] : undefined;
  if (trunkConfig === undefined) {
    return null;
  }
  const settings = sessionSettings(config);
  const trunk = trunkSettings(trunkId, trunkConfig);
  const requestUri = uriOf(question.callee);
  const steps: ExplainedStep[] = [];
  const step = (about: string, text: string): number => steps.push({ about, text });
  step(
    'trunk',
    `${trunkId}: ${trunk.kind}, ${trunk.trusted ? 'its identities are believed' : 'its identities are not believed'}`,
  );
  const route = settings.findRoute({ requestUri }, trunk);
  if (route === null) {
    step('route', `none leads to ${requestUri}: the call is refused with 404`);
    return { decision: null, steps };
  }
  const hops = route.targets.map(({ nextHop }) => nextHop ?? 'where the Request-URI says');
  step('route', `${route.routeId}: ${route.kind}, to ${hops.join(', then ')}`);
  const decision = decideCall(
    {
      identities: {
        requestUri,
        from: uriOf(question.caller),
        assertedIdentities: [],
        remotePartyId: null,
      },
      diversions: [],
      historyInfo: [],
      trunk,
      route,
    },
    settings,
  );
  step(
    'mailbox',
    decision.voicemail === null
      ? 'nothing says that a mailbox takes the call'
      : `a mailbox takes the call (${decision.voicemail.by}: ${decision.voicemail.value})`,
  );
  for (const role of LEG_ROLES) {
    partySteps(config, decision.parties[role]).forEach(text => step(role, text));
  }
  step('media', anchorText(decision));
  if (decision.stripCodecs) {
    step('codecs', 'those that cannot be mixed are taken out of offers: notices are due');
  }
  return { decision, steps };
}

/** As lines for a terminal. */
export function explanationLines({ steps }: CallExplanation): readonly string[] {
  return steps.map(({ about, text }, i) =>
    `${(steps[i - 1]?.about === about ? '' : about).padEnd(10)} ${text}`.trimEnd(),
  );
}

function partySteps(config: GatewayConfig, party: PartyDecision): string[] {
  const { role, claims, identified } = party;
  if (claims.length === 0) {
    return ['not known: the trunk is not trusted, so nobody believes who calls'];
  }
  const tried = claims.map(({ uri, source }) => {
    const keys = identityKeys(uri);
    return `${source} ${uri}, compared as ${keys.length === 0 ? 'nothing' : keys.join(', then ')}`;
  });
  if (identified === null) {
    return [...tried, 'is no user: not recorded'];
  }
  const { user } = identified;
  const place = user.locationId === null ? '' : `, location ${user.locationId}`;
  return [
    ...tried,
    `is ${user.userId} of ${user.organisationId}${place} (by ${identified.identifiedBy})`,
    user.providerId === null
      ? `provider none, by its ${user.providerFrom}`
      : `provider ${user.providerId}, by its ${user.providerFrom}; ${termsText(config, party)}`,
    `known there as ${user.platform.serviceProvider} / ${user.platform.externalGroup} / ${user.platform.externalIdentifier}`,
    party.recording === null
      ? `not recorded: ${party.notRecorded === null ? 'no mode' : reasonText(party.notRecorded)}`
      : `recorded: mode ${party.recording.mode}`,
    ...noticeTexts(party, role),
  ];
}

function termsText(config: GatewayConfig, { identified }: PartyDecision): string {
  const user = identified?.user;
  const providerId = user?.providerId ?? '';
  const terms = config.organisations[user?.organisationId ?? '']?.termsOfService[providerId];
  return terms?.acceptedBy !== undefined
    ? `terms accepted by ${terms.acceptedBy} (${terms.acceptedAt ?? ''})`
    : terms?.notAccepted !== undefined
      ? 'terms not accepted'
      : 'no terms to accept';
}

const REASONS: Readonly<Record<NotRecordedReason, string>> = {
  'provider-none': 'recording is turned off where the user belongs',
  'recording-disabled': "the user's recording is disabled",
  licence: "the user's licence does not include recording",
  never: 'mode never',
  terms: "the provider's terms of service are not accepted; told by ledger, metric and webhook",
  voicemail: "calls with mailboxes are not recorded (the user's recordVoicemail)",
};

function reasonText(reason: NotRecordedReason): string {
  return REASONS[reason];
}

function noticeTexts({ notices }: PartyDecision, role: LegRole): string[] {
  if (notices === null) {
    return [];
  }
  if (!needsMixing(notices)) {
    return ['heard: nothing'];
  }
  const { startStop, notification, reminderIntervalMs, compliance } = notices;
  const who = role === 'callee' ? 'the caller' : 'both parties';
  return [
    `heard: ${[
      ...(compliance === null
        ? []
        : [
            compliance.when === 'before-connect'
              ? `compliance announcement to ${who} before connect`
              : `compliance announcement to ${who} ${compliance.delayMs / 1000} s after the answer`,
          ]),
      ...(startStop ? ['start and stop announcement'] : []),
      ...(notification === 'none' ? [] : [`${notification} at pause and resume`]),
      ...(reminderIntervalMs === null ? [] : [`tone every ${reminderIntervalMs / 1000} s`]),
    ].join(', ')}`,
  ];
}

function anchorText({ anchorBecause }: CallDecision): string {
  switch (anchorBecause) {
    case 'configured-always':
      return 'passes through the gateway (media.anchor: always)';
    case 'recordable':
      return 'passes through the gateway: a party is recorded, or may be';
    case 'nobody-recordable':
      return 'goes around the gateway, SDP untouched: nobody can be recorded (media.anchor: when-recordable)';
  }
}

/** `1001` and `+15550100` become users of a SIP URI; URIs stay what they are. */
function uriOf(text: string): string {
  return /^(sips?|tel):/i.test(text)
    ? text
    : text.includes('@')
      ? `sip:${text}`
      : `sip:${text.replace(/[ ()]/g, '')}@gateway.invalid`;
}
