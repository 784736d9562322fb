import { type IoMemory } from '../io/packet-io';
import { type SoundStore } from '../notices/sound-store';
import { type NoticeOutcome } from '../ports';
import { MAX_PACKET_BYTES } from '../rtp/header';
import { type LegState } from '../worker/leg-state';
import { type QueuedNotice } from './notice-queue';
import { MAX_VALUES } from './payload-codec';

/**
 * What mixers of a worker share. Fractions are read from here and left in fields, not handed from call to call: a fraction
 * that is an argument or a result is a new object each time, and this happens for every packet.
 */
export interface MixerHost {
  /** The time of this round, monotonic ms. */
  readonly clock: { readonly nowMs: number };
  readonly sounds: SoundStore;
  /** Where a packet is made, and its values. */
  readonly memory: IoMemory;
  readonly values: Int16Array;
  readonly codes: Uint8Array;
  send(leg: LegState, memory: IoMemory, at: number, length: number): void;
  ended(leg: LegState, notice: QueuedNotice, outcome: NoticeOutcome): void;
}

/** What a worker's mixers share, but for where packets and reports go. */
export function mixerBuffers(memory: IoMemory): Pick<MixerHost, 'memory' | 'values' | 'codes'> {
  return { memory, values: new Int16Array(MAX_VALUES), codes: new Uint8Array(MAX_PACKET_BYTES) };
}
