import { type ExplainedNotice, type ExplainedParty, type Explanation } from './explain';

const DIALECTS = {
  rfc7865: 'RFC 7865',
  broadworks: 'BroadWorks',
  'pre-standard': 'a draft before RFC 7865',
} as const;
/** Display names come from peers: nothing in them may move the cursor of a terminal. */
const NOT_PRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** For people: who spoke on which channel, how it was recorded, what happened. One line each. */
export function explanationLines(explanation: Explanation): readonly string[] {
  const { session, channels, silent, properties, call, events, announcements, gaps } = explanation;
  const lines: (string | null)[] = [
    ...explanation.documents.map(
      ({ file, dialect, dataMode }) => `document    ${file}: ${dataMode}, ${DIALECTS[dialect]}`,
    ),
    `session     from ${session.startedAt ?? '(not told)'} to ${session.stoppedAt ?? '(not told)'}`,
    ...channels.flatMap(({ label, parties }) =>
      parties.length === 0
        ? [`channel ${label}   nobody`]
        : parties.map(party => `channel ${label}   ${partyText(party)}`),
    ),
    ...silent.map(party => `no channel  ${partyText(party)}`),
    properties === null
      ? null
      : `recording   ${[
          told('mode', properties.mode),
          told('retention', properties.retention),
          told('service provider', properties.serviceProvider),
          told('external group', properties.externalGroup),
          told('external identifier', properties.externalIdentifier),
        ]
          .filter(text => text !== '')
          .join(', ')}`,
    call === null ? null : `call        ${callText(call)}`,
    ...events.map(({ kind, at, by }) => `event       ${at} ${kind} by ${by}`),
    ...announcements.map(noticeText),
    ...gaps.map(({ startAt, endAt, reason }) => `gap         ${startAt} to ${endAt}: ${reason}`),
    ...explanation.deviations.map(
      ({ file, path, clause, message }) => `deviation   ${file} ${path}: ${message} (${clause})`,
    ),
  ];
  return lines.filter(line => line !== null).map(line => line.replace(NOT_PRINTABLE, '\uFFFD'));
}

function partyText({ aor, name, joinedAt, leftAt }: ExplainedParty): string {
  const who = name === null || name === '' ? aor : `${name} <${aor}>`;
  return `${who}${joinedAt === null ? '' : `, from ${joinedAt}`}${leftAt === null ? '' : `, until ${leftAt}`}`;
}

function callText(call: NonNullable<Explanation['call']>): string {
  const { redirections, redirectedCall, acd } = call;
  return [
    call.direction,
    `from ${call.callingPartyNumber ?? '(withheld)'} to ${call.calledPartyNumber ?? '(unknown)'}`,
    told('dialled', call.dialedDigits),
    redirections === null
      ? ''
      : `redirected ${redirections.count} times, last by ${redirections.lastRedirectNumber ?? '(unknown)'}, first called ${redirections.originalCalledNumber ?? '(unknown)'}`,
    redirectedCall === null
      ? ''
      : `transferred from ${redirectedCall.fromPartyNumber ?? '(unknown)'} to ${redirectedCall.toPartyNumber ?? '(unknown)'}`,
    acd === null ? '' : `for the queue ${acd.name ?? acd.userId}`,
    `tracking id ${call.trackingId}`,
    told('call id', call.callId),
  ]
    .filter(text => text !== '')
    .join(', ');
}

function noticeText({ kind, language, startedAt, endedAt, to }: ExplainedNotice): string {
  const what = language === null ? kind : `${kind} (${language})`;
  const whom = to.length === 0 ? 'nobody' : to.join(', ');
  return `notice      ${startedAt} to ${endedAt} ${what}, heard by ${whom}`;
}

function told(name: string, value: string | null): string {
  return value === null ? '' : `${name} ${value}`;
}
