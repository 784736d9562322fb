import { decodeG711, encodeG711, encodeG722 } from '#media';
import { KIND_G722, KIND_L16, KIND_PCMA, KIND_PCMU } from '../../../../media/codec/payload-kinds';
import { canBecomeG711, L16_RATES_HZ, ToG711 } from '../../../../media/codec/to-g711';

const AMPLITUDE = 8000;
const SECONDS = 1;

function tone(frequencyHz: number, rateHz: number): Int16Array {
  return Int16Array.from({ length: rateHz * SECONDS }, (_, n) =>
    Math.round(AMPLITUDE * Math.sin((2 * Math.PI * frequencyHz * n) / rateHz)),
  );
}

function l16(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples.length === 0 ? [] : Buffer.from(samples.buffer).swap16());
}

/** Level of one frequency against {@link AMPLITUDE}, dB; the beginning, where filters settle, left out. */
function levelDb(samples: Int16Array, frequencyHz: number): number {
  const part = samples.subarray(800, 7200);
  let re = 0;
  let im = 0;
  part.forEach((sample, n) => {
    const angle = (2 * Math.PI * frequencyHz * n) / 8000;
    re += sample * Math.cos(angle);
    im += sample * Math.sin(angle);
  });
  return 20 * Math.log10((2 * Math.hypot(re, im)) / part.length / AMPLITUDE + 1e-9);
}

/** Transcodes a stream packet by packet, in place. @returns samples and, of each packet, timestamp and length. */
function transcode(
  kind: number,
  targetKind: number,
  rateHz: number,
  stream: Uint8Array,
  unitsPerPacket: number,
): { samples: Int16Array; packets: { timestamp: number; length: number }[] } {
  const transcoder = new ToG711();
  const bytesPerPacket = kind === KIND_L16 ? 2 * unitsPerPacket : unitsPerPacket;
  const packets: { timestamp: number; length: number }[] = [];
  const codes: number[] = [];
  for (let n = 0; (n + 1) * bytesPerPacket <= stream.length; n++) {
    const packet = stream.slice(n * bytesPerPacket, (n + 1) * bytesPerPacket);
    // Begins shortly before timestamps wrap.
    const timestamp = transcoder.locate(7, (0xffff_f000 + n * unitsPerPacket) >>> 0, rateHz);
    const length = transcoder.write(kind, packet, 0, packet.length, targetKind, packet, 0);
    packets.push({ timestamp, length });
    codes.push(...packet.subarray(0, length));
  }
  const law = targetKind === KIND_PCMA ? 'PCMA' : 'PCMU';
  return { samples: decodeG711(law, Uint8Array.from(codes)), packets };
}

describe('transcoding to G.711', () => {
  it.each(L16_RATES_HZ)(
    'keeps packet time, timestamps and level of L16 at %i Hz within 0.5 dB',
    rateHz => {
      const { samples, packets } = transcode(
        KIND_L16,
        KIND_PCMU,
        rateHz,
        l16(tone(1000, rateHz)),
        Math.round(rateHz / 50),
      );

      expect(Math.abs(levelDb(samples, 1000))).toBeLessThan(0.5);
      packets.slice(1).forEach(({ timestamp }, n) => {
        // Each packet begins exactly where the one before ended.
        expect((timestamp - (packets[n]?.timestamp ?? 0)) | 0).toBe(packets[n]?.length);
      });
      expect(packets.every(({ length }) => Math.abs(length - 160) <= 1)).toBe(true);
    },
  );

  it('keeps the level of G.722 within 0.5 dB, an octet a sample', () => {
    for (const frequencyHz of [400, 1000, 2500]) {
      const codes = encodeG722(tone(frequencyHz, 16_000));
      const { samples, packets } = transcode(KIND_G722, KIND_PCMA, 8000, codes, 160);

      expect(Math.abs(levelDb(samples, frequencyHz))).toBeLessThan(0.5);
      expect(packets.every(({ length }) => length === 160)).toBe(true);
      expect(((packets[1]?.timestamp ?? 0) - (packets[0]?.timestamp ?? 0)) | 0).toBe(160);
    }
  });

  it('lets nothing of a frequency beyond 4 kHz fold back', () => {
    const { samples } = transcode(KIND_L16, KIND_PCMU, 16_000, l16(tone(6000, 16_000)), 320);

    expect(levelDb(samples, 2000)).toBeLessThan(-40);
  });

  it('changes the law sample by sample', () => {
    const speech = tone(700, 8000);
    const { samples } = transcode(KIND_PCMU, KIND_PCMA, 8000, encodeG711('PCMU', speech), 160);

    expect(samples).toEqual(
      decodeG711('PCMA', encodeG711('PCMA', decodeG711('PCMU', encodeG711('PCMU', speech)))),
    );
  });

  it('takes timestamps that jump anywhere, with a timeline of their own', () => {
    const transcoder = new ToG711();
    const payload = new Uint8Array(640);
    for (const timestamp of [0, 0x8000_0000, 5, 0xffff_ffff, 1_000_000, 999_000, 0]) {
      transcoder.locate(1, timestamp, 16_000);
      const length = transcoder.write(KIND_L16, payload, 0, 640, KIND_PCMU, payload, 0);
      expect(length).toBe(160);
    }
    transcoder.locate(1, 0, 16_000);
    expect(transcoder.isNewTimeline).toBe(false);
    transcoder.locate(2, 320, 16_000);
    expect(transcoder.isNewTimeline).toBe(true);
    expect(transcoder.write(KIND_L16, payload, 0, 1, KIND_PCMU, payload, 0)).toBe(0);
  });

  it('knows what it cannot read', () => {
    expect(canBecomeG711(0, 8000)).toBe(false);
    expect(canBecomeG711(KIND_L16, 44_101)).toBe(false);
    expect(canBecomeG711(KIND_G722, 16_000)).toBe(false);
    expect(canBecomeG711(KIND_PCMU, 8000)).toBe(true);
  });
});
