import { KIND_L16 } from '../codec/payload-kinds';
import { L16_RATES_HZ } from '../codec/to-g711';
import { type RecordingStreamState } from './recording-state';

/** Flag of a ring's record: the first packet since the gate opened. */
export const AFTER_PAUSE = 1;
/** Where a record's flags hold the kind of its payload, and the place of its clock in the list of L16's rates. */
const KIND_SHIFT = 4;
const RATE_SHIFT = 8;
const NIBBLE = 0x0f;

/** Flags of a record: whatever tells later how its packet can be changed. */
export function flagsOf(stream: RecordingStreamState, kind: number, rateHz: number): number {
  const rate = kind === KIND_L16 ? Math.max(0, L16_RATES_HZ.indexOf(rateHz)) : 0;
  const after = stream.isFirstOfGate ? AFTER_PAUSE : 0;
  return after | flagsOfKind(kind) | (rate << RATE_SHIFT);
}

/** See payload-kinds. */
export function kindOfFlags(flags: number): number {
  return (flags >> KIND_SHIFT) & NIBBLE;
}

/** Of L16, and of what has 8000 Hz always. */
export function rateOfFlags(flags: number): number {
  return L16_RATES_HZ[(flags >> RATE_SHIFT) & NIBBLE] ?? 0;
}

export function flagsOfKind(kind: number): number {
  return kind << KIND_SHIFT;
}
