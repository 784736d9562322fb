import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { LabError } from '../../../../src/lab/errors';
import { parseWav, readWav } from '../../../../src/lab/audio/wav-reader';
import { WavWriter, writeWav } from '../../../../src/lab/audio/wav-writer';
import { wavHeader } from '../../../../src/lab/audio/wav-format';
import { ManualClock } from '../support/manual-clock';

let directory: string;
let path: string;
const clock = new ManualClock();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lab-wav-'));
  path = join(directory, 'test.wav');
});
afterEach(() => rmSync(directory, { recursive: true }));

function outcomeOf(action: () => unknown): string {
  try {
    action();
    return 'fine';
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}

function samplesOf(channel: number): number[] {
  return [...(readWav(path).channels[channel] ?? [])];
}

describe('writeWav() and readWav()', () => {
  it('write these bytes', () => {
    writeWav(path, [Int16Array.of(1, -1), Int16Array.of(256)], { clock });
    expect(readFileSync(path).toString('hex')).toBe(
      [
        '52494646' + '2c000000' + '57415645',
        '666d7420' + '10000000' + '0100' + '0200' + '401f0000' + '007d0000' + '0400' + '1000',
        '64617461' + '08000000' + '01000001' + 'ffff0000',
      ].join(''),
    );
  });

  it('give back what was written', () => {
    fc.assert(
      fc.property(fc.int16Array({ maxLength: 400 }), fc.int16Array({ maxLength: 400 }), (a, b) => {
        writeWav(path, [a, b], { clock, sampleRateHz: 16000 });
        const audio = readWav(path);
        const length = Math.max(a.length, b.length);
        expect(audio.sampleRateHz).toBe(16000);
        expect(audio.channels.map(channel => channel.length)).toEqual([length, length]);
        expect(samplesOf(0).slice(0, a.length)).toEqual([...a]);
        expect(samplesOf(1).slice(0, b.length)).toEqual([...b]);
      }),
      { numRuns: 100 },
    );
  });
});

describe('readWav()', () => {
  const valid = Buffer.concat([
    wavHeader({ channels: 1, sampleRateHz: 8000 }, 4),
    Buffer.from('0102030405060708', 'hex'),
  ]);

  it('refuses a file that is cut short anywhere', () => {
    for (let length = 0; length < valid.length; length += 1) {
      expect(() => parseWav(valid.subarray(0, length))).toThrow(LabError);
    }
    expect(parseWav(valid).channels).toHaveLength(1);
  });

  it('skips chunks that it does not know, padded to an even size', () => {
    const list = Buffer.concat([Buffer.from('LIST\x03\x00\x00\x00abc\x00', 'latin1')]);
    const file = Buffer.concat([valid.subarray(0, 36), list, valid.subarray(36)]);
    expect([...(parseWav(file).channels[0] ?? [])]).toHaveLength(4);
  });

  it.each([
    ['another format than PCM', 20, 3],
    ['three channels', 22, 3],
    ['4 kHz', 24, 4000],
    ['8 bits', 34, 8],
    ['a wrong frame size', 32, 7],
  ])('refuses %s', (_name, offset, value) => {
    const file = Buffer.from(valid);
    if (offset === 24) {
      file.writeUInt32LE(value, offset);
    } else {
      file.writeUInt16LE(value, offset);
    }
    expect(() => parseWav(file)).toThrow(LabError);
  });

  it('survives any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
        const file = Buffer.concat([valid.subarray(0, 12), bytes]);
        expect(outcomeOf(() => parseWav(file))).toMatch(/^(fine|LabError)$/);
      }),
      { numRuns: 300 },
    );
  });

  it('names the file and the bound when it is too large or absent', () => {
    writeFileSync(path, valid);
    expect(() => readWav(path, { maxBytes: 4 })).toThrow(/test\.wav.*8 bytes/);
    expect(() => readWav(join(directory, 'none.wav'))).toThrow(/none\.wav cannot be read/);
  });
});

describe('WavWriter', () => {
  it('has a whole and readable file after each flush interval, without close()', () => {
    const writer = new WavWriter({ path, channels: 2, clock });
    expect(samplesOf(0)).toEqual([]);
    writer.write(0, 0, Int16Array.of(1, 2));
    clock.advance(99);
    expect(samplesOf(0)).toEqual([]);
    clock.advance(1);
    expect(samplesOf(0)).toEqual([1, 2]);
    writer.write(1, 3, Int16Array.of(9));
    clock.advance(100);
    expect([samplesOf(0), samplesOf(1)]).toEqual([
      [1, 2, 0, 0],
      [0, 0, 0, 9],
    ]);
    writer.close();
    expect(clock.pending).toBe(0);
  });

  it('keeps the other channel when it writes into what is there', () => {
    const writer = new WavWriter({ path, channels: 2, clock });
    writer.write(0, 0, Int16Array.of(1, 2, 3));
    writer.flush();
    writer.write(1, 1, Int16Array.of(7, 8));
    writer.write(0, 2, Int16Array.of(5));
    writer.close();
    expect([samplesOf(0), samplesOf(1)]).toEqual([
      [1, 2, 5],
      [0, 7, 8],
    ]);
  });

  it('lets the later of two overlapping writes win, whatever their order in the file', () => {
    const writer = new WavWriter({ path, channels: 1, clock });
    writer.write(0, 2, Int16Array.of(1, 1, 1));
    writer.write(0, 0, Int16Array.of(2, 2, 2));
    writer.close();
    expect(samplesOf(0)).toEqual([2, 2, 2, 1, 1]);
  });

  it('moves one channel either way', () => {
    const writer = new WavWriter({ path, channels: 2, clock });
    writer.write(0, 2, Int16Array.of(1, 2, 3));
    writer.write(1, 0, Int16Array.of(9, 9, 9));
    expect(writer.move(0, 2, 5, -1)).toBe(true);
    writer.flush();
    expect([samplesOf(0), samplesOf(1)]).toEqual([
      [0, 1, 2, 3, 0],
      [9, 9, 9, 0, 0],
    ]);
    expect(writer.move(0, 1, 4, 3)).toBe(true);
    writer.close();
    expect(samplesOf(0)).toEqual([0, 0, 0, 0, 1, 2, 3]);
  });

  it('makes room at the beginning', () => {
    const writer = new WavWriter({ path, channels: 2, clock });
    writer.write(1, 0, Int16Array.of(4));
    expect(writer.prepend(2)).toBe(true);
    writer.close();
    expect(samplesOf(1)).toEqual([0, 0, 4]);
  });

  it('refuses moves before the start and of what lies too far back', () => {
    const writer = new WavWriter({ path, channels: 1, clock });
    writer.write(0, 0, Int16Array.of(4));
    expect(writer.move(0, 0, 1, -1)).toBe(false);
    writer.write(0, 600_000, Int16Array.of(4));
    expect(writer.move(0, 0, 600_001, 5)).toBe(false);
    expect(writer.prepend(8)).toBe(false);
    writer.close();
  });

  it('drops and counts what lies outside its bounds or comes after close()', () => {
    const writer = new WavWriter({ path, channels: 1, clock, maxFrames: 10 });
    writer.write(0, 9, Int16Array.of(1, 2));
    writer.write(0, -1, Int16Array.of(1));
    writer.write(1, 0, Int16Array.of(1));
    writer.close();
    writer.close();
    writer.write(0, 0, Int16Array.of(1));
    expect(writer.droppedSamples).toBe(5);
    expect(samplesOf(0)).toEqual([]);
  });
});
