import { formatDateTime } from '../date-time';
import { type MetadataStream, type Participant, type RecordingMetadata } from '../model';
import { type CallDetails, type RecordingDetails } from '../recording-details';
import {
  derivedMetadataId,
  type MetadataId,
  metadataIdToUuid,
  parseMetadataId,
} from '../unique-id';
import { type Markup } from '../xml/markup';
import { isWithoutHistory } from '../recording-log';
import { writeDetails } from './details-writer';
import { type DialectChoice } from './dialect';

/** Of the drafts that preceded RFC 7865. */
export const PRE_STANDARD_NAMESPACE = 'urn:ietf:params:xml:ns:siprec';
export const BROADWORKS_NAMESPACE = 'http://schema.broadsoft.com/broadworksCallRecording';
/** The only value of `recordingType` in public traces, whatever the mode. */
const RECORDING_TYPE = 'on';
const DEFAULT_SCHEMA_VERSION = '3.0';
const DEFAULT_SUBSCRIBER_LABEL = '1';
const NOBODY = 'sip:anonymous@anonymous.invalid';

type BroadWorksChoice = Extract<DialectChoice, { name: 'broadworks' }>;

/**
 * Writes the pre-standard document that BroadWorks and Webex Calling send (docs/broadworks-dialect.md). Ids that
 * the model does not have (of the recording, the group, the extension data) follow from those that it has, so that
 * they stay as long as these do.
 */
export class BroadWorksWriter {
  readonly #markup: Markup;
  readonly #choice: BroadWorksChoice;
  readonly #utcOffsetMinutes: number;

  constructor(markup: Markup, choice: BroadWorksChoice, utcOffsetMinutes: number) {
    this.#markup = markup;
    this.#choice = choice;
    this.#utcOffsetMinutes = utcOffsetMinutes;
  }

  recording(document: RecordingMetadata): string {
    const markup = this.#markup;
    const session = document.sessions[0];
    const sessionId = session?.sessionId ?? null;
    const recordingId = derived(document.streams[0]?.streamId ?? sessionId, 'recording');
    const groupId = document.groups[0]?.groupId ?? derived(sessionId, 'group');
    const participants = presentParticipants(document);
    const { subscriberLabel = DEFAULT_SUBSCRIBER_LABEL } = this.#choice;
    const subscriber = subscriberOf(document, participants, subscriberLabel);
    return markup.element('recording_metadata', { xmlns: PRE_STANDARD_NAMESPACE }, [
      markup.leaf('dataMode', document.dataMode),
      markup.element('recording', { id: urn(recordingId) }, [
        markup.leaf('requestor', 'SRC'),
        markup.leaf('type', 'selective'),
      ]),
      markup.element('group', { id: urn(groupId), recording: urn(recordingId) }, [
        markup.leaf(
          'initiator',
          subscriber === undefined ? null : subscriberAor(document, subscriber),
        ),
      ]),
      markup.element('session', { id: urn(sessionId), group: urn(groupId) }, [
        this.#time('start-time', session?.startTimeMs ?? null),
        this.#time('stop-time', session?.stopTimeMs ?? null),
      ]),
      ...participants.map(participant =>
        this.#participant(document, participant, participant === subscriber, sessionId),
      ),
      ...document.streams.map(stream =>
        markup.element('stream', { id: urn(stream.streamId), session: urn(stream.sessionId) }, [
          markup.leaf('label', stream.label),
          markup.leaf('mode', isMixed(document, stream) ? 'mixed' : 'separate'),
        ]),
      ),
      markup.element(
        'extensiondata',
        { id: urn(derived(recordingId, 'extensiondata')), parent: urn(sessionId) },
        [this.#block(document), this.#ownBlock(document.details)],
      ),
    ]);
  }

  #participant(
    document: RecordingMetadata,
    participant: Participant,
    isSubscriber: boolean,
    sessionId: MetadataId | null,
  ): string {
    const markup = this.#markup;
    const { participantId, nameIds } = participant;
    const [nameId] = nameIds;
    return markup.element('participant', { id: urn(participantId), session: urn(sessionId) }, [
      markup.leaf(
        'aor',
        isSubscriber ? subscriberAor(document, participant) : (nameId?.aor ?? NOBODY),
      ),
      markup.leaf('name', this.#choice.displayNames === false ? null : (nameId?.name ?? null)),
      ...sentBy(document, participantId).map(id =>
        markup.element('send', {}, [markup.leaf('id', urn(id))]),
      ),
    ]);
  }

  /** The children in the order of public traces. */
  #block({ details, sessions }: RecordingMetadata): string {
    const markup = this.#markup;
    const { properties = null, call = null } = details ?? {};
    const sessionId = sessions[0]?.sessionId;
    const trackingId = call?.trackingId ?? (sessionId === undefined ? '' : dashed(sessionId));
    const version = this.#choice.schemaVersion ?? DEFAULT_SCHEMA_VERSION;
    return markup.element('broadWorksRecordingMetadata', { xmlns: BROADWORKS_NAMESPACE, version }, [
      markup.leaf('extTrackingID', trackingId),
      markup.leaf('serviceProviderID', properties?.serviceProvider ?? null),
      markup.leaf('groupID', properties?.externalGroup ?? null),
      markup.leaf('userID', properties?.externalIdentifier ?? null),
      markup.leaf('callID', call?.callId ?? null),
      call === null ? '' : markup.element('callType', {}, [this.#callType(call)]),
      markup.leaf('recordingType', RECORDING_TYPE),
      call === null ? '' : this.#redirectedCall(call),
      call === null ? '' : this.#acd(call),
    ]);
  }

  /** A withheld number is an empty element (our assumption). */
  #callType(call: CallDetails): string {
    const markup = this.#markup;
    const { redirections } = call;
    const numbers = [
      markup.leaf('callingPartyNumber', call.callingPartyNumber ?? ''),
      markup.leaf('calledPartyNumber', call.calledPartyNumber ?? ''),
    ];
    if (call.direction === 'outbound') {
      return markup.element('origCall', {}, [
        ...numbers,
        markup.leaf('dialedDigits', call.dialedDigits),
      ]);
    }
    return markup.element('termCall', {}, [
      ...numbers,
      redirections === null
        ? ''
        : markup.element('redirectInfo', {}, [
            markup.leaf('lastRedirectNumber', redirections.lastRedirectNumber),
            markup.leaf('origCalledNumber', redirections.originalCalledNumber),
            markup.leaf('numOfRedirections', String(redirections.count)),
          ]),
    ]);
  }

  /** The last name is spelled as the platform spells it. */
  #redirectedCall({ redirectedCall }: CallDetails): string {
    const markup = this.#markup;
    return redirectedCall === null
      ? ''
      : markup.element('redirectedCall', {}, [
          markup.leaf('newExtTrackingID', redirectedCall.newTrackingId),
          markup.leaf('redirectedFromPartyNumber', redirectedCall.fromPartyNumber ?? ''),
          markup.leaf('redirectedToPartynumber', redirectedCall.toPartyNumber ?? ''),
        ]);
  }

  #acd({ acd }: CallDetails): string {
    const markup = this.#markup;
    return acd === null
      ? ''
      : markup.element('acd', {}, [
          markup.leaf('acdUserId', acd.userId),
          markup.leaf('acdName', acd.name),
          markup.leaf('acdNumber', acd.number, { countryCode: acd.countryCode }),
        ]);
  }

  /** Mode, events, notices and gaps; identity and call stand in the platform's own block. Our assumption. */
  #ownBlock(details: RecordingDetails | undefined): string {
    if (details === undefined || this.#choice.reportsEvents === false) {
      return '';
    }
    const { mode = null, retention = null } = details.properties ?? {};
    const nobody = { serviceProvider: null, externalGroup: null, externalIdentifier: null };
    const properties = mode === null && retention === null ? null : { mode, retention, ...nobody };
    return properties === null && isWithoutHistory(details)
      ? ''
      : writeDetails(
          { ...details, properties, call: null },
          { markup: this.#markup, idText: urn, time: epochMs => this.#dateTime(epochMs) },
        );
  }

  #time(name: string, epochMs: number | null): string {
    return this.#markup.leaf(name, epochMs === null ? null : this.#dateTime(epochMs));
  }

  /** The platform writes a numeric offset, never `Z`. */
  #dateTime(epochMs: number): string {
    return formatDateTime(epochMs, this.#utcOffsetMinutes).replace(/Z$/, '+00:00');
  }
}

/** Who has left is not told any more, until the whole session ends. */
function presentParticipants(document: RecordingMetadata): readonly Participant[] {
  const { sessions, participants, participantSessionAssociations } = document;
  const stopTimeMs = sessions[0]?.stopTimeMs ?? null;
  const hasLeft = (id: MetadataId): boolean =>
    participantSessionAssociations.some(
      ({ participantId, disassociateTimeMs }) =>
        participantId === id && disassociateTimeMs !== null && disassociateTimeMs !== stopTimeMs,
    );
  return participants.filter(({ participantId }) => !hasLeft(participantId));
}

/** The recorded user: whoever sends the stream with the subscriber's label. */
function subscriberOf(
  document: RecordingMetadata,
  participants: readonly Participant[],
  subscriberLabel: string,
): Participant | undefined {
  const streamId = document.streams.find(({ label }) => label === subscriberLabel)?.streamId;
  const sender = participants.find(
    ({ participantId }) =>
      streamId !== undefined && sentBy(document, participantId).includes(streamId),
  );
  return sender ?? participants[0];
}

/** The platform names the recorded user by its identifier there, where that is an address. */
function subscriberAor({ details }: RecordingMetadata, { nameIds }: Participant): string {
  const identifier = details?.properties?.externalIdentifier ?? '';
  return identifier.includes('@') ? `sip:${identifier}` : (nameIds[0]?.aor ?? NOBODY);
}

function sentBy(
  { participantStreamAssociations }: RecordingMetadata,
  id: MetadataId,
): readonly MetadataId[] {
  return (
    participantStreamAssociations.find(({ participantId }) => participantId === id)?.send ?? []
  );
}

/** One stream that several send is mixed; streams beside others are separate. */
function isMixed(document: RecordingMetadata, { streamId }: MetadataStream): boolean {
  const senders = document.participantStreamAssociations.filter(({ send }) =>
    send.includes(streamId),
  );
  return document.streams.length === 1 && senders.length > 1;
}

function derived(id: MetadataId | null, name: string): MetadataId | null {
  return id === null ? null : derivedMetadataId(id, name);
}

/** An id as the platform writes it; an illegal one of a peer as it came. */
function urn(id: MetadataId): string;
function urn(id: MetadataId | null): string | null;
function urn(id: MetadataId | null): string | null {
  return id === null || parseMetadataId(id) === null ? id : `urn:uuid:${metadataIdToUuid(id)}`;
}

function dashed(id: MetadataId): string {
  return parseMetadataId(id) === null ? id : metadataIdToUuid(id);
}
