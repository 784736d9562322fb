import { type MetadataId, metadataIdToUuid } from '../unique-id';

/** Which language of metadata an SRS is spoken to in. */
export type DialectChoice =
  | { readonly name: 'rfc7865' }
  | {
      readonly name: 'broadworks';
      /** Default 3.0. */
      readonly schemaVersion?: BroadWorksSchemaVersion;
      /** Start, stop, pause, resume and notices in our own block (our assumption). Default true. */
      readonly reportsEvents?: boolean;
      /** Label of the recorded party's stream. Default `1`. */
      readonly subscriberLabel?: string;
      /** Display names of participants; none are seen in public traces (our assumption). Default true. */
      readonly displayNames?: boolean;
    };

export type DialectName = DialectChoice['name'];

export const BROADWORKS_SCHEMA_VERSIONS = ['1.0', '2.0', '3.0'] as const;
export type BroadWorksSchemaVersion = (typeof BROADWORKS_SCHEMA_VERSIONS)[number];

/** How the recording session signals what happens, so that it agrees with the dialect. */
export interface DialectFlow {
  /** What goes with the re-INVITE of a pause or a resume: the event in metadata, or nothing but SDP. */
  readonly pause: 'sdp-and-metadata' | 'sdp-only';
  /**
   * How a recorded call that was transferred goes on: by whatever changed, or by an SDP-only re-INVITE followed by
   * one with a complete document in which every id is new ({@link RecordingMetadata.transferred} of the session layer).
   */
  readonly transfer: 'update' | 'sdp-only-then-complete-with-new-ids';
  /** Documents after the first one: what changed, or everything again. */
  readonly updates: 'partial' | 'complete';
  /** Whether hold shows in who sends and receives what (RFC 8068 §3.2.2), or in the SDP alone. */
  readonly hold: 'metadata' | 'sdp-only';
  /** Whether a document that names labels needs the SDP which defines them in the same message (RFC 7866 §9.1). */
  readonly labelsNeedSdp: boolean;
  /** Whether the last facts go in an UPDATE before a BYE that has no metadata, or are not told at all. */
  readonly lastFacts: 'update-before-bye' | 'untold';
}

/** What the headers of a recording session's INVITE are made from. */
export interface DialectHeaderFacts {
  /** Of the call; see {@link CallDetails.trackingId}. It stays as it was at setup. */
  readonly trackingId: string;
  /** Any id that is unique to this recording session. */
  readonly recordingSessionId: MetadataId;
}

const FLOWS: Readonly<Record<DialectName, DialectFlow>> = {
  rfc7865: {
    pause: 'sdp-and-metadata',
    transfer: 'update',
    updates: 'partial',
    hold: 'metadata',
    labelsNeedSdp: true,
    lastFacts: 'update-before-bye',
  },
  broadworks: {
    pause: 'sdp-only',
    transfer: 'sdp-only-then-complete-with-new-ids',
    updates: 'complete',
    hold: 'sdp-only',
    labelsNeedSdp: false,
    lastFacts: 'update-before-bye',
  },
};

export function dialectFlow(choice: DialectChoice): DialectFlow {
  const flow = FLOWS[choice.name];
  // Without events BroadWorks is imitated as it is: it ends with a BYE alone.
  const isSilent = choice.name === 'broadworks' && choice.reportsEvents === false;
  return isSilent ? { ...flow, lastFacts: 'untold' } : flow;
}

/**
 * The headers that the dialect adds to the INVITE of a recording session. BroadWorks: the tracking id, and a
 * Session-ID whose remote half is not known yet (RFC 7989 §6).
 */
export function dialectHeaders(
  { name }: DialectChoice,
  { trackingId, recordingSessionId }: DialectHeaderFacts,
): Readonly<Record<string, string>> {
  if (name === 'rfc7865') {
    return {};
  }
  const local = metadataIdToUuid(recordingSessionId).replaceAll('-', '');
  return {
    'X-BroadWorks-Correlation-Info': trackingId,
    'Session-ID': `${local};remote=${'0'.repeat(32)}`,
  };
}
