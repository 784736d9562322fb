import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readWav } from '../../../../src/lab/audio/wav-reader';
import { RecordingWav } from '../../../../src/lab/srs/recording-wav';
import { ManualClock } from '../support/manual-clock';

let directory: string;
let wav: RecordingWav;
const T0 = 1_700_000_000_000;
const MS = (value: number): Int16Array => new Int16Array(8).fill(value);

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-recording-'));
  wav = new RecordingWav(join(directory, 'recording.wav'), new ManualClock(), 8000 * 60);
});
afterEach(() => {
  wav.close();
  rmSync(directory, { recursive: true });
});

/** The first sample of each millisecond. */
function milliseconds(path: string, channel: number): number[] {
  const samples = readWav(path).channels[channel] ?? new Int16Array(0);
  return [...samples].filter((_, n) => n % 8 === 0);
}

describe('RecordingWav', () => {
  it('begins with the first packet and moves its beginning back when it must', () => {
    wav.write(0, T0, MS(1));
    wav.write(1, T0 + 2, MS(2));
    expect(wav.startWallMs).toBe(T0);
    wav.write(1, T0 - 1, MS(3));
    expect(wav.startWallMs).toBe(T0 - 1);
    wav.close();
    expect(milliseconds(wav.path, 0)).toEqual([0, 1, 0, 0]);
    expect(milliseconds(wav.path, 1)).toEqual([3, 0, 0, 2]);
  });

  it('moves a channel before the beginning: what was delivered late goes to where it was spoken', () => {
    wav.write(0, T0, MS(1));
    wav.write(1, T0, MS(2));
    wav.write(1, T0 + 1, MS(3));
    wav.move(1, T0, T0 + 2, -2);
    expect(wav.startWallMs).toBe(T0 - 2);
    wav.close();
    expect(milliseconds(wav.path, 0)).toEqual([0, 0, 1, 0]);
    expect(milliseconds(wav.path, 1)).toEqual([2, 3, 0, 0]);
  });

  it('exports with any time 0', () => {
    wav.write(0, T0, MS(1));
    wav.write(0, T0 + 1, MS(2));
    const path = join(directory, 'out.wav');
    wav.export(path, T0 - 1);
    expect(milliseconds(path, 0)).toEqual([0, 1, 2]);
    wav.export(path, T0 + 1);
    expect(milliseconds(path, 0)).toEqual([2]);
    wav.export(path, T0 + 50);
    expect(milliseconds(path, 0)).toEqual([]);
  });

  it('exports an empty recording', () => {
    const path = join(directory, 'out.wav');
    wav.export(path, T0);
    expect(readWav(path).channels).toHaveLength(2);
  });

  it('counts what it cannot place', () => {
    wav.write(0, T0, MS(1));
    wav.write(0, T0 - 3_600_000, MS(1));
    expect(wav.droppedSamples).toBe(8);
  });
});
