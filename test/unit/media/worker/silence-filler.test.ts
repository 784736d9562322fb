import { PCMU } from '#core';
import { KIND_PCMU } from '../../../../media/codec/payload-kinds';
import { flagsOfKind } from '../../../../media/worker/record-flags';
import { type Recorder } from '../../../../media/worker/recorder';
import {
  type RecordingState,
  type RecordingStreamState,
} from '../../../../media/worker/recording-state';
import { SilenceFiller } from '../../../../media/worker/silence-filler';

/** A stream whose last packet, 20 ms of PCMU, was captured at an instant. */
function paused(capturedAtMs: number, pausedAtMs: number): Bench {
  const written: [atMs: number, isContiguous: boolean][] = [];
  const recorder: Partial<Recorder> = {
    captureSilence: (_stream, _silence, atMs, isContiguous) => written.push([atMs, isContiguous]),
    unitsOfLast: () => 160,
  };
  const stream = {
    lastAudio: { at: 0, atMs: capturedAtMs, flags: flagsOfKind(KIND_PCMU) },
    ring: { memory: { bytes: new Uint8Array(172) } },
    rules: { isAccepted: () => true, preferred: () => PCMU },
    isAnswered: false,
  } as unknown as RecordingStreamState;
  const recording = { streams: [stream], isFilled: false } as unknown as RecordingState;
  const filler = new SilenceFiller(recorder as Recorder);
  filler.start(recording, pausedAtMs);
  return { filler, written };
}

interface Bench {
  readonly filler: SilenceFiller;
  readonly written: readonly (readonly [atMs: number, isContiguous: boolean])[];
}

describe('silence of a pause', () => {
  test('follows right behind what was said just now', () => {
    const { filler, written } = paused(1000, 1015);
    expect(filler.service(1015)).toBe(1020);
    expect(filler.service(1045)).toBe(1060);
    expect(written).toEqual([
      [1020, true],
      [1040, true],
    ]);
  });

  test('begins with the pause when nothing had come for longer than two packets', () => {
    const { filler, written } = paused(1000, 1099);
    filler.service(1119);
    expect(written).toEqual([
      [1099, false],
      [1119, true],
    ]);
  });

  test('is made up for when the loop is late, but not for longer than two seconds', () => {
    const { filler, written } = paused(1000, 1015);
    filler.service(1120);
    expect(written.map(([atMs]) => atMs)).toEqual([1020, 1040, 1060, 1080, 1100, 1120]);
    expect(filler.service(3500)).toBe(3520);
    filler.service(3520);
    expect(written.at(-1)).toEqual([3520, false]);
    expect(written).toHaveLength(7);
  });
});
