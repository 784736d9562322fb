import { SRTP_SUITES } from '#core';
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { SUITES } from '../../../../media/srtp/suites';
import { SrtpReceiver } from '../../../../media/srtp/srtp-receiver';
import { SrtpSender } from '../../../../media/srtp/srtp-sender';
import { BENCHES, put, read, rtpHex } from './srtp-support';

const RTCP = `80c90001cafebabe81ca0003cafebabe010464656d6f0000`;

describe.each(BENCHES)('with $name', ({ backend, memory, other }) => {
  describe.each(SRTP_SUITES)('%s', suite => {
    const { keyBytes, saltBytes } = SUITES[suite];
    const newKey = (mki = ''): { keySalt: string; mki: string } => ({
      keySalt: randomBytes(keyBytes + saltBytes).toString('base64'),
      mki,
    });
    let key = newKey();
    let sender = new SrtpSender(backend, suite, key);
    let receiver = new SrtpReceiver(backend, suite, key);

    const renew = (mki = ''): void => {
      key = newKey(mki);
      sender.release();
      receiver.release();
      sender = new SrtpSender(backend, suite, key);
      receiver = new SrtpReceiver(backend, suite, key);
    };
    beforeEach(() => renew());

    /** What goes over the wire. */
    const protect = (sequence: number, ssrc?: number): string => {
      const length = put(memory, 0, rtpHex(sequence, ssrc));
      return read(other, 0, sender.protectRtp(memory, 0, length, other, 0));
    };
    const unprotect = (wire: string): string =>
      read(other, 0, receiver.unprotectRtp(other, 0, put(other, 0, wire)));

    it('gives back what was protected, with the payload hidden on the way', () => {
      const wire = protect(1);
      expect(wire).not.toContain(rtpHex(1).slice(24));
      expect(unprotect(wire)).toBe(rtpHex(1));
    });

    it('keeps CSRC list and header extension in clear, and takes them back', () => {
      const packet = `b20012340000000acafebabe0000000100000002bede0001aabbccdd${'55'.repeat(30)}02`;
      const length = put(memory, 0, packet);
      const wire = read(other, 0, sender.protectRtp(memory, 0, length, other, 0));
      expect(wire.slice(0, 56)).toBe(packet.slice(0, 56));
      expect(unprotect(wire)).toBe(packet);
    });

    it('protects a packet without payload', () => {
      const length = put(memory, 0, rtpHex(9).slice(0, 24));
      const wire = read(memory, 0, sender.protectRtp(memory, 0, length, memory, 0));
      expect(unprotect(wire)).toBe(rtpHex(9).slice(0, 24));
    });

    it('refuses a replay, and a packet older than the window', () => {
      const wires = Array.from({ length: 300 }, (_, sequence) => protect(sequence));
      expect(unprotect(wires[0] ?? '')).not.toBe('');
      expect(unprotect(wires[0] ?? '')).toBe('');
      expect(unprotect(wires[200] ?? '')).not.toBe('');
      expect(unprotect(wires[100] ?? '')).not.toBe('');
      expect(unprotect(wires[100] ?? '')).toBe('');
      expect(unprotect(wires[72] ?? '')).toBe('');
      expect(unprotect(wires[73] ?? '')).not.toBe('');
    });

    it('follows the rollover of the sequence number, with losses and reordering around it', () => {
      const sequences = [65_533, 65_534, 65_535, 65_536, 65_537, 65_538, 131_071, 131_072];
      // Long jumps over nothing are losses of less than 2¹⁵ packets.
      const steps = [65_533, ...range(65_534, 131_072, 1000), 131_071, 131_072];
      const wires = new Map(
        [...new Set([...sequences, ...steps])].sort(ascending).map(s => [s, protect(s)]),
      );
      for (const s of [65_533, 65_536, 65_534, 65_535, 65_538, 65_537]) {
        expect(unprotect(wires.get(s) ?? '')).toBe(rtpHex(s));
      }
      for (const s of steps.filter(each => each > 65_538)) {
        expect(unprotect(wires.get(s) ?? '')).toBe(rtpHex(s));
      }
    });

    it('refuses a packet whose rollover counter it cannot guess', () => {
      const wires = [...range(0, 65_536, 500), 65_540].map(s => protect(s));
      expect(unprotect(wires.at(-1) ?? '')).toBe('');
    });

    it('keeps the counters of several sources apart, and of no more than eight', () => {
      for (let ssrc = 1; ssrc <= 12; ssrc++) {
        expect(unprotect(protect(7, ssrc))).toBe(rtpHex(7, ssrc));
      }
      expect(unprotect(protect(8, 12))).toBe(rtpHex(8, 12));
      expect(unprotect(protect(8, 5))).toBe(rtpHex(8, 5));
    });

    it('uses no key stream twice: a repeated index is not sent, unless it was taken back', () => {
      expect(protect(5)).not.toBe('');
      expect(protect(5)).toBe('');
      const wire = protect(6);
      sender.retractRtp();
      expect(protect(6)).toBe(wire);
      expect(protect(6)).toBe('');
    });

    it('refuses other keys', () => {
      const wire = protect(1);
      const stranger = new SrtpReceiver(backend, suite, newKey());
      expect(stranger.unprotectRtp(other, 0, put(other, 0, wire))).toBe(0);
      stranger.release();
      expect(unprotect(wire)).toBe(rtpHex(1));
    });

    it('refuses every truncation', () => {
      const wire = protect(1);
      for (let length = 0; length < wire.length / 2; length++) {
        put(other, 0, wire);
        expect(receiver.unprotectRtp(other, 0, length)).toBe(0);
      }
      expect(unprotect(wire)).toBe(rtpHex(1));
    });

    it('refuses every flipped bit, wherever it is', () => {
      const wire = Buffer.from(protect(1), 'hex');
      fc.assert(
        fc.property(fc.nat(wire.length - 1), fc.nat(7), (at, bit) => {
          const broken = Buffer.from(wire);
          broken[at] = (broken[at] ?? 0) ^ (1 << bit);
          return unprotect(broken.toString('hex')) === '';
        }),
        { numRuns: 200 },
      );
      expect(unprotect(wire.toString('hex'))).toBe(rtpHex(1));
    });

    it('survives any bytes as SRTP and as SRTCP', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
          const hex = Buffer.from(bytes).toString('hex');
          put(other, 0, hex);
          const rtp = receiver.unprotectRtp(other, 0, bytes.length);
          put(other, 0, hex);
          return rtp === 0 && receiver.unprotectRtcp(other, 0, bytes.length) === 0;
        }),
        { numRuns: 300 },
      );
    });

    it('protects RTCP with a growing index, and refuses its replay and every truncation', () => {
      const wires = [0, 1, 2].map(() =>
        read(memory, 0, sender.protectRtcp(memory, 0, put(memory, 0, RTCP))),
      );
      expect(new Set(wires).size).toBe(3);
      expect(wires.every(wire => !wire.includes(RTCP.slice(16)))).toBe(true);
      const open = (wire: string): string =>
        read(other, 0, receiver.unprotectRtcp(other, 0, put(other, 0, wire)));
      const [first = '', second = '', third = ''] = wires;
      expect(open(third)).toBe(RTCP);
      expect(open(first)).toBe(RTCP);
      expect(open(first)).toBe('');
      for (let length = 0; length < second.length / 2; length++) {
        put(other, 0, second);
        expect(receiver.unprotectRtcp(other, 0, length)).toBe(0);
      }
      expect(open(second)).toBe(RTCP);
    });

    it('writes and expects the MKI that was agreed on', () => {
      renew('0000002a');
      const wire = protect(3);
      expect(wire).toContain('0000002a');
      expect(unprotect(wire.replace('0000002a', '0000002b'))).toBe('');
      expect(unprotect(wire)).toBe(rtpHex(3));
      const rtcp = read(memory, 0, sender.protectRtcp(memory, 0, put(memory, 0, RTCP)));
      expect(read(other, 0, receiver.unprotectRtcp(other, 0, put(other, 0, rtcp)))).toBe(RTCP);
    });
  });
});

it('lets both implementations read one another', () => {
  const [openssl, node] = BENCHES;
  for (const suite of SRTP_SUITES) {
    const { keyBytes, saltBytes } = SUITES[suite];
    const key = { keySalt: randomBytes(keyBytes + saltBytes).toString('base64'), mki: '' };
    for (const [a, b] of [
      [openssl, node],
      [node, openssl],
    ]) {
      if (a === undefined || b === undefined) {
        throw new Error('two implementations are needed');
      }
      const sender = new SrtpSender(a.backend, suite, key);
      const receiver = new SrtpReceiver(b.backend, suite, key);
      const wire = read(
        a.memory,
        0,
        sender.protectRtp(a.memory, 0, put(a.memory, 0, rtpHex(1)), a.memory, 0),
      );
      expect(read(b.memory, 0, receiver.unprotectRtp(b.memory, 0, put(b.memory, 0, wire)))).toBe(
        rtpHex(1),
      );
    }
  }
});

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => from + i * step);
}

function ascending(a: number, b: number): number {
  return a - b;
}
