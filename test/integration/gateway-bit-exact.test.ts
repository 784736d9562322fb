import { decodeG711 } from '#media';

import { type PcmSource, type PhoneCall, readWav, type SrsBehaviour } from '../../src/lab';
import { hangUp, openGatewayBench, placeCall, talkFor } from '../support/gateway-bench';

const RTP_HEADER_BYTES = 12;
const FRAME_SAMPLES = 160;

/** Noise that depends on nothing but its position and seed: no two frames are alike. */
function noise(seed: number): PcmSource {
  return {
    read(firstSample, out) {
      for (let i = 0; i < out.length; i += 1) {
        const mixed = Math.imul(firstSample + i + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b);
        out[i] = (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >> 18) | 1;
      }
    },
  };
}

/** What a phone sent, decoded packet by packet in the order of sending. */
function sentSamples(call: PhoneCall): Int16Array {
  const frames = call.sentPackets.map(({ datagram }) =>
    decodeG711('PCMU', datagram.subarray(RTP_HEADER_BYTES)),
  );
  return Int16Array.from(frames.flatMap(frame => [...frame]));
}

/** The recorded samples without the silence before the first packet and after the last. */
function spoken(samples: Int16Array): Int16Array {
  const first = samples.findIndex(sample => sample !== 0);
  const last = samples.findLastIndex(sample => sample !== 0);
  return samples.slice(first, last + 1);
}

/** Everything from the first packet on, in order; only what was under way at the hang-up may be missing. */
function expectSaidFromTheFirstWord(recorded: Int16Array, call: PhoneCall, packets: number): void {
  const sent = sentSamples(call);
  const got = spoken(recorded);
  expect(got.length).toBeGreaterThanOrEqual(packets * FRAME_SAMPLES);
  expect(Buffer.from(got.buffer).equals(Buffer.from(sent.slice(0, got.length).buffer))).toBe(true);
}

describe.each(['linux', 'dgram'] as const)('the recording, bit by bit (%s backend)', backend => {
  test.each<[string, SrsBehaviour]>([
    ['at once', {}],
    ['after 2 s', { answerDelayMs: 2000 }],
  ])(
    'holds what each party sent from its first packet on when the SRS answers %s',
    async (_, behaviour) => {
      const bench = await openGatewayBench({ backend, capture: true });
      try {
        bench.srs.setBehaviour(behaviour);
        const caller = await bench.phone('caller', 'alice', noise(1));
        const callee = await bench.phone('callee', 'bob', noise(2));
        const call = await placeCall(bench, caller, callee);
        await talkFor(call, 150);
        await hangUp(call);
        const [line] = await bench.waitForLedger(1);
        expect(line).toMatchObject({ verdict: 'recorded', verdictReasons: ['complete'] });
        const recording = await bench.srs.waitForRecording(({ state }) => state === 'ended');
        expect(recording.streams.map(({ lost, duplicates }) => [lost, duplicates])).toEqual([
          [0, 0],
          [0, 0],
        ]);
        const { channels } = readWav(recording.wavPath);
        expectSaidFromTheFirstWord(channels[0]!, call.outgoing, 145);
        expectSaidFromTheFirstWord(channels[1]!, call.incoming, 145);
      } finally {
        await bench.close();
      }
    },
    60_000,
  );
});
