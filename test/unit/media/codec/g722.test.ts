import { decodeG722, encodeG722 } from '#media';
import { createHash } from 'node:crypto';
import {
  G722BandDecoder,
  G722BandEncoder,
  G722LowBandDecoder,
  joinBands,
  splitBands,
} from '../../../../media/codec/g722';

/** What both quadrature mirror filters together delay, samples of 16 kHz. */
const FILTER_DELAY = 22;

/** Loud and soft stretches of two triangles and noise, in whole numbers, so that every machine makes the same. */
function signal(length: number): Int16Array {
  const samples = new Int16Array(length);
  let seed = 1;
  const triangle = (i: number, period: number): number =>
    Math.abs((i % period) * 4 - 2 * period) - period;
  for (let i = 0; i < length; i++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    const noise = ((seed >> 16) % 2001) - 1000;
    const loudness = (i >> 11) % 4;
    samples[i] = ((triangle(i, 37) * 200 + triangle(i, 9) * 300 + noise * 4) * loudness) >> 1;
  }
  return samples;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function snrDb(wanted: Int16Array, got: Int16Array, delay: number, from = 2000): number {
  let power = 0;
  let error = 0;
  for (let i = from; i < wanted.length - delay; i++) {
    power += (wanted[i] ?? 0) ** 2;
    error += ((got[i + delay] ?? 0) - (wanted[i] ?? 0)) ** 2;
  }
  return 10 * Math.log10(power / error);
}

describe('G.722', () => {
  const samples = signal(16_000);
  const codes = encodeG722(samples);

  test("its code words are those of FFmpeg's encoder, bit for bit", () => {
    expect(Buffer.from(codes.subarray(2048, 2088)).toString('hex')).toBe(
      'd9569fd7b02ecab031ef6fd6f92ffd95f896187f0d7ef5f4155d73f469ff74b71f9f957cf00b5258',
    );
    expect(sha256(codes)).toBe('d11744d4657af1bf06782d03d049a7be9a0a9980d551dc311fdfb9f92cd3b66d');
  });

  test("its samples are those of FFmpeg's decoder, bit for bit", () => {
    expect(sha256(new Uint8Array(decodeG722(codes).buffer))).toBe(
      '391af559f635d230ece01bd0d817e83c93febe8835665dc083b174f732de4282',
    );
  });

  test('the lower sub-band alone is what it is beside the upper one', () => {
    const pairs = new Int16Array(2 * codes.length);
    const lower = new Int16Array(codes.length);
    new G722BandDecoder().decode(codes, 0, codes.length, pairs);
    const decoder = new G722LowBandDecoder();
    decoder.decode(codes, 0, 100, lower);
    decoder.reset();
    decoder.decode(codes, 0, codes.length, lower);
    expect(lower).toEqual(pairs.filter((_, i) => i % 2 === 0));
  });

  test('a voice-like signal comes back with 30 dB of signal over noise', () => {
    const voice = Int16Array.from({ length: 16_000 }, (_, i) => {
      const t = (2 * Math.PI * i) / 16_000;
      return 6000 * Math.sin(440 * t) + 3000 * Math.sin(1900 * t) + 1000 * Math.sin(5100 * t);
    });
    expect(snrDb(voice, decodeG722(encodeG722(voice)), FILTER_DELAY)).toBeGreaterThan(30);
  });

  test('its filters alone are as good as transparent', () => {
    const quiet = samples.map(sample => sample >> 2);
    expect(snrDb(quiet, joinBands(splitBands(quiet)), FILTER_DELAY)).toBeGreaterThan(50);
  });

  test('full-scale noise and arbitrary codes stay in range', () => {
    const extreme = Int16Array.from({ length: 4000 }, (_, i) => (i % 3 === 0 ? 32_767 : -32_768));
    expect(decodeG722(encodeG722(extreme))).toHaveLength(4000);
    const noise = Uint8Array.from({ length: 4000 }, (_, i) => (i * 7919) & 0xff);
    expect(Math.max(...decodeG722(noise).map(Math.abs))).toBeLessThanOrEqual(32_768);
  });

  test('an encoder that takes over from a decoder goes on without a seam', () => {
    const decoder = new G722BandDecoder();
    const encoder = new G722BandEncoder();
    const listener = new G722BandDecoder();
    const [said, heard] = [new Int16Array(320), new Int16Array(320)];
    const allSaid: number[] = [];
    const allHeard: number[] = [];
    for (let at = 0; at + 160 <= codes.length; at += 160) {
      const isTakenOver = at >= 3200;
      if (at === 3200) {
        encoder.continueFrom(decoder);
      }
      decoder.decode(codes, at, 160, said);
      const again = codes.slice(at, at + 160);
      if (isTakenOver) {
        encoder.encode(said, 160, again, 0);
      }
      listener.decode(again, 0, 160, heard);
      allSaid.push(...said);
      allHeard.push(...heard);
      // Bit for bit, until silence comes in which several code words mean the same.
      const isSame = sha256(again) === sha256(codes.subarray(at, at + 160));
      expect({ at, isSame: isSame || at >= 4000 }).toEqual({ at, isSame: true });
    }
    expect(snrDb(Int16Array.from(allSaid), Int16Array.from(allHeard), 0, 6400)).toBeGreaterThan(33);
  });

  test('a decoder that joins in midstream knows the stream after 100 ms', () => {
    const from = 4000;
    const late = new G722BandDecoder();
    const whole = new G722BandDecoder();
    const [latePairs, wholePairs] = [new Int16Array(1600), new Int16Array(1600)];
    whole.decode(codes, 0, 800, wholePairs);
    for (let at = 800; at < from; at += 800) {
      whole.decode(codes, at, 800, wholePairs);
    }
    late.decode(codes, from, 800, latePairs);
    whole.decode(codes, from, 800, wholePairs);
    late.decode(codes, from + 800, 800, latePairs);
    whole.decode(codes, from + 800, 800, wholePairs);
    expect(snrDb(wholePairs, latePairs, 0, 0)).toBeGreaterThan(20);
  });
});
