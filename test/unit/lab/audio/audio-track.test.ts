import { AudioTrack } from '../../../../src/lab/audio/audio-track';

describe('AudioTrack', () => {
  it('places samples by wall-clock time over its chunks', () => {
    const track = new AudioTrack({ startWallMs: 1000 });
    track.write(
      1999,
      Int16Array.from({ length: 16 }, (_, n) => n + 1),
    );
    expect(track.endWallMs).toBe(2001);
    expect([...track.samples(1999)]).toEqual(Array.from({ length: 16 }, (_, n) => n + 1));
  });

  it('is silent before its start and after its end', () => {
    const track = new AudioTrack({ startWallMs: 1000 });
    track.write(1000, Int16Array.of(5));
    expect([...track.samples(999, 1002)]).toEqual([
      ...Array<number>(8).fill(0),
      5,
      ...Array<number>(15).fill(0),
    ]);
  });

  it('drops and counts what lies outside', () => {
    const track = new AudioTrack({ startWallMs: 1000, maxMs: 10 });
    track.write(999, new Int16Array(3));
    track.write(1010, new Int16Array(4));
    expect(track.droppedSamples).toBe(7);
    expect(track.samples()).toHaveLength(0);
  });
});
