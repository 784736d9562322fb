import { isDeepStrictEqual } from 'node:util';
import {
  type CallDetails,
  type PlayedNotice,
  type RecordingDetails,
  type RecordingEvent,
  type RecordingGap,
  type RecordingProperties,
} from './recording-details';
import { shorten } from './shorten';
import { type MetadataId } from './unique-id';

/** A complete document repeats the newest of each; it must stay small enough to be sent. */
const MAX_EVENTS = 32;
const MAX_ANNOUNCEMENTS = 32;
/** Reminder tones go on as long as the call: a complete document names the last ones only. */
const MAX_TONES = 8;
const MAX_GAPS = 32;
const MAX_TEXT_CHARACTERS = 64;

/** What a tracker knows of one recording beyond RFC 7865. Bounded. */
export class RecordingLog {
  #properties: RecordingProperties | null = null;
  #call: CallDetails | null = null;
  #events: readonly RecordingEvent[] = [];
  #notices: readonly PlayedNotice[] = [];
  #gaps: readonly RecordingGap[] = [];

  set properties(properties: RecordingProperties) {
    this.#properties = properties;
  }

  set call(call: CallDetails) {
    this.#call = call;
  }

  addEvent(event: RecordingEvent): void {
    const by = shorten(event.by, MAX_TEXT_CHARACTERS);
    this.#events = [...this.#events, { ...event, by }].slice(-MAX_EVENTS);
  }

  addNotice(notice: PlayedNotice): void {
    const all = this.#notices.concat(notice);
    const tones = all.filter(isTone).slice(-MAX_TONES);
    const announcements = all.filter(each => !isTone(each)).slice(-MAX_ANNOUNCEMENTS);
    this.#notices = all.filter(each => tones.includes(each) || announcements.includes(each));
  }

  addGap(gap: RecordingGap): void {
    const reason = shorten(gap.reason, MAX_TEXT_CHARACTERS);
    this.#gaps = [...this.#gaps, { ...gap, reason }].slice(-MAX_GAPS);
  }

  /** The ids of participants have changed. */
  mapParticipants(newId: (id: MetadataId) => MetadataId): void {
    this.#notices = this.#notices.map(notice => ({
      ...notice,
      toParticipantIds: notice.toParticipantIds.map(newId),
    }));
  }

  /** @param isKnown who is in the document. Undefined when there is nothing to tell. */
  toDetails(
    sessionId: MetadataId,
    isKnown: (id: MetadataId) => boolean,
  ): RecordingDetails | undefined {
    const details: RecordingDetails = {
      sessionId,
      properties: this.#properties,
      call: this.#call,
      events: this.#events,
      notices: this.#notices.map(notice => ({
        ...notice,
        toParticipantIds: notice.toParticipantIds.filter(isKnown),
      })),
      gaps: this.#gaps,
    };
    return isEmptyDetails(details) ? undefined : details;
  }
}

export function isEmptyDetails({ properties, call, ...lists }: RecordingDetails): boolean {
  return properties === null && call === null && isWithoutHistory(lists);
}

/** Nothing has happened yet that is worth telling. */
export function isWithoutHistory({
  events,
  notices,
  gaps,
}: Pick<RecordingDetails, 'events' | 'notices' | 'gaps'>): boolean {
  return events.length === 0 && notices.length === 0 && gaps.length === 0;
}

/** What a partial document tells: new events, notices and gaps, and what else has changed, whole. */
export function changedDetails(
  before: RecordingDetails | undefined,
  after: RecordingDetails | undefined,
): RecordingDetails | undefined {
  if (after === undefined || isDeepStrictEqual(before, after)) {
    return undefined;
  }
  const isNew = <T>(known: readonly T[] | undefined, item: T): boolean =>
    known?.some(old => isDeepStrictEqual(old, item)) !== true;
  return {
    sessionId: after.sessionId,
    properties: isDeepStrictEqual(before?.properties, after.properties) ? null : after.properties,
    call: isDeepStrictEqual(before?.call, after.call) ? null : after.call,
    events: after.events.filter(event => isNew(before?.events, event)),
    notices: after.notices.filter(notice => isNew(before?.notices, notice)),
    gaps: after.gaps.filter(gap => isNew(before?.gaps, gap)),
  };
}

function isTone({ kind }: PlayedNotice): boolean {
  return kind === 'reminder' || kind === 'beep';
}
