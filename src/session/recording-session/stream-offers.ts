import { isDeepStrictEqual } from 'node:util';

import { type PayloadFormat, type SrtpSuite } from '#core';
import { type MediaRecording } from '#media';
import { type RecordingStreamOffer } from '#sip';

export interface StreamOffersOptions {
  readonly streams: MediaRecording['streams'];
  /** Suites that the streams are offered with now; empty or absent: plain RTP. */
  readonly srtpSuites?: () => readonly SrtpSuite[];
  /** Whether the SRS is told by its SDP that the sender of the n-th stream is held now. Absent: never. */
  readonly isHeld?: (streamIndex: number) => boolean;
  /** Of all streams that are not held. */
  readonly direction: () => RecordingStreamOffer['direction'];
}

/** What an SRS is offered of the streams of one recording, and whether it has been offered just that already. */
export class StreamOffers {
  readonly #options: StreamOffersOptions;
  #formats: readonly (readonly PayloadFormat[])[] = [];
  /** What was offered last; null: nothing yet. */
  #offered: readonly RecordingStreamOffer[] | null = null;

  constructor(options: StreamOffersOptions) {
    this.#options = options;
  }

  /** Per stream, in order; what the streams may carry. */
  get formats(): readonly (readonly PayloadFormat[])[] {
    return this.#formats;
  }

  setFormats(formats: readonly (readonly PayloadFormat[])[]): void {
    this.#formats = formats;
  }

  /** An offer that is made now. */
  make(): readonly RecordingStreamOffer[] {
    this.#offered = this.#now();
    return this.#offered;
  }

  /** Whether the offer of this moment is another than the last. A pause that is filled does not show, only in the metadata. */
  get hasChanged(): boolean {
    return !isDeepStrictEqual(this.#now(), this.#offered);
  }

  #now(): readonly RecordingStreamOffer[] {
    const { streams, srtpSuites, isHeld, direction } = this.#options;
    const suites = srtpSuites?.() ?? [];
    return streams.map((stream, index) => ({
      ...(suites.length === 0 ? {} : { srtpSuites: suites }),
      label: stream.label,
      local: stream.local,
      formats: this.#formats[index] ?? [],
      direction: isHeld?.(index) === true ? 'inactive' : direction(),
    }));
  }
}
