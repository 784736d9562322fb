import { readFileSync, statSync } from 'node:fs';
import { errorMessage, isGatewayError } from '#core';
import {
  applyMetadata,
  checkMetadata,
  formatDateTime,
  type MetadataId,
  parseMetadata,
  type RecordingDetails,
  type SpokenDialect,
  type SrsView,
} from '#metadata';
import { LabError } from '../errors';

/** What documents of one recording session say together, ready for JSON. Times are of RFC 3339. */
export interface Explanation {
  readonly documents: readonly { file: string; dialect: SpokenDialect; dataMode: string }[];
  readonly session: { startedAt: string | null; stoppedAt: string | null };
  /** In the order of the streams. */
  readonly channels: readonly ExplainedChannel[];
  /** Who takes part and is heard nowhere. */
  readonly silent: readonly ExplainedParty[];
  readonly properties: RecordingDetails['properties'];
  readonly call: RecordingDetails['call'];
  readonly events: readonly { kind: string; at: string; by: string }[];
  readonly announcements: readonly ExplainedNotice[];
  readonly gaps: readonly { startAt: string; endAt: string; reason: string }[];
  readonly deviations: readonly { file: string; path: string; clause: string; message: string }[];
}

export interface ExplainedChannel {
  readonly label: string;
  /** Who speaks or spoke there. */
  readonly parties: readonly ExplainedParty[];
}

export interface ExplainedParty {
  readonly aor: string;
  readonly name: string | null;
  readonly joinedAt: string | null;
  readonly leftAt: string | null;
}

export interface ExplainedNotice {
  readonly kind: string;
  readonly language: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Addresses of those who heard it. */
  readonly to: readonly string[];
}

/** Far above what a document may have. */
const MAX_BYTES = 1024 * 1024;

/**
 * Explains the documents of one recording session, in the order in which they were sent; either dialect.
 *
 * @throws LabError `REC_ERR_LAB_BAD_FILE` for a file that cannot be read or is no recording metadata; the message
 * names the file and the place.
 */
export function explainFiles(files: readonly string[]): Explanation {
  return explainDocuments(files.map(file => ({ file, xml: read(file) })));
}

/** @throws LabError `REC_ERR_LAB_BAD_FILE`. */
export function explainDocuments(
  sources: readonly { readonly file: string; readonly xml: string }[],
): Explanation {
  const documents: Explanation['documents'][number][] = [];
  const deviations: Explanation['deviations'][number][] = [];
  const channels = new Map<string, Map<MetadataId, ExplainedParty>>();
  let view: SrsView | null = null;
  for (const { file, xml } of sources) {
    const parsed = inFile(file, () => parseMetadata(xml));
    const { document, dialect } = parsed;
    if (document.kind === 'snapshot-request') {
      throw badFile(file, 'a request for a snapshot, which describes no recording');
    }
    const previous: { previous?: SrsView } = view === null ? {} : { previous: view };
    deviations.push(...checkMetadata(parsed, previous).map(each => ({ file, ...each })));
    documents.push({ file, dialect, dataMode: document.dataMode });
    view = applyMetadata(view, document);
    addSpeakers(channels, view);
  }
  const metadata = view?.metadata;
  const session = metadata?.sessions[0];
  const details = metadata?.details;
  const speakers = new Set([...channels.values()].flatMap(parties => [...parties.keys()]));
  return {
    documents,
    session: { startedAt: iso(session?.startTimeMs), stoppedAt: iso(session?.stopTimeMs) },
    channels: [...channels].map(([label, parties]) => ({ label, parties: [...parties.values()] })),
    silent: (metadata?.participants ?? [])
      .filter(({ participantId }) => !speakers.has(participantId))
      .map(({ participantId }) => partyOf(view, participantId)),
    properties: details?.properties ?? null,
    call: details?.call ?? null,
    events: (details?.events ?? []).map(({ kind, atMs, by }) => ({ kind, at: time(atMs), by })),
    announcements: (details?.notices ?? []).map(notice => ({
      kind: notice.kind,
      language: notice.language,
      startedAt: time(notice.startedAtMs),
      endedAt: time(notice.endedAtMs),
      to: notice.toParticipantIds.map(id => partyOf(view, id).aor),
    })),
    gaps: (details?.gaps ?? []).map(({ startMs, endMs, reason }) => ({
      startAt: time(startMs),
      endAt: time(endMs),
      reason,
    })),
    deviations,
  };
}

/** From the label to the stream, from the stream to those who send it; who left stays listed. */
function addSpeakers(channels: Map<string, Map<MetadataId, ExplainedParty>>, view: SrsView): void {
  const { streams, participantStreamAssociations } = view.metadata;
  for (const { streamId, label } of streams) {
    const name = label ?? '(none)';
    const parties = channels.get(name) ?? new Map<MetadataId, ExplainedParty>();
    channels.set(name, parties);
    const senders = participantStreamAssociations.filter(({ send }) => send.includes(streamId));
    const known = view.metadata.participants.map(({ participantId }) => participantId);
    for (const id of known) {
      if (parties.has(id) || senders.some(({ participantId }) => participantId === id)) {
        const party = partyOf(view, id);
        // Whoever is known by another id now, e.g. after a transfer in the BroadWorks dialect, is still one person.
        const before = [...parties].find(
          ([oldId, { aor }]) => oldId !== id && aor === party.aor && !known.includes(oldId),
        );
        if (before !== undefined) {
          parties.delete(before[0]);
        }
        parties.set(id, party);
      }
    }
  }
}

function partyOf(view: SrsView | null, id: MetadataId): ExplainedParty {
  const metadata = view?.metadata;
  const nameId = metadata?.participants.find(({ participantId }) => participantId === id)
    ?.nameIds[0];
  const times = metadata?.participantSessionAssociations.find(
    ({ participantId }) => participantId === id,
  );
  return {
    aor: nameId?.aor ?? '(unknown)',
    name: nameId?.name ?? null,
    joinedAt: iso(times?.associateTimeMs),
    leftAt: iso(times?.disassociateTimeMs),
  };
}

function read(file: string): string {
  return inFile(file, () => {
    const { size } = statSync(file);
    if (size > MAX_BYTES) {
      throw badFile(file, `${size} bytes, ${MAX_BYTES} at most`);
    }
    return readFileSync(file, 'utf8');
  });
}

function inFile<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LabError) {
      throw error;
    }
    const code = isGatewayError(error) ? `${error.code}: ` : '';
    throw badFile(file, `${code}${errorMessage(error)}`, error);
  }
}

function badFile(file: string, what: string, cause?: unknown): LabError {
  return new LabError('REC_ERR_LAB_BAD_FILE', `${file}: ${what}`, { cause, details: { file } });
}

function iso(epochMs: number | null | undefined): string | null {
  return epochMs === null || epochMs === undefined ? null : time(epochMs);
}

function time(epochMs: number): string {
  return formatDateTime(epochMs);
}
