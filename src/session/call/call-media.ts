import { type LegRole, type Logger } from '#core';
import { type DtmfPress, type MediaCall } from '#media';
import { type IncomingCall } from '#sip';

import { CallControls } from '../controls/call-controls';
import { CallRecordings } from '../recording/call-recordings';
import { type CallDeps } from '../deps';
import { type CallContext } from './call-context';
import { CallLegs } from './call-legs';

/** What a call does about events of its media. */
export interface CallMediaEvents {
  legTimedOut(role: LegRole): void;
  mediaLost(cause: string): void;
}

/** All that a call has only when its media passes through us: legs, recordings, controls. */
export class CallMedia {
  readonly legs: CallLegs;
  readonly recordings: CallRecordings;
  readonly controls: CallControls;
  readonly #media: MediaCall;

  private constructor(
    media: MediaCall,
    legs: CallLegs,
    recordings: CallRecordings,
    controls: CallControls,
  ) {
    this.#media = media;
    this.legs = legs;
    this.recordings = recordings;
    this.controls = controls;
  }

  /** Opens the ports of both legs. @throws MediaError without ports or for an unknown network; nothing stays open then. */
  static async open(
    call: IncomingCall,
    networks: Readonly<Record<LegRole, string>>,
    deps: CallDeps,
    logger: Logger,
    about: Pick<CallContext, 'parties' | 'barred' | 'emit'>,
    events: CallMediaEvents,
  ): Promise<CallMedia> {
    let opened: CallMedia | null = null;
    const media = deps.media.openCall(
      { callId: call.id },
      {
        legTimedOut: legId => events.legTimedOut(legId as LegRole),
        intruderSeen: (legId, source) =>
          logger.warn('rtp from a foreign source refused', { leg: legId, source }),
        recordingUnreachable: (recordingId, label) => {
          logger.error('recorder does not listen for rtp', { recordingId, label });
          opened?.recordings.markUnreachable(recordingId, label);
        },
        dtmfReceived: (legId, press: DtmfPress) =>
          opened?.controls.keyPressed(legId as LegRole, press),
        mediaLost: cause => events.mediaLost(cause),
      },
    );
    try {
      const legs = await CallLegs.open(media, networks);
      const recordings = new CallRecordings({ call, media, legs, deps, logger, ...about });
      const { featureCodes: codes } = deps.settings.callPolicy;
      const controls = new CallControls({ call, legs, recordings, codes, deps });
      recordings.onChange(() => controls.holdKeys());
      opened = new CallMedia(media, legs, recordings, controls);
      return opened;
    } catch (error) {
      await media.close();
      throw error;
    }
  }

  /** What each party sends, dBFS; null while nobody watches. */
  level(role: LegRole): number | null {
    return this.#media.levels().find(({ legId }) => legId === role)?.dbfs ?? null;
  }

  watchLevels(on: boolean): void {
    this.#media.watchLevels(on);
  }

  /** Ends legs and recordings and returns the ports. */
  close(): Promise<void> {
    return this.#media.close();
  }
}
