import { type CallDetails, type RecordingDetails } from '../recording-details';
import { type MetadataId } from '../unique-id';
import { type Markup } from '../xml/markup';

/** The namespace of our extension elements (docs/metadata-extension.md). */
export const DETAILS_NAMESPACE = 'urn:siprec-gateway:recording-details:1';
export const DETAILS_ELEMENT = 'recordingdetails';

const PREFIX = 'x';

/** How the document around the details writes. */
export interface DetailsStyle {
  readonly markup: Markup;
  readonly idText: (id: MetadataId) => string;
  readonly time: (epochMs: number) => string;
}

/** Writes our extension element, in the order of its schema. */
export function writeDetails(
  { sessionId, properties, call, events, notices, gaps }: RecordingDetails,
  { markup, idText, time }: DetailsStyle,
): string {
  return markup.element(
    `${PREFIX}:${DETAILS_ELEMENT}`,
    {
      [`xmlns:${PREFIX}`]: DETAILS_NAMESPACE,
      session_id: sessionId === null ? null : idText(sessionId),
    },
    [
      properties === null
        ? ''
        : markup.element(
            'x:properties',
            { mode: properties.mode, retention: properties.retention },
            [
              markup.leaf('x:serviceProvider', properties.serviceProvider),
              markup.leaf('x:externalGroup', properties.externalGroup),
              markup.leaf('x:externalIdentifier', properties.externalIdentifier),
            ],
          ),
      call === null ? '' : writeCall(call, markup),
      ...events.map(({ kind, atMs, by }) =>
        markup.element('x:event', { kind, time: time(atMs), by }),
      ),
      ...notices.map(notice =>
        markup.element(
          'x:announcement',
          {
            kind: notice.kind,
            'xml:lang': notice.language,
            started: time(notice.startedAtMs),
            ended: time(notice.endedAtMs),
          },
          notice.toParticipantIds.map(id => markup.element('x:to', { participant_id: idText(id) })),
        ),
      ),
      ...gaps.map(({ startMs, endMs, reason }) =>
        markup.element('x:gap', { start: time(startMs), end: time(endMs), reason }),
      ),
    ],
  );
}

function writeCall(call: CallDetails, markup: Markup): string {
  const { redirections, redirectedCall, acd } = call;
  return markup.element(
    'x:call',
    { direction: call.direction, trackingId: call.trackingId, callId: call.callId },
    [
      markup.leaf('x:callingPartyNumber', call.callingPartyNumber),
      markup.leaf('x:calledPartyNumber', call.calledPartyNumber),
      markup.leaf('x:dialedDigits', call.dialedDigits),
      redirections === null
        ? ''
        : markup.element('x:redirections', { count: String(redirections.count) }, [
            markup.leaf('x:lastRedirectNumber', redirections.lastRedirectNumber),
            markup.leaf('x:originalCalledNumber', redirections.originalCalledNumber),
          ]),
      redirectedCall === null
        ? ''
        : markup.element('x:redirectedCall', { newTrackingId: redirectedCall.newTrackingId }, [
            markup.leaf('x:fromPartyNumber', redirectedCall.fromPartyNumber),
            markup.leaf('x:toPartyNumber', redirectedCall.toPartyNumber),
          ]),
      acd === null
        ? ''
        : markup.element('x:acd', { userId: acd.userId, countryCode: acd.countryCode }, [
            markup.leaf('x:name', acd.name),
            markup.leaf('x:number', acd.number),
          ]),
    ],
  );
}
