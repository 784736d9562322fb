import { errorMessage } from '#core';
import { applyMetadata, checkMetadata, parseMetadata, type SrsView } from '#metadata';
import { type DeviationLog } from './deviation';
import { type EvidenceStore } from './evidence-store';
import { type RecordingBody } from './recording-body';

/** The documents of one recording session: kept, judged, and put together to what the SRS knows. */
export class MetadataIntake {
  readonly #store: EvidenceStore;
  readonly #deviations: DeviationLog;
  #view: SrsView | null = null;
  #documents = 0;
  #completeDocuments = 0;
  #mediaType = 'application/rs-metadata+xml';

  constructor(store: EvidenceStore, deviations: DeviationLog) {
    this.#store = store;
    this.#deviations = deviations;
  }

  /** What all documents say together; null before the first readable one. */
  get view(): SrsView | null {
    return this.#view;
  }

  /** Documents received. */
  get documents(): number {
    return this.#documents;
  }

  /** Full snapshots among them. */
  get completeDocuments(): number {
    return this.#completeDocuments;
  }

  /** The media type that the SRC uses. */
  get mediaType(): string {
    return this.#mediaType;
  }

  /** @param sdpLabels labels of the SDP in the same message; empty without one (RFC 7866 §9.1). */
  take(metadata: NonNullable<RecordingBody['metadata']>, sdpLabels: readonly string[]): void {
    this.#mediaType = metadata.mediaType;
    this.#store.addDocument(metadata.bytes);
    this.#documents += 1;
    const where = this.#store.newestDocument;
    try {
      const parsed = parseMetadata(metadata.bytes.toString('utf8'));
      const context = { sdpLabels, previous: this.#view };
      for (const { clause, message, path } of checkMetadata(parsed, context)) {
        this.#deviations.add({ name: 'metadata', clause, message, where: `${where} ${path}` });
      }
      if (parsed.document.kind === 'recording') {
        this.#completeDocuments += parsed.document.dataMode === 'complete' ? 1 : 0;
        this.#view = applyMetadata(this.#view, parsed.document);
      }
    } catch (error) {
      const clause = 'RFC 7865 §5.1';
      this.#deviations.add({ name: 'metadata', clause, message: errorMessage(error), where });
    }
  }
}
