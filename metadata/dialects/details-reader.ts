import { type RecordingMode } from '#core';
import { parseDateTime, parseLenientDateTime } from '../date-time';
import { type XmlElement } from '../model';
import {
  type AutomaticCallDistribution,
  type CallDetails,
  NOTICE_KINDS,
  type PlayedNotice,
  RECORDING_EVENT_KINDS,
  type RecordingDetails,
  type RecordingEvent,
  type RecordingGap,
  type RecordingProperties,
  type RedirectedCall,
  type Redirections,
  RETENTIONS,
} from '../recording-details';
import { isEmptyDetails } from '../recording-log';
import { isUuid, type MetadataId, metadataIdFromUuid, parseMetadataId } from '../unique-id';
import { type DeviationList, quote } from '../xml/deviations';
import { childrenNamed, childText, type Located } from '../xml/values';
import { DETAILS_ELEMENT, DETAILS_NAMESPACE } from './details-writer';

const CLAUSE = 'docs/metadata-extension.md';
const MODES = [
  'never',
  'always',
  'always-with-pause-resume',
  'on-demand',
  'on-demand-keep',
] as const satisfies readonly RecordingMode[];

export function isDetails({ namespace, name }: XmlElement): boolean {
  return namespace === DETAILS_NAMESPACE && name === DETAILS_ELEMENT;
}

/**
 * Reads our extension element wherever a dialect puts it. What cannot be understood is left out and listed.
 * @returns undefined when nothing is left.
 */
export function readDetails(
  located: Located,
  deviations: DeviationList,
): RecordingDetails | undefined {
  const first = <T>(name: string, read: (item: Located, list: DeviationList) => T): T | null => {
    const child = childrenNamed(located, name)[0];
    return child === undefined ? null : read(child, deviations);
  };
  const all = <T>(name: string, read: (item: Located, list: DeviationList) => T | null): T[] =>
    childrenNamed(located, name).flatMap(child => read(child, deviations) ?? []);
  const details: RecordingDetails = {
    sessionId: readIdOf(located, 'session_id', deviations),
    properties: first('properties', readProperties),
    call: first('call', readCall),
    events: all('event', readEvent),
    notices: all('announcement', readNotice),
    gaps: all('gap', readGap),
  };
  return isEmptyDetails(details) ? undefined : details;
}

function readProperties(located: Located, deviations: DeviationList): RecordingProperties {
  return {
    mode: readWord(located, 'mode', MODES, deviations),
    retention: readWord(located, 'retention', RETENTIONS, deviations),
    serviceProvider: textOf(located, 'serviceProvider'),
    externalGroup: textOf(located, 'externalGroup'),
    externalIdentifier: textOf(located, 'externalIdentifier'),
  };
}

function readEvent(located: Located, deviations: DeviationList): RecordingEvent | null {
  const kind = requireWord(located, 'kind', RECORDING_EVENT_KINDS, deviations);
  const atMs = requireTime(located, 'time', deviations);
  const by = located.element.attributes['by'] ?? '';
  return kind === null || atMs === null ? null : { kind, atMs, by };
}

function readNotice(located: Located, deviations: DeviationList): PlayedNotice | null {
  const kind = requireWord(located, 'kind', NOTICE_KINDS, deviations);
  const startedAtMs = requireTime(located, 'started', deviations);
  const endedAtMs = requireTime(located, 'ended', deviations);
  return kind === null || startedAtMs === null || endedAtMs === null
    ? null
    : {
        kind,
        language: located.element.attributes['xml:lang'] ?? null,
        startedAtMs,
        endedAtMs,
        toParticipantIds: childrenNamed(located, 'to').flatMap(
          to => readIdOf(to, 'participant_id', deviations) ?? [],
        ),
      };
}

function readGap(located: Located, deviations: DeviationList): RecordingGap | null {
  const startMs = requireTime(located, 'start', deviations);
  const endMs = requireTime(located, 'end', deviations);
  const reason = located.element.attributes['reason'] ?? '';
  return startMs === null || endMs === null ? null : { startMs, endMs, reason };
}

function readCall(located: Located, deviations: DeviationList): CallDetails | null {
  const direction = requireWord(located, 'direction', ['inbound', 'outbound'], deviations);
  const child = (name: string): Located | undefined => childrenNamed(located, name)[0];
  return (
    direction && {
      trackingId: attributeOf(located, 'trackingId') ?? '',
      callId: attributeOf(located, 'callId'),
      direction,
      callingPartyNumber: textOf(located, 'callingPartyNumber'),
      calledPartyNumber: textOf(located, 'calledPartyNumber'),
      dialedDigits: textOf(located, 'dialedDigits'),
      redirections: readRedirections(child('redirections')),
      redirectedCall: readRedirectedCall(child('redirectedCall')),
      acd: readAcd(child('acd')),
    }
  );
}

function readRedirections(located: Located | undefined): Redirections | null {
  return located === undefined
    ? null
    : {
        lastRedirectNumber: textOf(located, 'lastRedirectNumber'),
        originalCalledNumber: textOf(located, 'originalCalledNumber'),
        count: readCount(attributeOf(located, 'count')),
      };
}

function readRedirectedCall(located: Located | undefined): RedirectedCall | null {
  return located === undefined
    ? null
    : {
        newTrackingId: attributeOf(located, 'newTrackingId') ?? '',
        fromPartyNumber: textOf(located, 'fromPartyNumber'),
        toPartyNumber: textOf(located, 'toPartyNumber'),
      };
}

function readAcd(located: Located | undefined): AutomaticCallDistribution | null {
  return located === undefined
    ? null
    : {
        userId: attributeOf(located, 'userId') ?? '',
        name: textOf(located, 'name'),
        number: textOf(located, 'number'),
        countryCode: attributeOf(located, 'countryCode'),
      };
}

/** A number of redirections, 1 when it is none. */
export function readCount(text: string | null): number {
  return text !== null && /^[1-9]\d{0,5}$/.test(text) ? Number(text) : 1;
}

/** The text of the first such child without white space around it; null when absent or empty. */
export function textOf(parent: Located, name: string): string | null {
  return orNull(childText(parent, name));
}

function attributeOf({ element }: Located, name: string): string | null {
  return orNull(element.attributes[name]?.trim());
}

/** Nothing but a text with something in it. */
export function orNull(text: string | null | undefined): string | null {
  return text === undefined || text === '' ? null : text;
}

/** A base64 id, or `urn:uuid:…` as the BroadWorks dialect writes it; null when absent or neither. */
function readIdOf(
  { element, path }: Located,
  name: string,
  deviations: DeviationList,
): MetadataId | null {
  const text = element.attributes[name]?.trim();
  if (text === undefined) {
    return null;
  }
  const id = parseMetadataId(text) ?? (isUuid(text) ? metadataIdFromUuid(text) : null);
  if (id === null) {
    deviations.add(CLAUSE, `${quote(text)} is no id`, `${path}/@${name}`);
  }
  return id;
}

/** null when absent, or unknown (then it is listed). */
function readWord<T extends string>(
  { element, path }: Located,
  name: string,
  words: readonly T[],
  deviations: DeviationList,
): T | null {
  const text = element.attributes[name];
  const word = words.find(each => each === text);
  if (text !== undefined && word === undefined) {
    deviations.add(CLAUSE, `the ${name} ${quote(text)} is not known`, `${path}/@${name}`);
  }
  return word ?? null;
}

function requireWord<T extends string>(
  located: Located,
  name: string,
  words: readonly T[],
  deviations: DeviationList,
): T | null {
  requireAttribute(located, name, deviations);
  return readWord(located, name, words, deviations);
}

function requireTime(located: Located, name: string, deviations: DeviationList): number | null {
  const text = requireAttribute(located, name, deviations);
  if (text === undefined) {
    return null;
  }
  const strict = parseDateTime(text);
  if (strict === null) {
    const message = `${quote(text)} is no date and time of RFC 3339`;
    deviations.add(CLAUSE, message, `${located.path}/@${name}`);
  }
  return strict ?? parseLenientDateTime(text);
}

function requireAttribute(
  { element, path }: Located,
  name: string,
  deviations: DeviationList,
): string | undefined {
  const text = element.attributes[name];
  if (text === undefined) {
    deviations.add(CLAUSE, `the attribute ${name} is missing`, path);
  }
  return text;
}
