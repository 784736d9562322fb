import { ALICE, BOB } from '../../../src/demo/bench';
import { checkRecordedCall, coverage } from '../../../src/demo/checks';
import {
  type ChannelFacts,
  type DemoFacts,
  type PartyFacts,
  type RecordingDemoFacts,
} from '../../../src/demo/facts';
import { tone } from '../../../src/lab';

const TALK_MS = 3000;
const RATE_PER_MS = 8;
const FILE = 'r1.wav';
const DEVIATION = {
  name: 'missing-require',
  clause: 'RFC 7866 §6.1.1',
  message: 'no Require: siprec',
  where: 'sip/001.txt',
  times: 1,
};

/** Silence, then a tone to the end; PCM16 at 8 kHz. */
function sound(hz: number, startMs = 0, lengthMs = TALK_MS): Int16Array {
  const samples = new Int16Array(lengthMs * RATE_PER_MS);
  tone({ hz, levelDbfs: -12 }).read(0, samples.subarray(startMs * RATE_PER_MS));
  return samples;
}

const ALICE_SAYS = sound(ALICE.toneHz, 100);
const BOB_SAYS = sound(BOB.toneHz, 100);

function mixed(a: Int16Array, b: Int16Array): Int16Array {
  return a.map((sample, index) => sample + (b[index] ?? 0));
}

function silenced(samples: Int16Array, fromMs: number, toMs: number): Int16Array {
  return samples.slice().fill(0, fromMs * RATE_PER_MS, toMs * RATE_PER_MS);
}

function party(which: typeof ALICE, heard: Int16Array): PartyFacts {
  return { party: which, packetsSent: 150, packetsReceived: 150, packetsLost: 0, heard };
}

function channel(number: 1 | 2, changes: Partial<ChannelFacts> = {}): ChannelFacts {
  const expected = number === 1 ? ALICE : BOB;
  return {
    channel: number,
    label: String(number),
    aor: `sip:${expected.name}@127.0.0.1`,
    name: expected.displayName,
    expected,
    packets: 150,
    lost: 0,
    firstPacketMs: 100,
    lastPacketMs: 3000,
    samples: number === 1 ? ALICE_SAYS : BOB_SAYS,
    ...changes,
  };
}

function recording(changes: Partial<RecordingDemoFacts> = {}): RecordingDemoFacts {
  return {
    file: FILE,
    verdict: 'recorded',
    verdictReasons: ['complete'],
    srsAnswerMs: 12,
    channels: [channel(1), channel(2)],
    packetsMissing: 0,
    documents: 3,
    sipMessages: 8,
    deviations: [],
    ...changes,
  };
}

function facts(changes: Partial<DemoFacts> = {}): DemoFacts {
  return {
    backend: 'dgram',
    transport: 'udp',
    answered: true,
    ringingAfterMs: 5,
    answeredAfterMs: 40,
    talkMs: TALK_MS,
    endedBy: 'caller',
    caller: party(ALICE, BOB_SAYS),
    callee: party(BOB, ALICE_SAYS),
    recordings: [recording()],
    leftOpen: { calls: 0, ports: 0 },
    ...changes,
  };
}

/** The names of the checks that fail. */
function failed(made: DemoFacts): string[] {
  return checkRecordedCall(made)
    .filter(({ ok }) => !ok)
    .map(({ name }) => name);
}

function withChannels(...channels: ChannelFacts[]): DemoFacts {
  return facts({ recordings: [recording({ channels })] });
}

const TONE_1 = `${FILE} channel 1: 440 Hz of alice and nobody else`;
const TONE_2 = `${FILE} channel 2: 620 Hz of bob and nobody else`;
const NAMED_1 = `${FILE} channel 1: metadata names alice`;
const NAMED_2 = `${FILE} channel 2: metadata names bob`;
const WHOLE_1 = `${FILE} channel 1: from the first word on, nothing lost`;
const WHOLE_2 = `${FILE} channel 2: from the first word on, nothing lost`;

describe('the checks of a recorded call', () => {
  test('all pass for a good call, and each says what was measured', () => {
    const checks = checkRecordedCall(facts());
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual([
      'call answered',
      'caller heard callee',
      'callee heard caller',
      'one recording',
      `${FILE}: verdict`,
      `${FILE}: two channels`,
      TONE_1,
      NAMED_1,
      WHOLE_1,
      TONE_2,
      NAMED_2,
      WHOLE_2,
      `${FILE}: no packet missing`,
      `${FILE}: metadata and SIP conform to RFC 7865 and RFC 7866`,
      'nothing left open in the gateway',
    ]);
    expect(checks.filter(({ detail }) => detail === '')).toEqual([]);
  });

  test('fail for a call that was not answered', () => {
    expect(failed(facts({ answered: false, answeredAfterMs: null }))).toEqual(['call answered']);
  });

  test('fail for a recording without channels', () => {
    const [recording] = facts().recordings;
    expect(failed(facts({ recordings: [{ ...recording!, channels: [] }] }))).toContain(
      `${FILE}: two channels`,
    );
  });

  test('fail for swapped channels', () => {
    const swapped = withChannels(
      channel(1, { samples: BOB_SAYS }),
      channel(2, { samples: ALICE_SAYS }),
    );
    expect(failed(swapped)).toEqual([TONE_1, TONE_2]);
  });

  test('fail for channels that hold both parties', () => {
    const both = mixed(ALICE_SAYS, BOB_SAYS);
    const made = withChannels(channel(1, { samples: both }), channel(2, { samples: both }));
    expect(failed(made)).toEqual([TONE_1, TONE_2]);
  });

  test('fail for a channel into which a little of the other party leaks', () => {
    const leak = BOB_SAYS.map(sample => Math.round(sample / 10));
    const made = withChannels(channel(1, { samples: mixed(ALICE_SAYS, leak) }), channel(2));
    expect(failed(made)).toEqual([TONE_1]);
  });

  test('fail for a silent channel', () => {
    const made = withChannels(channel(1), channel(2, { samples: new Int16Array(24_000) }));
    expect(failed(made)).toEqual([TONE_2, WHOLE_2]);
  });

  test('fail for an empty file', () => {
    const none = new Int16Array(0);
    const made = withChannels(channel(1, { samples: none }), channel(2, { samples: none }));
    expect(failed(made)).toEqual([TONE_1, WHOLE_1, TONE_2, WHOLE_2]);
  });

  test('fail for a hole in a channel', () => {
    const made = withChannels(
      channel(1, { samples: silenced(ALICE_SAYS, 1000, 1300) }),
      channel(2),
    );
    expect(failed(made)).toEqual([TONE_1]);
  });

  test('fail for a channel that ends early', () => {
    const made = withChannels(channel(1), channel(2, { samples: BOB_SAYS.slice(0, 16_000) }));
    expect(failed(made)).toEqual([TONE_2]);
  });

  test('fail for a recording that misses the first words which were heard live', () => {
    const made = withChannels(channel(1, { samples: silenced(ALICE_SAYS, 0, 200) }), channel(2));
    expect(failed(made)).toEqual([WHOLE_1]);
  });

  test('allow a recording to begin one packet later than the live sound', () => {
    const made = withChannels(channel(1, { samples: silenced(ALICE_SAYS, 0, 120) }), channel(2));
    expect(failed(made)).toEqual([]);
  });

  test('fail for packets lost on the way to the recorder', () => {
    expect(failed(withChannels(channel(1), channel(2, { lost: 1 })))).toEqual([WHOLE_2]);
  });

  test.each([
    ['names the other party', { aor: 'sip:bob@127.0.0.1' }],
    ['names nobody', { aor: null }],
    ['has the other label', { label: '2' }],
    ['has no label', { label: null }],
  ])('fail for a channel whose metadata %s', (_, changes) => {
    expect(failed(withChannels(channel(1, changes), channel(2)))).toEqual([NAMED_1]);
  });

  test.each(['partial', 'failed', 'no ledger record'])('fail for the verdict %s', verdict => {
    expect(failed(facts({ recordings: [recording({ verdict })] }))).toEqual([`${FILE}: verdict`]);
  });

  test('fail for packets that were captured and not sent', () => {
    const made = facts({ recordings: [recording({ packetsMissing: 1 })] });
    expect(failed(made)).toEqual([`${FILE}: no packet missing`]);
  });

  test('fail for a deviation from the standards and name it', () => {
    const made = facts({ recordings: [recording({ deviations: [DEVIATION] })] });
    expect(failed(made)).toEqual([`${FILE}: metadata and SIP conform to RFC 7865 and RFC 7866`]);
    const detail = checkRecordedCall(made).find(({ ok }) => !ok)?.detail;
    expect(detail).toBe('RFC 7866 §6.1.1: no Require: siprec');
  });

  test('fail for a recording without metadata', () => {
    expect(failed(facts({ recordings: [recording({ documents: 0 })] }))).toHaveLength(1);
  });

  test('fail without a recording, and with two', () => {
    expect(failed(facts({ recordings: [] }))).toEqual(['one recording']);
    expect(failed(facts({ recordings: [recording(), recording()] }))).toEqual(['one recording']);
  });

  test('fail for a party that hears nothing, itself, or not everything', () => {
    const hears = (heard: Int16Array): string[] =>
      failed(facts({ caller: party(ALICE, heard) })).filter(name => name.startsWith('caller'));
    expect(hears(new Int16Array(24_000))).toEqual(['caller heard callee']);
    expect(hears(ALICE_SAYS)).toEqual(['caller heard callee']);
    expect(hears(mixed(ALICE_SAYS, BOB_SAYS))).toEqual(['caller heard callee']);
    expect(hears(silenced(BOB_SAYS, 2000, 2300))).toEqual(['caller heard callee']);
    expect(hears(BOB_SAYS)).toEqual([]);
  });

  test('fail for packets lost between the parties', () => {
    const callee = { ...party(BOB, ALICE_SAYS), packetsLost: 2 };
    expect(failed(facts({ callee }))).toEqual(['callee heard caller']);
  });

  test('fail for anything left open and name it', () => {
    const made = facts({ leftOpen: { calls: 0, ports: 4, dialogs: 1 } });
    expect(failed(made)).toEqual(['nothing left open in the gateway']);
    expect(checkRecordedCall(made).at(-1)?.detail).toBe('4 ports, 1 dialogs');
  });
});

describe('coverage', () => {
  test('counts from the first sound on', () => {
    expect(coverage(sound(440, 500), 440, 620, TALK_MS)).toBe(1);
  });

  test('forgives no later first sound than one second', () => {
    // 10 of the 20 windows that are due after the first second.
    expect(coverage(sound(440, 2000), 440, 620, TALK_MS)).toBeCloseTo(0.5, 1);
  });

  test('is 0 for silence and for a talk that is too short to tell', () => {
    expect(coverage(new Int16Array(24_000), 440, 620, TALK_MS)).toBe(0);
    expect(coverage(sound(440), 440, 620, 50)).toBe(0);
  });

  test('never exceeds 1', () => {
    expect(coverage(sound(440), 440, null, 1000)).toBe(1);
  });

  test('counts a tone that is not the only one only when nobody else is asked for', () => {
    const both = mixed(sound(440), sound(620));
    expect(coverage(both, 440, 620, TALK_MS)).toBe(0);
    expect(coverage(both, 440, null, TALK_MS)).toBe(1);
  });
});
