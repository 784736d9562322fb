import { type SrsView } from '#metadata';
import { type CountedDeviation, type SrsDeviation } from './deviation';
import { partiesOfLabel } from './parties';
import { type StreamReport } from './recording-stream';

/** RFC 3550 §6.2: the first sender report is due within about 2.5 s, later ones each 5 s. */
const DEFAULT_RTCP_DUE_MS = 8000;

/** What the reference SRS knows of one recording session. Instants in ms since the epoch. */
export interface RecordingFacts {
  readonly callId: string;
  readonly from: string;
  /** Transport and host of the SRC. */
  readonly source: string;
  readonly state: string;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly endedBy: string | null;
  readonly wav: {
    readonly startWallMs: number | null;
    readonly durationMs: number;
    readonly droppedSamples: number;
  };
  readonly sipMessages: number;
  readonly evidenceDropped: number;
  readonly documents: number;
  readonly view: SrsView | null;
  readonly streams: readonly StreamReport[];
  readonly deviations: readonly CountedDeviation[];
}

/** The content of `verdict.json`. */
export function recordingVerdict(facts: RecordingFacts): object {
  return {
    version: 1,
    callId: facts.callId,
    from: facts.from,
    source: facts.source,
    state: facts.state,
    startedAt: iso(facts.startedAtMs),
    endedAt: iso(facts.endedAtMs),
    endedBy: facts.endedBy,
    wavStartsAt: iso(facts.wav.startWallMs),
    wavDurationMs: Math.round(facts.wav.durationMs),
    wavDroppedSamples: facts.wav.droppedSamples,
    sipMessages: facts.sipMessages,
    documents: facts.documents,
    evidenceDropped: facts.evidenceDropped,
    streams: facts.streams.map(stream => ({
      ...stream,
      firstPacketAt: iso(stream.firstPacketAtMs),
      lastPacketAt: iso(stream.lastPacketAtMs),
      parties: stream.label === null ? [] : partiesOfLabel(facts.view, stream.label),
    })),
    conformant: facts.deviations.length === 0,
    deviations: facts.deviations,
  };
}

/** A session that was established must have brought metadata. */
export function checkMetadataCame(documents: number): readonly Omit<SrsDeviation, 'where'>[] {
  return documents > 0
    ? []
    : [
        {
          name: 'no-metadata',
          clause: 'RFC 7866 §9.1',
          message: 'no metadata came in the whole session',
        },
      ];
}

/** Streams that lasted longer than `dueMs` must have brought a sender report. */
export function checkSenderReports(
  streams: readonly StreamReport[],
  dueMs = DEFAULT_RTCP_DUE_MS,
): readonly SrsDeviation[] {
  return streams.flatMap(stream => {
    const lastedMs = (stream.lastPacketAtMs ?? 0) - (stream.firstPacketAtMs ?? 0);
    return stream.senderReports > 0 || lastedMs <= dueMs
      ? []
      : [
          {
            name: 'rtcp-missing',
            clause: 'RFC 7866 §8.1.1',
            message: `${Math.round(lastedMs / 1000)} s of RTP came without a sender report`,
            where: `label ${stream.label ?? '(none)'}`,
          },
        ];
  });
}

function iso(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
